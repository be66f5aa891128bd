// Loss recovery of a whole endpoint, against a peer played by hand: which segment goes again, when,
// and what becomes of the windows (RFC 6298, 5681, 6582, 6675, 8985; RFC 9293 3.8).
#include <gtest/gtest.h>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

constexpr uint32_t kMss = 1000;
const wire::TcpOptions kSackPeer{.mss = kMss, .sack_permitted = true};
const wire::TcpOptions kPlainPeer{.mss = kMss};

Settings ten_segments() {
  Settings s;
  s.congestion = CongestionLaw::new_reno;
  return s;
}

// An open connection with a round-trip time of 100 ms, measured by the handshake.
ConnectionId open(Rig& rig, const wire::TcpOptions& peer) {
  const ConnectionId id = rig.start_connect();
  rig.run_for(100ms);
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1, .options = peer});
  rig.forget();
  return id;
}

void sack(Rig& rig, Seq ack, std::initializer_list<std::pair<uint32_t, uint32_t>> blocks) {
  Segment s{.flags = kAck, .seq = rig.peer_nxt, .ack = ack, .window = rig.peer_window};
  for (const auto& [left, right] : blocks) {
    s.options.sack_blocks[s.options.sack_count++] = {rig.iss + 1 + left * kMss,
                                                     rig.iss + 1 + right * kMss};
  }
  rig.arrive(s);
}

// Numbers of the segments sent since the last look: 0 is the connection's first.
std::vector<uint32_t> sent_numbers(Rig& rig) {
  std::vector<uint32_t> numbers;
  for (const Segment& s : rig.take()) numbers.push_back(octets(rig.iss + 1, s.seq) / kMss);
  return numbers;
}

using Numbers = std::vector<uint32_t>;

TEST(recovery, three_duplicate_acks_send_the_first_segment_again) {
  Rig rig(ten_segments());
  const ConnectionId id = open(rig, kPlainPeer);
  rig.user_send(id, pattern(20 * kMss));
  EXPECT_EQ(sent_numbers(rig), (Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));  // RFC 6928: ten
  const Seq first = rig.iss + 1;
  rig.run_for(100ms);
  rig.peer_ack(first);
  EXPECT_EQ(sent_numbers(rig), Numbers{10});  // RFC 3042, limited transmit
  rig.peer_ack(first);
  EXPECT_EQ(sent_numbers(rig), Numbers{11});
  rig.peer_ack(first);
  EXPECT_EQ(sent_numbers(rig), Numbers{0});  // RFC 5681 3.2, step 3
  EXPECT_TRUE(rig.status(id).in_recovery);
  EXPECT_EQ(rig.status(id).ssthresh, 6 * kMss);  // half of the twelve in flight
  // RFC 6582 3.2, step 5: the partial acknowledgment points at the next loss.
  rig.run_for(100ms);
  rig.peer_ack(first + 4 * kMss);
  EXPECT_EQ(sent_numbers(rig).front(), 4U);
  EXPECT_TRUE(rig.status(id).in_recovery);
  rig.run_for(100ms);
  rig.peer_ack(first + 12 * kMss);
  EXPECT_FALSE(rig.status(id).in_recovery);
  EXPECT_LE(rig.status(id).cwnd, 6 * kMss);
}

TEST(recovery, two_duplicate_acks_are_reordering) {
  Rig rig(ten_segments());
  const ConnectionId id = open(rig, kPlainPeer);
  rig.user_send(id, pattern(5 * kMss));
  rig.forget();
  rig.peer_ack(rig.iss + 1);
  rig.peer_ack(rig.iss + 1);
  EXPECT_TRUE(rig.take().empty());
  EXPECT_FALSE(rig.status(id).in_recovery);
}

TEST(recovery, sack_sends_only_what_is_missing) {
  Rig rig(ten_segments());
  const ConnectionId id = open(rig, kSackPeer);
  rig.user_send(id, pattern(10 * kMss));
  rig.forget();
  rig.run_for(100ms);
  // 0, 3 and 4 are lost.
  sack(rig, rig.iss + 1, {{1, 2}});
  sack(rig, rig.iss + 1, {{1, 3}});
  EXPECT_TRUE(sent_numbers(rig).empty());
  sack(rig, rig.iss + 1, {{5, 6}, {1, 3}});
  EXPECT_EQ(sent_numbers(rig), Numbers{0});  // three segments SACKed above it: RFC 6675 4
  sack(rig, rig.iss + 1, {{5, 7}, {1, 3}});
  sack(rig, rig.iss + 1, {{5, 8}, {1, 3}});
  EXPECT_EQ(sent_numbers(rig), (Numbers{3, 4}));  // each as soon as three lie above and pipe allows
  rig.run_for(100ms);
  sack(rig, rig.iss + 1 + 10 * kMss, {});
  EXPECT_FALSE(rig.status(id).in_recovery);
  EXPECT_EQ(rig.status(id).retransmitted_segments, 3U);
}

