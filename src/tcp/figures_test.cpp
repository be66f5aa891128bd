// Figures 6 to 13 of RFC 9293, line by line: two endpoints, every segment in the figure's numbers,
// the states of both sides after it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

// The numbers of a figure are not those of our ISNs: each SYN of a side has a number there, and
// what that side sends is told from it.
struct Peer {
  Peer(const SocketAddress& own, Settings settings, Secret secret)
      : address(own), rig(std::move(settings), secret) {}

  State state() const { return rig.state(); }

  SocketAddress address;
  Rig rig;
  Seq isn;                  // of the SYN sent last
  uint32_t figure_isn = 0;  // its number in the figure
};

class Figure : public testing::Test {
 protected:
  // A's SYN has the number a_isn in the figure, B's b_isn.
  void numbers(uint32_t a_isn, uint32_t b_isn) {
    a.figure_isn = a_isn;
    b.figure_isn = b_isn;
  }

  // The oldest segment that `from` has sent and that is not on its way yet, which must be as in
  // the figure. It is on its way then ("...").
  Segment departs(Peer& from, const Peer& to, std::string_view wanted) {
    EXPECT_FALSE(from.rig.sent.empty()) << "nothing was sent, not " << wanted;
    if (from.rig.sent.empty()) return {};
    Segment segment = from.rig.sent.front();
    from.rig.sent.erase(from.rig.sent.begin());
    if (segment.flags.syn) from.isn = segment.seq;
    EXPECT_EQ(in_figure(segment, from, to), wanted);
    return segment;
  }
  static void arrives(Peer& at, const Segment& segment) { at.rig.arrive(segment); }
  void a_to_b(std::string_view wanted) { arrives(b, departs(a, b, wanted)); }
  void b_to_a(std::string_view wanted) { arrives(a, departs(b, a, wanted)); }

  void states(State of_a, State of_b) const {
    EXPECT_EQ(to_string(a.state()), to_string(of_a)) << "TCP Peer A";
    EXPECT_EQ(to_string(b.state()), to_string(of_b)) << "TCP Peer B";
  }
  void silence() const {
    EXPECT_TRUE(a.rig.sent.empty()) << a.rig.said();
    EXPECT_TRUE(b.rig.sent.empty()) << b.rig.said();
  }

  ConnectionId connect(Peer& from, const Peer& to) {
    const auto id = from.rig.endpoint.connect(from.rig.now, from.address, to.address);
    EXPECT_TRUE(id);
    return id.value_or(ConnectionId{});
  }
  ConnectionId open_passive(Peer& at) {
    const auto id = at.rig.endpoint.open_passive(at.rig.now, at.address);
    EXPECT_TRUE(id);
    return id.value_or(ConnectionId{});
  }
  void establish() {
    b_id = open_passive(b);
    a_id = connect(a, b);
    arrives(b, take(a));
    arrives(a, take(b));
    arrives(b, take(a));
    states(established, established);
    silence();
  }
  // The next number of each side in the figure, for figures that begin in ESTABLISHED.
  void next_numbers(uint32_t of_a, uint32_t of_b) { numbers(of_a - 1, of_b - 1); }

  static Segment take(Peer& from) {
    Segment segment = from.rig.one();
    if (segment.flags.syn) from.isn = segment.seq;
    return segment;
  }
  static std::string in_figure(const Segment& segment, const Peer& from, const Peer& to) {
    Segment figure = segment;
    figure.seq = Seq{from.figure_isn} + octets(from.isn, segment.seq);
    // A RST in answer to what nobody here ever sent takes its number from that (3.10.7.1).
    if (segment.flags.ack) figure.ack = Seq{to.figure_isn} + octets(to.isn, segment.ack);
    return rfc_text(figure);
  }

  Peer a{{ipv4(192, 0, 2, 1), 40000}, {}, {1, 2}};
  Peer b{{ipv4(198, 51, 100, 7), 80}, {}, {3, 4}};
  ConnectionId a_id;
  ConnectionId b_id;
};

