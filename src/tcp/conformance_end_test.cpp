// Requirements of RFC 9293 about closing, TIME-WAIT, retransmission, congestion control, failures,
// keep-alives and blind attacks. docs/rfc9293.md names the test of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

// --- Closing (3.5.3, 3.6)

TEST(ConformanceClose, Shld2ARstMayCarryText) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.arrive({.flags = kRst, .seq = rig.peer_nxt, .text = "the reason why"});
  EXPECT_EQ(rig.state(id), State::closed);
}

TEST(ConformanceClose, Must12TheUserIsToldWhetherItEndedInOrder) {
  Rig orderly;
  const ConnectionId id = orderly.open_active();
  orderly.peer_fin();
  EXPECT_TRUE(orderly.told(Notice::peer_closed));
  orderly.user_shutdown(id);
  orderly.peer_ack_all();
  EXPECT_TRUE(orderly.told(Notice::closed));
  EXPECT_FALSE(orderly.told(Notice::reset));

  Rig aborted;
  aborted.open_active();
  aborted.arrive({.flags = kRst, .seq = aborted.peer_nxt});
  EXPECT_TRUE(aborted.told(Notice::reset));
  EXPECT_FALSE(aborted.told(Notice::peer_closed));
  EXPECT_FALSE(aborted.told(Notice::closed));
}

TEST(ConformanceClose, May1Shld3CloseWithUnreadDataSendsRst) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.peer_text("nobody reads this");
  rig.forget();
  rig.user_close(id);
  EXPECT_TRUE(rig.one().flags.rst);
  EXPECT_EQ(rig.state(), State::closed);
}

TEST(ConformanceClose, May1Shld3DataAfterCloseIsAnsweredWithRst) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.user_close(id);
  EXPECT_EQ(rig.one().flags, kFinAck);
  rig.peer_text("too late");
  EXPECT_TRUE(rig.one().flags.rst);
  EXPECT_EQ(rig.state(), State::closed);
}

// The end that closes first, in TIME-WAIT; it was opened by a listener, and its program is gone.
void into_time_wait(Rig& rig, const wire::TcpOptions& peer = {}) {
  const ConnectionId id = rig.open_passive({}, peer);
  rig.user_close(id);
  Segment fin{.flags = kFinAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt};
  if (peer.timestamps) fin.options.timestamps = wire::Timestamps{peer.timestamps->value, 1};
  rig.arrive(fin);
  rig.peer_nxt += 1;
  EXPECT_EQ(rig.state(), State::time_wait);
  rig.forget();
}

TEST(ConformanceTimeWait, Must13ItLastsTwoMsl) {
  for (const Settings& settings : {Settings::rfc9293(), Settings::linux_defaults()}) {
    Rig rig(settings);
    into_time_wait(rig);
    rig.run_for(settings.time_wait - 1ms);
    EXPECT_EQ(rig.state(), State::time_wait);
    rig.run_for(2ms);
    EXPECT_EQ(rig.state(), State::closed);
  }
  EXPECT_EQ(Settings::rfc9293().time_wait, 4min);  // 3.4.2: MSL is 2 minutes
}

TEST(ConformanceTimeWait, May2ANewSynReopensWithALargerNumberAndAnOldOneReturns) {
  Rig rig;
  into_time_wait(rig);
  const Seq last = rig.snd_nxt;
  rig.arrive({.flags = kSyn, .seq = rig.peer_nxt + 1000});
  const Segment answer = rig.one();
  EXPECT_EQ(answer.flags, kSynAck);
  EXPECT_GT(answer.seq, last);
  EXPECT_EQ(rig.state(), State::syn_received);
  rig.arrive({.flags = kRst, .seq = rig.peer_nxt + 1001});  // the SYN was an old duplicate
  EXPECT_EQ(rig.state(), State::time_wait);
}

