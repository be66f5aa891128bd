// The queues behind listen(): half-open and accept queue, what happens when each is full
// (listen(2), tcp(7), ip-sysctl: tcp_abort_on_overflow, tcp_max_syn_backlog, tcp_syncookies), and
// SYN cookies.
#include <gtest/gtest.h>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

const wire::TcpOptions kLinuxSyn{.mss = 1460,
                                 .window_scale = 7,
                                 .sack_permitted = true,
                                 .timestamps = wire::Timestamps{1000, 0}};

SocketAddress client(uint16_t n) {
  return {ipv4(198, 51, 100, 7), static_cast<uint16_t>(40000 + n)};
}

Segment syn_of(uint16_t n, const wire::TcpOptions& options = {}) {
  return {.flags = kSyn, .seq = kIrs, .options = options, .from = client(n)};
}

// The third segment of a handshake that `syn_ack` is the second of.
Segment third(const Segment& syn_ack) {
  Segment ack{.flags = kAck, .seq = syn_ack.ack, .ack = syn_ack.seq + 1, .from = syn_ack.to};
  if (syn_ack.options.timestamps) {
    ack.options.timestamps = {1001, syn_ack.options.timestamps->value};
  }
  return ack;
}

void handshake(Rig& rig, uint16_t n) {
  rig.arrive(syn_of(n));
  rig.arrive(third(rig.one()));
}

ListenerStatus status(const Rig& rig, ListenerId id) { return rig.endpoint.status(id).value(); }

TEST(listener, completes_the_handshake_without_accept) {
  Rig rig;
  const ListenerId id = rig.listen();
  handshake(rig, 1);
  EXPECT_EQ(rig.state(), State::established);
  EXPECT_EQ(rig.acceptables, 1);
  EXPECT_EQ(status(rig, id).waiting, 1U);
  // Data is taken and acknowledged before any accept().
  rig.arrive(
      {.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .text = "hello", .from = client(1)});
  const auto connection = rig.endpoint.accept(rig.now, id);
  ASSERT_TRUE(connection);
  EXPECT_EQ(rig.user_receive(*connection), "hello");
  EXPECT_EQ(rig.endpoint.accept(rig.now, id), std::nullopt);
}

// The queue takes one more than the backlog: sk_acceptq_is_full() asks for more, not for as many.
TEST(listener, drops_the_third_segment_when_the_accept_queue_is_full) {
  Rig rig;
  const ListenerId id = rig.listen({.backlog = 1});
  rig.arrive(syn_of(1));
  const Segment first = rig.one();
  rig.arrive(third(first));
  rig.arrive(syn_of(2));
  const Segment second = rig.one();
  rig.arrive(third(second));
  rig.arrive(syn_of(3));
  EXPECT_TRUE(rig.take().empty());  // a SYN meets a full queue: dropped
  EXPECT_EQ(status(rig, id).waiting, 2U);
  EXPECT_EQ(status(rig, id).listen_overflows, 1U);
  EXPECT_EQ(status(rig, id).listen_drops, 1U);
}

TEST(listener, repeats_the_syn_ack_until_there_is_room) {
  Rig rig;
  const ListenerId id = rig.listen({.backlog = 1});
  std::vector<Segment> syn_acks;
  for (uint16_t n = 1; n <= 2; ++n) {
    if (n == 2) rig.arrive(third(syn_acks[0]));
    rig.arrive(syn_of(n));
    syn_acks.push_back(rig.one());
  }
  rig.arrive(syn_of(3));               // backlog 1 lets one be half-open: number 2 is
  EXPECT_TRUE(rig.sent.size() == 1U);  // answered with a cookie
  rig.forget();
  rig.arrive(third(syn_acks[1]));
  EXPECT_EQ(status(rig, id).waiting, 2U);
  EXPECT_TRUE(rig.take().empty());
  ASSERT_TRUE(rig.endpoint.accept(rig.now, id));
  EXPECT_EQ(status(rig, id).waiting, 1U);
}