TEST_F(Figure, Figure6BasicThreeWayHandshake) {
  numbers(100, 300);
  open_passive(b);
  a_id = connect(a, b);
  a_to_b("<SEQ=100><CTL=SYN>");
  states(syn_sent, syn_received);
  b_to_a("<SEQ=300><ACK=101><CTL=SYN,ACK>");
  states(established, syn_received);
  a_to_b("<SEQ=101><ACK=301><CTL=ACK>");
  states(established, established);
  a.rig.user_send(a_id, "x");
  a_to_b("<SEQ=101><ACK=301><DATA=1><CTL=ACK>");
  states(established, established);
}

TEST_F(Figure, Figure7SimultaneousOpen) {
  numbers(100, 300);
  connect(a, b);
  const Segment late = departs(a, b, "<SEQ=100><CTL=SYN>");
  EXPECT_EQ(a.state(), syn_sent);
  connect(b, a);
  b_to_a("<SEQ=300><CTL=SYN>");
  states(syn_received, syn_sent);
  arrives(b, late);
  states(syn_received, syn_received);
  const Segment last = departs(a, b, "<SEQ=100><ACK=301><CTL=SYN,ACK>");
  b_to_a("<SEQ=300><ACK=101><CTL=SYN,ACK>");
  states(established, syn_received);
  arrives(b, last);
  states(established, established);
}

TEST_F(Figure, Figure8RecoveryFromOldDuplicateSyn) {
  numbers(100, 300);
  b_id = open_passive(b);
  connect(a, b);
  const Segment late = departs(a, b, "<SEQ=100><CTL=SYN>");
  Segment duplicate = late;
  duplicate.seq = late.seq - 10;
  EXPECT_EQ(in_figure(duplicate, a, b), "<SEQ=90><CTL=SYN>");
  arrives(b, duplicate);
  states(syn_sent, syn_received);
  b_to_a("<SEQ=300><ACK=91><CTL=SYN,ACK>");
  states(syn_sent, syn_received);
  a_to_b("<SEQ=91><CTL=RST>");
  states(syn_sent, listen);
  EXPECT_TRUE(b.rig.notices.empty()) << "the user need not be informed (3.10.7.4, second)";
  numbers(100, 400);
  arrives(b, late);
  states(syn_sent, syn_received);
  b_to_a("<SEQ=400><ACK=101><CTL=SYN,ACK>");
  states(established, syn_received);
  a_to_b("<SEQ=101><ACK=401><CTL=ACK>");
  states(established, established);
}

// A has lost its memory: a new endpoint at the same address takes its place.
TEST_F(Figure, Figure9HalfOpenConnectionDiscovery) {
  establish();
  b.rig.forget();
  Peer rebooted{a.address, {}, {5, 6}};
  const auto in_rebooted = [&](uint32_t number) { return a.isn + (number - 99); };
  const auto in_b = [&](uint32_t number) { return b.isn + (number - 299); };
  connect(rebooted, b);
  const Segment syn = rebooted.rig.one();  // <SEQ=400><CTL=SYN>
  EXPECT_EQ(control_bits(syn.flags), "SYN");
  arrives(b, syn);
  EXPECT_EQ(b.state(), established);
  const Segment ack = b.rig.one();  // <SEQ=300><ACK=100><CTL=ACK>
  EXPECT_EQ(rfc_text(ack),
            fmt::format("<SEQ={}><ACK={}><CTL=ACK>", in_b(300).raw, in_rebooted(100).raw));
  arrives(rebooted, ack);
  EXPECT_EQ(rebooted.state(), syn_sent);
  const Segment rst = rebooted.rig.one();  // <SEQ=100><CTL=RST>
  EXPECT_EQ(rfc_text(rst), fmt::format("<SEQ={}><CTL=RST>", in_rebooted(100).raw));
  arrives(b, rst);
  EXPECT_EQ(b.state(), closed);
  EXPECT_TRUE(b.rig.told(Notice::reset));
  EXPECT_EQ(rebooted.state(), syn_sent);
  rebooted.rig.run_until_sent(3s);
  EXPECT_EQ(rfc_text(rebooted.rig.one()), rfc_text(syn));  // line 7: the SYN again
}

