#include "lab/datagram.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "lab/packet_log.hpp"
#include "wire/icmp.hpp"

namespace tcpdx::lab {
namespace {

using Bytes = std::vector<std::byte>;

const IpAddress kHere = ipv4(10, 0, 0, 2);
const IpAddress kThere = ipv4(10, 0, 0, 1);

tcp::Packet syn() {
  tcp::Packet packet{
      .source = kHere, .destination = kThere, .header = {}, .text = {}, .source_route = {}};
  packet.ttl = 33;
  packet.traffic_class = 0x28;
  packet.header.source_port = 5555;
  packet.header.destination_port = 80;
  packet.header.seq = Seq{1000};
  packet.header.flags.syn = true;
  return packet;
}

Bytes bytes_of(const tcp::Packet& packet) {
  Bytes bytes(1500);
  bytes.resize(write_datagram(packet, 7, bytes));
  return bytes;
}

// RFC 791 3.1 and RFC 9293 3.1, octet by octet; the sums are left to the next test.
TEST(Datagram, is_written_as_the_rfcs_lay_it_out) {
  const Bytes bytes = bytes_of(syn());
  ASSERT_EQ(bytes.size(), 40U);
  const auto at = [&](size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  EXPECT_EQ(at(0), 0x45U);                 // version 4, five words
  EXPECT_EQ(at(1), 0x28U);                 // type of service
  EXPECT_EQ(at(2) << 8 | at(3), 40U);      // total length
  EXPECT_EQ(at(4) << 8 | at(5), 7U);       // identification
  EXPECT_EQ(at(6) << 8 | at(7), 0x4000U);  // DF, offset 0
  EXPECT_EQ(at(8), 33U);                   // time to live
  EXPECT_EQ(at(9), 6U);                    // TCP
  EXPECT_EQ(at(20) << 8 | at(21), 5555U);  // source port
  EXPECT_EQ(at(26) << 8 | at(27), 1000U);  // sequence number, lower half
  EXPECT_EQ(at(32), 0x50U);                // data offset: five words
  EXPECT_EQ(at(33), 0x02U);                // SYN
}

TEST(Datagram, that_is_damaged_anywhere_is_none) {
  const Bytes whole = bytes_of(syn());
  wire::SourceRoute route;
  ASSERT_TRUE(std::holds_alternative<tcp::Packet>(read_datagram(whole, route)));
  for (size_t i = 0; i < whole.size(); ++i) {
    Bytes damaged = whole;
    damaged[i] ^= std::byte{0x04};
    EXPECT_TRUE(std::holds_alternative<std::monostate>(read_datagram(damaged, route))) << i;
  }
  const auto cut = std::span(whole).first(whole.size() - 1);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(read_datagram(cut, route)));
}

TEST(Datagram, without_room_is_not_written) {
  std::array<std::byte, 39> small{};
  EXPECT_EQ(write_datagram(syn(), 1, small), 0U);
}

// RFC 9293 3.9.2.2 and RFC 1122 4.2.3.9; codes of RFC 792 and RFC 4443.
TEST(Datagram, icmp_errors_are_grouped) {
  struct Case {
    wire::IcmpCause cause;
    tcp::IcmpKind kind;
  };
  using enum tcp::IcmpKind;
  const Case cases[] = {
      {{3, 0}, soft_error},    {{3, 1}, soft_error},  {{3, 2}, hard_error},  {{3, 3}, hard_error},
      {{3, 4, 1400}, too_big}, {{3, 4}, hard_error},  {{3, 5}, soft_error},  {{3, 13}, soft_error},
      {{4, 0}, source_quench}, {{11, 0}, soft_error}, {{12, 0}, soft_error},
  };
  const Bytes offending = bytes_of(syn());
  for (const Case& tested : cases) {
    Bytes error(wire::kMaxIcmpErrorSize);
    error.resize(wire::write_icmp_error(tested.cause, kThere, offending, error));
    wire::SourceRoute route;
    const Arrival arrival = read_datagram(error, route);
    const auto* read = std::get_if<tcp::IcmpError>(&arrival);
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(read->kind, tested.kind)
        << unsigned{tested.cause.type} << "/" << unsigned{tested.cause.code};
    EXPECT_EQ(read->local, (SocketAddress{kHere, 5555}));
    EXPECT_EQ(read->remote, (SocketAddress{kThere, 80}));
    EXPECT_EQ(read->seq, Seq{1000});
    EXPECT_EQ(read->mtu, tested.cause.mtu.value_or(0));
  }
}

// The notation of tcpdump(8).
TEST(PacketLog, tells_a_line_for_each_datagram_and_forgets_the_oldest) {
  PacketLog log(2);
  tcp::Packet packet = syn();
  log.add(0s, Direction::out, bytes_of(packet), 1);
  log.add(1s, Direction::out, bytes_of(packet), 0);
  const std::array<std::byte, 3> text{};
  packet.header.flags = {.psh = true, .ack = true};
  packet.header.seq += 1;
  packet.header.window = 512;
  packet.text = text;
  log.add(1500ms, Direction::out, bytes_of(packet), 2);
  EXPECT_EQ(log.count(), 3U);
  EXPECT_EQ(
      log.text(),
      "... 1 datagrams before these\n"
      "  1.000000 out 10.0.0.2:5555 > 10.0.0.1:80: Flags [S], seq 0:0, win 0, length 0  (lost)\n"
      "  1.500000 out 10.0.0.2:5555 > 10.0.0.1:80: Flags [P.], seq 1:4, ack 0, win 512, "
      "length 3  (doubled)\n");
}

}  // namespace
}  // namespace tcpdx::lab
