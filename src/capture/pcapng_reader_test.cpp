// Files by draft-ietf-opsawg-pcapng, whole and damaged.
#include <gtest/gtest.h>

#include "capture/test_captures.hpp"

namespace tcpdx::capture {
namespace {

using namespace test_captures;

constexpr int64_t kSecond = 1'000'000'000;
constexpr uint64_t kMicroseconds = 1'000'000;

Octets option(std::endian order, uint16_t code, const Octets& value) {
  return Octets(order).u16(code).u16(static_cast<uint16_t>(value.size())).add(value).pad();
}

// One section with one Ethernet interface.
Octets file_with_interface(std::endian order = std::endian::little) {
  Octets file = pcapng(order);
  add_interface(file);
  return file;
}

class PcapngReader : public ::testing::TestWithParam<std::endian> {};
INSTANTIATE_TEST_SUITE_P(orders, PcapngReader,
                         ::testing::Values(std::endian::little, std::endian::big),
                         [](const auto& each) {
                           return each.param == std::endian::little ? "little" : "big";
                         });

TEST_P(PcapngReader, ReadsEnhancedPackets) {
  Octets file = pcapng(GetParam());
  add_interface(file, 1);
  add_interface(file, 276);
  add_packet(file, 1, 1'700'000'000 * kMicroseconds + 5, "abc", 1500);
  add_packet(file, 0, 0xFFFFFFFF, "", 0);
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", ""}));
  ASSERT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.frames[0].number, 1U);
  EXPECT_EQ(seen.frames[0].time_ns, 1'700'000'000 * kSecond + 5000);
  EXPECT_EQ(seen.frames[0].original_size, 1500U);
  EXPECT_EQ(seen.frames[0].link_type, 276U);
  EXPECT_EQ(seen.frames[0].interface, 1U);
  EXPECT_EQ(seen.frames[1].number, 2U);
  EXPECT_EQ(seen.frames[1].time_ns, 4'294'967'295'000);
  EXPECT_EQ(seen.frames[1].link_type, 1U);
  EXPECT_EQ(seen.frames[1].interface, 0U);
  EXPECT_TRUE(seen.damage.empty());
}

// Section 4.4: neither interface nor time; captured is what the interface's limit left.
TEST_P(PcapngReader, ReadsSimplePackets) {
  Octets file = pcapng(GetParam());
  add_interface(file, 1, 4);
  add_packet(file, 0, 7, "abc", 3);
  add_block(file, 3, Octets(GetParam()).u32(1500).text("defg"));
  add_block(file, 3, Octets(GetParam()).u32(2).text("hi"));
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", "defg", "hi"}));
  ASSERT_EQ(seen.frames.size(), 3U);
  EXPECT_EQ(seen.frames[1].original_size, 1500U);
  EXPECT_EQ(seen.frames[1].time_ns, 7000);
  EXPECT_EQ(seen.frames[2].original_size, 2U);
  EXPECT_TRUE(seen.damage.empty());
}

// The appendix: 16 bits of interface, then how many packets were dropped.
TEST_P(PcapngReader, ReadsObsoletePackets) {
  Octets file = file_with_interface(GetParam());
  add_interface(file, 101);
  add_block(file, 2,
            Octets(GetParam()).u16(1).u16(0xFFFF).u32(1).u32(0).u32(3).u32(60).text("abc"));
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc"}));
  ASSERT_EQ(seen.frames.size(), 1U);
  EXPECT_EQ(seen.frames[0].time_ns, 4'294'967'296'000);
  EXPECT_EQ(seen.frames[0].link_type, 101U);
  EXPECT_EQ(seen.frames[0].original_size, 60U);
}

struct Scale {
  uint8_t resolution;
  uint64_t units;
  int64_t nanoseconds;
};

// Section 4.2, if_tsresol: the wanted values by exact arithmetic.
TEST_P(PcapngReader, ReadsResolutions) {
  const std::vector<Scale> scales{
      {0, 3, 3 * kSecond},
      {3, 3, 3'000'000},
      {6, 3, 3000},
      {9, 3, 3},
      {12, 3999, 3},
      {18, 3'999'999'999, 3},
      {28, ~uint64_t{0}, 1},  // 1.84 ns
      {29, ~uint64_t{0}, 0},
      {127, ~uint64_t{0}, 0},
      {0x80, 3, 3 * kSecond},
      {0x80 + 10, 1536, 1'500'000'000},
      {0x80 + 30, (uint64_t{5} << 30U) + 1, 5 * kSecond},
      {0x80 + 31, 0x7FFFFFFF, 999'999'999},
      {0x80 + 32, (uint64_t{7} << 32U) + 0x80000000, 7'500'000'000},
      {0x80 + 33, 0x1FFFFFFFF, 999'999'999},
      {0x80 + 60, (uint64_t{9} << 60U) + (uint64_t{1} << 58U), 9'250'000'000},
      {0x80 + 63, ~uint64_t{0}, 1'999'999'999},
      {0x80 + 64, uint64_t{1} << 63U, 500'000'000},
      {0x80 + 70, uint64_t{1} << 63U, 7'812'500},
      {0xFF, ~uint64_t{0}, 0},
  };
  for (const Scale& scale : scales) {
    Octets file = pcapng(GetParam());
    const char resolution = static_cast<char>(scale.resolution);
    add_interface(file, 1, 0, option(GetParam(), 9, Octets().text({&resolution, 1})).u16(0).u16(0));
    add_packet(file, 0, scale.units, "abc", 3);
    const Seen seen = see(file);
    ASSERT_EQ(seen.frames.size(), 1U);
    EXPECT_EQ(seen.frames[0].time_ns, scale.nanoseconds) << unsigned{scale.resolution};
    EXPECT_TRUE(seen.damage.empty());
  }
}

TEST_P(PcapngReader, AddsOffsets) {
  Octets file = pcapng(GetParam());
  Octets options = option(GetParam(), 2, Octets().text("eth0"));
  options.add(option(GetParam(), 14, Octets(GetParam()).u64(static_cast<uint64_t>(-100))));
  options.u16(0).u16(0);
  options.add(option(GetParam(), 14, Octets(GetParam()).u64(5)));  // behind the end of options
  add_interface(file, 1, 0, options);
  add_packet(file, 0, 101 * kMicroseconds, "abc", 3);
  add_packet(file, 0, 1 * kMicroseconds, "abc", 3);
  const Seen seen = see(file);
  ASSERT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.frames[0].time_ns, kSecond);
  EXPECT_EQ(seen.frames[1].time_ns, -99 * kSecond);
  EXPECT_TRUE(seen.damage.empty());
}

TEST_P(PcapngReader, ReadsSectionsInBothOrders) {
  Octets file = file_with_interface(GetParam());
  add_packet(file, 0, 1, "abc", 3);
  const std::endian other =
      GetParam() == std::endian::little ? std::endian::big : std::endian::little;
  Octets second = pcapng(other, 1, 2);  // section 4.1: 1.2 is to be read as 1.0
  add_interface(second, 113);
  add_packet(second, 0, 2, "defg", 4);
  const Seen seen = see(file.add(second));
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", "defg"}));
  ASSERT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.frames[0].interface, 0U);
  EXPECT_EQ(seen.frames[1].interface, 1U);
  EXPECT_EQ(seen.frames[1].link_type, 113U);
  EXPECT_EQ(seen.frames[1].time_ns, 2000);
  EXPECT_TRUE(seen.damage.empty());
}

TEST_P(PcapngReader, SkipsOtherBlocks) {
  Octets file = file_with_interface(GetParam());
  for (const uint32_t type : {4U, 5U, 10U, 0x00000BADU, 0x40000BADU, 0x80000001U, 0xFFFFFFFFU}) {
    add_block(file, type, Octets(GetParam()).u32(1).u32(2).text("custom"));
  }
  add_block(file, 9, Octets());
  add_packet(file, 0, 1, "abc", 3);
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc"}));
  EXPECT_TRUE(seen.damage.empty());
}

TEST_P(PcapngReader, ReadsInPiecesOfAnySize) {
  Octets file = file_with_interface(GetParam());
  std::vector<std::string> wanted;
  for (uint32_t i = 0; i < 40; ++i) {
    wanted.emplace_back(i * 7, static_cast<char>('a' + i % 26));
    add_packet(file, 0, i, wanted.back(), i * 7);
  }
  for (const size_t piece : {1U, 2U, 7U, 16U, 100U, 1000U, 5000U}) {
    EXPECT_EQ(see(file, piece).data, wanted) << piece;
    EXPECT_TRUE(see(file, piece).damage.empty()) << piece;
  }
}

TEST(PcapngReader, IsEmptyWithoutPackets) {
  const Seen seen = see(pcapng(std::endian::little));
  EXPECT_EQ(seen.error, "");
  EXPECT_TRUE(seen.frames.empty());
  EXPECT_TRUE(seen.damage.empty());
}

// What a packet's block may have wrong: it is reported, and the packet behind it is read.
struct BadPacket {
  const char* what;
  uint32_t type;
  Octets body;
};

TEST(PcapngReader, GoesOnBehindABadPacket) {
  const std::vector<BadPacket> cases{
      {"interface 1, which", 6, Octets().u32(1).u32(0).u32(0).u32(3).u32(3).text("abc")},
      {"5 captured octets do not fit", 6, Octets().u32(0).u32(0).u32(0).u32(5).u32(3).text("abc")},
      {"4294967295 captured", 6, Octets().u32(0).u32(0).u32(0).u32(~0U).u32(3).text("abc")},
      {"too short", 6, Octets().u32(0).u32(0).u32(0).u32(0)},
      {"interface 1, which", 2, Octets().u16(1).u16(0).u32(0).u32(0).u32(3).u32(3).text("abc")},
      {"9 captured octets do not fit", 3, Octets().u32(9).text("abc")},
      {"too short", 3, Octets()},
  };
  for (const BadPacket& one : cases) {
    Octets file = file_with_interface();
    add_packet(file, 0, 1, "first", 5);
    const size_t offset = file.size();
    add_block(file, one.type, one.body);
    add_packet(file, 0, 3, "third", 5);
    const Seen seen = see(file);
    EXPECT_EQ(seen.data, (std::vector<std::string>{"first", "third"})) << one.what;
    ASSERT_EQ(seen.damage.size(), 1U) << one.what;
    EXPECT_NE(seen.damage[0].what.find(one.what), std::string::npos) << seen.damage[0].what;
    EXPECT_EQ(seen.damage[0].frame, 2U);
    EXPECT_EQ(seen.damage[0].offset, offset);
    ASSERT_EQ(seen.frames.size(), 2U);
    EXPECT_EQ(seen.frames[1].number, 3U);
  }
}

TEST(PcapngReader, GoesOnBehindADifferentLengthAtTheEnd) {
  Octets file = file_with_interface();
  add_packet(file, 0, 1, "abcd", 4);
  file.cut(4).u32(99);
  add_packet(file, 0, 2, "efgh", 4);
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abcd", "efgh"}));
  ASSERT_EQ(seen.damage.size(), 1U);
  EXPECT_EQ(seen.damage[0].what, "a block's length is 36 at its beginning and 99 at its end");
  EXPECT_EQ(seen.damage[0].frame, 1U);
}

// Wireshark too takes such a block to be padded.
TEST(PcapngReader, RoundsLengthsUp) {
  Octets file = file_with_interface();
  file.u32(6).u32(35).u32(0).u32(0).u32(1).u32(3).u32(3).text("abc").pad().u32(35);
  add_packet(file, 0, 2, "efgh", 4);
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", "efgh"}));
  EXPECT_TRUE(seen.damage.empty());
}

TEST(PcapngReader, FindsTheNextSectionBehindABrokenLength) {
  for (const uint32_t length : {0U, 11U, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    for (const size_t piece : {1U, 13U, 1000U}) {
      Octets file = file_with_interface();
      add_packet(file, 0, 1, "abcd", 4);
      const size_t offset = file.size();
      file.u32(6).u32(length).text("lost\n\r\r\nlost\n\r\r\n");
      file.add(pcapng(std::endian::big));
      Octets second(std::endian::big);
      add_interface(second, 101);
      add_packet(second, 0, 2, "efgh", 4);
      const Seen seen = see(file.add(second), piece);
      EXPECT_EQ(seen.data, (std::vector<std::string>{"abcd", "efgh"})) << length;
      ASSERT_EQ(seen.damage.size(), 1U) << length;
      EXPECT_EQ(seen.damage[0].frame, 2U);
      EXPECT_EQ(seen.damage[0].offset, offset);
    }
  }
}

TEST(PcapngReader, EndsWhereNoSectionFollowsABrokenLength) {
  Octets file = file_with_interface();
  file.u32(6).u32(3).text("lost and not found\n\r\r\n");
  const Seen seen = see(file, 5);
  EXPECT_TRUE(seen.frames.empty());
  EXPECT_EQ(seen.damage.size(), 1U);
}

TEST(PcapngReader, SkipsSectionsThatCannotBeRead) {
  Octets foreign = pcapng(std::endian::little, 2, 0);
  Octets broken(std::endian::little);
  add_block(broken, 0x0A0D0D0A, Octets().u32(0x11111111).u16(1).u16(0).u64(0));
  for (const Octets& header : {foreign, broken}) {
    Octets file = file_with_interface();
    const size_t offset = file.size();
    file.add(header);
    add_interface(file);
    add_packet(file, 0, 1, "skipped", 7);
    file.add(file_with_interface());
    add_packet(file, 0, 2, "abcd", 4);
    const Seen seen = see(file);
    EXPECT_EQ(seen.data, (std::vector<std::string>{"abcd"}));
    ASSERT_EQ(seen.damage.size(), 1U);
    EXPECT_EQ(seen.damage[0].offset, offset);
  }
}

TEST(PcapngReader, ReportsInterfacesThatAreBroken) {
  Octets file = pcapng(std::endian::little);
  add_block(file, 1, Octets().u32(1));
  add_interface(file, 1, 0, Octets().u16(2).u16(5).text("eth0"));
  add_packet(file, 1, 1, "abcd", 4);
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abcd"}));
  ASSERT_EQ(seen.damage.size(), 2U);
  EXPECT_EQ(seen.damage[0].what, "an interface's block is too short");
  EXPECT_EQ(seen.damage[1].what, "an option reaches beyond the end of an interface's block");
}

TEST(PcapngReader, TakesTheTimeBeforeForOneThatCannotBe) {
  Octets file = file_with_interface();
  add_packet(file, 0, 5, "abcd", 4);
  add_packet(file, 0, ~uint64_t{0}, "efgh", 4);
  const Seen seen = see(file);
  ASSERT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.frames[1].time_ns, 5000);
  ASSERT_EQ(seen.damage.size(), 1U);
  EXPECT_EQ(seen.damage[0].frame, 2U);
}

TEST(PcapngReader, ReportsABlockThatIsCut) {
  Octets whole = file_with_interface();
  add_packet(whole, 0, 1, "abcd", 4);
  const size_t second = whole.size();
  add_packet(whole, 0, 2, "efgh", 4);
  for (size_t cut = 1; cut < 36; ++cut) {
    Octets file = whole;
    const Seen seen = see(file.cut(cut), 10);
    EXPECT_EQ(seen.data, (std::vector<std::string>{"abcd"})) << cut;
    ASSERT_EQ(seen.damage.size(), 1U) << cut;
    EXPECT_EQ(seen.damage[0].frame, 2U);
    EXPECT_EQ(seen.damage[0].offset, second);
  }
}

TEST(PcapngReader, CountsDamageBeyondTheHundredth) {
  Octets file = file_with_interface();
  for (int i = 0; i < 250; ++i) add_packet(file, 9, 1, "abcd", 4);
  const Seen seen = see(file);
  ASSERT_EQ(seen.damage.size(), 101U);
  EXPECT_EQ(seen.damage[99].frame, 100U);
  EXPECT_EQ(seen.damage[100].frame, 101U);
  EXPECT_EQ(seen.damage[100].what, "here, and 149 more times behind it, the file is damaged");
}

}  // namespace
}  // namespace tcpdx::capture