TEST(ConformanceTimeWait, Shld4ANewerTimestampReopensWhateverTheSequenceNumber) {  // RFC 6191 2
  wire::TcpOptions options;
  options.timestamps = wire::Timestamps{1000, 0};
  Rig rig;
  into_time_wait(rig, options);
  Segment syn{.flags = kSyn, .seq = rig.peer_nxt - 2000};
  syn.options.timestamps = wire::Timestamps{999, 0};
  rig.arrive(syn);
  EXPECT_EQ(rig.state(), State::time_wait);
  rig.run_for(2s);
  rig.forget();
  syn.options.timestamps = wire::Timestamps{2000, 0};
  rig.arrive(syn);
  EXPECT_EQ(rig.state(), State::syn_received);
  EXPECT_EQ(rig.one().flags, kSynAck);
}

// --- Retransmission (3.8.1) and congestion control (3.8.2)

Settings plain_rto() {
  Settings settings = Settings::rfc9293();
  settings.tail_loss_probe = false;
  settings.timestamps = false;
  return settings;
}

// RFC 6298 2: after a first sample of R the timeout is R + 4 * R/2 = 3 R.
TEST(ConformanceRto, Must18IsComputedAsRfc6298Says) {
  Rig rig(plain_rto());
  const ConnectionId id = rig.start_connect();
  EXPECT_EQ(rig.status(id).rto, 1s);
  rig.now += 600ms;
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1});
  EXPECT_EQ(rig.status(id).srtt, Duration(600ms));
  EXPECT_EQ(rig.status(id).rto, 1800ms);
  rig.forget();
  rig.user_send(id, "x");
  rig.forget();
  EXPECT_EQ(rig.run_until_sent(10s), Duration(1800ms));
}

TEST(ConformanceRto, Must18KarnTakesNoSampleOfWhatWasSentTwice) {
  Rig rig(plain_rto());
  const ConnectionId id = rig.open_active();
  rig.user_send(id, "x");
  rig.now += 500ms;
  rig.peer_ack_all();
  const std::optional<Duration> srtt = rig.status(id).srtt;
  ASSERT_TRUE(srtt);
  rig.user_send(id, "y");
  rig.forget();
  ASSERT_TRUE(rig.run_until_sent(100s));  // again
  rig.now += 10ms;
  rig.peer_ack_all();  // of which of the two?
  EXPECT_EQ(rig.status(id).srtt, srtt);
}

TEST(ConformanceRto, Must19TheTimeoutDoublesEachTime) {
  Rig rig(plain_rto());
  const ConnectionId id = rig.open_active();
  rig.user_send(id, "x");
  rig.forget();
  std::optional<Duration> last = rig.run_until_sent(100s);
  for (int i = 0; i < 4; ++i) {
    rig.forget();
    const std::optional<Duration> next = rig.run_until_sent(100s);
    ASSERT_TRUE(last && next);
    EXPECT_EQ(*next, 2 * *last);
    last = next;
  }
}

size_t flight(Rig& rig) {
  size_t octets = 0;
  for (const Segment& segment : rig.take()) octets += segment.text.size();
  return octets;
}

// Each segment of the flight is acknowledged by itself.
void acknowledge_each(Rig& rig, uint32_t mss, size_t octets) {
  const Seq end = rig.snd_nxt;
  const auto length = static_cast<uint32_t>(octets);
  for (uint32_t done = mss; done <= length; done += mss) rig.peer_ack(end - (length - done));
}

