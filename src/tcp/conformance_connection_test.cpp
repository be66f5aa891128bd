// The requirements of RFC 9293 Appendix B that need a connection over some time: closing,
// retransmission, acknowledging, sending, failures, keep-alives and what the user may choose. Each
// test is named after its requirement; docs/rfc9293.md lists them all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

const std::vector<Settings> kBoth{Settings::linux_defaults(), Settings::rfc9293()};

// Without timestamps, SACK and probes for the tail: the timers and windows of RFC 6298 and 5681.
Settings plain() {
  Settings settings = Settings::rfc9293();
  settings.timestamps = false;
  settings.sack = false;
  settings.tail_loss_probe = false;
  return settings;
}

size_t octets_in(const std::vector<Segment>& segments) {
  size_t octets = 0;
  for (const Segment& segment : segments) octets += segment.text.size();
  return octets;
}

wire::TcpOptions with_timestamp(uint32_t value, uint32_t echo = 0) {
  wire::TcpOptions options;
  options.timestamps = wire::Timestamps{value, echo};
  return options;
}

// --- Closing (3.5.3, 3.6)

TEST(rfc9293, shld_2_a_rst_may_carry_text) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.arrive({.flags = kRst, .seq = rig.peer_nxt, .text = "the reason why"});
  EXPECT_EQ(rig.state(id), State::closed);
  EXPECT_TRUE(rig.told(Notice::reset));
  EXPECT_EQ(rig.readiness(id).readable, 0U);

  Rig opening;
  const ConnectionId refused = opening.start_connect();
  opening.arrive({.flags = kRstAck, .seq = {}, .ack = opening.iss + 1, .text = "no such service"});
  EXPECT_EQ(opening.state(refused), State::closed);
  EXPECT_TRUE(opening.told(Notice::refused));
}

TEST(rfc9293, must_12_the_user_is_told_of_an_aborted_connection) {
  Rig orderly;
  const ConnectionId ended = orderly.open_active();
  orderly.peer_fin();
  EXPECT_TRUE(orderly.told(Notice::peer_closed));
  EXPECT_TRUE(orderly.readiness(ended).end_of_data);
  EXPECT_EQ(orderly.user_receive(ended), "");
  orderly.user_shutdown(ended);
  orderly.peer_ack_all();
  EXPECT_TRUE(orderly.told(Notice::closed));
  EXPECT_FALSE(orderly.told(Notice::reset));

  Rig cut;
  const ConnectionId reset = cut.open_active();
  cut.arrive({.flags = kRst, .seq = cut.peer_nxt});
  EXPECT_TRUE(cut.told(Notice::reset));
  EXPECT_FALSE(cut.told(Notice::peer_closed));
  EXPECT_FALSE(cut.told(Notice::closed));
  std::string text(10, ' ');
  EXPECT_FALSE(cut.endpoint.receive(cut.now, reset, std::as_writable_bytes(std::span(text))));
  EXPECT_FALSE(cut.endpoint.send(cut.now, reset, octets_of("x")));
}

// A RST after the other end's FIN cuts what we still had to say.
TEST(rfc9293, must_12_a_reset_after_the_fin_is_no_orderly_end) {
  Rig rig;
  rig.open_active();
  rig.peer_fin();
  rig.arrive({.flags = kRst, .seq = rig.peer_nxt});
  EXPECT_TRUE(rig.told(Notice::reset));
  EXPECT_FALSE(rig.told(Notice::closed));
}

// MAY-1 too: after CLOSE nothing can be read.
TEST(rfc9293, shld_3_a_close_with_unread_data_sends_a_rst) {
  for (const bool after_fin : {false, true}) {
    Rig rig;
    const ConnectionId id = rig.open_active();
    rig.peer_text("nobody reads this");
    if (after_fin) rig.peer_fin();
    rig.forget();
    rig.user_close(id);
    EXPECT_TRUE(rig.one().flags.rst);
    EXPECT_EQ(rig.state(), State::closed);
    std::string text(100, ' ');
    EXPECT_FALSE(rig.endpoint.receive(rig.now, id, std::as_writable_bytes(std::span(text))));
  }
}

TEST(rfc9293, shld_3_data_after_a_close_is_answered_with_a_rst) {
  for (const bool fin_acknowledged : {false, true}) {
    Rig rig;
    const ConnectionId id = rig.open_active();
    rig.user_close(id);
    EXPECT_EQ(rig.one().flags, kFinAck);
    const Seq ack = rig.snd_nxt - (fin_acknowledged ? 0U : 1U);
    rig.peer_ack(ack);
    EXPECT_EQ(rig.state(), fin_acknowledged ? State::fin_wait_2 : State::fin_wait_1);
    rig.forget();
    rig.arrive({.flags = kAck, .seq = rig.peer_nxt, .ack = ack, .text = "too late"});
    EXPECT_TRUE(rig.one().flags.rst);
    EXPECT_EQ(rig.state(), State::closed);
  }
}

// The half-duplex close is a choice: shutdown() is the CLOSE of 3.6, case 1.
TEST(rfc9293, may_1_a_shutdown_reads_on) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.user_shutdown(id);
  rig.peer_ack_all();
  rig.peer_text("still read");
  EXPECT_EQ(rig.user_receive(id), "still read");
  EXPECT_EQ(rig.state(id), State::fin_wait_2);
}

// The end that closes first; it came from a listener, and its program is gone.
void into_time_wait(Rig& rig, const wire::TcpOptions& peer = {}) {
  const ConnectionId id = rig.open_passive({}, peer);
  rig.user_close(id);
  rig.arrive({.flags = kFinAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .options = peer});
  rig.peer_nxt += 1;
  EXPECT_EQ(rig.state(), State::time_wait);
  rig.forget();
}

