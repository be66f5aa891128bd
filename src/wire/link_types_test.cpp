#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/decode_test.hpp"

namespace tcpdx::wire {
namespace {

using namespace decode_test;

// Headers by https://www.tcpdump.org/linktypes.html and the documents that it names.
struct LinkCase {
  std::string name;
  uint16_t link_type;
  Octets header;
};

const Octets kSnapIpv4{0xAA, 0xAA, 0x03, 0, 0, 0, 0x08, 0x00};
const Octets kStation{0x02, 0, 0, 0, 0, 3};
const Octets kDataFrame = Octets{0x08, 0x01, 0, 0} + kAddresses + kStation + Octets{0, 0};
const Octets kQosFrame = Octets{0x88, 0x02, 0, 0} + kAddresses + kStation + Octets{0, 0, 0, 0};

std::vector<LinkCase> serial_cases() {
  return {
      {"null, little endian", 0, {2, 0, 0, 0}},
      {"null, big endian", 0, {0, 0, 0, 2}},
      {"null, IPv6 of FreeBSD", 0, {28, 0, 0, 0}},
      {"loop", 108, {0, 0, 0, 2}},
      {"ppp", 9, {0x00, 0x21}},
      {"ppp with address and control", 9, {0xFF, 0x03, 0x00, 0x21}},
      {"ppp, compressed protocol", 9, {0x21}},
      {"ppp over serial", 50, {0xFF, 0x03, 0x00, 0x21}},
      {"cisco in ppp over serial", 50, {0x0F, 0x00, 0x08, 0x00}},
      {"ppp with direction", 204, {1, 0xFF, 0x03, 0x00, 0x21}},
      {"cisco hdlc", 104, {0x0F, 0x00, 0x08, 0x00}},
      {"cisco hdlc with direction", 205, {0, 0x0F, 0x00, 0x08, 0x00}},
      {"frame relay, NLPID", 107, {0x18, 0x41, 0x03, 0xCC}},
      {"frame relay, padded SNAP", 107, {0x18, 0x41, 0x03, 0, 0x80, 0, 0, 0, 0x08, 0x00}},
      {"frame relay, long address", 107, {0x18, 0x40, 0x00, 0x41, 0x03, 0xCC}},
      {"frame relay, cisco", 107, {0x18, 0x41, 0x08, 0x00}},
      {"frame relay with direction", 206, {0, 0x18, 0x41, 0x03, 0xCC}},
      {"slip", 8, Octets(16)},
      {"raw", 101, {}},
      {"raw, BSD", 12, {}},
      {"raw, OpenBSD", 14, {}},
      {"ipv4", 228, {}},
  };
}

std::vector<LinkCase> lan_cases() {
  return {
      {"ethernet", 1, kAddresses + kIpv4Type},
      {"802.3 with SNAP", 1, kAddresses + Octets{0, 68} + kSnapIpv4},
      {"802.3 with 802.1H", 1,
       kAddresses + Octets{0, 68, 0xAA, 0xAA, 0x03, 0, 0, 0xF8, 0x08, 0x00}},
      {"802.3 with IP's own SAP", 1, kAddresses + Octets{0, 63, 0x06, 0x06, 0x03}},
      {"token ring", 6, Octets{0x10, 0x40} + kAddresses + kSnapIpv4},
      {"token ring, routed", 6,
       Octets{0x10, 0x40} + kStation + Octets{0x82, 0, 0, 0, 0, 1, 0x06, 0x30, 0, 1, 0, 2} +
           kSnapIpv4},
      {"fddi", 10, Octets{0x54} + kAddresses + kSnapIpv4},
      {"atm", 100, kSnapIpv4},
      {"fibre channel", 122, Octets(16) + kSnapIpv4},
      {"ieee 1394", 138, Octets(16) + kIpv4Type},
      {"infiniband", 242, Octets(40) + kIpv4Type + Octets{0, 0}},
      {"netanalyzer", 240, Octets(4) + kAddresses + kIpv4Type},
      {"openbsd ipsec", 109, {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"sll", 113, {0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00}},
      {"sll, LLC", 113, Octets{0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4} + kSnapIpv4},
      {"sll2", 276, {0x08, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0}},
      {"nflog, little endian", 239, {2, 0, 0,  5, 8, 0, 1, 0, 0,  0, 0, 0,
                                     5, 0, 10, 0, 0, 0, 0, 0, 64, 0, 9, 0}},
      {"nflog, big endian", 239, {2, 0, 0, 5, 0, 5, 0, 10, 0, 0, 0, 0, 0, 64, 0, 9}},
      {"pktap", 258, Octets{12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0} + kAddresses + kIpv4Type},
      {"ppi", 192, Octets{0, 0, 8, 0, 1, 0, 0, 0} + kAddresses + kIpv4Type},
  };
}

std::vector<LinkCase> wireless_cases() {
  const Octets kRadiotapPadded{0, 0, 20, 0, 3, 0, 0, 0x80, 0, 0,
                               0, 0, 0,  0, 0, 0, 0, 0,    0, 0};  // too short for its flags
  Octets padded{0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0};           // clock and flags, two words
  padded.resize(24);
  padded.push_back(0x20);
  Octets avs{0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64};
  avs.resize(64);
  const Octets kFourAddresses =
      Octets{0x88, 0x03, 0, 0} + kAddresses + kStation + Octets{0, 0} + kStation + Octets{0, 0};
  const Octets kHt = Octets{0x88, 0x82, 0, 0} + kAddresses + kStation + Octets(8);
  const Octets kAggregate = Octets{0x88, 0x02, 0, 0} + kAddresses + kStation +
                            Octets{0, 0, 0x80, 0} + kAddresses + Octets{0, 68};
  return {
      {"802.11", 105, kDataFrame + kSnapIpv4},
      {"802.11 QoS", 105, kQosFrame + kSnapIpv4},
      {"802.11, four addresses", 105, kFourAddresses + kSnapIpv4},
      {"802.11, HT control", 105, kHt + kSnapIpv4},
      {"802.11, aggregated", 105, kAggregate + kSnapIpv4},
      {"radiotap", 127, Octets{0, 0, 8, 0, 0, 0, 0, 0} + kDataFrame + kSnapIpv4},
      {"radiotap, padded", 127, padded + kQosFrame + Octets{0, 0} + kSnapIpv4},
      {"radiotap, without the flags it tells of", 127, kRadiotapPadded + kDataFrame + kSnapIpv4},
      {"avs", 163, avs + kDataFrame + kSnapIpv4},
      {"prism", 119, Octets(144) + kDataFrame + kSnapIpv4},
      {"avs under prism", 119, avs + kDataFrame + kSnapIpv4},
      {"ppi", 192, Octets{0, 0, 8, 0, 105, 0, 0, 0} + kDataFrame + kSnapIpv4},
  };
}

void expect_all(const std::vector<LinkCase>& cases) {
  for (const LinkCase& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_TRUE(known_link_type(each.link_type));
    Decoder decoder;
    expect_syn4(read(decoder, each.link_type, each.header + kSyn));
    EXPECT_EQ(decoder.links().size(), 1U);
    expect_syn4_cut_anywhere(each.link_type, each.header + kSyn);
  }
}

TEST(LinkTypes, ReadSerialLines) { expect_all(serial_cases()); }
TEST(LinkTypes, ReadLans) { expect_all(lan_cases()); }
TEST(LinkTypes, ReadWirelessLans) { expect_all(wireless_cases()); }

TEST(LinkTypes, LeaveTrailersAlone) {
  const Octets frame = kAddresses + Octets{0, 68} + kSnapIpv4 + kSyn + Octets{1, 2, 3, 4};
  expect_syn4(read(kEthernet, frame));
  expect_syn4(read(105, kDataFrame + kSnapIpv4 + kSyn + Octets{1, 2, 3, 4}));  // its checksum
}

TEST(LinkTypes, FindNothingWhereThereIsNoIp) {
  const std::vector<LinkCase> cases{
      {"null, OSI", 0, {7, 0, 0, 0}},
      {"arp", 1, kAddresses + Octets{0x08, 0x06}},
      {"spanning tree", 1, kAddresses + Octets{0, 38, 0x42, 0x42, 0x03}},
      {"SNAP of another organisation", 1,
       kAddresses + Octets{0, 60, 0xAA, 0xAA, 0x03, 0, 0, 0x0C, 0x20, 0x00}},
      {"ppp, link control", 9, {0xFF, 0x03, 0xC0, 0x21}},
      {"sll, netlink", 113, {0, 4, 0x03, 0x38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x00}},
      {"sll, novell", 113, {0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 1}},
      {"beacon", 105, Octets{0x80, 0x00} + Octets(22)},
      {"802.11 without data", 105, Octets{0x48, 0x01} + Octets(22)},
      {"802.11, encrypted", 105, Octets{0x08, 0x41} + Octets(22)},
      {"token ring, management", 6, Octets{0x10, 0x00} + kAddresses},
      {"ppi in ppi", 192, {0, 0, 8, 0, 192, 0, 0, 0, 0, 0, 8, 0, 101, 0, 0, 0}},
      {"pppoe, discovery", 51, {0x11, 0x09, 0, 0, 0, 60}},
  };
  for (const LinkCase& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(read(each.link_type, each.header + kSyn).found, Found::other);
  }
}

}  // namespace
}  // namespace tcpdx::wire
