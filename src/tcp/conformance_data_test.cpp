// Requirements of RFC 9293 about PUSH, windows, urgent data, acknowledging and sending.
// docs/rfc9293.md names the test of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

const wire::TcpOptions kMss1000 = mss_option(1000);

Settings with_receive_buffer(uint32_t octets) {
  Settings settings;
  settings.receive_buffer = octets;
  return settings;
}

size_t text_in(const std::vector<Segment>& segments) {
  size_t total = 0;
  for (const Segment& segment : segments) total += segment.text.size();
  return total;
}

// Text goes out and is acknowledged until nothing more comes.
std::string drain(Rig& rig) {
  std::string all;
  for (int i = 0; i < 1000 && !rig.sent.empty(); ++i) {
    for (const Segment& segment : rig.take()) all += segment.text;
    rig.peer_ack_all();
  }
  return all;
}

// --- PUSH (3.9.1.2)

TEST(ConformancePush, May15May16UnpushedDataWaitsForThePush) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.user_send(id, "one ", {.push = false});
  rig.user_send(id, "two ", {.push = false});
  EXPECT_TRUE(rig.sent.empty()) << rig.said();
  rig.user_send(id, "three");
  const Segment sent = rig.one();
  EXPECT_EQ(sent.text, "one two three");
  EXPECT_TRUE(sent.flags.psh);
}

TEST(ConformancePush, Must60Must61PushedDataIsNotHeldAndItsLastSegmentSaysPsh) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.user_send(id, pattern(2500));
  const std::vector<Segment> sent = rig.take();
  ASSERT_EQ(text_in(sent), 2000U);  // the short one waits for Nagle, not for ever
  rig.peer_ack_all();
  const Segment last = rig.one();
  EXPECT_EQ(last.text.size(), 500U);
  EXPECT_TRUE(last.flags.psh);
  EXPECT_FALSE(sent.front().flags.psh);
}

TEST(ConformancePush, Shld27SuccessivePushesCollapse) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.user_send(id, "first");
  rig.forget();
  for (const char* text : {"a", "b", "c"}) rig.user_send(id, text);
  EXPECT_TRUE(rig.sent.empty());
  rig.peer_ack_all();
  EXPECT_EQ(rig.one().text, "abc");
}

TEST(ConformancePush, Shld28SegmentsAreAsLargeAsTheyMayBe) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  for (int i = 0; i < 50; ++i) rig.user_send(id, pattern(100));
  std::vector<Segment> sent;
  for (int i = 0; i < 20 && !rig.sent.empty(); ++i) {
    for (Segment& segment : rig.take()) sent.push_back(std::move(segment));
    rig.peer_ack_all();
  }
  ASSERT_EQ(text_in(sent), 5000U);
  // One small segment may start, one may end it; all between are full.
  for (size_t i = 1; i + 1 < sent.size(); ++i) EXPECT_EQ(sent[i].text.size(), 1000U);
}

// --- The window (3.1, 3.8.6)

TEST(ConformanceWindow, Must1LargeWindowsAreNotNegative) {
  Rig rig;
  rig.peer_window = 65535;
  const ConnectionId id = rig.open_active({}, mss_option(1460));
  EXPECT_EQ(rig.status(id).snd_wnd, 65535U);
  size_t most = 0;
  for (int round = 0; round < 20; ++round) {
    rig.user_send(id, pattern(100'000));
    most = std::max(most, text_in(rig.take()));
    rig.peer_ack_all();
  }
  EXPECT_GT(most, 32767U);
}

TEST(ConformanceWindow, Rec1WindowsHave32Bits) {
  Rig rig;
  wire::TcpOptions scaled;
  scaled.window_scale = 14;
  const ConnectionId id = rig.open_active({}, scaled);
  rig.peer_window = 65535;
  rig.peer_ack_all();
  EXPECT_EQ(rig.status(id).snd_wnd, 65535U << 14U);
}

TEST(ConformanceWindow, Shld14TheRightEdgeNeverMovesLeft) {
  Rig rig(with_receive_buffer(5000));
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.peer_text("x");
  rig.run_for(1s);
  ASSERT_FALSE(rig.sent.empty());
  Seq edge = rig.sent.back().ack + rig.sent.back().window;
  rig.forget();
  for (size_t i = 0; i < 60; ++i) {
    const size_t room = octets(rig.peer_nxt, edge);
    if (room > 0) rig.peer_text(pattern(std::min<size_t>(room, 1 + i * 7 % 400)));
    if (i % 5 == 4) rig.user_receive(id, 300);
    rig.run_for(100ms);
    for (const Segment& segment : rig.take()) {
      const Seq now = segment.ack + segment.window;
      EXPECT_GE(now - edge, 0);
      edge = later(edge, now);
    }
  }
}

// 3000 octets are in flight when the window shrinks to 1000: the usable window is negative.
class ShrunkWindow : public testing::Test {
 protected:
  ShrunkWindow() {
    id = rig.open_active({}, kMss1000);
    una = rig.snd_nxt;
    rig.user_send(id, pattern(3000));
    EXPECT_EQ(text_in(rig.take()), 3000U);
    rig.peer_window = 1000;
    rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = una, .window = 1000});
    rig.forget();
  }
  Rig rig{[] {
    Settings settings;
    settings.tail_loss_probe = false;
    return settings;
  }()};
  ConnectionId id;
  Seq una;
};