// 3.4.2 takes the MSL as 2 minutes; Linux's fixed time stands for an MSL of 30 s.
TEST(rfc9293, must_13_time_wait_lasts_two_msl) {
  EXPECT_EQ(Settings::rfc9293().time_wait, 4min);
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    into_time_wait(rig);
    rig.run_for(settings.time_wait - 1ms);
    EXPECT_EQ(rig.state(), State::time_wait);
    rig.run_for(1ms);
    EXPECT_EQ(rig.state(), State::closed);
  }
}

TEST(rfc9293, must_13_a_simultaneous_close_waits_at_both_ends) {  // Figure 13
  const Settings settings = Settings::rfc9293();
  Rig rig(settings);
  const ConnectionId id = rig.open_active();
  rig.user_shutdown(id);
  rig.arrive({.flags = kFinAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt - 1});
  EXPECT_EQ(rig.state(id), State::closing);
  rig.peer_nxt += 1;
  rig.peer_ack_all();
  EXPECT_EQ(rig.state(id), State::time_wait);
  rig.run_for(4min - 1ms);
  EXPECT_EQ(rig.state(id), State::time_wait);
  rig.run_for(1ms);
  EXPECT_EQ(rig.state(id), State::closed);
}

// 3.10.7.4, eighth: a FIN that comes again means that our ACK was lost.
TEST(rfc9293, must_13_a_fin_again_starts_the_two_msl_again) {
  Rig rig(Settings::rfc9293());
  into_time_wait(rig);
  rig.run_for(3min);
  rig.arrive({.flags = kFinAck, .seq = rig.peer_nxt - 1, .ack = rig.snd_nxt});
  EXPECT_EQ(rig.one().ack, rig.peer_nxt);
  rig.run_for(4min - 1ms);
  EXPECT_EQ(rig.state(), State::time_wait);
  rig.run_for(1ms);
  EXPECT_EQ(rig.state(), State::closed);
}

TEST(rfc9293, may_2_a_syn_reopens_from_time_wait_beyond_the_old_numbers) {
  Rig rig;
  into_time_wait(rig);
  const Seq last = rig.snd_nxt;
  rig.arrive({.flags = kSyn, .seq = rig.peer_nxt + 1000});
  const Segment answer = rig.one();
  EXPECT_EQ(answer.flags, kSynAck);
  EXPECT_GT(answer.seq, last);  // (1)
  EXPECT_EQ(answer.ack, rig.peer_nxt + 1001);
  EXPECT_EQ(rig.state(), State::syn_received);
}

TEST(rfc9293, may_2_an_old_duplicate_syn_leads_back_to_time_wait) {
  Rig rig;
  into_time_wait(rig);
  const Seq syn = rig.peer_nxt + 1000;
  rig.arrive({.flags = kSyn, .seq = syn});
  EXPECT_EQ(rig.state(), State::syn_received);
  rig.arrive({.flags = kRst, .seq = syn + 1});  // (2): whoever got our SYN,ACK knows nothing of it
  EXPECT_EQ(rig.state(), State::time_wait);
  rig.run_for(Settings{}.time_wait);
  EXPECT_EQ(rig.state(), State::closed);
}

// RFC 6191 2: the timestamp decides, and only where it is equal the sequence number.
TEST(rfc9293, shld_4_timestamps_reopen_from_time_wait) {
  struct Case {
    uint32_t timestamp;
    int32_t beyond;  // of the last sequence number
    bool reopens;
  };
  for (const Case& c : std::vector<Case>{{1001, -2000, true},
                                         {1001, 2000, true},
                                         {1000, 2000, true},
                                         {1000, -2000, false},
                                         {999, 2000, false},
                                         {999, -2000, false}}) {
    Rig rig;
    into_time_wait(rig, with_timestamp(1000));
    const Seq seq = rig.peer_nxt + static_cast<uint32_t>(c.beyond);
    rig.arrive({.flags = kSyn, .seq = seq, .options = with_timestamp(c.timestamp)});
    EXPECT_EQ(rig.state(), c.reopens ? State::syn_received : State::time_wait)
        << c.timestamp << " " << c.beyond;
  }
}

// --- Retransmission timeout (3.8.1, RFC 6298)

// RFC 6298 2.1 to 2.3, with samples of 600 ms and 1 s.
TEST(rfc9293, must_18_the_timeout_is_that_of_rfc_6298) {
  Rig rig(plain());
  const ConnectionId id = rig.start_connect();
  EXPECT_EQ(rig.status(id).rto, 1s);
  rig.now += 600ms;
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1});
  EXPECT_EQ(rig.status(id).srtt, Duration(600ms));
  EXPECT_EQ(rig.status(id).rto, 1800ms);  // 600 + 4 * 300
  rig.user_send(id, "x");
  rig.now += 1s;
  rig.peer_ack_all();
  EXPECT_EQ(rig.status(id).srtt, Duration(650ms));  // 7/8 * 600 + 1/8 * 1000
  EXPECT_EQ(rig.status(id).rto, 1950ms);            // 650 + 4 * 325; 325 is 3/4 * 300 + 1/4 * 400
  rig.user_send(id, "y");
  rig.forget();
  EXPECT_EQ(rig.run_until_sent(10s), Duration(1950ms));
}

TEST(rfc9293, must_18_the_timeout_is_never_below_a_second) {  // RFC 6298 2.4
  Rig rig(plain());
  const ConnectionId id = rig.open_active();
  for (int i = 0; i < 20; ++i) {
    rig.user_send(id, "x");
    rig.now += 1ms;
    rig.peer_ack_all();
  }
  EXPECT_EQ(rig.status(id).rto, 1s);
}

