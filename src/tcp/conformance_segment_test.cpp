// Requirements of RFC 9293, Appendix B, that show in single segments: PUSH, window, urgent data,
// options, checksum, initial numbers, opening, and what IP and ICMP bring. The rest is in
// conformance_connection_test.cpp; docs/rfc9293.md names the test of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tcp/test_pair.hpp"
#include "tcp/test_rig.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

constexpr uint16_t kMss = 1000;
const wire::TcpOptions kPlainPeer{.mss = kMss};  // no scaling, SACK or timestamps
const SocketAddress kHere6{parse_address("2001:db8::1").value_or(IpAddress{}), 80};
const SocketAddress kThere6{parse_address("2001:db8::2").value_or(IpAddress{}), 40000};

std::vector<size_t> sizes(const Rig& rig) {
  std::vector<size_t> all;
  for (const Segment& segment : rig.sent) all.push_back(segment.text.size());
  return all;
}

using Sizes = std::vector<size_t>;

// --- PUSH flag (3.9.1.2)

// Also MAY-16: without PUSH, text of several SENDs waits and goes as one segment.
TEST(rfc9293, may_15_a_send_without_push_waits_for_more) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.user_send(id, "ab", {.push = false});
  rig.user_send(id, "cd", {.push = false});
  EXPECT_TRUE(rig.sent.empty()) << rig.said();
  rig.user_send(id, "ef", {.push = true});
  const Segment segment = rig.one();
  EXPECT_EQ(segment.text, "abcdef");
  EXPECT_TRUE(segment.flags.psh);
}

// PUSH can be given here, so this is more than is asked. 3.8.6.2.1: the override timeout lies
// between 0.1 and 1.0 seconds.
TEST(rfc9293, must_60_text_without_push_goes_within_the_override_timeout) {
  for (const Settings& settings : {Settings::linux_defaults(), Settings::rfc9293()}) {
    Rig rig(settings);
    const ConnectionId id = rig.open_active({}, kPlainPeer);
    rig.user_send(id, "ab", {.push = false});
    const std::optional<Duration> waited = rig.run_until_sent(10s);
    ASSERT_TRUE(waited);
    EXPECT_GE(*waited, 100ms);
    EXPECT_LE(*waited, 1s);
    EXPECT_EQ(rig.one().text, "ab");
  }
}

TEST(rfc9293, must_61_the_last_segment_of_what_is_queued_has_psh) {
  for (const bool push : {false, true}) {
    Rig rig;
    const ConnectionId id = rig.open_active({}, kPlainPeer);
    rig.user_send(id, pattern(2500), {.push = push});
    rig.peer_ack_all();
    rig.run_for(1s);
    ASSERT_GE(rig.sent.size(), 3U);
    rig.sent.resize(3);  // repeats of the last one follow
    ASSERT_EQ(sizes(rig), (Sizes{1000, 1000, 500}));
    EXPECT_FALSE(rig.sent[0].flags.psh);
    EXPECT_FALSE(rig.sent[1].flags.psh);
    EXPECT_TRUE(rig.sent[2].flags.psh);
  }
}

// Also SHLD-28: five pushed SENDs that wait behind an unacknowledged octet become one segment of
// the largest size and one of what is left, with one PSH bit for all.
TEST(rfc9293, shld_27_successive_pushes_collapse_into_the_largest_segments) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.user_send(id, "1");
  rig.forget();
  for (size_t i = 0; i < 5; ++i) rig.user_send(id, pattern(300, 300 * i));
  rig.peer_ack_all();
  ASSERT_EQ(sizes(rig), (Sizes{1000, 500}));
  EXPECT_EQ(rig.sent[0].text + rig.sent[1].text, pattern(1500));
  EXPECT_FALSE(rig.sent[0].flags.psh);  // the last of the pushes ends in the other one
  EXPECT_TRUE(rig.sent[1].flags.psh);
}

TEST(rfc9293, shld_28_a_long_text_goes_in_segments_of_the_largest_size) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.user_send(id, pattern(7300));
  rig.peer_ack_all();
  EXPECT_EQ(sizes(rig), (Sizes{1000, 1000, 1000, 1000, 1000, 1000, 1000, 300}));
}

// --- Window (3.1, 3.8.6, 3.10.7.4)

// How many of `size` octets go out without any acknowledgment.
size_t sent_of(Rig& rig, ConnectionId id, size_t size) {
  const Seq start = rig.snd_nxt;
  EXPECT_EQ(rig.user_send(id, pattern(size)), size);
  return octets(start, rig.snd_nxt);
}

// As a signed number 65535 would be -1, and 32768 the largest negative one.
TEST(rfc9293, must_1_the_window_is_unsigned) {
  for (const uint16_t window : {uint16_t{32768}, uint16_t{65535}}) {
    Settings settings;
    settings.initial_window = 100;  // so that the offered window is the only limit
    Rig rig(settings);
    rig.peer_window = window;
    const ConnectionId id = rig.open_active({}, kPlainPeer);
    EXPECT_EQ(rig.status(id).snd_wnd, window);
    EXPECT_EQ(sent_of(rig, id, 100'000) / 1000, window / 1000U);
  }
  // Ours: a segment at the far end of a window of 65535 octets is in it.
  Settings settings;
  settings.window_scaling = false;
  Rig rig(settings);
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  EXPECT_EQ(rig.status(id).rcv_wnd, 65535U);
  rig.arrive({.flags = kAck, .seq = kIrs + 65535, .ack = rig.snd_nxt, .text = "z"});
  rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .text = pattern(65534)});
  EXPECT_EQ(rig.readiness(id).readable, 65535U);
}

