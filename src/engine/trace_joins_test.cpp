#include "engine/trace_joins.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace tcpdx::engine {
namespace {

using namespace std::chrono_literals;
using tcp::State;

host::KernelEvent change(Nanoseconds at, uint64_t cookie, State from, State to) {
  host::KernelEvent event;
  event.at = at;
  event.cookie = cookie;
  event.from = from;
  event.to = to;
  event.netns = 1;
  event.local = {ipv4(192, 0, 2, 1), 50001};
  event.remote = {ipv4(198, 51, 100, 7), 443};
  return event;
}

class Joined : public testing::Test {
 protected:
  std::vector<std::string> told;
  TellJoined tell = [this](TraceEvent&& event, Nanoseconds) {
    told.push_back(fmt::format("{} {}>{}{}", event.who.cookie, tcp::to_string(event.from),
                               tcp::to_string(event.to),
                               event.kind == EventKind::state ? "" : to_string(event.kind)));
  };
  std::vector<std::string> take() { return std::exchange(told, {}); }
};
using Told = std::vector<std::string>;

TEST_F(Joined, a_fin_that_came_leaves_an_entry_in_time_wait_for_a_minute) {
  TimeWaits waits(tell);
  auto end = change(1s, 7, State::fin_wait_2, State::closed);
  end.fin_received = true;
  waits.see(end);
  EXPECT_EQ(take(), Told{"7 FIN-WAIT-2>TIME-WAIT"});
  const auto gone = [](const host::SocketName&) { return std::optional(State::closed); };
  waits.look(60s, gone);
  EXPECT_EQ(take(), Told{});
  waits.look(61s, gone);
  EXPECT_EQ(take(), Told{"7 TIME-WAIT>CLOSED"});
}

TEST_F(Joined, an_entry_that_is_still_there_is_waited_for) {
  TimeWaits waits(tell);
  waits.see(change(0s, 7, State::closing, State::closed));
  EXPECT_EQ(take(), Told{"7 CLOSING>TIME-WAIT"});
  waits.look(60s, [](const host::SocketName&) { return std::optional(State::time_wait); });
  EXPECT_EQ(take(), Told{});
  waits.look(62s, [](const host::SocketName&) { return std::optional(State::closed); });
  EXPECT_EQ(take(), Told{"7 TIME-WAIT>CLOSED"});
}

TEST_F(Joined, an_orphan_waits_for_the_fin_of_its_peer) {
  TimeWaits waits(tell);
  waits.see(change(0s, 7, State::fin_wait_2, State::closed));
  State now = State::fin_wait_2;
  const auto ask = [&](const host::SocketName&) { return std::optional(now); };
  waits.look(1s, ask);
  EXPECT_EQ(take(), Told{});
  now = State::time_wait;
  waits.look(2s, ask);
  EXPECT_EQ(take(), Told{"7 FIN-WAIT-2>TIME-WAIT"});
  waits.look(61s, ask);
  EXPECT_EQ(take(), Told{});
}

TEST_F(Joined, a_peer_on_this_machine_shows_that_its_fin_was_taken) {
  TimeWaits waits(tell);
  waits.see(change(0s, 7, State::fin_wait_2, State::closed));
  auto peer = change(1s, 8, State::last_ack, State::closed);
  std::swap(peer.local, peer.remote);
  peer.netns = 2;
  waits.see(peer);
  EXPECT_EQ(take(), Told{"7 FIN-WAIT-2>TIME-WAIT"});
}

TEST_F(Joined, a_new_connection_of_the_same_addresses_ends_time_wait) {
  TimeWaits waits(tell);
  waits.see(change(0s, 7, State::closing, State::closed));
  take();
  waits.see(change(2s, 9, State::syn_sent, State::established));
  EXPECT_EQ(take(), Told{"7 TIME-WAIT>CLOSED"});
}

TEST_F(Joined, a_reset_or_an_error_leaves_no_entry) {
  TimeWaits waits(tell);
  auto reset = change(0s, 7, State::fin_wait_2, State::closed);
  reset.error = ECONNRESET;
  waits.see(reset);
  waits.see(change(0s, 8, State::last_ack, State::closed));
  waits.look(99s, [](const host::SocketName&) { return std::optional(State::time_wait); });
  EXPECT_EQ(take(), Told{});
}

TEST_F(Joined, a_handshake_that_lasts_is_told_in_its_second_look_and_at_its_end) {
  HalfOpens half(tell);
  const host::SocketName name{1, {ipv4(192, 0, 2, 1), 80}, {ipv4(198, 51, 100, 7), 50001}, 5};
  half.look({name}, 1s);
  EXPECT_EQ(take(), Told{});
  half.look({name}, 2s);
  EXPECT_EQ(take(), Told{"5 LISTEN>SYN-RECEIVED"});
  half.look({name}, 3s);
  half.look({}, 4s);
  EXPECT_EQ(take(), Told{"5 SYN-RECEIVED>CLOSED"});
}

TEST_F(Joined, a_handshake_that_is_completed_is_not_joined) {
  HalfOpens half(tell);
  const host::SocketName name{1, {ipv4(192, 0, 2, 1), 80}, {ipv4(198, 51, 100, 7), 50001}, 5};
  half.look({name}, 1s);
  half.see(change(1s, 5, State::listen, State::syn_received));
  half.look({}, 2s);
  EXPECT_EQ(take(), Told{});
}

TEST_F(Joined, a_syn_ack_that_goes_again_tells_of_a_handshake) {
  HalfOpens half(tell);
  auto again = change(1s, 5, State::syn_received, State::syn_received);
  again.kind = EventKind::retransmit;
  again.retransmit = RetransmitKind::syn_ack;
  half.see(again);
  half.see(again);
  EXPECT_EQ(take(), Told{"5 LISTEN>SYN-RECEIVED"});
}

host::DiagMessage persisting(TimerKind timer) {
  host::DiagMessage message;
  message.socket.cookie = 5;
  message.socket.state = State::established;
  message.socket.timer.kind = timer;
  return message;
}

TEST_F(Joined, a_closed_window_is_told_once_and_again_when_it_closes_again) {
  ZeroWindows windows(tell);
  const auto round = [&](TimerKind timer) {
    windows.begin();
    windows.see(1, persisting(timer), 1s);
    windows.end();
  };
  round(TimerKind::persist);
  round(TimerKind::persist);
  EXPECT_EQ(take(), Told{"5 ESTABLISHED>ESTABLISHEDzero-window"});
  round(TimerKind::none);
  EXPECT_TRUE(windows.none());
  round(TimerKind::persist);
  EXPECT_EQ(take().size(), 1U);
  round(TimerKind::retransmit);
  EXPECT_EQ(take(), Told{});
}

Sample sample(uint32_t drops, uint64_t overflows) {
  Sample made;
  made.listeners.push_back({0, {ipv4(0, 0, 0, 0), 80}, 5, 2, 1, drops});
  made.counters.emplace_back();
  made.counters[0].set("TcpExt.ListenOverflows", overflows);
  made.counters[0].sort();
  return made;
}

TEST(accept_drops, are_those_of_the_listener_whose_drops_rose_with_the_counter) {
  Observation seen;
  seen.namespaces.push_back({77, "", true, {}});
  const auto found = accept_drops(seen, sample(3, 10), sample(5, 12));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].count, 2U);
  EXPECT_EQ(found[0].who.netns, 77U);
  EXPECT_TRUE(
      accept_drops(seen, sample(3, 10), sample(5, 10)).empty());  // dropped for another cause
  EXPECT_TRUE(accept_drops(seen, sample(5, 10), sample(5, 12)).empty());  // another listener's
}

}  // namespace
}  // namespace tcpdx::engine