TEST(ConformanceCongestion, Must19SlowStartDoublesAndAvoidanceAddsOneSegment) {
  Rig rig(plain_rto());
  const ConnectionId id = rig.open_active({}, mss_option(1000));
  rig.user_send(id, pattern(120'000));
  const size_t first = flight(rig);
  EXPECT_LE(first, 4000U);  // RFC 5681 3.1: at most 4 segments of 1095 octets or less
  rig.now += 100ms;
  acknowledge_each(rig, 1000, first);
  const size_t second = flight(rig);
  EXPECT_EQ(second, 2 * first);
  // A timeout: one segment, and half of the flight as the threshold.
  ASSERT_TRUE(rig.run_until_sent(100s));
  EXPECT_EQ(flight(rig), 1000U);
  const Status after = rig.status(id);
  EXPECT_EQ(after.cwnd, 1000U);
  EXPECT_EQ(after.ssthresh, std::max<uint32_t>(static_cast<uint32_t>(second) / 2, 2000));
  // Beyond the threshold a window's worth of ACKs adds one segment.
  rig.now += 100ms;
  rig.peer_ack_all();
  uint32_t window = 0;
  for (int round = 0; round < 8; ++round) {
    rig.user_send(id, pattern(60'000));
    const size_t octets = flight(rig);
    window = rig.status(id).cwnd;
    rig.now += 100ms;
    acknowledge_each(rig, 1000, octets);
    if (window >= after.ssthresh && octets >= window - 999) {
      EXPECT_LE(rig.status(id).cwnd, window + 1000);
    }
  }
  EXPECT_GT(window, after.ssthresh);
}

// RFC 9438 4.6: CUBIC keeps 7 tenths where RFC 5681 keeps a half.
TEST(ConformanceCongestion, May18CubicMayBeChosen) {
  for (const CongestionLaw law : {CongestionLaw::new_reno, CongestionLaw::cubic}) {
    Settings settings;
    settings.congestion = law;
    Rig rig(settings);
    const ConnectionId id = rig.open_active({}, mss_option(1000));
    const Seq una = rig.snd_nxt;
    rig.user_send(id, pattern(10'000));
    EXPECT_EQ(flight(rig), 10'000U);
    for (int i = 0; i < 4; ++i) rig.peer_ack(una);  // three duplicates and more
    EXPECT_TRUE(rig.status(id).in_recovery);
    EXPECT_EQ(rig.status(id).ssthresh, law == CongestionLaw::cubic ? 7000U : 5000U);
  }
}

// --- Failures (3.8.3)

TEST(ConformanceFailure, Must20Must47Shld9Shld10Shld11R1TellsAndR2Closes) {
  for (const Settings& settings : {Settings::rfc9293(), Settings::linux_defaults()}) {
    Rig rig(settings);
    const ConnectionId id = rig.open_active();
    rig.user_send(id, "x");
    rig.forget();
    const Time start = rig.now;
    while (!rig.told(Notice::retransmitting) && rig.now < start + 1h) {
      rig.sent.clear();
      ASSERT_TRUE(rig.run_until_sent(300s));
    }
    EXPECT_GE(rig.status(id).retransmissions, 3U);
    EXPECT_EQ(rig.state(id), State::established);
    rig.run_for(start + 100s - rig.now);
    EXPECT_EQ(rig.state(id), State::established);
    rig.run_for(2h);
    EXPECT_EQ(rig.state(id), State::closed);
    EXPECT_TRUE(rig.told(Notice::timed_out));
  }
}

TEST(ConformanceFailure, Must21R2IsTheUsersForEachConnection) {
  Duration short_life{};
  for (const unsigned r2 : {4U, 8U}) {
    Rig rig;
    ConnectionOptions options;
    options.r2 = r2;
    const ConnectionId id = rig.open_active(options);
    rig.user_send(id, "x");
    while (rig.state(id) != State::closed && rig.now < 2h) rig.run_for(100ms);
    EXPECT_TRUE(rig.told(Notice::timed_out));
    EXPECT_GT(rig.now, 4 * short_life);  // four more doublings
    short_life = rig.now;
  }
}

TEST(ConformanceFailure, Must22Must23SynsAreHandledAlikeForThreeMinutes) {
  Rig rig(Settings::rfc9293());
  const ConnectionId id = rig.start_connect();
  rig.forget();
  rig.run_for(180s);
  EXPECT_EQ(rig.state(id), State::syn_sent);
  EXPECT_TRUE(rig.told(Notice::retransmitting));
  ASSERT_GE(rig.sent.size(), 3U);
  for (const Segment& segment : rig.sent) EXPECT_EQ(segment.flags, kSyn);
  EXPECT_GT(rig.now, 60s);
  rig.run_for(1h);
  EXPECT_EQ(rig.state(id), State::closed);
  EXPECT_TRUE(rig.told(Notice::timed_out));
}

// --- Keep-alives (3.8.4)

ConnectionOptions keep_alive(KeepAlive with = {}) {
  ConnectionOptions options;
  options.keep_alive = with;
  return options;
}

TEST(ConformanceKeepAlive, Must25OffByDefault) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.run_for(24h * 30);
  EXPECT_TRUE(rig.sent.empty());
  EXPECT_EQ(rig.state(id), State::established);
}

TEST(ConformanceKeepAlive, May5Must24Must28Shld12OnForOneConnectionAfterTwoHoursWithoutData) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, keep_alive()));
  EXPECT_EQ(rig.run_until_sent(24h), Duration(2h));
  const Segment probe = rig.one();
  EXPECT_EQ(probe.seq, rig.snd_nxt - 1);
  EXPECT_TRUE(probe.text.empty());
  rig.peer_ack_all();
  EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, {}));  // and off again
  rig.run_for(24h);
  EXPECT_TRUE(rig.sent.empty());
}

TEST(ConformanceKeepAlive, Must26OnlyWhenNothingIsOutstandingAndNothingCame) {
  Rig rig;
  const ConnectionId id = rig.open_active(keep_alive({.idle = 10s}));
  for (int i = 0; i < 10; ++i) {
    rig.run_for(9s);
    EXPECT_TRUE(rig.sent.empty());
    rig.peer_ack_all();  // something came
  }
  rig.user_send(id, "outstanding");
  const Seq seq = rig.sent.back().seq;
  rig.run_for(60s);
  for (const Segment& segment : rig.take()) EXPECT_EQ(segment.seq, seq);  // repeats, no probe
}

TEST(ConformanceKeepAlive, Must27TheIntervalIsTheUsers) {
  for (const Duration idle : {10s, 5000s}) {
    Rig rig;
    rig.open_active(keep_alive({.idle = idle}));
    EXPECT_EQ(rig.run_until_sent(24h), idle);
  }
}

TEST(ConformanceKeepAlive, Must29OneUnansweredProbeIsNoDeath) {
  Rig rig;
  const ConnectionId id = rig.open_active(keep_alive({.idle = 10s, .interval = 5s, .probes = 3}));
  rig.run_for(10s);
  EXPECT_EQ(rig.sent.size(), 1U);
  rig.run_for(5s);
  EXPECT_EQ(rig.sent.size(), 2U);
  EXPECT_EQ(rig.state(id), State::established);
  rig.peer_ack_all();
  rig.run_for(10s + 5s + 5s - 1ms);
  EXPECT_EQ(rig.state(id), State::established);
  rig.run_for(60s);
  EXPECT_EQ(rig.state(id), State::closed);
  EXPECT_TRUE(rig.told(Notice::timed_out));
}

TEST(ConformanceKeepAlive, May6OneGarbageOctetIfTheUserWants) {
  Rig rig;
  rig.open_active(keep_alive({.idle = 10s, .with_octet = true}));
  rig.run_for(10s);
  const Segment probe = rig.one();
  EXPECT_EQ(probe.seq, rig.snd_nxt - 1);
  EXPECT_EQ(probe.text.size(), 1U);
}

// --- Blind attacks (RFC 5961 5)

TEST(ConformanceAttack, May12TextWithAnImpossibleAckIsNotTaken) {
  for (const bool future : {true, false}) {
    Rig rig;
    rig.peer_window = 1000;
    const ConnectionId id = rig.open_active();
    const Seq ack = future ? rig.snd_nxt + 1 : rig.snd_nxt - 1001;
    rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = ack, .text = "injected"});
    EXPECT_EQ(rig.readiness(id).readable, 0U);
    const Segment answer = rig.one();
    EXPECT_EQ(answer.flags, kAck);
    EXPECT_EQ(answer.ack, rig.peer_nxt);
  }
}

// The ACK that 3.10.7.4 wants for a SYN that comes again, where Linux repeats its SYN,ACK.
TEST(ConformanceOpenAgain, ASynAgainIsAnsweredWithAnAckByTheRfcsSettings) {
  Rig rig(Settings::rfc9293());
  rig.listen();
  rig.half_open();
  rig.forget();
  rig.arrive({.flags = kSyn, .seq = kIrs});
  const Segment answer = rig.one();
  EXPECT_EQ(answer.flags, kAck);
  EXPECT_EQ(answer.seq, rig.iss + 1);
  EXPECT_EQ(answer.ack, kIrs + 1);
}

}  // namespace
}  // namespace tcpdx::tcp