// RFC 7323 2.3: 65535 times 2^14 is the largest window, and needs 30 bits.
TEST(rfc9293, rec_1_windows_are_kept_and_reckoned_with_32_bits) {
  Settings settings;
  settings.receive_buffer = 64U << 20U;
  settings.send_buffer = 1U << 20U;
  settings.initial_window = 1000;
  Rig rig(settings);
  const ConnectionId id = rig.open_active({}, {.mss = kMss, .window_scale = 14});
  rig.peer_ack_all();
  EXPECT_EQ(rig.status(id).snd_wnd, 1'073'725'440U);
  EXPECT_EQ(sent_of(rig, id, 500'000), 500'000U);
  rig.peer_text("x");
  rig.run_for(1s);
  const Status status = rig.status(id);
  ASSERT_FALSE(rig.sent.empty());
  const uint32_t offered = uint32_t{rig.sent.back().window} << status.rcv_scale.value_or(0);
  EXPECT_GT(offered, 60U << 20U);
  EXPECT_LE(offered, 64U << 20U);
  EXPECT_GE(status.rcv_wnd, offered);
}

// Whatever is sent and read: the right edge, SEG.ACK + SEG.WND, only moves to the right.
TEST(rfc9293, shld_14_the_right_window_edge_never_moves_left) {
  Settings settings;
  settings.window_scaling = false;
  settings.receive_buffer = 20'000;
  Rig rig(settings);
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  Seq edge = kIrs + 1 + rig.status(id).rcv_wnd;
  size_t reads = 0;
  for (size_t i = 0; i < 300; ++i) {
    const uint32_t open = rig.status(id).rcv_wnd;
    rig.peer_text(pattern(std::min<size_t>(open, 1 + i * 37 % 1400)));
    if (i % 7 > 2) reads += rig.user_receive(id, i * 113 % 2500).size();
    rig.run_for(100ms);  // beyond the delay of an ACK
    for (const Segment& segment : rig.take()) {
      EXPECT_GE(segment.ack + segment.window, edge) << i;
      edge = later(edge, segment.ack + segment.window);
    }
  }
  EXPECT_GT(reads, 100'000U);
}

// Five segments of 1000 octets are in flight, two more are queued, and the window of 5000 octets
// is taken back to `window`: SND.UNA + SND.WND lies before SND.NXT.
ConnectionId open_and_shrink(Rig& rig, uint16_t window) {
  rig.peer_window = 5000;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.user_send(id, pattern(7000));
  EXPECT_EQ(sizes(rig), (Sizes{1000, 1000, 1000, 1000, 1000}));
  rig.forget();
  rig.peer_window = window;
  rig.peer_ack(rig.iss + 1);
  return id;
}

// Also SHLD-15: nothing new goes while the usable window is negative, whatever the user asks.
TEST(rfc9293, must_34_a_shrunk_window_stops_new_text_and_breaks_nothing) {
  for (const uint16_t window : {uint16_t{2000}, uint16_t{500}, uint16_t{0}}) {
    Rig rig;
    const ConnectionId id = open_and_shrink(rig, window);
    rig.user_send(id, pattern(100));
    EXPECT_TRUE(rig.sent.empty()) << rig.said();
    const Status shrunk = rig.status(id);
    EXPECT_EQ(shrunk.state, established);
    EXPECT_EQ(shrunk.snd_wnd, window);
    EXPECT_EQ(shrunk.unsent, 2100U);
    rig.run_for(10s);
    for (const Segment& segment : rig.sent) EXPECT_LE(segment.end(), rig.iss + 5001);
    rig.forget();
    rig.peer_window = 10'000;
    rig.peer_ack(rig.iss + 5001);
    rig.peer_ack_all();
    rig.run_for(1s);
    std::string rest;
    for (const Segment& segment : rig.sent) {  // repeats left out
      if (segment.seq == rig.iss + 5001 + static_cast<uint32_t>(rest.size())) rest += segment.text;
    }
    EXPECT_TRUE(rest == pattern(2000, 5000) + pattern(100)) << rest.size();
  }
}

// The octets before SND.UNA + SND.WND go again after the retransmission timeout, as ever.
TEST(rfc9293, shld_16_text_within_a_shrunk_window_is_sent_again) {
  Rig rig;
  const ConnectionId id = open_and_shrink(rig, 3000);
  for (uint32_t repaired = 0; repaired < 3; ++repaired) {
    ASSERT_TRUE(rig.run_until_sent(10s));
    const Segment again = rig.sent.front();
    EXPECT_EQ(again.seq, rig.iss + 1 + 1000 * repaired);
    EXPECT_EQ(again.text, pattern(1000, 1000 * repaired));
    rig.forget();
    rig.peer_window = static_cast<uint16_t>(2000 - 1000 * repaired);
    rig.peer_ack(rig.iss + 1001 + 1000 * repaired);  // the right edge stays at 3000
    rig.forget();
  }
  EXPECT_EQ(rig.state(id), established);
}

// Also MAY-7, which is made use of: what lies beyond the right edge is repeated.
TEST(rfc9293, shld_17_text_beyond_the_right_edge_times_nothing_out) {
  for (const Settings& settings : {Settings::linux_defaults(), Settings::rfc9293()}) {
    Rig rig(settings);
    rig.peer_window = 2000;
    const ConnectionId id = rig.open_active({}, kPlainPeer);
    rig.user_send(id, pattern(2000));
    rig.forget();
    rig.peer_window = 0;
    rig.peer_ack(rig.iss + 1001);  // one of two, and the window shrinks to nothing
    for (unsigned i = 0; i < 5 * settings.r2; ++i) {
      ASSERT_TRUE(rig.run_until_sent(200s)) << i;
      EXPECT_EQ(rig.sent.front().seq, rig.iss + 1001);
      EXPECT_EQ(rig.sent.front().text, pattern(1000, 1000));
      rig.forget();
      rig.peer_ack(rig.iss + 1001);
      rig.forget();
    }
    EXPECT_EQ(rig.state(id), established);
    rig.peer_window = 1000;
    rig.peer_ack(rig.iss + 2001);
    EXPECT_EQ(rig.status(id).unacknowledged, 0U);
  }
}

// With nothing left in flight and more to send, a window that shrank to zero is probed.
TEST(rfc9293, must_35_a_window_that_shrinks_to_zero_is_probed) {
  for (const Settings& settings : {Settings::linux_defaults(), Settings::rfc9293()}) {
    Rig rig(settings);
    rig.peer_window = 5000;
    const ConnectionId id = rig.open_active({}, kPlainPeer);
    rig.user_send(id, pattern(6000));
    rig.peer_ack_all();  // as large windows as were filled
    rig.peer_ack_all();
    rig.forget();
    rig.peer_window = 1000;
    rig.peer_ack_all();
    rig.user_send(id, pattern(100), {.push = false});
    rig.peer_window = 0;
    rig.peer_ack_all();  // shrunk
    rig.forget();
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(rig.run_until_sent(30s));
      EXPECT_LE(rig.one().text.size(), 1U);
      rig.peer_ack(rig.iss + 6001);
      rig.forget();
    }
    EXPECT_EQ(rig.state(id), established);
  }
}

// With a round trip of 400 ms RFC 6298 2.2 has SRTT 400 ms and RTTVAR 200 ms: RTO 1.2 s.
ConnectionId open_with_closed_window(Rig& rig) {
  rig.peer_window = 0;
  const ConnectionId id = rig.start_connect();
  rig.run_for(400ms);
  rig.arrive(
      {.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1, .window = 0, .options = kPlainPeer});
  rig.forget();
  return id;
}

// The octet of new data that 3.8.6.1 asks for; it goes on until the window opens.
TEST(rfc9293, must_36_a_zero_window_is_probed_with_an_octet) {
  Rig rig(Settings::rfc9293());
  const ConnectionId id = open_with_closed_window(rig);
  rig.user_send(id, "abc");
  EXPECT_TRUE(rig.sent.empty()) << rig.said();
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(rig.run_until_sent(200s));
    const Segment probe = rig.one();
    EXPECT_EQ(probe.seq, rig.iss + 1);
    EXPECT_EQ(probe.text, "a");
    rig.peer_ack(rig.iss + 1);
  }
  rig.peer_window = 1000;
  rig.peer_ack(rig.iss + 2);
  EXPECT_EQ(rig.one().text, "bc");
}

// Also SHLD-30: 1.2 s, then twice as long each time.
TEST(rfc9293, shld_29_the_first_probe_comes_after_the_timeout_and_the_next_ones_back_off) {
  for (const Settings& settings : {Settings::linux_defaults(), Settings::rfc9293()}) {
    Rig rig(settings);
    const ConnectionId id = open_with_closed_window(rig);
    rig.user_send(id, "abc");
    for (const Duration wanted : {1200ms, 2400ms, 4800ms, 9600ms, 19200ms, 38400ms}) {
      EXPECT_EQ(rig.run_until_sent(200s), wanted);
      rig.forget();
      rig.peer_ack(rig.iss + 1);
      EXPECT_TRUE(rig.sent.empty()) << rig.said();
    }
  }
}

// Far more probes than R2, over hours.
TEST(rfc9293, must_37_a_window_stays_closed_as_long_as_probes_are_answered) {
  for (const Settings& settings : {Settings::linux_defaults(), Settings::rfc9293()}) {
    Rig rig(settings);
    const ConnectionId id = open_with_closed_window(rig);
    rig.user_send(id, "abc");
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(rig.run_until_sent(200s)) << i;
      rig.forget();
      rig.peer_ack(rig.iss + 1);
    }
    EXPECT_GT(rig.now, 3h);
    EXPECT_EQ(rig.state(id), established);
    EXPECT_TRUE(rig.notices.empty());
    rig.forget();
    rig.peer_window = 1000;
    rig.peer_ack(rig.iss + 1);
    rig.run_for(200s);
    EXPECT_FALSE(rig.sent.empty());
  }
}

// Fills our receive buffer of 4096 octets, so that the window is closed.
ConnectionId open_and_fill(Rig& rig) {
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.peer_text(pattern(4096));
  rig.run_for(1s);
  EXPECT_EQ(rig.status(id).rcv_wnd, 0U);
  EXPECT_EQ(rig.sent.back().window, 0);
  rig.forget();
  return id;
}