// RFC 6298 3 and 5: no sample of what was sent twice, and the doubled timeout stays until there is
// one.
TEST(rfc9293, must_18_what_was_sent_twice_is_not_measured) {
  Rig rig(plain());
  const ConnectionId id = rig.start_connect();
  rig.now += 600ms;
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1});
  rig.user_send(id, "x");
  rig.forget();
  EXPECT_EQ(rig.run_until_sent(10s), Duration(1800ms));
  rig.now += 10ms;
  rig.peer_ack_all();  // of which of the two?
  EXPECT_EQ(rig.status(id).srtt, Duration(600ms));
  EXPECT_EQ(rig.status(id).rto, 3600ms);
  rig.user_send(id, "y");
  rig.now += 600ms;
  rig.peer_ack_all();
  EXPECT_EQ(rig.status(id).srtt, Duration(600ms));
  EXPECT_EQ(rig.status(id).rto, 1500ms);  // 600 + 4 * 225; 225 is 3/4 * 300
}

// --- Congestion control (3.8.2, RFC 5681)

TEST(rfc9293, must_19_the_timeout_doubles) {
  Rig rig(plain());
  const ConnectionId id = rig.open_active();
  rig.user_send(id, "x");
  for (const Duration expected : {1s, 2s, 4s, 8s, 16s, 32s}) {
    rig.forget();
    EXPECT_EQ(rig.run_until_sent(10min), expected);
  }
  rig.forget();
  const std::optional<Duration> longest = rig.run_until_sent(10min);
  ASSERT_TRUE(longest);
  EXPECT_GE(*longest, 60s);  // RFC 6298 2.5
}

// Each segment of what was sent is acknowledged by itself. Returns its octets.
uint32_t acknowledge_each(Rig& rig, uint32_t mss) {
  const std::vector<Segment> sent = rig.take();
  rig.now += 100ms;
  for (const Segment& segment : sent) {
    for (uint32_t done = mss; done < segment.length(); done += mss)
      rig.peer_ack(segment.seq + done);
    rig.peer_ack(segment.end());
  }
  return static_cast<uint32_t>(octets_in(sent));
}

TEST(rfc9293, must_19_slow_start_and_congestion_avoidance) {
  Rig rig(plain());
  const ConnectionId id = rig.open_active({}, mss_option(1000));
  rig.user_send(id, pattern(120'000));
  const size_t first = octets_in(rig.sent);
  EXPECT_LE(first, 4000U);  // RFC 5681 3.1: 4 segments of at most 1095 octets
  EXPECT_EQ(acknowledge_each(rig, 1000), first);
  EXPECT_EQ(octets_in(rig.sent), 2 * first);
  EXPECT_EQ(acknowledge_each(rig, 1000), 2 * first);
  EXPECT_EQ(octets_in(rig.sent), 4 * first);
  rig.forget();
  // Nothing is answered: one segment, and half of the flight as the threshold.
  ASSERT_TRUE(rig.run_until_sent(100s));
  EXPECT_EQ(octets_in(rig.sent), 1000U);
  const Status lost = rig.status(id);
  EXPECT_EQ(lost.cwnd, 1000U);
  EXPECT_EQ(lost.ssthresh, 2 * first);
  rig.forget();
  rig.peer_ack_all();  // only the acknowledgment was lost
  for (uint32_t window = 2000; window < lost.ssthresh; window *= 2) {
    EXPECT_EQ(rig.status(id).cwnd, window);
    EXPECT_EQ(acknowledge_each(rig, 1000), window);
  }
  for (uint32_t window = lost.ssthresh; window < lost.ssthresh + 5000; window += 1000) {
    EXPECT_EQ(rig.status(id).cwnd, window);
    EXPECT_EQ(acknowledge_each(rig, 1000), window);
  }
}

// RFC 9438 4.6: CUBIC keeps 7 tenths of the window where RFC 5681 keeps a half.
TEST(rfc9293, may_18_cubic_is_the_alternative) {
  for (const bool cubic : {false, true}) {
    Settings settings;
    settings.congestion = cubic ? CongestionLaw::cubic : CongestionLaw::new_reno;
    Rig rig(settings);
    const ConnectionId id = rig.open_active({}, mss_option(1000));
    const Seq una = rig.snd_nxt;
    rig.user_send(id, pattern(10'000));
    EXPECT_EQ(octets_in(rig.sent), 10'000U);
    for (int i = 0; i < 3; ++i) rig.peer_ack(una);
    EXPECT_TRUE(rig.status(id).in_recovery);
    EXPECT_EQ(rig.status(id).ssthresh, cubic ? 7000U : 5000U);
  }
}

// --- Generating ACKs (3.8.6.2.2, 3.8.6.3, 3.10.7.4)

TEST(rfc9293, must_58_acks_are_aggregated) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    const ConnectionId id = rig.open_active();
    rig.peer_text("question");
    EXPECT_TRUE(rig.sent.empty());  // it waits for company,
    rig.user_send(id, "answer");
    const Segment answer = rig.one();
    EXPECT_EQ(answer.text, "answer");  // goes with the text,
    EXPECT_EQ(answer.ack, rig.peer_nxt);
    rig.run_for(999ms);
    EXPECT_TRUE(rig.sent.empty() || rig.sent.front().text == "answer");  // and not once more
    rig.peer_ack_all();
    rig.forget();
    rig.peer_text("the end", kFinAck);  // text and FIN: one ACK
    EXPECT_EQ(rig.one().ack, rig.peer_nxt);
  }
}

// MUST-59 and SHLD-31: segments beyond a gap are held, and taken together when it is filled.
TEST(rfc9293, must_59_one_ack_for_all_that_was_queued) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    const ConnectionId id = rig.open_active();
    const Seq first = rig.peer_nxt;
    const std::string text = pattern(5000);
    for (const uint32_t at : {4000U, 2000U, 1000U, 3000U}) {  // later ones first
      rig.arrive(
          {.flags = kAck, .seq = first + at, .ack = rig.snd_nxt, .text = text.substr(at, 1000)});
      for (const Segment& ack : rig.take()) EXPECT_EQ(ack.ack, first);
    }
    EXPECT_EQ(rig.readiness(id).readable, 0U);
    rig.arrive({.flags = kAck, .seq = first, .ack = rig.snd_nxt, .text = text.substr(0, 1000)});
    EXPECT_EQ(rig.one().ack, first + 5000);
    EXPECT_EQ(rig.user_receive(id), text);
  }
}

TEST(rfc9293, shld_31_a_fin_beyond_a_gap_is_held_too) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  const Seq first = rig.peer_nxt;
  rig.arrive({.flags = kFinAck, .seq = first + 5, .ack = rig.snd_nxt, .text = "world"});
  EXPECT_EQ(rig.state(id), State::established);
  rig.arrive({.flags = kAck, .seq = first, .ack = rig.snd_nxt, .text = "hello"});
  EXPECT_EQ(rig.state(id), State::close_wait);
  EXPECT_EQ(rig.sent.back().ack, first + 11);
  EXPECT_EQ(rig.user_receive(id), "helloworld");
}

