// Two endpoints speak to each other: what a user of the API sees, with and without loss.
#include "tcp/endpoint.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tcp/test_pair.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

const SocketAddress kServer{ipv4(192, 0, 2, 1), 80};
const SocketAddress kClient{ipv4(198, 51, 100, 7), 40000};

// A server that reads and answers nothing, a client with `size` octets to send, both closing.
struct Transferred {
  std::string received;
  State client_end{};
  size_t client_left = 0;
  size_t server_left = 0;
  Status client;
};

Transferred transfer(Pair& pair, size_t size, Duration limit = 1h) {
  auto& client = pair.sides[0].endpoint;
  auto& server = pair.sides[1].endpoint;
  const auto listener = server.listen(pair.now, kServer);
  const auto id = client.connect(pair.now, kClient, kServer);
  const std::string text = pattern(size);
  size_t sent = 0;
  bool closed = false;
  bool client_closed = false;
  Transferred result;
  std::optional<ConnectionId> accepted;
  std::string buffer(65536, ' ');
  for (; pair.now < limit && !closed; pair.run(pair.now + 1ms)) {
    if (!client_closed) {
      sent +=
          client.send(pair.now, *id, octets_of(std::string_view(text).substr(sent))).value_or(0);
      if (sent == size && client.status(*id)->state == established) {
        result.client = *client.status(*id);
        EXPECT_TRUE(client.close(pair.now, *id));
        client_closed = true;
      }
    }
    if (!accepted) accepted = server.accept(pair.now, *listener);
    if (!accepted) continue;
    for (;;) {
      const auto got =
          server.receive(pair.now, *accepted, std::as_writable_bytes(std::span(buffer)));
      if (!got || *got == 0) break;
      result.received.append(buffer, 0, *got);
    }
    if (server.readiness(*accepted)->end_of_data) {
      EXPECT_TRUE(server.close(pair.now, *accepted));
      closed = true;
    }
  }
  pair.run(pair.now + 10min);
  result.client_left = client.connections();
  result.server_left = server.connections();
  return result;
}

TEST(endpoint, carries_data_and_closes) {
  Pair pair;
  const Transferred t = transfer(pair, 1000000);
  EXPECT_TRUE(t.received == pattern(1000000)) << t.received.size();
  EXPECT_EQ(t.client_left, 0U);
  EXPECT_EQ(t.server_left, 0U);
  EXPECT_EQ(pair.sides[0].path,
            (std::vector{syn_sent, established, fin_wait_1, fin_wait_2, time_wait, closed}));
  EXPECT_EQ(pair.sides[1].path,
            (std::vector{syn_received, established, close_wait, last_ack, closed}));
  for (const Segment& s : pair.sent[0]) EXPECT_LE(s.text.size(), 1448U);
}

TEST(endpoint, repairs_losses_of_any_place) {
  for (const bool sack : {true, false}) {
    for (const size_t period : {2U, 3U, 7U, 20U, 100U}) {
      Settings settings;
      settings.sack = sack;
      Pair pair(settings);
      pair.passes = [period](size_t side, size_t n, const Segment&) {
        return (n * 7 + side * 3) % period != period - 1;
      };
      const Transferred t = transfer(pair, 200000, 24h);
      EXPECT_EQ(t.received.size(), 200000U) << "sack " << sack << " period " << period;
      EXPECT_TRUE(t.received == pattern(200000)) << t.received.size();
      EXPECT_EQ(t.client_left, 0U);
      EXPECT_EQ(t.server_left, 0U);
    }
  }
}

TEST(endpoint, works_with_the_values_of_the_rfc) {
  Pair pair(Settings::rfc9293());
  pair.passes = [](size_t, size_t n, const Segment&) { return n % 10 != 9; };
  const Transferred t = transfer(pair, 100000, 24h);
  EXPECT_TRUE(t.received == pattern(100000)) << t.received.size();
  EXPECT_EQ(t.client_left, 0U);
}

TEST(endpoint, a_refused_connection_is_told) {
  Pair pair;
  const auto id = pair.sides[0].endpoint.connect(pair.now, kClient, kServer);
  ASSERT_TRUE(id);
  pair.run(1s);
  EXPECT_EQ(pair.sides[0].path, (std::vector{syn_sent, closed}));
  EXPECT_EQ(pair.sides[0].notices, (std::vector{Notice::refused}));
  EXPECT_EQ(pair.sides[0].endpoint.status(*id)->state, closed);
}

// 3.10.4: CLOSE in SYN-RECEIVED sends the FIN before the SYN is acknowledged, and both are
// repeated.
TEST(endpoint, a_close_in_syn_received_survives_losses) {
  Pair pair;
  pair.passes = [](size_t side, size_t n, const Segment&) {
    return side == 0 || n >= 4;  // our SYN,ACK and FIN are lost twice
  };
  auto& client = pair.sides[0].endpoint;
  auto& server = pair.sides[1].endpoint;
  const auto waiting = server.open_passive(pair.now, kServer);
  const auto id = client.connect(pair.now, kClient, kServer);
  ASSERT_TRUE(waiting && id);
  pair.run(15ms);
  ASSERT_EQ(server.status(*waiting)->state, syn_received);
  EXPECT_TRUE(server.shutdown(pair.now, *waiting));
  EXPECT_EQ(server.status(*waiting)->state, fin_wait_1);
  pair.run(30s);
  EXPECT_EQ(server.status(*waiting)->state, fin_wait_2);
  EXPECT_EQ(client.status(*id)->state, close_wait);
  EXPECT_TRUE(client.close(pair.now, *id));
  pair.run(10min);
  EXPECT_EQ(server.connections() + client.connections(), 0U);
}

}  // namespace
}  // namespace tcpdx::tcp