TEST_F(Figure, Figure10ActiveSideCausesDiscovery) {
  establish();
  next_numbers(100, 300);
  b.rig.forget();
  Peer rebooted{a.address, {}, {5, 6}};
  b.rig.user_send(b_id, "0123456789");
  const Segment data = departs(b, a, "<SEQ=300><ACK=100><DATA=10><CTL=ACK>");
  arrives(rebooted, data);
  const Segment rst = rebooted.rig.one();
  EXPECT_EQ(in_figure(rst, a, b), "<SEQ=100><CTL=RST>");
  arrives(b, rst);
  EXPECT_EQ(b.state(), closed);
  EXPECT_TRUE(b.rig.told(Notice::reset));
}

TEST_F(Figure, Figure11OldDuplicateSynBetweenTwoPassiveSockets) {
  const ConnectionId of_a = open_passive(a);
  const ConnectionId of_b = open_passive(b);
  const Seq z{7000};
  arrives(b, {.flags = kSyn, .seq = z, .from = a.address, .to = b.address});
  EXPECT_EQ(b.state(), syn_received);
  const Segment answer = b.rig.one();
  EXPECT_EQ(rfc_text(answer),
            fmt::format("<SEQ={}><ACK={}><CTL=SYN,ACK>", answer.seq.raw, (z + 1).raw));
  arrives(a, answer);
  const Segment rst = a.rig.one();
  EXPECT_EQ(rfc_text(rst), fmt::format("<SEQ={}><CTL=RST>", (z + 1).raw));
  arrives(b, rst);
  EXPECT_EQ(a.rig.state(of_a), listen);
  EXPECT_EQ(b.rig.state(of_b), listen);
  silence();
}

TEST_F(Figure, Figure12NormalClose) {
  establish();
  next_numbers(100, 300);
  a.rig.user_shutdown(a_id);
  a_to_b("<SEQ=100><ACK=300><CTL=FIN,ACK>");
  states(fin_wait_1, close_wait);
  b_to_a("<SEQ=300><ACK=101><CTL=ACK>");
  states(fin_wait_2, close_wait);
  b.rig.user_shutdown(b_id);
  b_to_a("<SEQ=300><ACK=101><CTL=FIN,ACK>");
  states(time_wait, last_ack);
  a_to_b("<SEQ=101><ACK=301><CTL=ACK>");
  states(time_wait, closed);
  a.rig.run_for(Settings{}.time_wait + 1s);
  states(closed, closed);
  silence();
}

TEST_F(Figure, Figure13SimultaneousClose) {
  establish();
  next_numbers(100, 300);
  a.rig.user_shutdown(a_id);
  b.rig.user_shutdown(b_id);
  const Segment fin_of_a = departs(a, b, "<SEQ=100><ACK=300><CTL=FIN,ACK>");
  const Segment fin_of_b = departs(b, a, "<SEQ=300><ACK=100><CTL=FIN,ACK>");
  states(fin_wait_1, fin_wait_1);
  arrives(a, fin_of_b);
  arrives(b, fin_of_a);
  states(closing, closing);
  const Segment ack_of_a = departs(a, b, "<SEQ=101><ACK=301><CTL=ACK>");
  const Segment ack_of_b = departs(b, a, "<SEQ=301><ACK=101><CTL=ACK>");
  arrives(a, ack_of_b);
  arrives(b, ack_of_a);
  states(time_wait, time_wait);
  a.rig.run_for(Settings{}.time_wait + 1s);
  b.rig.run_for(Settings{}.time_wait + 1s);
  states(closed, closed);
  silence();
}

}  // namespace
}  // namespace tcpdx::tcp