Settings with_small_buffer() {
  Settings settings;
  settings.receive_buffer = 4096;
  return settings;
}

// Each probe is answered with RCV.NXT and window 0 for as long as nobody reads.
TEST(rfc9293, may_8_our_window_may_stay_closed) {
  Rig rig(with_small_buffer());
  const ConnectionId id = open_and_fill(rig);
  for (int i = 0; i < 100; ++i) {
    rig.run_for(60s);
    rig.arrive({.flags = kAck, .seq = kIrs + 4097, .ack = rig.snd_nxt, .text = "p"});
    const Segment answer = rig.one();
    EXPECT_EQ(answer.ack, kIrs + 4097);
    EXPECT_EQ(answer.window, 0);
  }
  EXPECT_EQ(rig.state(id), established);
  EXPECT_TRUE(rig.user_receive(id) == pattern(4096));
  EXPECT_EQ(rig.one().window, 4096);
}

TEST(rfc9293, must_66_rst_and_urg_count_at_a_closed_window) {
  for (const std::string& text : {std::string(), std::string("more")}) {
    Rig rig(with_small_buffer());
    const ConnectionId id = open_and_fill(rig);
    rig.arrive(
        {.flags = kUrgAck, .seq = kIrs + 4097, .ack = rig.snd_nxt, .text = text, .urgent = 10});
    EXPECT_EQ(rig.times_told(Notice::urgent), 1U);
    EXPECT_EQ(rig.readiness(id).urgent, 4096U + 10);
    EXPECT_EQ(rig.readiness(id).readable, 4096U);
    rig.arrive({.flags = kRst, .seq = kIrs + 4098});  // RFC 5961 3.2: only RCV.NXT counts
    EXPECT_EQ(rig.state(id), established);
    rig.arrive({.flags = kRst, .seq = kIrs + 4097, .text = text});
    EXPECT_EQ(rig.state(id), closed);
    EXPECT_TRUE(rig.told(Notice::reset));
  }
}

// --- Urgent data (3.8.5)

// Also MUST-62: the pointer is an offset from SEG.SEQ to the first octet that is not urgent.
TEST(rfc9293, must_30_urgent_text_is_sent_with_a_pointer_behind_it) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.user_send(id, pattern(2500), {.urgent = true});
  ASSERT_EQ(sizes(rig), (Sizes{1000, 1000, 500}));
  for (const Segment& segment : rig.take()) {
    EXPECT_TRUE(segment.flags.urg);
    EXPECT_EQ(segment.seq + segment.urgent, rig.iss + 1 + 2500);
  }
  rig.peer_ack_all();
  rig.user_send(id, "not urgent");
  EXPECT_FALSE(rig.one().flags.urg);
}

// Of "abcdef" with pointer 3, "abc" is urgent and "d" is the first octet that is not.
TEST(rfc9293, must_62_the_pointer_that_arrives_names_the_first_octet_that_is_not_urgent) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.arrive(
      {.flags = kUrgAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .text = "abcdef", .urgent = 3});
  EXPECT_EQ(rig.status(id).rcv_up, kIrs + 4);
  EXPECT_EQ(rig.readiness(id).urgent, 3U);
  EXPECT_EQ(rig.user_receive(id, 3), "abc");
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
  EXPECT_EQ(rig.user_receive(id), "def");
}

// 300,000 octets, which neither the 16 bits of the pointer nor any buffer holds at once.
TEST(rfc9293, must_31_urgent_data_may_be_of_any_length) {
  constexpr size_t kLength = 300'000;
  Pair pair;
  Endpoint& sender = pair.sides[0].endpoint;
  Endpoint& receiver = pair.sides[1].endpoint;
  const auto listener = receiver.listen(pair.now, kHere);
  ASSERT_TRUE(listener);
  const auto out = sender.connect(pair.now, kThere, kHere);
  ASSERT_TRUE(out);
  pair.run(1s);
  const auto in = receiver.accept(pair.now, *listener);
  ASSERT_TRUE(in);
  const std::string text = pattern(kLength);
  std::string got;
  std::string buffer(20'000, ' ');
  size_t sent = 0;
  for (int i = 0; i < 1000 && got.size() < kLength; ++i) {
    const auto rest = octets_of(std::string_view(text).substr(sent));
    sent += sender.send(pair.now, *out, rest, {.urgent = true}).value_or(0);
    pair.run(pair.now + 20ms);
    const auto room = std::as_writable_bytes(std::span(buffer));
    const size_t readable = receiver.readiness(*in)->readable;
    if (readable != 0) {
      EXPECT_GE(receiver.readiness(*in)->urgent, std::min(readable, kLength));
    }
    got.append(buffer, 0, receiver.receive(pair.now, *in, room).value_or(0));
  }
  EXPECT_TRUE(got == text);
  EXPECT_EQ(receiver.readiness(*in)->urgent, 0U);
  for (const Segment& segment : pair.sent[0]) {
    EXPECT_EQ(segment.flags.urg, !segment.text.empty()) << rfc_text(segment);
  }
}

TEST(rfc9293, must_32_the_user_is_told_of_urgent_data_and_of_each_advance) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  const auto urgent = [&](Seq seq, std::string text, uint16_t pointer) {
    rig.arrive({.flags = kUrgAck,
                .seq = seq,
                .ack = rig.snd_nxt,
                .text = std::move(text),
                .urgent = pointer});
    return rig.times_told(Notice::urgent);
  };
  EXPECT_EQ(urgent(kIrs + 1, "", 10), 1U);     // ahead of any text
  EXPECT_EQ(urgent(kIrs + 1, "abc", 10), 1U);  // the same place
  EXPECT_EQ(urgent(kIrs + 4, "def", 3), 1U);   // it cannot recede
  EXPECT_EQ(urgent(kIrs + 7, "", 20), 2U);     // it advances
  rig.peer_nxt = kIrs + 7;
  rig.peer_text(pattern(30));
  EXPECT_EQ(rig.user_receive(id).size(), 36U);
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
  EXPECT_EQ(urgent(kIrs + 37, "x", 1), 3U);  // a new sequence of urgent data
}

// 3.10.7.4, sixth: in advance of the data consumed, even where all of it has arrived.
TEST(rfc9293, must_32_text_that_waits_unread_can_become_urgent) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.peer_text("abc");
  rig.arrive({.flags = kUrgAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .urgent = 0});
  EXPECT_TRUE(rig.told(Notice::urgent));
  EXPECT_EQ(rig.readiness(id).urgent, 3U);
  rig.user_receive(id);
  rig.forget();
  rig.arrive({.flags = kUrgAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .urgent = 0});
  EXPECT_FALSE(rig.told(Notice::urgent));
}

TEST(rfc9293, must_33_the_user_can_learn_how_much_urgent_data_is_left) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
  rig.arrive({.flags = kUrgAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .text = "abc", .urgent = 8});
  EXPECT_EQ(rig.readiness(id).urgent, 8U);  // five of them have not come yet
  EXPECT_EQ(rig.user_receive(id, 2), "ab");
  EXPECT_EQ(rig.readiness(id).urgent, 6U);
  rig.peer_nxt = kIrs + 4;
  rig.peer_text("defghijk");
  EXPECT_EQ(rig.readiness(id).urgent, 6U);
  EXPECT_EQ(rig.user_receive(id, 6), "cdefgh");
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
}