TEST(rfc9293, may_13_a_segment_beyond_a_gap_is_acknowledged_at_once) {
  Rig rig;
  rig.open_active();
  rig.arrive({.flags = kAck, .seq = rig.peer_nxt + 10, .ack = rig.snd_nxt, .text = "beyond"});
  const Segment ack = rig.one();
  EXPECT_EQ(ack.flags, kAck);
  EXPECT_EQ(ack.ack, rig.peer_nxt);
}

// MUST-40 too: less than half a second, also where more comes and goes on coming.
TEST(rfc9293, shld_18_acks_are_delayed_by_less_than_half_a_second) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    rig.open_active();
    rig.peer_text("x");
    EXPECT_TRUE(rig.sent.empty());
    const std::optional<Duration> delay = rig.run_until_sent(10s);
    ASSERT_TRUE(delay);
    EXPECT_GT(*delay, 0s);
    EXPECT_LT(*delay, 500ms);
    EXPECT_EQ(rig.one().ack, rig.peer_nxt);
  }
}

TEST(rfc9293, must_40_text_that_goes_on_coming_does_not_put_the_ack_off) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    rig.open_active();
    rig.peer_text(pattern(1460));  // so that a single octet is far from full-sized
    rig.run_for(1s);
    rig.forget();
    for (int ms = 0; ms < 490 && rig.sent.empty(); ms += 10) {
      rig.peer_text("x");
      rig.run_for(10ms);
    }
    EXPECT_FALSE(rig.sent.empty());
  }
}

// RMSS is 1460 here: the MTU less 40.
TEST(rfc9293, shld_19_every_second_full_segment_or_twice_rmss_is_acknowledged) {
  for (const Settings& settings : kBoth) {
    for (const size_t size : {1460U, 730U, 365U}) {
      Rig rig(settings);
      const ConnectionId id = rig.open_active();
      Seq acknowledged = rig.peer_nxt;
      for (int i = 0; i < 40; ++i) {
        rig.peer_text(pattern(size));
        for (const Segment& ack : rig.take()) acknowledged = ack.ack;
        EXPECT_LT(octets(acknowledged, rig.peer_nxt), 2U * 1460U) << size;
        rig.user_receive(id);
      }
    }
  }
}

// 3.8.6.2.2: the right edge moves by min(RCV.BUFF / 2, Eff.snd.MSS) at least, or not at all.
TEST(rfc9293, must_39_the_window_does_not_open_in_small_steps) {
  struct Case {
    uint32_t buffer;
    uint32_t step;
  };
  for (const Case& c : std::vector<Case>{{10'000, 1000}, {1200, 600}}) {
    for (Settings settings : kBoth) {
      settings.receive_buffer = c.buffer;
      Rig rig(settings);
      const ConnectionId id = rig.open_active({}, mss_option(1000));
      Seq edge = rig.peer_nxt + c.buffer;
      size_t moves = 0;
      for (int i = 0; i < 2000; ++i) {
        const uint32_t room = octets(rig.peer_nxt, edge);
        if (room != 0) {
          rig.peer_text(pattern(std::min(room, 100U)));
        } else {
          rig.peer_ack(rig.snd_nxt);
        }
        rig.user_receive(id, 37);
        rig.run_for(500ms);  // for the delayed ACK
        const Seq before = edge;
        for (const Segment& ack : rig.take()) edge = later(edge, ack.ack + ack.window);
        if (edge == before) continue;
        EXPECT_GE(octets(before, edge), c.step);
        ++moves;
      }
      EXPECT_GT(moves, 10U) << c.buffer;  // it does open
    }
  }
}

// --- Sending data (3.7.4, 3.8.6.2.1, 3.9.2)

// From the SYN to the RST, and the SYN,ACK that a listener sends with or without a cookie.
TEST(rfc9293, must_49_the_ttl_is_the_users) {
  ConnectionOptions options;
  options.ttl = 3;
  Rig rig;
  const ConnectionId id = rig.start_connect(options);
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1});
  rig.user_send(id, "text");
  rig.peer_text("text");
  rig.run_for(5s);  // a delayed ACK, and repeats
  ASSERT_TRUE(rig.endpoint.abort(rig.now, id));
  EXPECT_TRUE(rig.sent.back().flags.rst);
  EXPECT_GE(rig.sent.size(), 5U);
  for (const Segment& segment : rig.sent) EXPECT_EQ(segment.ttl, 3) << rfc_text(segment);

  for (const SynCookies cookies : {SynCookies::never, SynCookies::always}) {
    Settings settings;
    settings.syn_cookies = cookies;
    Rig server(settings);
    server.listen({.backlog = 1, .connection = options});
    server.half_open();
    EXPECT_EQ(server.one().ttl, 3);
  }
}

