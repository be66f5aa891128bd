// Events made by hand, as the kernel tells them (measured on Linux 6.18), and what is told of them.
#include "engine/trace_story.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace tcpdx::engine {
namespace {

using namespace std::chrono_literals;
using tcp::State;

constexpr uint64_t kNetns = 4026531840;

host::KernelEvent change(Nanoseconds at, uint64_t cookie, State from, State to) {
  host::KernelEvent event;
  event.at = at;
  event.cookie = cookie;
  event.from = from;
  event.to = to;
  event.netns = kNetns;
  event.local = {ipv4(192, 0, 2, 1), 50001};
  event.remote = {ipv4(198, 51, 100, 7), 443};
  return event;
}

host::KernelEvent by(uint32_t pid, const char* comm, host::KernelEvent event) {
  event.pid = pid;
  event.comm = comm;
  return event;
}

class Story : public testing::Test {
 protected:
  // As the tracer does: all are learned before the first is told.
  void run(const std::vector<host::KernelEvent>& all) {
    for (const auto& event : all) story.learn(event);
    for (const auto& event : all) story.tell(event, "");
  }

  std::vector<std::string> steps() const {
    std::vector<std::string> texts;
    for (const TraceEvent& event : events) {
      texts.push_back(fmt::format("{} {}>{}{}", to_string(event.kind), tcp::to_string(event.from),
                                  tcp::to_string(event.to), event.joined ? " joined" : ""));
    }
    return texts;
  }