// More octets than half of the sequence space without urgent data, and the next one is still seen.
TEST(rfc9293, must_33_nothing_becomes_urgent_by_a_lap_of_the_sequence_space) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  std::string buffer(65535, 'x');
  Segment segment{.flags = kAck, .ack = rig.snd_nxt, .text = buffer};
  const auto room = std::as_writable_bytes(std::span(buffer));
  for (uint64_t octets = 0; octets < (1ULL << 31U) + 65535; octets += buffer.size()) {
    segment.seq = rig.peer_nxt;
    rig.peer_nxt = segment.end();
    rig.arrive(segment);
    ASSERT_EQ(rig.endpoint.receive(rig.now, id, room).value_or(0), buffer.size());
    rig.sent.clear();
    rig.notices.clear();
  }
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
  rig.peer_text("x");
  EXPECT_EQ(rig.readiness(id).urgent, 0U);
  rig.arrive({.flags = kUrgAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .urgent = 5});
  EXPECT_TRUE(rig.told(Notice::urgent));
  EXPECT_EQ(rig.readiness(id).urgent, 6U);
}

// What a program does not ask for is not urgent: to employ the mechanism takes a word of its own.
TEST(rfc9293, shld_13_nothing_is_urgent_unless_the_user_says_so) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.user_send(id, pattern(3000));
  rig.user_shutdown(id);
  rig.run_for(5s);
  ASSERT_GE(rig.sent.size(), 4U);
  for (const Segment& segment : rig.sent) EXPECT_FALSE(segment.flags.urg);
}

// --- Options (3.1, 3.2, 3.7.1)

using Octets = std::vector<std::byte>;

void append(Octets& all, std::initializer_list<unsigned> values) {
  for (const unsigned value : values) all.push_back(static_cast<std::byte>(value));
}

// The octets of a segment from 40000 to 80 with SEG.SEQ 5000 and window 1000 (Figure 1). Options
// are padded with zeros to 32 bits.
Octets wire_segment(unsigned flags, Seq ack, std::initializer_list<unsigned> options,
                    std::string_view text = {}) {
  Octets all;
  append(all, {0x9C, 0x40, 0, 80, 0, 0, 0x13, 0x88});
  append(all, {ack.raw >> 24U, ack.raw >> 16U & 0xFF, ack.raw >> 8U & 0xFF, ack.raw & 0xFF});
  append(all, {0, flags, 0x03, 0xE8, 0, 0, 0, 0});
  append(all, options);
  all.resize((all.size() + 3) / 4 * 4);
  all[12] = static_cast<std::byte>(all.size() / 4 << 4U);
  for (const char letter : text) all.push_back(static_cast<std::byte>(letter));
  return all;
}

constexpr unsigned kSynBit = 2;
constexpr unsigned kAckBit = 16;

void arrive_octets(Rig& rig, const Octets& octets) {
  const std::optional<wire::ParsedTcp> parsed = wire::parse_tcp(octets);
  ASSERT_TRUE(parsed);
  rig.endpoint.arrive(rig.now, Packet{.source = kThere.addr,
                                      .destination = kHere.addr,
                                      .header = parsed->header,
                                      .text = parsed->text,
                                      .source_route = {}});
}

// The MSS in use after a SYN with these octets of options; nothing where it opened nothing.
std::optional<uint16_t> mss_after_syn(std::initializer_list<unsigned> options) {
  Settings settings;
  settings.timestamps = false;
  Rig rig(settings);
  rig.listen();
  arrive_octets(rig, wire_segment(kSynBit, {}, options));
  const std::optional<ConnectionId> id = rig.endpoint.find(kHere, kThere);
  if (!id) return std::nullopt;
  EXPECT_EQ(rig.one().flags, kSynAck);
  return rig.status(*id).mss;
}

// End of option list, no-operation and maximum segment size: 3.2, Table 1.
TEST(rfc9293, must_4_the_mandatory_options_are_understood) {
  EXPECT_EQ(mss_after_syn({2, 4, 0x03, 0xE8}), 1000);
  EXPECT_EQ(mss_after_syn({1, 1, 1, 1, 2, 4, 0x03, 0xE8}), 1000);
  EXPECT_EQ(mss_after_syn({2, 4, 0x03, 0xE8, 0, 2, 4, 0x02}), 1000);
  EXPECT_EQ(mss_after_syn({0, 1, 1, 1, 2, 4, 0x03, 0xE8}), 536);  // behind the end
}

// Unknown and known options with text, with a FIN and with a lone ACK.
TEST(rfc9293, must_5_options_may_come_in_any_segment) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  Segment segment{.flags = kAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .text = "text"};
  segment.options = {.mss = 200,
                     .window_scale = 7,
                     .sack_permitted = true,
                     .timestamps = wire::Timestamps{.value = 1, .echo = 2}};
  rig.arrive(segment);
  EXPECT_EQ(rig.user_receive(id), "text");
  EXPECT_EQ(rig.status(id).mss, kMss);  // what belongs into a SYN means nothing here
  EXPECT_EQ(rig.status(id).snd_wnd, 65535U);
  rig.user_send(id, "x");
  rig.arrive({.flags = kAck, .seq = segment.end(), .ack = rig.snd_nxt, .options = segment.options});
  EXPECT_EQ(rig.status(id).unacknowledged, 0U);
  rig.arrive(
      {.flags = kFinAck, .seq = segment.end(), .ack = rig.snd_nxt, .options = segment.options});
  EXPECT_EQ(rig.state(id), close_wait);

  Rig other;
  other.listen();
  other.arrive({.flags = kSyn, .seq = Seq{4999}});
  arrive_octets(other, wire_segment(kAckBit, other.snd_nxt, {253, 4, 1, 2}, "text"));
  EXPECT_EQ(other.state(), established);
}

TEST(rfc9293, must_6_unknown_options_are_ignored_by_their_length) {
  EXPECT_EQ(mss_after_syn({99, 4, 2, 4, 2, 4, 0x03, 0xE8}), 1000);
  EXPECT_EQ(mss_after_syn({254, 2, 253, 6, 2, 4, 2, 4, 2, 4, 0x03, 0xE8}), 1000);
}

// The connection opens with what stood before; nothing behind the illegal length is believed.
TEST(rfc9293, must_7_an_illegal_option_length_does_no_harm) {
  EXPECT_EQ(mss_after_syn({99, 0, 2, 4, 2, 4, 0x03, 0xE8}), 536);
  EXPECT_EQ(mss_after_syn({99, 1, 2, 4, 0x03, 0xE8, 0, 0}), 536);
  EXPECT_EQ(mss_after_syn({99, 41, 0, 0}), 536);
  EXPECT_EQ(mss_after_syn({2, 4, 0x03, 0xE8, 2, 0, 0, 0}), 1000);
  EXPECT_EQ(mss_after_syn({1, 1, 1, 2}), 536);
}

TEST(rfc9293, must_64_options_need_not_begin_on_a_word_boundary) {
  EXPECT_EQ(mss_after_syn({1, 2, 4, 0x03, 0xE8, 0, 0, 0}), 1000);
  EXPECT_EQ(mss_after_syn({1, 1, 2, 4, 0x03, 0xE8, 0, 0}), 1000);
  EXPECT_EQ(mss_after_syn({1, 1, 1, 2, 4, 0x03, 0xE8, 0}), 1000);
}

Octets octets_sent(const Segment& segment) {
  const Packet packet = packet_of(segment);
  Octets all(wire::kMaxTcpHeaderSize + segment.text.size());
  all.resize(wire::write_tcp(packet.header, packet.text, packet.source, packet.destination, all));
  return all;
}

// The kinds in the header of a segment, found by walking from length to length as a receiver that
// knows nothing but End (0) and No-Operation (1) does. `padding` is what is left behind an End.
std::set<unsigned> option_kinds(const Octets& segment, Octets& padding) {
  std::set<unsigned> kinds;
  const size_t end = std::to_integer<size_t>(segment[12]) / 16 * 4;
  size_t at = 20;
  while (at < end && segment[at] != std::byte{0}) {
    const auto kind = std::to_integer<unsigned>(segment[at]);
    const size_t length = kind == 1 ? 1 : std::to_integer<size_t>(segment.at(at + 1));
    EXPECT_GE(length, kind == 1 ? 1U : 2U);
    if (kind != 1) kinds.insert(kind);
    at += std::max<size_t>(length, 1);
  }
  EXPECT_LE(at, end);
  for (; at < end; ++at) padding.push_back(segment[at]);
  return kinds;
}

