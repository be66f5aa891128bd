// The octets by the draft's layout, and tcpdump's reading of files that were written here.
#include "capture/pcap_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/test_folder.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"
#include "wire/test_frames.hpp"

namespace tcpdx::capture {
namespace {

using wire::test_frames::bytes;

template <size_t kSize>
std::string text(const std::array<uint8_t, kSize>& octets) {
  return {octets.begin(), octets.end()};
}

// draft-ietf-opsawg-pcap section 4: magic, versions, two reserved words, snap length, link type.
constexpr std::array<uint8_t, 24> kFileHeader{0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0,   0, 0, 0,
                                              0,    0,    0,    0,    0, 0, 4, 0, 101, 0, 0, 0};

TEST(PcapWriter, BeginsWithTheFileHeader) {
  std::ostringstream file;
  const PcapWriter writer(file);
  EXPECT_EQ(file.str(), text(kFileHeader));
}

TEST(PcapWriter, WritesRecords) {
  // Section 5: seconds, microseconds, captured length, original length.
  constexpr std::array<uint8_t, 19> kRecord{0x04, 0x03, 0x02, 0x01, 0x3F, 0x42, 0x0F, 0,   3,  0,
                                            0,    0,    3,    0,    0,    0,    'a',  'b', 'c'};
  constexpr std::array<uint8_t, 3> kPacket{'a', 'b', 'c'};
  std::ostringstream file;
  PcapWriter writer(file);
  writer.write(std::chrono::seconds(0x01020304) + Duration(999999), bytes(kPacket));
  writer.write(Duration(0), {});
  EXPECT_EQ(file.str(), text(kFileHeader) + text(kRecord) + std::string(16, '\0'));
}

std::string tcpdump(const std::string& capture) {
  const TestFolder folder;
  const std::string path = folder / "a.pcap";
  std::ofstream(path, std::ios::binary) << capture;
  // Read from its input: tcpdump gives up its rights before it opens a file.
  const std::string command = "tcpdump -ttSnnvv -r - < " + path + " 2>&1";
  std::string output;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> piece{};
  for (size_t size = 1; size > 0;) {
    size = std::fread(piece.data(), 1, piece.size(), pipe);
    output.append(piece.data(), size);
  }
  ::pclose(pipe);
  return output;
}

class Datagram {
 public:
  Datagram(std::string_view source, std::string_view destination)
      : ip_{.source = *parse_address(source), .destination = *parse_address(destination)} {}

  std::span<const std::byte> with(const wire::TcpHeader& tcp, std::string_view text) {
    const size_t start = wire::write_ip(ip_, wire::header_size(tcp) + text.size(), octets_);
    const auto rest = std::span(octets_).subspan(start);
    const size_t size =
        wire::write_tcp(tcp, std::as_bytes(std::span(text)), ip_.source, ip_.destination, rest);
    return std::span(octets_).first(start + size);
  }

 private:
  wire::IpHeader ip_;
  std::array<std::byte, 200> octets_{};
};

wire::TcpHeader syn() {
  wire::TcpHeader header;
  header.source_port = 40000;
  header.destination_port = 7;
  header.seq = {1000};
  header.flags.syn = true;
  header.window = 65535;
  header.options.mss = 1400;
  header.options.sack_permitted = true;
  header.options.timestamps = {77, 0};
  header.options.window_scale = 9;
  return header;
}

wire::TcpHeader last_text() {
  wire::TcpHeader header;
  header.source_port = 40000;
  header.destination_port = 7;
  header.seq = {1001};
  header.ack = {5001};
  header.flags.fin = header.flags.psh = header.flags.ack = true;
  header.window = 100;
  header.options.timestamps = {78, 79};
  header.options.sack_count = 1;
  header.options.sack_blocks[0] = {{6001}, {7001}};
  return header;
}

TEST(PcapWriter, IsReadByTcpdump) {
  std::ostringstream file;
  PcapWriter writer(file);
  Datagram four("192.0.2.1", "192.0.2.2");
  Datagram six("2001:db8::1", "2001:db8::2");
  std::array<std::byte, wire::kMaxIcmpErrorSize> error{};
  const size_t size = wire::write_icmp_error({wire::icmp4::kUnreachable, wire::icmp4::kPort},
                                             ipv4(192, 0, 2, 2), four.with(syn(), ""), error);
  writer.write(std::chrono::seconds(12) + Duration(345678), four.with(syn(), ""));
  writer.write(std::chrono::seconds(13), six.with(last_text(), "odd"));
  writer.write(std::chrono::seconds(14), std::span(error).first(size));
  const std::string seen = tcpdump(file.str());
  const auto shows = [&seen](std::string_view words) {
    EXPECT_NE(seen.find(words), std::string::npos) << words << "\nis not in\n" << seen;
  };
  shows("link-type RAW (Raw IP)");
  shows("12.345678 IP (tos 0x0, ttl 64, id 0, offset 0, flags [none], proto TCP (6), length 60)");
  shows("192.0.2.1.40000 > 192.0.2.2.7: Flags [S], cksum 0x");
  shows(", seq 1000, win 65535, options [mss 1400,sackOK,TS val 77 ecr 0,nop,wscale 9], length 0");
  shows("13.000000 IP6 ");
  shows("2001:db8::1.40000 > 2001:db8::2.7: Flags [FP.], cksum 0x");
  shows(
      ", seq 1001:1004, ack 5001, win 100, options [nop,nop,TS val 78 ecr 79,nop,nop,"
      "sack 1 {6001:7001}], length 3");
  shows("192.0.2.2 > 192.0.2.1: ICMP 192.0.2.2 tcp port 7 unreachable, length 68");
  shows("(correct)");
  EXPECT_EQ(seen.find("incorrect"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("wrong"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("bad"), std::string::npos) << seen;
}

}  // namespace
}  // namespace tcpdx::capture
