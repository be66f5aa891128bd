#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/decode_test.hpp"
#include "wire/ip.hpp"

namespace tcpdx::wire {
namespace {

using namespace decode_test;

// Frames that Linux 6.18 sent between two namespaces through a VXLAN device: a SYN from
// 10.4.0.1.49882 to 10.4.0.2.8080, whose checksums were left to the network card.
const Octets kVxlanSyn{
    0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x45, 0x00,
    0x00, 0x6e, 0x6b, 0x08, 0x00, 0x00, 0x40, 0x11, 0x8b, 0x73, 0xc0, 0x00, 0x02, 0x01, 0xc0, 0x00,
    0x02, 0x02, 0xc1, 0xe8, 0x12, 0xb5, 0x00, 0x5a, 0xe5, 0x2a, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x2a, 0x00, 0x26, 0x91, 0x5a, 0xd4, 0x8e, 0x8a, 0xce, 0xb3, 0x44, 0xca, 0x78, 0x38, 0x08, 0x00,
    0x45, 0x00, 0x00, 0x3c, 0xe4, 0x71, 0x00, 0x00, 0x40, 0x06, 0x82, 0x40, 0x0a, 0x04, 0x00, 0x01,
    0x0a, 0x04, 0x00, 0x02, 0xc2, 0xda, 0x1f, 0x90, 0x01, 0xc8, 0xed, 0xf5, 0x00, 0x00, 0x00, 0x00,
    0xa0, 0x02, 0xff, 0xff, 0x14, 0x39, 0x00, 0x00, 0x02, 0x04, 0x02, 0x00, 0x04, 0x02, 0x08, 0x0a,
    0xe3, 0x1e, 0xee, 0x06, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x0a};

// Through the same device over links with an MTU of 100: the SYN of another connection.
const Octets kVxlanFirst{
    0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x45,
    0x00, 0x00, 0x64, 0xb0, 0x57, 0x20, 0x00, 0x40, 0x11, 0x26, 0x2e, 0xc0, 0x00, 0x02, 0x01,
    0xc0, 0x00, 0x02, 0x02, 0x90, 0x9f, 0x12, 0xb5, 0x00, 0x5a, 0xa6, 0x17, 0x08, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x2a, 0x00, 0x02, 0x00, 0x00, 0x00, 0x04, 0x02, 0x02, 0x00, 0x00, 0x00,
    0x04, 0x01, 0x08, 0x00, 0x45, 0x00, 0x00, 0x3c, 0xf2, 0x60, 0x00, 0x00, 0x40, 0x06, 0x74,
    0x51, 0x0a, 0x04, 0x00, 0x01, 0x0a, 0x04, 0x00, 0x02, 0xeb, 0x32, 0x1f, 0x90, 0x17, 0x31,
    0x6a, 0x2f, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02, 0xff, 0xff, 0x5b, 0xdb, 0x00, 0x00, 0x02,
    0x04, 0x02, 0x00, 0x04, 0x02, 0x08, 0x0a, 0xa1, 0x32};
const Octets kVxlanSecond{0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00,
                          0x01, 0x08, 0x00, 0x45, 0x00, 0x00, 0x1e, 0xb0, 0x57, 0x00, 0x0a,
                          0x40, 0x11, 0x46, 0x6a, 0xc0, 0x00, 0x02, 0x01, 0xc0, 0x00, 0x02,
                          0x02, 0xae, 0x75, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x0a};

TEST(Tunnel, ReadsTheKernelsVxlan) {
  Decoder decoder;
  const Reading reading = read(decoder, kEthernet, kVxlanSyn);
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_EQ(reading.packet.source, ipv4(10, 4, 0, 1));
  EXPECT_EQ(reading.packet.destination, ipv4(10, 4, 0, 2));
  EXPECT_EQ(reading.packet.source_port, 49882);
  EXPECT_EQ(reading.packet.seq.raw, 29945333U);
  EXPECT_EQ(reading.packet.ip_octets, 60U);
  EXPECT_EQ(reading.packet.ip_id, 58481U);
  EXPECT_EQ(reading.packet.checksum, Checksum::offloaded);
  const LinkPath& path = decoder.links().at(reading.packet.link);
  EXPECT_TRUE(path.vlans.empty());
  EXPECT_EQ(path.tunnels, (std::vector<Tunnel>{{TunnelKind::vxlan, 42}}));
}

TEST(Tunnel, PutsTheKernelsFragmentsTogetherFirst) {
  Decoder decoder;
  EXPECT_EQ(read(decoder, kEthernet, kVxlanFirst).found, Found::fragment);
  const Reading reading = read(decoder, kEthernet, kVxlanSecond);
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_TRUE(reading.packet.reassembled);
  EXPECT_EQ(reading.packet.source_port, 60210);
  EXPECT_EQ(reading.packet.seq.raw, 389114415U);
  EXPECT_EQ(reading.packet.ip_octets, 60U);
  EXPECT_EQ(reading.packet.checksum, Checksum::right);
  EXPECT_EQ(reading.options.size(), 20U);
  EXPECT_EQ(decoder.links().at(reading.packet.link).tunnels,
            (std::vector<Tunnel>{{TunnelKind::vxlan, 42}}));
}

// An IPv4 or IPv6 header for a payload, as RFC 791 3.1 and RFC 8200 3 have it.
Octets ip_header(uint8_t protocol, size_t size) {
  Octets out(20);
  const IpHeader header{
      .source = ipv4(198, 51, 100, 1), .destination = ipv4(198, 51, 100, 2), .protocol = protocol};
  write_ip(header, size, std::as_writable_bytes(std::span(out)));
  return out;
}

Octets ip6_header(uint8_t protocol, size_t size) {
  Octets out(40);
  const IpHeader header{.source = *parse_address("2001:db8::1"),
                        .destination = *parse_address("2001:db8::2"),
                        .protocol = protocol};
  write_ip(header, size, std::as_writable_bytes(std::span(out)));
  return out;
}

Octets udp(uint16_t port, const Octets& payload) {
  const size_t size = payload.size() + 8;
  return Octets{0xC0,
                0x00,
                static_cast<uint8_t>(port >> 8U),
                static_cast<uint8_t>(port & 0xFFU),
                static_cast<uint8_t>(size >> 8U),
                static_cast<uint8_t>(size & 0xFFU),
                0,
                0} +
         payload;
}

Octets in_ip(uint8_t protocol, const Octets& payload) {
  return ip_header(protocol, payload.size()) + payload;
}

Octets in_ip6(uint8_t protocol, const Octets& payload) {
  return ip6_header(protocol, payload.size()) + payload;
}

struct TunnelCase {
  std::string name;
  Octets frame;  // of Ethernet, behind the addresses; ends with the SYN
  std::vector<Tunnel> tunnels;
  std::vector<uint16_t> vlans{};
};

const Octets kEthernetSyn = kAddresses + kIpv4Type + kSyn;

void expect_all(const std::vector<TunnelCase>& cases) {
  for (const TunnelCase& each : cases) {
    SCOPED_TRACE(each.name);
    Decoder decoder;
    const Reading reading = read(decoder, kEthernet, kAddresses + each.frame);
    expect_syn4(reading);
    const LinkPath& path = decoder.links().at(reading.packet.link);
    EXPECT_EQ(path.tunnels, each.tunnels);
    EXPECT_EQ(path.vlans, each.vlans);
    expect_syn4_cut_anywhere(kEthernet, kAddresses + each.frame);
  }
}

TEST(Tunnel, ReadsThoseOfTheLink) {
  const Octets kMpls{0x88, 0x47};
  const Octets kLabels{0x00, 0x06, 0x40, 0x40, 0x00, 0x0C, 0x81, 0x40};  // 100, then 200
  const Octets kPppoe{0x88, 0x64, 0x11, 0x00, 0x12, 0x34, 0x00, 62, 0x00, 0x21};
  expect_all({
      {"mpls", kMpls + kLabels + kSyn, {}},
      {"mpls, pseudowire", kMpls + kLabels + kEthernetSyn, {}},
      {"mpls, pseudowire with control word",
       kMpls + kLabels + Octets{0, 0, 0, 7} + kEthernetSyn,
       {}},
      {"pppoe", kPppoe + kSyn, {{TunnelKind::pppoe, {}}}},
      {"pppoe in vlans",
       Octets{0x88, 0xA8, 0x00, 0x07, 0x81, 0x00, 0x00, 0x08} + kPppoe + kSyn,
       {{TunnelKind::pppoe, {}}},
       {7, 8}},
      {"vlan behind a pseudowire",
       kMpls + kLabels + kAddresses + Octets{0x81, 0x00, 0x00, 0x09} + kIpv4Type + kSyn,
       {},
       {9}},
  });
}

// A label counts for one hop in one direction, and the last hop may take it off.
TEST(Tunnel, LabelsTellNoConnectionFromAnother) {
  Decoder decoder;
  const Octets labelled = Octets{0x88, 0x47} + Octets{0x00, 0x06, 0x41, 0x40} + kSyn;
  const Reading with = read(decoder, kEthernet, kAddresses + labelled);
  const Reading without = read(decoder, kEthernet, kAddresses + kIpv4Type + kSyn);
  expect_syn4(with);
  EXPECT_EQ(with.packet.link, without.packet.link);
}

TEST(Tunnel, ReadsThoseOfIp) {
  const Octets kIp4InIp6 = in_ip6(4, kSyn);
  expect_all({
      {"ipip", kIpv4Type + in_ip(4, kSyn), {{TunnelKind::ipip, {}}}},
      {"4in6", kIpv6Type + kIp4InIp6, {{TunnelKind::ipip, {}}}},
      {"4 in 6 in 4",
       kIpv4Type + in_ip(41, kIp4InIp6),
       {{TunnelKind::ipip, {}}, {TunnelKind::ipip, {}}}},
      {"ipip, authenticated",
       kIpv4Type + in_ip(51, Octets{4, 4, 0, 0} + Octets(20) + kSyn),
       {{TunnelKind::ipip, {}}}},
      {"gre", kIpv4Type + in_ip(47, Octets{0, 0, 0x08, 0x00} + kSyn), {{TunnelKind::gre, {}}}},
      {"gre with checksum, key and number",
       kIpv4Type + in_ip(47, Octets{0xB0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 44, 0, 0, 0, 9} + kSyn),
       {{TunnelKind::gre, 44}}},
      {"gre, bridged",
       kIpv4Type + in_ip(47, Octets{0x20, 0, 0x65, 0x58, 0, 0, 0, 45} + kEthernetSyn),
       {{TunnelKind::gre, 45}}},
      {"pptp",
       kIpv4Type + in_ip(47, Octets{0x30, 0x81, 0x88, 0x0B, 0, 64, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2} +
                                 Octets{0xFF, 0x03, 0x00, 0x21} + kSyn),
       {{TunnelKind::gre, {}}}},
      {"erspan I",
       kIpv4Type + in_ip(47, Octets{0, 0, 0x88, 0xBE} + kEthernetSyn),
       {{TunnelKind::gre, {}}}},
      {"erspan II",
       kIpv4Type + in_ip(47, Octets{0x10, 0, 0x88, 0xBE, 0, 0, 0, 1, 0x10, 1, 0, 7, 0, 0, 0, 0} +
                                 kEthernetSyn),
       {{TunnelKind::gre, {}}}},
      {"erspan III with platform's part",
       kIpv4Type + in_ip(47, Octets{0x10, 0, 0x22, 0xEB, 0, 0, 0, 1, 0x20, 1, 0, 7} + Octets(7) +
                                 Octets{0x01} + Octets(8) + kEthernetSyn),
       {{TunnelKind::gre, {}}}},
      {"mpls in ip", kIpv4Type + in_ip(137, Octets{0, 6, 0x41, 0x40} + kSyn), {}},
  });
}

TEST(Tunnel, ReadsThoseOfUdp) {
  const auto in_udp = [](uint16_t port, const Octets& payload) {
    return kIpv4Type + in_ip(17, udp(port, payload));
  };
  const Octets kVxlan{0x08, 0, 0, 0, 0x01, 0x02, 0x03, 0};
  expect_all({
      {"vxlan", in_udp(4789, kVxlan + kEthernetSyn), {{TunnelKind::vxlan, 0x010203}}},
      {"vxlan, linux's port", in_udp(8472, kVxlan + kEthernetSyn), {{TunnelKind::vxlan, 0x010203}}},
      {"vxlan over ipv6",
       kIpv6Type + in_ip6(17, udp(4789, kVxlan + kEthernetSyn)),
       {{TunnelKind::vxlan, 0x010203}}},
      {"geneve with options",
       in_udp(6081,
              Octets{0x02, 0, 0x65, 0x58, 0, 0, 43, 0, 1, 2, 3, 1, 4, 5, 6, 7} + kEthernetSyn),
       {{TunnelKind::geneve, 43}}},
      {"geneve of ip",
       in_udp(6081, Octets{0, 0, 0x08, 0x00, 0, 0, 43, 0} + kSyn),
       {{TunnelKind::geneve, 43}}},
      {"gtp-u",
       in_udp(2152, Octets{0x30, 255, 0, 60, 0, 0, 0, 1} + kSyn),
       {{TunnelKind::gtp_u, {}}}},
      {"gtp-u with number",
       in_udp(2152, Octets{0x32, 255, 0, 64, 0, 0, 0, 1, 0, 9, 0, 0} + kSyn),
       {{TunnelKind::gtp_u, {}}}},
      {"gtp-u with session container",
       in_udp(2152,
              Octets{0x34, 255, 0, 68, 0, 0, 0, 1, 0, 0, 0, 0x85, 0x01, 0x10, 0x01, 0} + kSyn),
       {{TunnelKind::gtp_u, {}}}},
  });
}

TEST(Tunnel, FindsNothingWhereThereIsNone) {
  const auto in_udp = [](uint16_t port, const Octets& payload) {
    return in_ip(17, udp(port, payload));
  };
  const std::vector<Octets> datagrams{
      in_udp(53, kSyn),
      in_udp(4789, Octets(8) + kEthernetSyn),                     // VNI not valid
      in_udp(6081, Octets{0x40, 0, 8, 0, 0, 0, 0, 0} + kSyn),     // version 1
      in_udp(2152, Octets{0x30, 1, 0, 60, 0, 0, 0, 1} + kSyn),    // echo request
      in_udp(2152, Octets{0x20, 255, 0, 60, 0, 0, 0, 1} + kSyn),  // GTP'
      in_ip(47, Octets{0x40, 0, 8, 0, 0, 0, 0, 0} + kSyn),        // source routed
      in_ip(47, Octets{0, 2, 8, 0} + kSyn),                       // version 2
      in_ip(47, Octets{0, 0, 0, 0}),                              // keep-alive
  };
  for (const Octets& datagram : datagrams) EXPECT_EQ(read(kRaw, datagram).found, Found::other);
}

TEST(Tunnel, EndsSomewhere) {
  Octets nested = kSyn;
  for (int i = 0; i < 100; ++i) nested = in_ip(4, nested);
  EXPECT_EQ(read(kRaw, nested).found, Found::broken);
  Octets tags;
  for (int i = 0; i < 1000; ++i) tags = tags + Octets{0x81, 0x00, 0x00, 0x0A};
  EXPECT_EQ(read(kEthernet, kAddresses + tags + kIpv4Type + kSyn).found, Found::broken);
  // 5000 headers without a signature, then the SYN without its IP header.
  Octets authenticated = Octets{6, 0, 0, 0, 0, 0, 0, 0} + Octets(kSyn.begin() + 20, kSyn.end());
  for (int i = 0; i < 5000; ++i) authenticated = Octets{51, 0, 0, 0, 0, 0, 0, 0} + authenticated;
  EXPECT_EQ(read(kRaw, in_ip(51, authenticated)).found, Found::tcp);
}

TEST(Tunnel, FindsIcmpErrorsInside) {
  Decoder decoder;
  const Octets error = copy(test_frames::kUnreachable4);
  const Octets frame = in_ip(47, Octets{0x20, 0, 0x08, 0x00, 0, 0, 0, 5} + error);
  EXPECT_EQ(read(decoder, kRaw, frame).found, Found::icmp_error);
  EXPECT_EQ(decoder.links().at(decoder.icmp_link()).tunnels,
            (std::vector<Tunnel>{{TunnelKind::gre, 5}}));
  EXPECT_EQ(decoder.icmp_error().cause.code, icmp4::kHost);
}

TEST(Tunnel, KnowsManyPathsAndThenOneForAll) {
  Decoder decoder;
  const auto link = [&decoder](uint32_t vni) {
    const Octets head{0x08,
                      0,
                      0,
                      0,
                      static_cast<uint8_t>(vni >> 16U & 0xFFU),
                      static_cast<uint8_t>(vni >> 8U & 0xFFU),
                      static_cast<uint8_t>(vni & 0xFFU),
                      0};
    return read(decoder, kRaw, in_ip(17, udp(4789, head + kEthernetSyn))).packet.link;
  };
  for (uint32_t vni = 0; vni < 65535; ++vni) ASSERT_EQ(link(vni), vni + 1);
  EXPECT_EQ(decoder.crowded(), 0U);
  EXPECT_EQ(link(70000), 65536U);
  EXPECT_EQ(link(70001), 65536U);
  EXPECT_EQ(link(70000), 65536U);
  EXPECT_EQ(decoder.crowded(), 3U);
  EXPECT_EQ(decoder.links().size(), 65537U);
  EXPECT_EQ(decoder.links().back(), LinkPath{});
  EXPECT_EQ(link(40000), 40001U);
}

}  // namespace
}  // namespace tcpdx::wire