TEST(recovery, the_timeout_doubles_and_sends_one_segment) {
  Settings settings = ten_segments();
  settings.tail_loss_probe = false;
  Rig rig(settings);
  const ConnectionId id = open(rig, kSackPeer);
  rig.user_send(id, pattern(4 * kMss));
  rig.forget();
  // One sample of 100 ms: SRTT 100, RTTVAR 50, RTO 300 ms (RFC 6298 2.2).
  std::vector<Duration> waits;
  for (int i = 0; i < 4; ++i) {
    const auto waited = rig.run_until_sent(60s);
    ASSERT_TRUE(waited);
    waits.push_back(*waited);
    EXPECT_EQ(sent_numbers(rig), Numbers{0});  // RFC 6298 5.4: the earliest
    EXPECT_EQ(rig.status(id).cwnd, kMss);      // RFC 5681 3.1: the loss window
  }
  EXPECT_EQ(waits, (std::vector<Duration>{300ms, 600ms, 1200ms, 2400ms}));
  EXPECT_EQ(rig.status(id).ssthresh, 2 * kMss);  // equation 4, from the first timeout only
  EXPECT_EQ(rig.status(id).retransmissions, 4U);
  EXPECT_EQ(rig.times_told(Notice::retransmitting), 1U);  // R1 = 3
  // Slow start from there.
  rig.peer_ack(rig.iss + 1 + kMss);
  EXPECT_EQ(sent_numbers(rig), (Numbers{1, 2}));
}

TEST(recovery, karn_keeps_the_doubled_timeout_until_something_new_is_measured) {
  Settings settings = ten_segments();
  settings.tail_loss_probe = false;
  settings.timestamps = false;
  Rig rig(settings);
  const ConnectionId id = open(rig, kSackPeer);
  rig.user_send(id, pattern(kMss));
  rig.forget();
  EXPECT_EQ(rig.run_until_sent(60s), 300ms);
  rig.forget();
  rig.run_for(10ms);
  rig.peer_ack_all();  // of which sending? nobody knows
  EXPECT_EQ(rig.status(id).srtt, 100ms);
  EXPECT_EQ(rig.status(id).rto, 600ms);
  rig.user_send(id, pattern(kMss));
  rig.forget();
  rig.run_for(100ms);
  rig.peer_ack_all();
  EXPECT_LT(rig.status(id).rto, 300ms);
}

// RFC 8985 7: 2 * SRTT after the last segment it goes again, and nothing is taken for lost.
TEST(recovery, a_probe_finds_the_loss_of_a_tail) {
  Rig rig(ten_segments());
  const ConnectionId id = open(rig, kSackPeer);
  rig.user_send(id, pattern(4 * kMss));
  rig.forget();
  EXPECT_EQ(rig.run_until_sent(60s), 200ms);
  EXPECT_EQ(sent_numbers(rig), Numbers{3});
  EXPECT_EQ(rig.status(id).cwnd, 10 * kMss);
  rig.run_for(100ms);
  // Only 0 had arrived before: the probe's SACK shows what lies before it.
  sack(rig, rig.iss + 1 + kMss, {{3, 4}});
  rig.run_for(60ms);
  EXPECT_EQ(sent_numbers(rig), (Numbers{1, 2}));  // RACK: sent long before what arrived
  EXPECT_TRUE(rig.status(id).in_recovery);
}

TEST(recovery, reordering_within_a_quarter_of_the_round_trip_is_no_loss) {
  Rig rig(ten_segments());
  const ConnectionId id = open(rig, kSackPeer);
  rig.user_send(id, pattern(3 * kMss));
  rig.forget();
  rig.run_for(100ms);
  sack(rig, rig.iss + 1, {{1, 2}});  // overtook number 0
  rig.run_for(10ms);
  rig.peer_ack(rig.iss + 1 + 3 * kMss);
  rig.run_for(1s);
  EXPECT_TRUE(rig.take().empty());
  EXPECT_EQ(rig.status(id).retransmitted_segments, 0U);
  EXPECT_FALSE(rig.status(id).in_recovery);
}

TEST(recovery, gives_up_after_r2) {
  Settings settings;
  settings.r2 = 4;
  Rig rig(settings);
  const ConnectionId id = open(rig, kSackPeer);
  rig.user_send(id, "x");
  rig.run_for(1h);
  EXPECT_EQ(rig.state(id), State::closed);
  EXPECT_TRUE(rig.told(Notice::timed_out));
  EXPECT_FALSE(rig.endpoint.send(rig.now, id, octets_of("y")));
}