// A client whose third segment was dropped stays in SYN-RECEIVED here, in ESTABLISHED there.
TEST(listener, keeps_a_dropped_third_segment_half_open) {
  Settings settings;
  settings.syn_cookies = SynCookies::never;
  Rig rig(settings);
  const ListenerId id = rig.listen({.backlog = 3});
  std::vector<Segment> syn_acks;
  for (uint16_t n = 0; n < 3; ++n) {
    rig.arrive(syn_of(n));
    syn_acks.push_back(rig.one());
  }
  for (const Segment& s : syn_acks) rig.arrive(third(s));
  rig.arrive(syn_of(10));
  rig.arrive(syn_of(11));
  const std::vector<Segment> late = rig.take();
  ASSERT_EQ(late.size(), 2U);
  rig.arrive(third(late[0]));  // the fourth: backlog + 1
  rig.arrive(third(late[1]));  // one too many
  EXPECT_TRUE(rig.take().empty());
  EXPECT_EQ(status(rig, id).waiting, 4U);
  EXPECT_EQ(status(rig, id).half_open, 1U);
  EXPECT_EQ(status(rig, id).listen_overflows, 1U);
  // Its SYN,ACK comes again (tcp_synack_retries), and with room the answer completes it.
  ASSERT_TRUE(rig.run_until_sent(2s));
  EXPECT_EQ(rig.one().flags, kSynAck);
  ASSERT_TRUE(rig.endpoint.accept(rig.now, id));
  rig.arrive(third(late[1]));
  EXPECT_EQ(status(rig, id).waiting, 4U);
  EXPECT_EQ(status(rig, id).half_open, 0U);
}

TEST(listener, resets_on_overflow_when_told_to) {
  Settings settings;
  settings.reset_on_overflow = true;
  Rig rig(settings);
  const ListenerId id = rig.listen({.backlog = 2});
  for (uint16_t n = 0; n < 2; ++n) handshake(rig, n);
  rig.arrive(syn_of(10));
  rig.arrive(syn_of(11));
  const std::vector<Segment> late = rig.take();
  ASSERT_EQ(late.size(), 2U);
  rig.arrive(third(late[0]));
  EXPECT_TRUE(rig.take().empty());
  rig.arrive(third(late[1]));
  EXPECT_TRUE(rig.one().flags.rst);
  EXPECT_EQ(status(rig, id).half_open, 0U);
}

TEST(listener, drops_syns_beyond_the_half_open_queue_without_cookies) {
  Settings settings;
  settings.syn_cookies = SynCookies::never;
  Rig rig(settings);
  const ListenerId id = rig.listen({.backlog = 8});
  for (uint16_t n = 0; n < 20; ++n) rig.arrive(syn_of(n));
  EXPECT_EQ(rig.take().size(), 8U);
  EXPECT_EQ(status(rig, id).half_open, 8U);
  EXPECT_EQ(status(rig, id).listen_drops, 12U);
  EXPECT_EQ(status(rig, id).listen_overflows, 0U);  // the accept queue is empty
}

// tcp_synack_retries 5: SYN,ACKs at 0, 1, 3, 7, 15 and 31 s, given up at 63 s.
TEST(listener, gives_up_half_open_connections) {
  Rig rig;
  const ListenerId id = rig.listen();
  rig.arrive(syn_of(1));
  std::vector<Duration> at;
  while (status(rig, id).half_open != 0) {
    if (!rig.sent.empty()) at.push_back(rig.now);
    rig.forget();
    ASSERT_TRUE(rig.endpoint.next_deadline());
    rig.now = *rig.endpoint.next_deadline();
    rig.endpoint.advance(rig.now);
  }
  EXPECT_EQ(at, (std::vector<Duration>{0s, 1s, 3s, 7s, 15s, 31s}));
  EXPECT_EQ(rig.now, 63s);
  EXPECT_EQ(rig.endpoint.connections(), 0U);
}

TEST(listener, a_full_half_open_queue_answers_with_cookies) {
  Rig rig;
  const ListenerId id = rig.listen({.backlog = 4});
  for (uint16_t n = 0; n < 4; ++n) rig.arrive(syn_of(n, kLinuxSyn));
  rig.forget();
  const size_t memory = rig.endpoint.memory();
  for (uint16_t n = 4; n < 1000; ++n) rig.arrive(syn_of(n, kLinuxSyn));
  EXPECT_EQ(rig.sent.size(), 996U);
  EXPECT_EQ(status(rig, id).cookies_sent, 996U);
  EXPECT_EQ(status(rig, id).half_open, 4U);
  EXPECT_EQ(rig.endpoint.memory(), memory);  // nothing is kept
  // The real clients among them get through, with what they offered in their SYN.
  rig.now += 20s;
  const Segment syn_ack = rig.sent[500];
  rig.forget();
  rig.arrive(third(syn_ack));
  const auto connection = rig.endpoint.accept(rig.now, id);
  ASSERT_TRUE(connection);
  const Status s = rig.status(*connection);
  EXPECT_EQ(s.state, State::established);
  EXPECT_EQ(s.snd_scale, std::optional<uint8_t>(7));
  EXPECT_TRUE(s.sack);
  EXPECT_TRUE(s.timestamps);
  EXPECT_EQ(s.mss, 1460 - 12);
  EXPECT_EQ(status(rig, id).cookies_received, 1U);
  // It works as any other.
  rig.arrive({.flags = kAck,
              .seq = syn_ack.ack,
              .ack = syn_ack.seq + 1,
              .text = "hi",
              .options = third(syn_ack).options,
              .from = syn_ack.to});
  EXPECT_EQ(rig.user_receive(*connection), "hi");
  EXPECT_EQ(rig.user_send(*connection, "answer"), 6U);
  EXPECT_EQ(rig.one().seq, syn_ack.seq + 1);
}