TEST_F(ShrunkWindow, Must34Shld15NoNewDataGoesOutAndItRecovers) {
  rig.user_send(id, pattern(500, 3000));
  rig.run_for(10s);
  for (const Segment& segment : rig.take()) EXPECT_LE(segment.end() - una, 3000);
  rig.peer_window = 60000;
  std::string rest;
  rig.peer_ack(una + 3000);
  rest += drain(rig);
  EXPECT_EQ(rest, pattern(500, 3000));
}

TEST_F(ShrunkWindow, Shld16May7OldDataWithinTheWindowIsSentAgain) {
  ASSERT_TRUE(rig.run_until_sent(5s));
  const Segment again = rig.one();
  EXPECT_EQ(again.seq, una);
  EXPECT_EQ(again.text, pattern(1000));
}

TEST_F(ShrunkWindow, Must35Shld17AWindowThatShrankToZeroIsProbedAndNothingTimesOut) {
  const Seq acked = una + 1000;
  rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = acked, .window = 0});
  rig.forget();
  size_t probes = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(rig.run_until_sent(300s)) << "after " << probes << " probes";
    ++probes;
    rig.forget();
    rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = acked, .window = 0});
  }
  EXPECT_GT(rig.now, 3600s);
  EXPECT_EQ(rig.state(id), State::established);
  EXPECT_FALSE(rig.told(Notice::timed_out));
}

// Nothing is in flight, 3000 octets wait, the window is zero.
ConnectionId before_closed_window(Rig& rig) {
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .window = 0});
  rig.user_send(id, pattern(3000));
  EXPECT_TRUE(rig.sent.empty());
  return id;
}

void answer_probe(Rig& rig, Seq una) {
  rig.forget();
  rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = una, .window = 0});
}

TEST(ConformanceProbe, Must36Shld29Shld30AClosedWindowIsProbedAfterAnRtoWithBackOff) {
  for (const bool octet : {false, true}) {
    Settings settings;
    settings.probe_with_octet = octet;
    Rig rig(settings);
    const ConnectionId id = before_closed_window(rig);
    const Seq una = rig.snd_nxt;
    const Duration rto = rig.status(id).rto;
    const std::optional<Duration> first = rig.run_until_sent(100s);
    ASSERT_TRUE(first);
    EXPECT_EQ(*first, rto);
    const Segment probe = rig.one();
    if (octet) {
      EXPECT_EQ(probe.seq, una);
      EXPECT_EQ(probe.text, pattern(1));
    } else {
      EXPECT_EQ(probe.seq, una - 1);  // draws an ACK, because it lies before the window
    }
    Duration last = *first;
    for (int i = 0; i < 5; ++i) {
      answer_probe(rig, una);
      const std::optional<Duration> next = rig.run_until_sent(300s);
      ASSERT_TRUE(next);
      EXPECT_EQ(*next, 2 * last);
      last = *next;
    }
  }
}

TEST(ConformanceProbe, Must37StaysOpenAsLongAsProbesAreAnswered) {
  Rig rig;
  const ConnectionId id = before_closed_window(rig);
  const Seq una = rig.snd_nxt;
  while (rig.now < 24h) {
    ASSERT_TRUE(rig.run_until_sent(300s));
    answer_probe(rig, una);
  }
  EXPECT_EQ(rig.state(id), State::established);
  rig.peer_window = 60000;
  rig.peer_ack(una);
  EXPECT_EQ(drain(rig), pattern(3000));
}

// A reader that does not read: the window is zero for as long as it takes.
Rig& fill_window(Rig& rig) {
  for (int i = 0; i < 100 && *rig.right_edge > rig.peer_nxt; ++i) {
    rig.peer_text(pattern(std::min<size_t>(500, octets(rig.peer_nxt, *rig.right_edge))));
    rig.run_for(100ms);
  }
  rig.forget();
  return rig;
}