// Also MUST-69. Kinds 2 to 5 and 8: MSS, window scale, SACK permitted, SACK, timestamps.
TEST(rfc9293, must_68_every_option_has_its_length_and_the_header_ends_in_zeros) {
  Octets padding;
  std::set<unsigned> kinds;
  for (unsigned choice = 0; choice < 8; ++choice) {
    Settings settings;
    settings.timestamps = (choice & 1) != 0;
    settings.window_scaling = (choice & 2) != 0;
    settings.sack = (choice & 4) != 0;
    Rig rig(settings);
    rig.start_connect();
    kinds = option_kinds(octets_sent(rig.sent.front()), padding);
    EXPECT_EQ(kinds.contains(8), settings.timestamps);
    EXPECT_EQ(kinds.contains(3), settings.window_scaling);
    EXPECT_EQ(kinds.contains(4), settings.sack);
    EXPECT_TRUE(kinds.contains(2));
  }
  Rig rig;
  const wire::TcpOptions peer{.mss = kMss,
                              .window_scale = 7,
                              .sack_permitted = true,
                              .timestamps = wire::Timestamps{.value = 1, .echo = 0}};
  rig.open_active({}, peer);
  rig.arrive({.flags = kAck,
              .seq = kIrs + 100,
              .ack = rig.snd_nxt,
              .text = "beyond a gap",
              .options = {.timestamps = wire::Timestamps{.value = 2, .echo = 0}}});
  EXPECT_EQ(option_kinds(octets_sent(rig.one()), padding), (std::set<unsigned>{5, 8}));
  for (const std::byte octet : padding) EXPECT_EQ(octet, std::byte{0});
}

Settings with_mtu(uint16_t mtu) {
  Settings settings;
  settings.mtu = mtu;
  return settings;
}

std::optional<uint16_t> mss_of_syn(uint16_t mtu, const SocketAddress& here,
                                   const SocketAddress& there) {
  Rig rig(with_mtu(mtu));
  EXPECT_TRUE(rig.endpoint.connect(rig.now, here, there));
  return rig.one().options.mss;
}

// Also MUST-67: MMS_R - 20, where MMS_R is the MTU less the IP header of 20 or 40 octets. Also
// SHLD-5 and MAY-3: it is in every SYN and SYN,ACK, even where it says only the default.
TEST(rfc9293, must_14_the_mss_is_sent_in_each_syn_and_heeded) {
  for (const unsigned size : {576U, 1280U, 1500U, 9000U, 65535U}) {
    const auto mtu = static_cast<uint16_t>(size);
    EXPECT_EQ(mss_of_syn(mtu, kHere, kThere), mtu - 40);
    EXPECT_EQ(mss_of_syn(mtu, kHere6, kThere6), mtu - 60);
    Rig server(with_mtu(mtu));
    server.listen();
    server.half_open();
    EXPECT_EQ(server.one().options.mss, mtu - 40);
  }
  Settings cookies;
  cookies.syn_cookies = SynCookies::always;
  Rig server(cookies);
  server.listen();
  server.half_open();
  EXPECT_EQ(server.one().options.mss, 1460);
  // Received in a SYN and in a SYN,ACK.
  Rig active;
  EXPECT_EQ(active.status(active.open_active({}, {.mss = 700})).mss, 700);
  Rig passive;
  EXPECT_EQ(passive.status(passive.open_passive({}, {.mss = 700})).mss, 700);
}

TEST(rfc9293, must_15_without_an_mss_option_it_is_536_or_1220) {
  Rig active;
  EXPECT_EQ(active.status(active.open_active()).mss, 536);
  Rig passive;
  EXPECT_EQ(passive.status(passive.open_passive()).mss, 536);
  Rig six;
  const auto id = six.endpoint.connect(six.now, kHere6, kThere6);
  ASSERT_TRUE(id);
  const Seq iss = six.one().seq;
  six.arrive({.flags = kSynAck, .seq = kIrs, .ack = iss + 1, .from = kThere6, .to = kHere6});
  six.forget();
  six.user_send(*id, pattern(1220 + 1220));
  EXPECT_EQ(sizes(six), (Sizes{1220, 1220}));
}

// Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize. Timestamps take 12 octets of
// the TCP header; a source route over two gateways 3 + 2 * 4 octets of the IP header, padded to 12.
TEST(rfc9293, must_16_segments_are_as_large_as_both_ends_and_the_options_allow) {
  struct Case {
    uint16_t mtu, peer_mss;
    bool timestamps, route;
    size_t text;
  };
  for (const Case& c : {Case{1500, 1000, false, false, 1000}, Case{1000, 1460, false, false, 960},
                        Case{1500, 1460, true, false, 1448}, Case{1500, 1460, false, true, 1448},
                        Case{1500, 1460, true, true, 1436}, Case{1500, 64, false, false, 64},
                        Case{1500, 65535, false, false, 1460}}) {
    Rig rig(with_mtu(c.mtu));
    wire::TcpOptions peer{.mss = c.peer_mss};
    if (c.timestamps) peer.timestamps = wire::Timestamps{.value = 1, .echo = 0};
    ConnectionOptions options;
    if (c.route) options.source_route = {ipv4(10, 0, 0, 1), ipv4(10, 0, 0, 2)};
    const ConnectionId id = rig.open_active(options, peer);
    rig.user_send(id, pattern(3000));
    ASSERT_FALSE(rig.sent.empty());
    EXPECT_EQ(rig.sent.front().text.size(), c.text) << c.peer_mss;
  }
}

TEST(rfc9293, must_65_the_mss_is_in_no_segment_without_syn) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, {.mss = 1460});
  rig.user_send(id, pattern(5000));
  rig.peer_ack_all();
  rig.peer_text("answer");
  rig.run_for(1s);
  rig.user_shutdown(id);
  rig.run_for(10s);                                                      // repeats of the FIN
  rig.arrive({.flags = kSyn, .seq = rig.peer_nxt, .ack = rig.snd_nxt});  // a challenge ACK
  EXPECT_TRUE(rig.endpoint.abort(rig.now, id));
  EXPECT_TRUE(rig.sent.back().flags.rst);
  ASSERT_GE(rig.sent.size(), 6U);
  for (const Segment& segment : rig.sent) EXPECT_FALSE(segment.options.mss) << rfc_text(segment);
}

// --- Checksum (3.1)

// The definition, word by word: the one's complement sum of pseudo header and segment, the checksum
// itself included, is all ones.
uint32_t sum_of_words(const Octets& segment, const IpAddress& source, const IpAddress& target) {
  Octets all;
  for (const IpAddress& address : {source, target}) {
    const size_t size = address.family == Family::v4 ? 4 : 16;
    for (size_t i = 0; i < size; ++i) append(all, {address.bytes[i]});
  }
  const auto size = static_cast<unsigned>(segment.size());
  append(all, {0, 6, size >> 8U, size & 0xFF});  // protocol and TCP length
  all.insert(all.end(), segment.begin(), segment.end());
  if (all.size() % 2 != 0) all.push_back(std::byte{0});
  uint32_t sum = 0;
  for (size_t i = 0; i < all.size(); i += 2) {
    sum += std::to_integer<uint32_t>(all[i]) << 8U | std::to_integer<uint32_t>(all[i + 1]);
    sum = (sum & 0xFFFF) + (sum >> 16U);
  }
  return sum;
}