// 3.8.6.2.1 with a largest window of 10000: 300 octets are less than a segment, less than what
// waits and less than half of that window.
TEST(rfc9293, must_38_the_sender_does_not_fill_small_windows) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    rig.peer_window = 10'000;
    const ConnectionId id = rig.open_active(without_nagle(), mss_option(1000));
    rig.peer_window = 300;
    rig.peer_ack_all();
    rig.user_send(id, pattern(5000));
    EXPECT_TRUE(rig.sent.empty());
    const std::optional<Duration> override = rig.run_until_sent(10s);  // (4)
    ASSERT_TRUE(override);
    EXPECT_GE(*override, 100ms);
    EXPECT_LE(*override, 1s);
    EXPECT_EQ(rig.one().text.size(), 300U);
  }
}

TEST(rfc9293, must_38_half_of_the_largest_window_is_enough) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    rig.peer_window = 800;
    const ConnectionId id = rig.open_active({}, mss_option(1000));
    rig.user_send(id, pattern(5000));
    EXPECT_EQ(rig.one().text.size(), 800U);
    rig.peer_window = 400;
    rig.peer_ack_all();
    EXPECT_EQ(rig.one().text.size(), 400U);  // (3)
    rig.peer_window = 399;
    rig.peer_ack_all();
    EXPECT_TRUE(rig.sent.empty());
    rig.peer_window = 1000;
    rig.peer_ack_all();
    EXPECT_EQ(rig.one().text.size(), 1000U);  // (1)
  }
}

TEST(rfc9293, must_38_all_that_waits_may_go_if_it_fits) {
  Rig rig;
  rig.peer_window = 10'000;
  const ConnectionId id = rig.open_active({}, mss_option(1000));
  rig.peer_window = 300;
  rig.peer_ack_all();
  rig.user_send(id, pattern(300));  // (2)
  EXPECT_EQ(rig.one().text.size(), 300U);
}

TEST(rfc9293, shld_7_small_segments_wait_for_the_ack) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    const ConnectionId id = rig.open_active({}, mss_option(1000));
    rig.user_send(id, "a");
    EXPECT_EQ(rig.one().text, "a");
    rig.user_send(id, "b");
    rig.user_send(id, "c");
    EXPECT_TRUE(rig.sent.empty());
    rig.user_send(id, pattern(1000));
    EXPECT_EQ(rig.one().text.size(), 1000U);  // a full segment need not wait, its rest does
    rig.peer_ack_all();
    EXPECT_EQ(rig.one().text.size(), 2U);
  }
}

TEST(rfc9293, must_17_nagles_algorithm_can_be_turned_off_for_one_connection) {
  Rig rig;
  const ConnectionId with = rig.open_active();
  rig.user_send(with, "a");
  rig.user_send(with, "b");
  EXPECT_EQ(rig.one().text, "a");
  EXPECT_TRUE(rig.endpoint.set_options(rig.now, with, without_nagle()));
  EXPECT_EQ(rig.one().text, "b");  // in the middle of the connection

  const SocketAddress other{kThere.addr, 40001};
  const auto without = rig.endpoint.connect(rig.now, kHere, other, without_nagle());
  ASSERT_TRUE(without);
  const Seq iss = rig.one().seq;
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = iss + 1, .from = other});
  rig.forget();
  rig.user_send(*without, "a");
  rig.user_send(*without, "b");
  EXPECT_EQ(rig.sent.size(), 2U);

  EXPECT_TRUE(rig.endpoint.set_options(rig.now, with, {}));  // and on again
  rig.forget();
  rig.user_send(with, "c");
  EXPECT_TRUE(rig.sent.empty());
}

// --- Connection failures (3.8.3)

// SHLD-9 to SHLD-11 too: the notice at R1 stands for the advice to IP and for that to the user.
TEST(rfc9293, must_20_r1_tells_and_r2_closes) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    const ConnectionId id = rig.open_active();
    rig.user_send(id, "x");
    const Seq seq = rig.one().seq;
    const Time start = rig.now;
    while (!rig.told(Notice::retransmitting)) {
      ASSERT_TRUE(rig.run_until_sent(1h));
      EXPECT_EQ(rig.one().seq, seq);
      ASSERT_LT(rig.now, start + 1h);
    }
    EXPECT_GE(rig.status(id).retransmissions, 3U);  // R1
    EXPECT_EQ(rig.state(id), State::established);
    rig.run_for(start + 100s - rig.now);  // R2
    EXPECT_EQ(rig.state(id), State::established);
    rig.run_for(2h);
    EXPECT_EQ(rig.state(id), State::closed);
    EXPECT_TRUE(rig.told(Notice::timed_out));
    EXPECT_EQ(rig.times_told(Notice::retransmitting), 1U);
    EXPECT_FALSE(rig.endpoint.next_deadline());
  }
}

TEST(rfc9293, must_20_an_answer_starts_the_count_again) {
  Rig rig(plain());
  const ConnectionId id = rig.open_active();
  for (int i = 0; i < 10; ++i) {
    rig.user_send(id, "x");
    rig.run_for(4s);  // two repeats, one fewer than R1
    rig.peer_ack_all();
    rig.user_send(id, "y");
    rig.peer_ack_all();  // measured: the timeout is as before
  }
  EXPECT_FALSE(rig.told(Notice::retransmitting));
  EXPECT_EQ(rig.state(id), State::established);
}