TEST(ConformanceWindow, May8TheReceiveWindowMayStayClosed) {
  Rig rig(with_receive_buffer(4096));
  const ConnectionId id = rig.open_active({}, kMss1000);
  fill_window(rig);
  for (int hours = 0; hours < 24; ++hours) {
    rig.run_for(1h);
    rig.forget();
    rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .text = "?"});
    ASSERT_FALSE(rig.sent.empty());
    EXPECT_EQ(rig.sent.back().window, 0);
    EXPECT_EQ(rig.sent.back().ack, rig.peer_nxt);
  }
  EXPECT_EQ(rig.state(id), State::established);
}

TEST(ConformanceWindow, Must66RstCountsAtAZeroWindow) {
  Rig rig(with_receive_buffer(4096));
  const ConnectionId id = rig.open_active({}, kMss1000);
  fill_window(rig).arrive({.flags = kRst, .seq = rig.peer_nxt});
  EXPECT_EQ(rig.state(id), State::closed);
  EXPECT_TRUE(rig.told(Notice::reset));
}

TEST(ConformanceWindow, Must66UrgCountsAtAZeroWindow) {
  Rig rig(with_receive_buffer(4096));
  const ConnectionId id = rig.open_active({}, kMss1000);
  const size_t unread = rig.readiness(id).readable;
  fill_window(rig).arrive(
      {.flags = kUrgAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .text = "urgent", .urgent = 6});
  EXPECT_TRUE(rig.told(Notice::urgent));
  EXPECT_EQ(rig.readiness(id).readable, unread + 4096);
  EXPECT_EQ(rig.readiness(id).urgent, 4096U + 6);
}

// --- Urgent data (3.8.5)

TEST(ConformanceUrgent, Must30Must62ThePointerIsTheOctetAfterUrgentData) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.user_send(id, "hurry", {.urgent = true});
  const Segment sent = rig.one();
  EXPECT_TRUE(sent.flags.urg);
  EXPECT_EQ(sent.seq + sent.urgent, sent.end());
  rig.peer_ack_all();
  rig.user_send(id, "calm");
  EXPECT_FALSE(rig.one().flags.urg);
}

TEST(ConformanceUrgent, Must31SendsUrgentDataOfAnyLength) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  ASSERT_EQ(rig.user_send(id, pattern(100'000), {.urgent = true}), 100'000U);
  const Seq end = rig.iss + 1 + 100'000;
  size_t total = 0;
  for (int i = 0; i < 1000 && !rig.sent.empty(); ++i) {
    for (const Segment& segment : rig.take()) {
      if (segment.text.empty()) continue;
      total += segment.text.size();
      EXPECT_TRUE(segment.flags.urg);
      const uint32_t wanted = std::min<uint32_t>(octets(segment.seq, end), 65535);
      EXPECT_EQ(segment.urgent, wanted);
    }
    rig.peer_ack_all();
  }
  EXPECT_EQ(total, 100'000U);
}

TEST(ConformanceUrgent, Must31ReceivesUrgentDataOfAnyLength) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  const Seq end = rig.peer_nxt + 200'000;
  while (rig.peer_nxt < end) {
    const auto ahead = static_cast<uint16_t>(std::min<uint32_t>(octets(rig.peer_nxt, end), 65535));
    rig.arrive({.flags = kUrgAck,
                .seq = rig.peer_nxt,
                .ack = rig.snd_nxt,
                .text = pattern(1000),
                .urgent = ahead});
    rig.peer_nxt += 1000;
    EXPECT_EQ(rig.readiness(id).urgent, 1000U + ahead - 1000U);
    rig.user_receive(id);
  }
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
}

TEST(ConformanceUrgent, Must32Must47TheUserIsToldOnceForEachAdvance) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  const auto urgent = [&](uint16_t ahead) {
    rig.arrive({.flags = kUrgAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .urgent = ahead});
  };
  urgent(100);
  EXPECT_EQ(rig.times_told(Notice::urgent), 1U);
  urgent(100);  // the same
  urgent(50);   // back: an urgent pointer cannot recede
  EXPECT_EQ(rig.times_told(Notice::urgent), 1U);
  EXPECT_EQ(rig.readiness(id).urgent, 100U);
}

TEST(ConformanceUrgent, Must33TheUserCanLearnHowMuchRemains) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.arrive({.flags = kUrgAck,
              .seq = rig.peer_nxt,
              .ack = rig.snd_nxt,
              .text = pattern(100),
              .urgent = 60});
  EXPECT_EQ(rig.readiness(id).urgent, 60U);
  rig.user_receive(id, 20);
  EXPECT_EQ(rig.readiness(id).urgent, 40U);
  rig.user_receive(id, 40);
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
}

// --- Acknowledging (3.8.6.3, 3.10.7.4)