TEST(rfc9293, must_2_every_segment_is_written_with_its_checksum) {
  Rig rig;
  const ConnectionId id = rig.start_connect();
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1, .options = kPlainPeer});
  rig.user_send(id, "odd");
  rig.user_send(id, pattern(3000));
  EXPECT_TRUE(rig.endpoint.abort(rig.now, id));
  ASSERT_GE(rig.sent.size(), 5U);
  for (const Segment& segment : rig.sent) {
    EXPECT_EQ(sum_of_words(octets_sent(segment), kHere.addr, kThere.addr), 0xFFFFU);
  }
  Rig six;
  EXPECT_TRUE(six.endpoint.connect(six.now, kHere6, kThere6));
  EXPECT_EQ(sum_of_words(octets_sent(six.one()), kHere6.addr, kThere6.addr), 0xFFFFU);
}

// Any one bit of segment or addresses. Who reads datagrams asks this before anything else.
TEST(rfc9293, must_3_a_wrong_checksum_is_seen) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, kPlainPeer);
  rig.user_send(id, "odd");
  Octets octets = octets_sent(rig.one());
  EXPECT_TRUE(wire::tcp_checksum_ok(octets, kHere.addr, kThere.addr));
  for (size_t bit = 0; bit < octets.size() * 8; ++bit) {
    const std::byte mask = std::byte{1} << (bit % 8);
    octets[bit / 8] ^= mask;
    EXPECT_FALSE(wire::tcp_checksum_ok(octets, kHere.addr, kThere.addr)) << bit;
    octets[bit / 8] ^= mask;
  }
  EXPECT_FALSE(wire::tcp_checksum_ok(octets, kHere.addr, ipv4(198, 51, 100, 8)));
}

// --- Initial sequence numbers (3.4.1)

Seq iss_at(Duration now, const SocketAddress& here, const SocketAddress& there, Secret secret) {
  Rig rig({}, secret);
  rig.now = now;
  EXPECT_TRUE(rig.endpoint.connect(now, here, there));
  return rig.one().seq;
}

// One up every 4 microseconds, around in 2^32 of them: about 4.77 hours, which the RFC rounds.
TEST(rfc9293, must_8_the_clock_of_initial_numbers_counts_every_4_microseconds) {
  const auto risen = [](Duration now) {
    return iss_at(now, kHere, kThere, kSecret).raw - iss_at(0s, kHere, kThere, kSecret).raw;
  };
  EXPECT_EQ(risen(3us), 0U);
  EXPECT_EQ(risen(4us), 1U);
  EXPECT_EQ(risen(1s), 250'000U);
  EXPECT_EQ(risen(1h), 900'000'000U);
  EXPECT_EQ(risen(Duration(4LL << 32U)), 0U);
}

// Also MUST-9. F depends on each of the five, and what it is for one connection does not tell what
// it is for the next: the distance between neighbours is another one under each secret.
TEST(rfc9293, shld_1_initial_numbers_have_a_secret_offset_for_each_pair_of_ends) {
  constexpr Secret kOther{kSecret[0], kSecret[1] ^ 1U};
  const SocketAddress here{ipv4(192, 0, 2, 2), kHere.port};
  const SocketAddress there{ipv4(198, 51, 100, 8), kThere.port};
  std::set<uint32_t> numbers;
  numbers.insert(iss_at(0s, kHere, kThere, kSecret).raw);
  numbers.insert(iss_at(0s, here, kThere, kSecret).raw);
  numbers.insert(iss_at(0s, {kHere.addr, 81}, kThere, kSecret).raw);
  numbers.insert(iss_at(0s, kHere, there, kSecret).raw);
  numbers.insert(iss_at(0s, kHere, {kThere.addr, 40001}, kSecret).raw);
  numbers.insert(iss_at(0s, kHere, kThere, kOther).raw);
  EXPECT_EQ(numbers.size(), 6U);
  std::set<int32_t> distances;
  for (uint64_t secret = 1; secret <= 50; ++secret) {
    distances.insert(iss_at(0s, {kHere.addr, 81}, kThere, {secret, 7}) -
                     iss_at(0s, kHere, kThere, {secret, 7}));
  }
  EXPECT_EQ(distances.size(), 50U);
}

// --- Opening (3.5, 3.9.1.1)

// Both directions of Figure 7: the SYN is answered with SYN,ACK, and the other end's SYN,ACK or
// ACK completes it.
TEST(rfc9293, must_10_simultaneous_open_attempts_become_one_connection) {
  for (const wire::TcpFlags last : {kSynAck, kAck}) {
    Rig rig;
    const ConnectionId id = rig.start_connect();
    rig.forget();
    rig.arrive({.flags = kSyn, .seq = kIrs});
    EXPECT_EQ(rig.state(id), syn_received);
    EXPECT_EQ(rfc_text(rig.one()), rfc_text({.flags = kSynAck, .seq = rig.iss, .ack = kIrs + 1}));
    rig.arrive({.flags = last, .seq = last.syn ? kIrs : kIrs + 1, .ack = rig.iss + 1});
    EXPECT_EQ(rig.state(id), established);
    EXPECT_EQ(rig.endpoint.connections(), 1U);
    rig.forget();
    rig.peer_text("hello");
    EXPECT_EQ(rig.user_receive(id), "hello");
  }
}

// 3.10.7.4, second: a RST in SYN-RECEIVED returns a passive OPEN to LISTEN, silently, and refuses
// an active one.
TEST(rfc9293, must_11_syn_received_remembers_a_passive_from_an_active_open) {
  Rig passive;
  const auto record = passive.endpoint.open_passive(passive.now, kHere);
  ASSERT_TRUE(record);
  passive.half_open();
  ASSERT_EQ(passive.state(*record), syn_received);
  passive.arrive({.flags = kRst, .seq = kIrs + 1});
  EXPECT_EQ(passive.state(*record), listen);
  EXPECT_TRUE(passive.notices.empty());

  Rig active;
  const ConnectionId id = active.start_connect();
  active.arrive({.flags = kSyn, .seq = kIrs});
  ASSERT_EQ(active.state(id), syn_received);
  active.arrive({.flags = kRst, .seq = kIrs + 1});
  EXPECT_EQ(active.state(id), closed);
  EXPECT_TRUE(active.told(Notice::refused));
}

// A second one on the same ends is an error; neither it nor one on other ends changes the records
// that are there.
TEST(rfc9293, must_41_a_passive_open_affects_no_earlier_record) {
  Rig rig;
  const ConnectionId opened = rig.open_active({}, kPlainPeer);
  const auto first = rig.endpoint.open_passive(rig.now, kHere);
  ASSERT_TRUE(first);
  EXPECT_FALSE(rig.endpoint.open_passive(rig.now, kHere));
  EXPECT_FALSE(rig.endpoint.listen(rig.now, kHere));
  EXPECT_TRUE(rig.endpoint.open_passive(rig.now, {kHere.addr, 81}));
  EXPECT_TRUE(rig.sent.empty());
  EXPECT_EQ(rig.state(*first), listen);
  EXPECT_EQ(rig.state(opened), established);
  rig.peer_text("still here");
  EXPECT_EQ(rig.user_receive(opened), "still here");
  rig.forget();
  rig.arrive({.flags = kSyn, .seq = kIrs, .from = {kThere.addr, 40001}});
  EXPECT_EQ(rig.state(*first), syn_received);
}

TEST(rfc9293, must_42_a_port_can_be_listened_on_while_a_connection_of_it_opens) {
  for (const bool received : {false, true}) {
    Rig rig;
    const ConnectionId opening = rig.start_connect();
    if (received) rig.arrive({.flags = kSyn, .seq = kIrs});
    ASSERT_EQ(rig.state(opening), received ? syn_received : syn_sent);
    const ListenerId listener = rig.listen();
    rig.forget();
    const SocketAddress other{ipv4(203, 0, 113, 5), 1234};
    rig.arrive({.flags = kSyn, .seq = kIrs, .from = other});
    const Seq answer = rig.one().seq;
    rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = answer + 1, .from = other});
    EXPECT_TRUE(rig.endpoint.accept(rig.now, listener));
    EXPECT_EQ(rig.state(opening), received ? syn_received : syn_sent);
  }
}