TEST(rfc9293, must_21_the_user_sets_r2_for_one_connection) {
  for (const unsigned r2 : {4U, 6U}) {
    ConnectionOptions options;
    options.r2 = r2;
    Rig rig(plain());
    const ConnectionId id = rig.open_active(options);
    rig.user_send(id, "x");
    rig.forget();
    rig.run_for(2h);
    EXPECT_EQ(rig.sent.size(), r2);
    EXPECT_EQ(rig.state(id), State::closed);
    EXPECT_TRUE(rig.told(Notice::timed_out));
  }
}

TEST(rfc9293, must_21_r2_may_be_infinite) {
  ConnectionOptions options;
  options.r2 = UINT32_MAX;
  Rig rig(plain());
  const ConnectionId id = rig.open_active(options);
  rig.user_send(id, "x");
  rig.run_for(24h * 7);
  EXPECT_EQ(rig.state(id), State::established);
  EXPECT_EQ(rig.times_told(Notice::retransmitting), 1U);
  EXPECT_GT(rig.status(id).retransmissions, 100U);
}

TEST(rfc9293, shld_9_the_user_can_do_without_the_notice) {
  ConnectionOptions options;
  options.report_errors = false;
  Rig rig;
  const ConnectionId id = rig.open_active(options);
  rig.user_send(id, "x");
  rig.run_for(2h);
  EXPECT_FALSE(rig.told(Notice::retransmitting));
  EXPECT_TRUE(rig.told(Notice::timed_out));
}

// MUST-23 too: R2 of a SYN is three minutes at least.
TEST(rfc9293, must_22_syns_are_repeated_as_data_is) {
  Rig rig(Settings::rfc9293());
  const ConnectionId id = rig.start_connect();
  for (const Duration expected : {1s, 2s, 4s}) {
    rig.sent.clear();
    EXPECT_EQ(rig.run_until_sent(10min), expected);
    EXPECT_EQ(rig.sent.back().flags, kSyn);
    EXPECT_EQ(rig.sent.back().seq, rig.iss);
  }
  EXPECT_TRUE(rig.told(Notice::retransmitting));
  rig.run_for(3min - rig.now);
  EXPECT_EQ(rig.state(id), State::syn_sent);
  rig.run_for(1h);
  EXPECT_EQ(rig.state(id), State::closed);
  EXPECT_TRUE(rig.told(Notice::timed_out));
}

TEST(rfc9293, must_23_a_syn_is_repeated_for_three_minutes_in_syn_received_too) {
  Rig rig(Settings::rfc9293());
  const auto id = rig.endpoint.open_passive(rig.now, kHere);
  ASSERT_TRUE(id);
  rig.half_open();
  rig.run_for(3min);
  EXPECT_EQ(rig.state(*id), State::syn_received);
  EXPECT_GE(rig.sent.size(), 4U);
  for (const Segment& segment : rig.sent) EXPECT_EQ(segment.flags, kSynAck);
  rig.run_for(1h);
  EXPECT_EQ(rig.state(*id), State::closed);
  EXPECT_TRUE(rig.told(Notice::timed_out));
}

// --- Keep-alives (3.8.4)

ConnectionOptions keeping_alive(KeepAlive with = {}) {
  ConnectionOptions options;
  options.keep_alive = with;
  return options;
}

// MAY-5, MUST-28 and SHLD-12 too: two hours, and a probe without data at SND.NXT-1.
TEST(rfc9293, must_24_keep_alives_are_turned_on_and_off_for_one_connection) {
  for (const Settings& settings : kBoth) {
    Rig rig(settings);
    const ConnectionId id = rig.open_active();
    EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, keeping_alive()));
    const std::optional<Duration> wait = rig.run_until_sent(24h);
    ASSERT_TRUE(wait);
    EXPECT_GE(*wait, 2h);
    const Segment probe = rig.one();
    EXPECT_EQ(probe.flags, kAck);
    EXPECT_EQ(probe.seq, rig.snd_nxt - 1);
    EXPECT_EQ(probe.ack, rig.peer_nxt);
    EXPECT_TRUE(probe.text.empty());
    rig.peer_ack_all();
    EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, {}));
    rig.run_for(48h);
    EXPECT_TRUE(rig.sent.empty());
    EXPECT_EQ(rig.state(id), State::established);
  }
}

TEST(rfc9293, must_24_an_end_that_only_reads_on_can_turn_them_on) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.user_shutdown(id);
  rig.peer_ack_all();
  EXPECT_EQ(rig.state(id), State::fin_wait_2);
  rig.forget();
  EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, keeping_alive({.idle = 10s})));
  EXPECT_EQ(rig.run_until_sent(1h), Duration(10s));
}

TEST(rfc9293, must_25_keep_alives_are_off_by_default) {
  for (const bool active : {true, false}) {
    Rig rig;
    const ConnectionId id = active ? rig.open_active() : rig.open_passive();
    rig.run_for(24h * 30);
    EXPECT_TRUE(rig.sent.empty());
    EXPECT_EQ(rig.state(id), State::established);
  }
}

// Data, acknowledgments and the other end's own probes count as received.
void something_comes(Rig& rig, int kind) {
  if (kind == 0) rig.peer_ack_all();
  if (kind == 1) rig.peer_text("x");
  if (kind == 2) rig.arrive({.flags = kAck, .seq = rig.peer_nxt - 1, .ack = rig.snd_nxt});
}