TEST(ConformanceAck, Must58Must59Shld31OneAckForAllThatWasQueued) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  const Seq start = rig.peer_nxt;
  for (uint32_t i = 4; i >= 1; --i) {  // 4, 3, 2, 1: each beyond a gap
    rig.arrive(
        {.flags = kAck, .seq = start + i * 100, .ack = rig.snd_nxt, .text = pattern(100, i * 100)});
  }
  rig.forget();
  rig.arrive({.flags = kAck, .seq = start, .ack = rig.snd_nxt, .text = pattern(100)});
  EXPECT_EQ(rig.one().ack, start + 500);
  EXPECT_EQ(rig.user_receive(id), pattern(500));
}

TEST(ConformanceAck, May13ASegmentBeyondAGapIsAnsweredAtOnce) {
  Rig rig;
  rig.open_active({}, kMss1000);
  rig.arrive({.flags = kAck, .seq = rig.peer_nxt + 100, .ack = rig.snd_nxt, .text = "later"});
  EXPECT_EQ(rig.one().ack, rig.peer_nxt);
}

TEST(ConformanceAck, Shld18Must40AcksAreDelayedByLessThanHalfASecond) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  int delayed = 0;
  for (int i = 0; i < 50; ++i) {
    rig.peer_text("x");
    if (rig.sent.empty()) {
      ++delayed;
      const std::optional<Duration> wait = rig.run_until_sent(1s);
      ASSERT_TRUE(wait);
      EXPECT_LT(*wait, 500ms);
    }
    EXPECT_EQ(rig.one().ack, rig.peer_nxt);
    rig.run_for(10ms);
    rig.user_receive(id);
    rig.forget();
  }
  EXPECT_GT(delayed, 25);
}

TEST(ConformanceAck, Shld19AtLeastEverySecondFullSegmentIsAcknowledged) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, mss_option(1460));
  for (int i = 0; i < 20; ++i) {
    rig.peer_text(pattern(1460));
    rig.peer_text(pattern(1460));
    ASSERT_FALSE(rig.sent.empty()) << i;
    EXPECT_EQ(rig.sent.back().ack, rig.peer_nxt);
    rig.user_receive(id);
    rig.forget();
  }
}

// --- Silly windows and Nagle (3.7.4, 3.8.6.2)

TEST(ConformanceSillyWindow, Must39TheWindowDoesNotOpenInSmallSteps) {
  Rig rig(with_receive_buffer(8192));
  const ConnectionId id = rig.open_active({}, kMss1000);
  fill_window(rig);
  const Seq edge = *rig.right_edge;
  for (int i = 0; i < 5; ++i) {
    rig.user_receive(id, 10);
    rig.run_for(100ms);
    rig.arrive({.flags = kAck, .seq = rig.peer_nxt - 1, .ack = rig.snd_nxt});  // a probe
    rig.run_for(600ms);
  }
  for (const Segment& segment : rig.take()) EXPECT_EQ(segment.ack + segment.window, edge);
  rig.user_receive(id, 5000);  // more than min(1/2 buffer, Eff.snd.MSS)
  rig.run_for(100ms);
  ASSERT_FALSE(rig.sent.empty()) << "the window opens";
  EXPECT_GE(*rig.right_edge - edge, 1000);
}

TEST(ConformanceSillyWindow, Must38ASmallWindowIsNotFilledAtOnce) {
  Rig rig;
  const ConnectionId id = rig.open_active(without_nagle(), kMss1000);
  rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .window = 0});
  rig.user_send(id, pattern(5000));
  rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .window = 100});
  EXPECT_TRUE(rig.sent.empty()) << rig.said();
  // The override timeout, 0.1 to 1 s, forces it out.
  const std::optional<Duration> wait = rig.run_until_sent(2s);
  ASSERT_TRUE(wait);
  EXPECT_GE(*wait, 100ms);
  EXPECT_LE(*wait, 1s);
  EXPECT_LE(rig.one().text.size(), 100U);
  rig.peer_window = 1000;
  rig.peer_ack_all();
  EXPECT_EQ(rig.one().text.size(), 1000U);
}

TEST(ConformanceNagle, Shld7SmallSegmentsWaitForTheAck) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kMss1000);
  rig.user_send(id, "a");
  EXPECT_EQ(rig.one().text, "a");
  rig.user_send(id, "b");
  rig.user_send(id, "c");
  EXPECT_TRUE(rig.sent.empty());
  rig.user_send(id, pattern(998));
  EXPECT_EQ(rig.one().text.size(), 1000U);  // full: no reason to wait
}

TEST(ConformanceNagle, Must17TheUserCanTurnItOff) {
  Rig rig;
  const ConnectionId id = rig.open_active(without_nagle(), kMss1000);
  for (const char* text : {"a", "b", "c"}) {
    rig.user_send(id, text);
    EXPECT_EQ(rig.one().text, text);
  }
}

}  // namespace
}  // namespace tcpdx::tcp
