// Each scenario ends and passes where RFC 9293, or Linux where the RFC leaves a choice, says.
#include "sim/scenario.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tcp/transition.hpp"

namespace tcpdx::sim {
namespace {

using enum tcp::State;
using Way = std::vector<tcp::State>;

// The states that both ends of the first conversation go through, and where that is written.
struct Wanted {
  std::string_view scenario;
  Way client;
  Way server;
  std::string_view source;
};

const Way kOpening{syn_sent, established};
const Way kAccepting{syn_received, established};
const Way kActiveClose{syn_sent, established, fin_wait_1, fin_wait_2, time_wait, closed};
const Way kPassiveClose{syn_received, established, close_wait, last_ack, closed};

const Wanted kWanted[] = {
    {"handshake", kOpening, kAccepting, "Figure 6"},
    {"close", kActiveClose, kPassiveClose, "Figure 12"},
    {"half-close", kActiveClose, kPassiveClose, "3.6.1 and Figure 12"},
    {"simultaneous-open",
     {syn_sent, syn_received, established},
     {syn_sent, syn_received, established},
     "Figure 7"},
    {"simultaneous-close",
     {syn_sent, established, fin_wait_1, closing, time_wait, closed},
     {syn_received, established, fin_wait_1, closing, time_wait, closed},
     "Figure 13"},
    {"syn-lost", kOpening, kAccepting, "Figure 6, 3.8.1"},
    {"synack-lost", kOpening, kAccepting, "Figure 6, 3.8.1"},
    {"ack-lost", kOpening, kAccepting, "Figure 6, 3.8.1"},
    {"fin-lost", kActiveClose, kPassiveClose, "Figure 12, 3.8.1"},
    {"last-ack-lost", kActiveClose, kPassiveClose, "Figure 12; 3.10.7.4, eighth: TIME-WAIT"},
    {"refused", {syn_sent, closed}, {}, "3.10.7.1 and 3.10.7.3, second"},
    {"reset-mid-stream",
     {syn_sent, established, closed},
     {syn_received, established, closed},
     "3.10.5; 3.10.7.4, second"},
    {"reset-unread",
     {syn_sent, established, closed},
     {syn_received, established, closed},
     "3.6.1, SHLD-3"},
    {"old-duplicate-syn", kOpening, {syn_received, listen, syn_received, established}, "Figure 8"},
    {"half-open-crash",
     {syn_sent, established, syn_sent, established},
     {syn_received, established, closed, syn_received, established},
     "Figure 9"},
    {"time-wait-assassination", kActiveClose, kPassiveClose, "RFC 1337, section 1"},
    {"zero-window", kActiveClose, kPassiveClose, "3.8.6.1 and Figure 12"},
    {"keepalive-dead-peer", {syn_sent, established, closed}, kAccepting, "3.8.4"},
    {"retransmission", kOpening, kAccepting, "3.8.1"},
    {"reordering", kOpening, kAccepting, "3.10.7.4, seventh"},
    {"backlog-full", kOpening, kAccepting, "Figure 6"},
    {"accept-queue-full", kOpening, kAccepting, "Figure 6"},
    {"syn-flood", {}, {syn_received, closed}, "3.8.3"},
    {"syn-flood-cookies", {}, {syn_received, closed}, "3.8.3"},
    {"port-reuse",
     {syn_sent, established, close_wait, last_ack, closed, syn_sent, established},
     {syn_received, established, fin_wait_1, fin_wait_2, time_wait, syn_received, established},
     "Figure 12; 3.6.1, MAY-2"},
};

Way way_of(const Recording& recording, Side side) {
  Way way;
  for (const Move& move : recording.moves) {
    if (move.conversation == 0 && move.side == side) way.push_back(move.to);
  }
  return way;
}

std::string text(const Way& way) {
  std::string all;
  for (const tcp::State state : way) all += std::string(to_string(state)) + ' ';
  return all;
}

Recording run_by_name(std::string_view name, const RunOptions& options = {}) {
  return run(*find_scenario(name), options);
}

size_t count(const Recording& recording, Side from, auto&& wanted) {
  return static_cast<size_t>(std::ranges::count_if(
      recording.segments, [&](const Segment& one) { return one.from == from && wanted(one); }));
}

const Conversation* of_port(const Recording& recording, uint16_t port) {
  const auto found = std::ranges::find_if(recording.conversations, [&](const Conversation& one) {
    return one.client.addr == ipv4(10, 0, 0, 1) && one.client.port == port;
  });
  return found == recording.conversations.end() ? nullptr : &*found;
}

TEST(Scenario, EachGoesTheWayOfTheRfc) {
  for (const Wanted& wanted : kWanted) {
    const Recording recording = run_by_name(wanted.scenario);
    EXPECT_EQ(text(way_of(recording, Side::client)), text(wanted.client))
        << wanted.scenario << ": " << wanted.source;
    EXPECT_EQ(text(way_of(recording, Side::server)), text(wanted.server))
        << wanted.scenario << ": " << wanted.source;
  }
}

TEST(Scenario, EachHasItsWantedWay) {
  std::set<std::string_view> wanted;
  for (const Wanted& one : kWanted) wanted.insert(one.scenario);
  for (const Scenario& one : scenarios()) {
    EXPECT_TRUE(wanted.contains(one.name)) << one.name;
    EXPECT_TRUE(one.sentence.ends_with('.')) << one.name;
  }
  EXPECT_EQ(wanted.size(), scenarios().size());
}

TEST(Scenario, EveryMoveIsARowOfTheTableWithLossesToo) {
  for (const Scenario& one : scenarios()) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      const Recording recording =
          run(one, {.loss = 0.05 * static_cast<double>(seed), .seed = seed});
      for (const Move& move : recording.moves) {
        const auto* row = tcp::transition(move.from, move.on);
        ASSERT_NE(row, nullptr) << one.name << " " << to_string(move.on);
        EXPECT_EQ(row->to, move.to) << one.name;
      }
    }
  }
}