TEST(rfc9293, must_26_no_keep_alive_while_something_comes) {
  for (const int kind : {0, 1, 2}) {
    Rig rig;
    const ConnectionId id = rig.open_active(keeping_alive({.idle = 10s, .interval = 5s}));
    for (int i = 0; i < 10; ++i) {
      rig.run_for(9s);
      for (const Segment& segment : rig.take()) EXPECT_EQ(segment.seq, rig.snd_nxt) << kind;
      something_comes(rig, kind);
    }
    EXPECT_EQ(rig.state(id), State::established);
    for (int i = 0; i < 3; ++i) {  // after a probe too
      rig.run_for(1s);
      rig.forget();
      EXPECT_EQ(rig.run_until_sent(1h), Duration(9s)) << kind;
      EXPECT_EQ(rig.one().seq, rig.snd_nxt - 1) << kind;
      something_comes(rig, kind);
    }
  }
}

TEST(rfc9293, must_26_no_keep_alive_while_data_is_outstanding) {
  for (const bool probed_before : {false, true}) {
    Rig rig;
    const ConnectionId id = rig.open_active(keeping_alive({.idle = 10s, .interval = 5s}));
    rig.run_for(probed_before ? 11s : 1s);
    EXPECT_EQ(rig.take().size(), probed_before ? 1U : 0U);
    rig.user_send(id, "outstanding");
    const Seq seq = rig.sent.back().seq;
    rig.run_for(60s);
    EXPECT_GE(rig.sent.size(), 5U);
    for (const Segment& segment : rig.take()) EXPECT_EQ(segment.seq, seq) << probed_before;
    EXPECT_EQ(rig.state(id), State::established);
  }
}

TEST(rfc9293, must_27_the_interval_is_the_users) {
  for (const Duration idle : {10s, 5000s, 10'000s}) {
    Rig rig;
    rig.open_active(keeping_alive({.idle = idle}));
    EXPECT_EQ(rig.run_until_sent(24h), idle);
  }
}

TEST(rfc9293, must_28_the_interval_is_two_hours_unless_told) {
  EXPECT_GE(KeepAlive{}.idle, 2h);
  for (const bool active : {true, false}) {
    Rig rig;
    active ? rig.open_active(keeping_alive()) : rig.open_passive({.connection = keeping_alive()});
    rig.run_for(2h - 1ms);
    EXPECT_TRUE(rig.sent.empty());
    rig.run_for(1s);
    EXPECT_EQ(rig.sent.size(), 1U);
  }
}

TEST(rfc9293, must_29_a_probe_without_an_answer_is_no_death) {
  EXPECT_GT(KeepAlive{}.probes, 1U);
  Rig rig;
  const ConnectionId id =
      rig.open_active(keeping_alive({.idle = 10s, .interval = 5s, .probes = 3}));
  for (int round = 0; round < 5; ++round) {
    rig.run_for(10s + 5s + 5s);
    EXPECT_EQ(rig.take().size(), 3U);
    EXPECT_EQ(rig.state(id), State::established);
    rig.peer_ack_all();  // the last one is answered
  }
  rig.run_for(60s);
  EXPECT_EQ(rig.state(id), State::closed);
  EXPECT_TRUE(rig.told(Notice::timed_out));
}

TEST(rfc9293, may_6_a_keep_alive_with_one_garbage_octet) {
  Rig rig;
  rig.open_active(keeping_alive({.idle = 10s, .with_octet = true}));
  rig.run_for(10s);
  const Segment probe = rig.one();
  EXPECT_EQ(probe.seq, rig.snd_nxt - 1);
  EXPECT_EQ(probe.text.size(), 1U);
}

// --- What the user may choose and is told (3.9.1)

TEST(rfc9293, must_43_the_local_address_may_be_given) {
  const IpAddress first = ipv4(192, 0, 2, 1);
  const IpAddress second = ipv4(192, 0, 2, 2);
  Settings settings;
  settings.addresses = {first, second};
  Rig rig(settings);
  ASSERT_TRUE(rig.endpoint.connect(rig.now, {second, 0}, kThere));
  EXPECT_EQ(rig.one().from.addr, second);
  EXPECT_FALSE(rig.endpoint.connect(rig.now, {ipv4(192, 0, 2, 3), 0}, kThere));

  ASSERT_TRUE(rig.endpoint.listen(rig.now, {second, 80}));
  rig.arrive({.flags = kSyn, .seq = kIrs, .to = {first, 80}});
  EXPECT_TRUE(rig.one().flags.rst);
  rig.arrive({.flags = kSyn, .seq = kIrs, .to = {second, 80}});
  const Segment answer = rig.one();
  EXPECT_EQ(answer.flags, kSynAck);
  EXPECT_EQ(answer.from.addr, second);

  ASSERT_TRUE(rig.endpoint.open_passive(rig.now, {second, 81}));
  rig.arrive({.flags = kSyn, .seq = kIrs, .to = {first, 81}});
  EXPECT_TRUE(rig.one().flags.rst);
  rig.arrive({.flags = kSyn, .seq = kIrs, .to = {second, 81}});
  EXPECT_EQ(rig.one().flags, kSynAck);
}

// 3.9.1.8: ICMP messages, too many repeats, the urgent pointer. SHLD-20: the first two can be
// turned off, and back on during the connection.
TEST(rfc9293, must_47_soft_errors_are_reported_if_the_user_wants_them) {
  for (const bool wanted : {true, false}) {
    ConnectionOptions options;
    options.report_errors = wanted;
    Rig rig;
    const ConnectionId id = rig.open_active(options);
    rig.user_send(id, "x");
    const Seq seq = rig.sent.back().seq;
    const IcmpError error{
        .kind = IcmpKind::soft_error, .local = kHere, .remote = kThere, .seq = seq};
    rig.endpoint.arrive(rig.now, error);
    EXPECT_EQ(rig.told(Notice::soft_error), wanted);
    rig.run_for(30s);
    EXPECT_EQ(rig.told(Notice::retransmitting), wanted);
    EXPECT_EQ(rig.state(id), State::established);
    options.report_errors = !wanted;
    EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, options));
    rig.forget();
    rig.endpoint.arrive(rig.now, error);
    EXPECT_EQ(rig.told(Notice::soft_error), !wanted);
  }
}