TEST(recovery, a_closed_window_is_probed_with_back_off_and_never_given_up_while_it_answers) {
  Rig rig;
  rig.peer_window = 0;
  const ConnectionId id = open(rig, kPlainPeer);
  rig.peer_ack_all();
  rig.forget();
  rig.user_send(id, pattern(3 * kMss));
  std::vector<Duration> waits;
  for (int i = 0; i < 30; ++i) {
    const auto waited = rig.run_until_sent(300s);
    ASSERT_TRUE(waited);
    waits.push_back(*waited);
    const Segment probe = rig.one();
    EXPECT_TRUE(probe.text.empty());  // Linux's form: nothing, one before SND.UNA
    EXPECT_EQ(probe.seq, rig.iss + 1 - 1);
    rig.peer_ack_all();  // window still 0
  }
  EXPECT_EQ(waits[0], 300ms);
  EXPECT_EQ(waits[1], 600ms);
  EXPECT_EQ(waits.back(), 120s);  // TCP_RTO_MAX
  rig.peer_window = 65535;
  rig.peer_ack_all();
  EXPECT_EQ(sent_numbers(rig), (Numbers{0, 1, 2}));
}

TEST(recovery, a_fin_waits_for_the_window_too) {
  Rig rig;
  rig.peer_window = 0;
  const ConnectionId id = open(rig, kPlainPeer);
  rig.peer_ack_all();
  rig.forget();
  rig.user_close(id);
  ASSERT_TRUE(rig.run_until_sent(60s));
  EXPECT_FALSE(rig.one().flags.fin);
  rig.peer_ack_all();  // the probe is answered: still closed
  ASSERT_TRUE(rig.run_until_sent(60s));
  rig.forget();
  rig.peer_window = 65535;
  rig.peer_ack_all();
  EXPECT_TRUE(rig.one().flags.fin);
}

TEST(recovery, the_rfc_probes_with_an_octet) {
  Settings settings = Settings::rfc9293();
  Rig rig(settings);
  rig.peer_window = 0;
  const ConnectionId id = open(rig, kPlainPeer);
  rig.peer_ack_all();
  rig.forget();
  rig.user_send(id, "abc");
  EXPECT_EQ(rig.run_until_sent(60s), 1s);
  const Segment probe = rig.one();
  EXPECT_EQ(probe.text, "a");
  EXPECT_EQ(probe.seq, rig.iss + 1);
  rig.peer_ack(rig.iss + 1);  // refused, window 0: it comes again
  ASSERT_TRUE(rig.run_until_sent(60s));
  EXPECT_EQ(rig.one().text, "a");
  rig.peer_window = 1000;
  rig.peer_ack(rig.iss + 2);
  EXPECT_EQ(rig.one().text, "bc");
}

// PAWS (RFC 7323 5.3): an old duplicate of another lap of the sequence space.
TEST(recovery, old_timestamps_are_refused) {
  Rig rig;
  const ConnectionId id =
      rig.open_active({}, {.mss = kMss, .timestamps = wire::Timestamps{5000, 1}});
  rig.arrive({.flags = kAck,
              .seq = kIrs + 1,
              .ack = rig.iss + 1,
              .text = "old",
              .options = {.timestamps = wire::Timestamps{4999, 1}}});
  EXPECT_EQ(rig.one().ack, kIrs + 1);
  EXPECT_EQ(rig.readiness(id).readable, 0U);
  rig.arrive({.flags = kAck,
              .seq = kIrs + 1,
              .ack = rig.iss + 1,
              .text = "new",
              .options = {.timestamps = wire::Timestamps{5001, 1}}});
  EXPECT_EQ(rig.readiness(id).readable, 3U);
}

// RFC 1191: what was too large for the path goes again in smaller pieces, at once.
TEST(recovery, a_narrower_path_repeats_in_smaller_pieces) {
  Rig rig;
  const ConnectionId id = open(rig, {.mss = 1460, .sack_permitted = true});
  const std::string text = pattern(3 * 1460);
  rig.user_send(id, text);
  rig.forget();
  const uint32_t cwnd = rig.status(id).cwnd;
  rig.endpoint.arrive(rig.now, IcmpError{.kind = IcmpKind::too_big,
                                         .local = kHere,
                                         .remote = kThere,
                                         .seq = rig.iss + 1,
                                         .mtu = 1000});
  std::string again;
  for (const Segment& s : rig.take()) {
    EXPECT_LE(s.text.size(), 960U);
    EXPECT_EQ(s.seq, rig.iss + 1 + static_cast<uint32_t>(again.size()));
    again += s.text;
  }
  EXPECT_TRUE(again == text) << again.size();
  EXPECT_EQ(rig.status(id).cwnd, cwnd);
  EXPECT_EQ(rig.status(id).mss, 960U);
}

TEST(recovery, icmp_about_something_else_changes_nothing) {
  Rig rig;
  const ConnectionId id = open(rig, {.mss = 1460});
  rig.user_send(id, "x");
  rig.endpoint.arrive(rig.now, IcmpError{.kind = IcmpKind::too_big,
                                         .local = kHere,
                                         .remote = kThere,
                                         .seq = rig.iss + 50000,
                                         .mtu = 600});
  EXPECT_EQ(rig.status(id).mss, 1460U);
}

}  // namespace
}  // namespace tcpdx::tcp