TEST(listener, refuses_a_forged_cookie) {
  Rig rig;
  const ListenerId id = rig.listen({.backlog = 1});
  rig.arrive(syn_of(0));
  rig.arrive(syn_of(1));
  const Segment cookie = rig.take().back();
  Segment forged = third(cookie);
  forged.ack += 100;
  rig.arrive(forged);
  const Segment reset = rig.one();  // RFC 9293 3.10.7.2, second: any ACK is bad
  EXPECT_EQ(reset.flags, kRst);
  EXPECT_EQ(reset.seq, forged.ack);
  EXPECT_EQ(status(rig, id).cookies_failed, 1U);
  EXPECT_EQ(status(rig, id).waiting, 0U);
  // Right, but much too late.
  rig.now += 5min;
  rig.arrive(third(cookie));
  EXPECT_EQ(status(rig, id).waiting, 0U);
}

TEST(listener, an_ack_without_any_cookie_sent_is_reset) {
  Rig rig;
  const ListenerId id = rig.listen();
  rig.arrive({.flags = kAck, .seq = kIrs, .ack = Seq{77}, .from = client(1)});
  EXPECT_EQ(rig.one().flags, kRst);
  EXPECT_EQ(status(rig, id).cookies_failed, 0U);
}

TEST(listener, stops_with_all_that_waits) {
  Rig rig;
  const ListenerId id = rig.listen();
  handshake(rig, 1);
  rig.arrive(syn_of(2));
  rig.forget();
  rig.endpoint.stop_listening(rig.now, id);
  EXPECT_EQ(rig.one().flags, kRst);  // to the complete one
  EXPECT_EQ(rig.endpoint.connections(), 0U);
  EXPECT_FALSE(rig.endpoint.status(id));
  rig.arrive(syn_of(3));
  EXPECT_EQ(rig.one().flags, kRstAck);
}

// The client gave up before accept(): the program finds out from the connection, as on Linux.
TEST(listener, a_reset_connection_stays_in_the_accept_queue) {
  Rig rig;
  const ListenerId id = rig.listen();
  rig.arrive(syn_of(1));
  const Segment syn_ack = rig.one();
  rig.arrive(third(syn_ack));
  rig.arrive({.flags = kRst, .seq = kIrs + 1, .from = client(1)});
  const auto connection = rig.endpoint.accept(rig.now, id);
  ASSERT_TRUE(connection);
  EXPECT_EQ(rig.status(*connection).state, State::closed);
  std::array<std::byte, 8> buffer{};
  EXPECT_FALSE(rig.endpoint.receive(rig.now, *connection, buffer));
  rig.user_close(*connection);
  EXPECT_FALSE(rig.endpoint.status(*connection));
}

TEST(listener, a_port_is_listened_on_once_and_by_address) {
  Rig rig;
  rig.listen();
  EXPECT_FALSE(rig.endpoint.listen(rig.now, kHere));
  // MUST-42: the same port on another address, and on all.
  EXPECT_TRUE(rig.endpoint.listen(rig.now, {ipv4(192, 0, 2, 2), 80}));
  const auto any = rig.endpoint.listen(rig.now, {ipv4(0, 0, 0, 0), 80});
  ASSERT_TRUE(any);
  Segment elsewhere = syn_of(1);
  elsewhere.to = {ipv4(192, 0, 2, 3), 80};
  rig.arrive(elsewhere);
  EXPECT_EQ(status(rig, *any).half_open, 1U);
}

}  // namespace
}  // namespace tcpdx::tcp