Settings with_addresses(std::vector<IpAddress> addresses) {
  Settings settings;
  settings.addresses = std::move(addresses);
  return settings;
}

const IpAddress kSecond = ipv4(192, 0, 2, 2);

// The first address of the destination's family is what IP would choose here.
TEST(rfc9293, must_44_an_address_is_chosen_before_the_first_syn) {
  Rig rig(with_addresses({kHere.addr, kHere6.addr, kSecond}));
  EXPECT_TRUE(rig.endpoint.connect(rig.now, {ipv4(0, 0, 0, 0), 5000}, kThere));
  EXPECT_EQ(rig.one().from, (SocketAddress{kHere.addr, 5000}));
  const SocketAddress any6{parse_address("::").value_or(IpAddress{}), 5000};
  EXPECT_TRUE(rig.endpoint.connect(rig.now, any6, kThere6));
  EXPECT_EQ(rig.one().from, (SocketAddress{kHere6.addr, 5000}));
}

// Everything goes out from the address that the other end called, or that the first SYN had.
TEST(rfc9293, must_45_all_segments_have_the_address_of_the_first) {
  Rig server(with_addresses({kHere.addr, kSecond}));
  const auto listener = server.endpoint.listen(server.now, {ipv4(0, 0, 0, 0), 80});
  ASSERT_TRUE(listener);
  const SocketAddress called{kSecond, 80};
  server.arrive({.flags = kSyn, .seq = kIrs, .to = called});
  server.run_for(2s);  // the SYN,ACK again
  server.arrive({.flags = kAck, .seq = kIrs + 1, .ack = server.snd_nxt, .to = called});
  const auto accepted = server.endpoint.accept(server.now, *listener);
  ASSERT_TRUE(accepted);
  server.user_send(*accepted, "hello");
  server.run_for(5s);
  server.arrive({.flags = kAck, .seq = kIrs + 1, .ack = server.snd_nxt, .text = "x", .to = called});
  server.user_shutdown(*accepted);
  EXPECT_TRUE(server.endpoint.abort(server.now, *accepted));
  ASSERT_GE(server.sent.size(), 6U);
  for (const Segment& segment : server.sent) EXPECT_EQ(segment.from, called);

  Rig client(with_addresses({kHere.addr, kSecond}));
  const auto id = client.endpoint.connect(client.now, {kSecond, 5000}, kThere);
  ASSERT_TRUE(id);
  client.run_for(5s);
  ASSERT_GE(client.sent.size(), 3U);
  for (const Segment& segment : client.sent) EXPECT_EQ(segment.from.addr, kSecond);
}

Settings with_broadcast() {
  Settings settings;
  settings.broadcasts = {ipv4(192, 0, 2, 255)};
  return settings;
}

const std::array kNoHosts{ipv4(224, 0, 0, 1),
                          ipv4(239, 255, 255, 255),
                          ipv4(255, 255, 255, 255),
                          ipv4(192, 0, 2, 255),
                          ipv4(0, 0, 0, 0),
                          parse_address("ff02::1").value_or(IpAddress{}),
                          parse_address("::").value_or(IpAddress{})};

SocketAddress here_for(const IpAddress& remote) {
  return remote.family == Family::v4 ? kHere : kHere6;
}

TEST(rfc9293, must_46_an_open_to_an_invalid_address_is_an_error) {
  Rig rig(with_broadcast());
  for (const IpAddress& address : kNoHosts) {
    const SocketAddress remote{address, 40000};
    const auto active = rig.endpoint.connect(rig.now, here_for(address), remote);
    ASSERT_FALSE(active) << to_string(address);
    EXPECT_FALSE(active.error().sentence.empty());
    EXPECT_FALSE(rig.endpoint.open_passive(rig.now, here_for(address), remote))
        << to_string(address);
  }
  EXPECT_EQ(rig.endpoint.connections(), 0U);
  const auto waiting = rig.endpoint.open_passive(rig.now, kHere);
  ASSERT_TRUE(waiting);
  EXPECT_FALSE(rig.endpoint.connect(rig.now, *waiting, {ipv4(224, 0, 0, 1), 80}));
  EXPECT_EQ(rig.state(*waiting), listen);
  EXPECT_TRUE(rig.sent.empty());
}

TEST(rfc9293, must_63_syns_from_invalid_addresses_are_ignored) {
  Rig rig(with_broadcast());
  rig.listen();
  EXPECT_TRUE(rig.endpoint.listen(rig.now, kHere6));
  for (const IpAddress& address : kNoHosts) {
    rig.arrive({.flags = kSyn, .seq = kIrs, .from = {address, 40000}, .to = here_for(address)});
    EXPECT_TRUE(rig.sent.empty()) << to_string(address);
  }
  EXPECT_EQ(rig.endpoint.connections(), 0U);
  rig.arrive({.flags = kSyn, .seq = kIrs});
  EXPECT_EQ(rig.one().flags, kSynAck);
}

// Not even a RST, whether somebody listens or not.
TEST(rfc9293, must_57_syns_to_broadcast_and_multicast_addresses_are_discarded_silently) {
  Rig rig(with_broadcast());
  EXPECT_TRUE(rig.endpoint.listen(rig.now, {ipv4(0, 0, 0, 0), 80}));
  EXPECT_TRUE(rig.endpoint.listen(rig.now, {parse_address("::").value_or(IpAddress{}), 80}));
  for (const IpAddress& address : kNoHosts) {
    const SocketAddress from = address.family == Family::v4 ? kThere : kThere6;
    for (const uint16_t port : {uint16_t{80}, uint16_t{81}}) {
      rig.arrive({.flags = kSyn, .seq = kIrs, .from = from, .to = {address, port}});
      EXPECT_TRUE(rig.sent.empty()) << to_string(address);
    }
  }
  EXPECT_EQ(rig.endpoint.connections(), 0U);
  rig.arrive({.flags = kSyn, .seq = kIrs});
  EXPECT_EQ(rig.one().flags, kSynAck);
}

// --- IP options (3.9.2, 3.9.2.1)

// A SYN in a datagram with router alert, timestamp and record route options, which mean nothing to
// TCP here.
TEST(rfc9293, must_50_ip_options_that_are_not_understood_are_ignored) {
  const Octets syn = wire_segment(kSynBit, {}, {2, 4, 0x03, 0xE8});
  Octets options;
  append(options, {148, 4, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0, 1});
  wire::IpHeader header{.source = kThere.addr, .destination = kHere.addr};
  header.options = options;
  Octets datagram(wire::header_size(header) + syn.size());
  datagram.resize(wire::write_ip(header, syn.size(), datagram));
  datagram.insert(datagram.end(), syn.begin(), syn.end());

  const auto ip = wire::parse_ip(datagram);
  ASSERT_TRUE(ip);
  EXPECT_FALSE(wire::recorded_route(ip->header));
  ASSERT_EQ(ip->payload.size(), syn.size());
  Rig rig;
  rig.listen();
  arrive_octets(rig, Octets(ip->payload.begin(), ip->payload.end()));
  const Segment answer = rig.one();
  EXPECT_EQ(answer.flags, kSynAck);
  EXPECT_TRUE(answer.source_route.empty());
}

using Route = std::vector<IpAddress>;
const Route kWay{ipv4(10, 0, 0, 1), ipv4(10, 0, 0, 2)};
const Route kWayBack{ipv4(10, 0, 0, 2), ipv4(10, 0, 0, 1)};
const Route kOtherWay{ipv4(10, 9, 9, 9)};

ConnectionOptions over(const Route& route) {
  ConnectionOptions options;
  options.source_route = route;
  return options;
}