TEST(rfc9293, must_47_an_advance_of_the_urgent_pointer_is_reported) {
  Rig rig;
  rig.open_active();
  rig.arrive({.flags = kUrgAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .urgent = 10});
  EXPECT_EQ(rig.times_told(Notice::urgent), 1U);
  rig.arrive({.flags = kUrgAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .urgent = 20});
  EXPECT_EQ(rig.times_told(Notice::urgent), 2U);
}

// SHLD-22 and SHLD-23 too: all eight bits go down as given, in each segment, and nothing that
// arrives or happens changes them. Only the user does (SHLD-21).
TEST(rfc9293, must_48_the_diffserv_field_is_the_users) {
  ConnectionOptions options;
  options.traffic_class = 0xB8;  // expedited forwarding: RFC 3246
  Rig rig;
  const ConnectionId id = rig.start_connect(options);
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1, .traffic_class = 0x28});
  rig.user_send(id, "text");
  rig.peer_text("text");
  rig.run_for(5s);  // a delayed ACK, and repeats
  rig.peer_ack_all();
  rig.user_shutdown(id);
  rig.peer_ack_all();
  rig.peer_fin();
  EXPECT_EQ(rig.state(id), State::time_wait);
  EXPECT_GE(rig.sent.size(), 6U);
  for (const Segment& segment : rig.sent) EXPECT_EQ(segment.traffic_class, 0xB8);

  for (const SynCookies cookies : {SynCookies::never, SynCookies::always}) {
    Settings settings;
    settings.syn_cookies = cookies;
    Rig server(settings);
    server.listen({.backlog = 1, .connection = options});
    server.half_open();
    EXPECT_EQ(server.one().traffic_class, 0xB8);
  }
}

// Each of the 256 values, unchanged (SHLD-22), during the connection (SHLD-21).
TEST(rfc9293, shld_21_the_diffserv_field_may_change_during_the_connection) {
  Rig rig;
  const ConnectionId id = rig.open_active(without_nagle());
  for (unsigned value = 0; value < 256; ++value) {
    ConnectionOptions options = without_nagle();
    options.traffic_class = static_cast<uint8_t>(value);
    EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, options));
    rig.forget();
    rig.user_send(id, "x");
    EXPECT_EQ(rig.one().traffic_class, value);
    rig.peer_ack_all();
  }
}

TEST(rfc9293, may_9_the_diffserv_field_received_last_is_shown) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  for (const uint8_t value : {uint8_t{0x28}, uint8_t{0xB8}, uint8_t{0}}) {
    Segment segment{.flags = kAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .text = "x"};
    segment.traffic_class = value;
    rig.peer_nxt += 1;
    rig.arrive(segment);
    EXPECT_EQ(rig.status(id).received_traffic_class, value);
  }
}

// --- Blind attacks (RFC 5961)

// 3.2: exactly at RCV.NXT; Linux adds the right edge of what it told of by SACK.
TEST(rfc9293, a_reset_at_the_edge_of_what_sack_told) {
  for (const bool linux_way : {true, false}) {
    Settings settings;
    settings.reset_at_sack_edge = linux_way;
    Rig rig(settings);
    const ConnectionId id = rig.open_active({}, {.sack_permitted = true});
    rig.arrive(
        {.flags = kAck, .seq = rig.peer_nxt + 100, .ack = rig.snd_nxt, .text = "beyond a gap"});
    rig.arrive({.flags = kRst, .seq = rig.peer_nxt + 111});
    EXPECT_EQ(rig.state(id), State::established);
    rig.arrive({.flags = kRst, .seq = rig.peer_nxt + 112});
    EXPECT_EQ(rig.state(id), linux_way ? State::closed : State::established);
  }
}

// 3.10.7.4, fifth: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT, or the text is thrown away and
// answered.
TEST(rfc9293, may_12_text_with_an_impossible_acknowledgment_is_refused) {
  struct Case {
    int32_t from_una;
    bool taken;
  };
  for (const Case& c : std::vector<Case>{{-1001, false},
                                         {-1000, true},
                                         {0, true},
                                         {4, true},
                                         {5, false},
                                         {INT32_MAX, false},
                                         {INT32_MIN + 8, false}}) {
    Rig rig;
    rig.peer_window = 1000;
    const ConnectionId id = rig.open_active();
    for (int i = 0; i < 20; ++i) {  // SND.UNA is more than a window beyond ISS then
      rig.user_send(id, pattern(100));
      rig.peer_ack_all();
    }
    const Seq una = rig.snd_nxt;
    rig.user_send(id, "four");
    ASSERT_EQ(rig.status(id).snd_una, una);
    ASSERT_EQ(rig.status(id).snd_nxt, una + 4);
    rig.forget();
    rig.arrive({.flags = kAck,
                .seq = rig.peer_nxt,
                .ack = una + static_cast<uint32_t>(c.from_una),
                .text = "injected",
                .window = 1000});
    EXPECT_EQ(rig.readiness(id).readable, c.taken ? 8U : 0U) << c.from_una;
    if (c.taken) continue;
    const Segment answer = rig.one();
    EXPECT_EQ(answer.flags, kAck);
    EXPECT_EQ(answer.seq, una + 4);
    EXPECT_EQ(answer.ack, rig.peer_nxt);
  }
}

}  // namespace
}  // namespace tcpdx::tcp