std::string capture_of(const Recording& recording, Vantage vantage) {
  std::ostringstream out;
  write_capture(out, recording, vantage);
  return out.str();
}

TEST(Scenario, EqualSeedsGiveEqualRunsAndOthersDiffer) {
  const auto capture = [](uint64_t seed) {
    return capture_of(run_by_name("zero-window", {.loss = 0.2, .seed = seed}),
                      Vantage::before_loss);
  };
  EXPECT_EQ(capture(5), capture(5));
  EXPECT_NE(capture(5), capture(6));
}

TEST(Scenario, TheTrueStatesOverTimeAreThoseOfTheFigure) {
  const Recording recording = run_by_name("close");  // one way takes 10 ms
  EXPECT_EQ(states_at(recording, 0, 5ms), (States{syn_sent, listen}));
  EXPECT_EQ(states_at(recording, 0, 15ms), (States{syn_sent, syn_received}));
  EXPECT_EQ(states_at(recording, 0, 1s), (States{time_wait, closed}));
  EXPECT_EQ(states_at(recording, 0, 100s), (States{closed, closed}));
}

TEST(Scenario, AVantageSeesWhatPassesThere) {
  // 24 octets before the first packet and 16 before each (draft-ietf-opsawg-pcap).
  const auto packets = [](std::string_view name, Vantage vantage) {
    const Recording recording = run_by_name(name);
    const std::string file = capture_of(recording, vantage);
    size_t count = 0;
    for (size_t at = 24; at < file.size(); ++count) {
      const auto octet = [&](size_t i) { return size_t{static_cast<uint8_t>(file[at + 8 + i])}; };
      at += 16 + octet(0) + 256 * octet(1);
    }
    return count;
  };
  // The SYN is sent twice, one of them is lost; SYN,ACK and ACK follow.
  EXPECT_EQ(packets("syn-lost", Vantage::client), 4U);
  EXPECT_EQ(packets("syn-lost", Vantage::before_loss), 4U);
  EXPECT_EQ(packets("syn-lost", Vantage::after_loss), 3U);
  EXPECT_EQ(packets("syn-lost", Vantage::server), 3U);
}

TEST(Scenario, TheWaitsAreThoseOfLinux) {
  const auto when = [](std::string_view name, tcp::Event on) -> std::optional<Time> {
    for (const Move& move : run_by_name(name).moves) {
      if (move.on == on) return move.at;
    }
    return std::nullopt;
  };
  // The last ACK of the handshake arrives at 20 ms; net.ipv4.tcp_keepalive_time, _intvl, _probes.
  EXPECT_EQ(when("keepalive-dead-peer", tcp::Event::keep_alive_give_up), 20ms + 7200s + 9 * 75s);
  // TCP_TIMEWAIT_LEN after the FIN of 30 ms arrived.
  EXPECT_EQ(when("close", tcp::Event::time_wait_timeout), 40ms + 60s);
}

TEST(Scenario, DataIsSentTwiceOnlyWhereItWasLost) {
  const auto data = [](const Recording& recording) {
    return count(recording, Side::client, [](const Segment& one) { return one.length != 0; });
  };
  EXPECT_EQ(data(run_by_name("retransmission")), 6U);  // five and one of them again
  EXPECT_EQ(data(run_by_name("reordering")), 3U);
}

TEST(Scenario, AnOldSegmentEndsTimeWaitEarly) {
  // RFC 1337: TIME-WAIT ends by RST long before 2 MSL.
  const Recording recording = run_by_name("time-wait-assassination");
  EXPECT_EQ(recording.moves.back().on, tcp::Event::rst);
  EXPECT_LT(recording.moves.back().at, 1s);
}

TEST(Scenario, AClosedWindowIsProbed) {
  const Recording recording = run_by_name("zero-window");
  EXPECT_GT(
      count(recording, Side::server, [](const Segment& one) { return one.header.window == 0; }),
      1U);
}

TEST(Scenario, FullQueuesTurnTheClientAwayUntilThereIsRoom) {
  // listen(2): a backlog of 1 lets two wait (sk_acceptq_is_full asks for more than the limit).
  const Recording full = run_by_name("backlog-full");
  EXPECT_EQ(of_port(full, 40002)->now, (States{established, established}));
  EXPECT_EQ(count(full, Side::client, [](const Segment& one) { return one.header.flags.syn; }), 4U);
  const Recording late = run_by_name("accept-queue-full");
  EXPECT_EQ(of_port(late, 40003)->now, (States{established, established}));
  EXPECT_EQ(states_at(late, 3, 400ms), (States{established, syn_received}));
}

TEST(Scenario, OnlyCookiesLetTheClientThroughAFlood) {
  EXPECT_EQ(of_port(run_by_name("syn-flood"), 40000)->now.client, closed);
  EXPECT_EQ(of_port(run_by_name("syn-flood-cookies"), 40000)->now,
            (States{established, established}));
}

}  // namespace
}  // namespace tcpdx::sim