  std::vector<TraceEvent> events;
  std::vector<TraceLife> lives;
  TraceStory story{WallTime{},
                   {[this](TraceEvent&& event) { events.push_back(std::move(event)); },
                    [this](TraceLife&& life) { lives.push_back(std::move(life)); }}};
};

TEST_F(Story, an_active_open_has_its_program_its_port_and_its_latency) {
  auto opens = by(321, "curl", change(1ms, 7, State::closed, State::syn_sent));
  opens.local.port = 0;  // not chosen yet
  run({opens, change(23ms, 7, State::syn_sent, State::established)});
  ASSERT_EQ(steps(),
            (std::vector<std::string>{"state CLOSED>SYN-SENT", "state SYN-SENT>ESTABLISHED",
                                      "connect SYN-SENT>SYN-SENT"}));
  EXPECT_EQ(events[0].who.local.port, 50001);
  EXPECT_EQ(events[2].duration, 22ms);
  for (const TraceEvent& event : events) EXPECT_EQ(event.who.owner->pid, 321U);
}

TEST_F(Story, the_second_life_of_a_socket_has_its_own_port) {
  auto first = by(321, "curl", change(1ms, 7, State::closed, State::syn_sent));
  first.local.port = 0;
  auto again = first;
  again.at = 9ms;
  run({first, change(2ms, 7, State::syn_sent, State::closed)});
  events.clear();
  auto connected = change(10ms, 7, State::syn_sent, State::established);
  connected.local.port = 50002;
  run({again, connected});
  EXPECT_EQ(events[0].who.local.port, 50002);
}

TEST_F(Story, an_accepted_socket_belongs_to_its_first_user_even_before_he_shows_himself) {
  host::KernelEvent user;
  user.cookie = 8;
  user.only_user = true;
  auto listens = by(1, "master", change(0ms, 5, State::closed, State::listen));
  listens.local = {ipv4(0, 0, 0, 0), 50001};
  run({listens, change(1ms, 8, State::listen, State::syn_received),
       change(1ms, 8, State::syn_received, State::established), by(2, "worker", user)});
  EXPECT_EQ(events[1].who.owner->comm, "worker");
  EXPECT_FALSE(events[1].who.owner_listens);
}

TEST_F(Story, before_that_it_is_its_listeners) {
  auto listens = by(1, "httpd", change(0ms, 5, State::closed, State::listen));
  listens.local = {ipv4(0, 0, 0, 0), 50001};
  run({listens, change(1ms, 8, State::listen, State::syn_received)});
  EXPECT_EQ(events[1].who.owner->comm, "httpd");
  EXPECT_TRUE(events[1].who.owner_listens);
  auto closes = change(2ms, 5, State::listen, State::closed);
  closes.local = listens.local;
  run({closes, change(3ms, 9, State::listen, State::syn_received)});
  EXPECT_FALSE(events.back().who.owner);
}

TEST_F(Story, of_several_that_may_accept_none_is_guessed) {
  Observation seen;
  seen.namespaces.push_back({kNetns, "", true, {}});
  Process process;
  process.pid = 1;
  process.comm = "worker";
  seen.processes.assign(2, process);
  Look look;
  look.owners = {{77, 0, 3}, {77, 1, 3}};
  Socket listener;
  listener.local = {ipv4(0, 0, 0, 0), 50001};
  listener.cookie = 5;
  listener.inode = 77;
  listener.state = State::listen;
  listener.first_owner = 0;
  listener.owner_count = 2;
  look.sockets.push_back(listener);
  story.seed(seen, look, 0ms);
  run({change(1ms, 8, State::listen, State::syn_received)});
  EXPECT_FALSE(events[0].who.owner);
}

TEST_F(Story, a_socket_older_than_the_trace_has_its_program) {
  Observation seen;
  seen.namespaces.push_back({kNetns, "", true, {}});
  Process process;
  process.pid = 11;
  process.comm = "sshd";
  seen.processes.push_back(process);
  Look look;
  look.owners = {{77, 0, 3}};
  Socket old;
  old.cookie = 9;
  old.inode = 77;
  old.state = State::established;
  old.first_owner = 0;
  old.owner_count = 1;
  look.sockets.push_back(old);
  story.seed(seen, look, 5ms);
  run({change(6ms, 9, State::established, State::close_wait)});
  EXPECT_EQ(events[0].who.owner->comm, "sshd");
  EXPECT_EQ(steps(), std::vector<std::string>{"state ESTABLISHED>CLOSE-WAIT"});
}

TEST_F(Story, a_lost_step_is_joined_and_a_look_that_came_later_is_no_loss) {
  run({change(1ms, 7, State::syn_sent, State::established),
       change(3ms, 7, State::close_wait, State::last_ack)});
  EXPECT_EQ(steps().at(2), "state ESTABLISHED>CLOSE-WAIT joined");
  EXPECT_EQ(steps().at(3), "state CLOSE-WAIT>LAST-ACK");
  events.clear();
  Observation seen;
  seen.namespaces.push_back({kNetns, "", true, {}});
  Look look;
  Socket socket;
  socket.cookie = 8;
  socket.state = State::last_ack;
  look.sockets.push_back(socket);
  story.seed(seen, look, 9ms);
  run({change(8ms, 8, State::established, State::close_wait)});  // read after the look
  EXPECT_EQ(steps(), std::vector<std::string>{"state ESTABLISHED>CLOSE-WAIT"});
}

TEST_F(Story, a_life_tells_who_closed_and_how_long_it_was) {
  const auto end = [](host::KernelEvent event) {
    event.life = host::Life{.bytes_sent = 100, .bytes_received = 200, .rtt = 300us};
    return event;
  };
  run({change(1ms, 7, State::closed, State::syn_sent),
       change(2ms, 7, State::syn_sent, State::established),
       change(3ms, 7, State::established, State::fin_wait_1),
       change(4ms, 7, State::fin_wait_1, State::fin_wait_2),
       end(change(5ms, 7, State::fin_wait_2, State::closed))});
  ASSERT_EQ(lives.size(), 1U);
  EXPECT_EQ(lives[0].duration, 4ms);
  EXPECT_EQ(lives[0].closed_by, ClosedBy::local);
  EXPECT_EQ(lives[0].opened, Opened::active);
  EXPECT_EQ(lives[0].last, State::fin_wait_2);
  EXPECT_EQ(lives[0].bytes_received, 200U);

  auto reset = end(change(9ms, 8, State::established, State::closed));
  reset.error = ECONNRESET;
  run({reset, end(change(9ms, 9, State::established, State::closed)),
       end(change(9ms, 10, State::listen, State::closed))});
  ASSERT_EQ(lives.size(), 3U);  // a listener has no life
  EXPECT_EQ(lives[1].closed_by, ClosedBy::remote_reset);
  EXPECT_FALSE(lives[1].duration);
  EXPECT_EQ(lives[2].closed_by, ClosedBy::local_reset);
}

TEST_F(Story, forgets_what_ended_but_not_what_was_opened_again) {
  run({change(1ms, 7, State::syn_sent, State::closed),
       change(1ms, 8, State::syn_sent, State::closed),
       change(2ms, 8, State::closed, State::syn_sent)});
  story.forget(1s);
  EXPECT_FALSE(story.knows(7));
  EXPECT_TRUE(story.knows(8));
}

}  // namespace
}  // namespace tcpdx::engine