// Also MUST-52: another route in what arrives changes nothing.
TEST(rfc9293, must_51_the_users_source_route_is_taken_whatever_arrives) {
  Rig rig;
  const ConnectionId id = rig.start_connect(over(kWay));
  EXPECT_EQ(rig.sent.front().source_route, kWay);
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1, .source_route = kOtherWay});
  rig.user_send(id, "x");
  rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .source_route = kOtherWay});
  rig.user_shutdown(id);
  rig.run_for(5s);
  ASSERT_GE(rig.sent.size(), 5U);
  for (const Segment& segment : rig.sent) EXPECT_EQ(segment.source_route, kWay);
  // No way that could be written: the option has room for nine addresses, and IPv6 has none.
  EXPECT_FALSE(rig.endpoint.connect(rig.now, kHere, {kThere.addr, 1}, over(Route(10, kSecond))));
  EXPECT_FALSE(rig.endpoint.connect(rig.now, kHere6, kThere6, over(kWay)));
}

// From the SYN,ACK to the last segment, with and without SYN cookies.
TEST(rfc9293, must_53_a_passive_open_answers_over_the_return_route) {
  for (const SynCookies cookies : {SynCookies::never, SynCookies::always}) {
    Settings settings;
    settings.syn_cookies = cookies;
    Rig rig(settings);
    const ListenerId listener = rig.listen();
    rig.arrive({.flags = kSyn, .seq = kIrs, .source_route = kWay});
    rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .source_route = kWay});
    const auto id = rig.endpoint.accept(rig.now, listener);
    ASSERT_TRUE(id);
    rig.user_send(*id, "x");
    rig.peer_text("y");
    rig.user_shutdown(*id);
    rig.run_for(5s);
    ASSERT_GE(rig.sent.size(), 4U);
    for (const Segment& segment : rig.sent) EXPECT_EQ(segment.source_route, kWayBack);
  }
}

// What one caller's datagrams recorded is not the way to the next one.
TEST(rfc9293, must_53_a_return_route_ends_with_its_connection) {
  Rig rig;
  const auto record = rig.endpoint.open_passive(rig.now, kHere);
  ASSERT_TRUE(record);
  rig.arrive({.flags = kSyn, .seq = kIrs, .source_route = kWay});
  EXPECT_EQ(rig.one().source_route, kWayBack);
  rig.arrive({.flags = kRst, .seq = kIrs + 1});
  ASSERT_EQ(rig.state(*record), listen);
  rig.arrive({.flags = kSyn, .seq = kIrs, .from = {ipv4(203, 0, 113, 5), 1234}});
  EXPECT_TRUE(rig.one().source_route.empty());
}

TEST(rfc9293, shld_24_a_later_source_route_overrides_the_earlier_one) {
  Rig rig;
  const ListenerId listener = rig.listen();
  rig.arrive({.flags = kSyn, .seq = kIrs, .source_route = kWay});
  rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .source_route = kWay});
  const auto id = rig.endpoint.accept(rig.now, listener);
  ASSERT_TRUE(id);
  rig.forget();
  rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .source_route = kOtherWay});
  rig.user_send(*id, "x");
  EXPECT_EQ(rig.one().source_route, kOtherWay);
}

// --- ICMP (3.9.2.2)

IcmpError icmp(const Rig& rig, IcmpKind kind) {
  return {.kind = kind, .local = kHere, .remote = kThere, .seq = rig.snd_nxt - 1};
}

TEST(rfc9293, must_54_an_icmp_error_goes_to_the_connection_that_caused_it) {
  Rig rig(Settings::rfc9293());
  const ConnectionId first = rig.start_connect();
  const Seq iss = rig.iss;
  const SocketAddress other{kThere.addr, 40001};
  const auto second = rig.endpoint.connect(rig.now, kHere, other);
  ASSERT_TRUE(second);
  IcmpError error{.kind = IcmpKind::hard_error, .local = kHere, .remote = kThere, .seq = iss};
  error.remote.port = 40002;  // of nobody
  rig.endpoint.arrive(rig.now, error);
  EXPECT_EQ(rig.endpoint.connections(), 2U);
  error.remote = kThere;
  rig.endpoint.arrive(rig.now, error);
  EXPECT_EQ(rig.state(first), closed);
  EXPECT_EQ(rig.state(*second), syn_sent);

  Rig six(Settings::rfc9293());  // ICMPv6 as well
  const auto id = six.endpoint.connect(six.now, kHere6, kThere6);
  ASSERT_TRUE(id);
  six.endpoint.arrive(
      six.now,
      IcmpError{
          .kind = IcmpKind::hard_error, .local = kHere6, .remote = kThere6, .seq = six.one().seq});
  EXPECT_EQ(six.state(*id), closed);
}

// Every state in which something of ours is unacknowledged.
std::vector<State> with_each_state(const Settings& settings,
                                   const std::function<void(Rig&, ConnectionId)>& visit) {
  struct Way {
    State state;
    bool text, shut, fin;
  };
  std::vector<State> visited;
  for (const Way& way : {Way{syn_sent, false, false, false}, Way{syn_received, false, false, false},
                         Way{established, true, false, false}, Way{fin_wait_1, true, true, false},
                         Way{close_wait, true, false, true}, Way{closing, false, true, true},
                         Way{last_ack, true, true, true}}) {
    Rig rig(settings);
    ConnectionId id;
    if (way.state == syn_sent || way.state == syn_received) {
      id = rig.start_connect();
      if (way.state == syn_received) rig.arrive({.flags = kSyn, .seq = kIrs});
    } else {
      id = rig.open_active({}, kPlainPeer);
    }
    if (way.text) rig.user_send(id, "text");
    if (way.fin && way.state != closing) {
      rig.arrive({.flags = kFinAck, .seq = kIrs + 1, .ack = rig.iss + 1});
    }
    if (way.shut) rig.user_shutdown(id);
    if (way.state == closing) rig.arrive({.flags = kFinAck, .seq = kIrs + 1, .ack = rig.iss + 1});
    EXPECT_EQ(rig.state(id), way.state);
    rig.forget();
    visit(rig, id);
    visited.push_back(way.state);
  }
  return visited;
}

TEST(rfc9293, must_55_source_quench_is_discarded_silently) {
  const auto visited = with_each_state(Settings::rfc9293(), [](Rig& rig, ConnectionId id) {
    const Status before = rig.status(id);
    rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::source_quench));
    EXPECT_TRUE(rig.notices.empty());
    EXPECT_TRUE(rig.sent.empty());
    EXPECT_EQ(rig.state(id), before.state);
    EXPECT_EQ(rig.status(id).cwnd, before.cwnd);
    EXPECT_EQ(rig.status(id).rto, before.rto);
  });
  EXPECT_EQ(visited.size(), 7U);
}

// Also SHLD-25: the user is told. Time exceeded and parameter problem are of this kind, too.
TEST(rfc9293, must_56_soft_errors_are_told_and_abort_nothing) {
  for (const Settings& settings : {Settings::linux_defaults(), Settings::rfc9293()}) {
    const auto visited = with_each_state(settings, [](Rig& rig, ConnectionId id) {
      const State before = rig.state(id);
      for (int i = 0; i < 20; ++i) {
        rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::soft_error));
      }
      EXPECT_EQ(rig.state(id), before);
      EXPECT_TRUE(rig.told(Notice::soft_error)) << to_string(before);
      EXPECT_TRUE(rig.sent.empty());
    });
    EXPECT_EQ(visited.size(), 7U);
  }
}

TEST(rfc9293, shld_26_hard_errors_abort) {
  const auto visited = with_each_state(Settings::rfc9293(), [](Rig& rig, ConnectionId id) {
    const State before = rig.state(id);
    rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::hard_error));
    EXPECT_EQ(rig.state(id), closed) << to_string(before);
    EXPECT_TRUE(rig.told(Notice::aborted)) << to_string(before);
  });
  EXPECT_EQ(visited.size(), 7U);
}

}  // namespace
}  // namespace tcpdx::tcp
