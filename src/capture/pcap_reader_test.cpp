// Files by draft-ietf-opsawg-pcap, and the variants that libpcap reads (sf-pcap.c).
#include <gtest/gtest.h>

#include "capture/test_captures.hpp"

namespace tcpdx::capture {
namespace {

using namespace test_captures;

constexpr int64_t kSecond = 1'000'000'000;

class PcapReader : public ::testing::TestWithParam<std::endian> {};
INSTANTIATE_TEST_SUITE_P(orders, PcapReader,
                         ::testing::Values(std::endian::little, std::endian::big),
                         [](const auto& each) {
                           return each.param == std::endian::little ? "little" : "big";
                         });

TEST_P(PcapReader, ReadsMicroseconds) {
  Octets file = pcap(GetParam(), {.link_type = 101});
  add_record(file, 1'700'000'000, 999'999, "abc", 1500);
  add_record(file, 0xFFFFFFFF, 0, "", 0);
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", ""}));
  ASSERT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.frames[0].number, 1U);
  EXPECT_EQ(seen.frames[0].time_ns, 1'700'000'000 * kSecond + 999'999'000);
  EXPECT_EQ(seen.frames[0].original_size, 1500U);
  EXPECT_EQ(seen.frames[0].link_type, 101U);
  EXPECT_EQ(seen.frames[0].interface, 0U);
  EXPECT_EQ(seen.frames[1].number, 2U);
  EXPECT_EQ(seen.frames[1].time_ns, 4'294'967'295 * kSecond);  // the seconds have no sign
  EXPECT_TRUE(seen.damage.empty());
}

TEST_P(PcapReader, ReadsNanoseconds) {
  Octets file = pcap(GetParam(), {.magic = 0xA1B23C4D});
  add_record(file, 1, 999'999'999, "abc", 3);
  const Seen seen = see(file);
  ASSERT_EQ(seen.frames.size(), 1U);
  EXPECT_EQ(seen.frames[0].time_ns, 1'999'999'999);
}

TEST_P(PcapReader, CarriesPartsOfMoreThanASecondOver) {
  Octets micro = pcap(GetParam());
  add_record(micro, 1, 2'500'000, "", 0);
  ASSERT_EQ(see(micro).frames.size(), 1U);
  EXPECT_EQ(see(micro).frames[0].time_ns, 3'500'000'000);
  Octets nano = pcap(GetParam(), {.magic = 0xA1B23C4D});
  add_record(nano, 1, 0xFFFFFFFF, "", 0);
  ASSERT_EQ(see(nano).frames.size(), 1U);
  EXPECT_EQ(see(nano).frames[0].time_ns, 5'294'967'295);
  EXPECT_TRUE(see(nano).damage.empty());
}

// sf-pcap.c, struct pcap_sf_patched_pkthdr: interface, protocol, packet type and a spare octet.
TEST_P(PcapReader, ReadsTheLongerHeadersOfKuznetzov) {
  Octets file = pcap(GetParam(), {.magic = 0xA1B2CD34});
  for (const char* data : {"abc", "defg"}) {
    const auto size = static_cast<uint32_t>(std::string_view(data).size());
    file.u32(7).u32(8).u32(size).u32(60).u32(2).u16(0x0800).text({"\4\0", 2}).text(data);
  }
  const Seen seen = see(file);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", "defg"}));
  ASSERT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.frames[1].time_ns, 7 * kSecond + 8000);
  EXPECT_EQ(seen.frames[1].original_size, 60U);
}

// The original length comes first up to version 2.2 and in DG/UX's 543.0; in 2.3 either way.
TEST_P(PcapReader, ReadsExchangedLengths) {
  const std::vector<std::pair<uint16_t, uint16_t>> versions{{2, 0}, {2, 2}, {2, 3}, {543, 0}};
  for (const auto& [major, minor] : versions) {
    Octets file = pcap(GetParam(), {.major = major, .minor = minor});
    file.u32(1).u32(2).u32(1500).u32(3).text("abc");
    file.u32(1).u32(2).u32(3).u32(3).text("def");
    const Seen seen = see(file);
    EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", "def"})) << major << '.' << minor;
    ASSERT_EQ(seen.frames.size(), 2U);
    EXPECT_EQ(seen.frames[0].original_size, 1500U);
  }
  Octets right = pcap(GetParam(), {.minor = 3});
  add_record(right, 1, 2, "abc", 1500);
  EXPECT_EQ(see(right).data, (std::vector<std::string>{"abc"}));
}

// draft-ietf-opsawg-pcap section 4: four bits of length and the f bit, above the link type.
TEST_P(PcapReader, IgnoresTheLengthOfChecksums) {
  Octets file = pcap(GetParam(), {.link_type = 0x24000000 | 105});
  add_record(file, 1, 2, "abc", 3);
  ASSERT_EQ(see(file).frames.size(), 1U);
  EXPECT_EQ(see(file).frames[0].link_type, 105U);
}

TEST_P(PcapReader, ReadsInPiecesOfAnySize) {
  Octets file = pcap(GetParam());
  std::vector<std::string> wanted;
  for (uint32_t i = 0; i < 40; ++i) {
    wanted.emplace_back(i * 7, static_cast<char>('a' + i % 26));
    add_record(file, i, i, wanted.back(), i * 7);
  }
  for (const size_t piece : {1U, 2U, 7U, 16U, 100U, 1000U, 5000U}) {
    const Seen seen = see(file, piece);
    EXPECT_EQ(seen.data, wanted) << piece;
    EXPECT_TRUE(seen.damage.empty()) << piece;
  }
}

TEST(PcapReader, IsEmptyWithoutRecords) {
  const Seen seen = see(pcap(std::endian::little));
  EXPECT_EQ(seen.error, "");
  EXPECT_TRUE(seen.frames.empty());
  EXPECT_TRUE(seen.damage.empty());
}

TEST(PcapReader, ReportsARecordThatIsCut) {
  Octets whole = pcap(std::endian::little);
  add_record(whole, 1, 2, "abc", 3);
  const size_t second = whole.size();
  add_record(whole, 1, 2, "defgh", 5);
  for (size_t cut = 1; cut < 21; ++cut) {
    Octets file = whole;
    const Seen seen = see(file.cut(cut), 10);
    EXPECT_EQ(seen.data, (std::vector<std::string>{"abc"})) << cut;
    ASSERT_EQ(seen.damage.size(), 1U) << cut;
    EXPECT_EQ(seen.damage[0].file, "FILE");
    EXPECT_EQ(seen.damage[0].frame, 2U);
    EXPECT_EQ(seen.damage[0].offset, second);
    EXPECT_NE(seen.damage[0].what.find("the file ends within a record"), std::string::npos);
  }
}

// 262144 is libpcap's MAXIMUM_SNAPLEN.
TEST(PcapReader, TakesHugeLengthsForDamage) {
  const std::string longest(262144, 'x');
  const std::string longer = longest + 'x';
  for (const uint32_t snap_length : {0U, 68U, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    Octets file = pcap(std::endian::little, {.snap_length = snap_length});
    add_record(file, 1, 2, longest, 262144);
    const size_t second = file.size();
    add_record(file, 1, 2, longer, 262145);
    const Seen seen = see(file);
    EXPECT_EQ(seen.data.size(), 1U) << snap_length;
    ASSERT_EQ(seen.damage.size(), 1U) << snap_length;
    EXPECT_EQ(seen.damage[0].frame, 2U);
    EXPECT_EQ(seen.damage[0].offset, second);
    EXPECT_NE(seen.damage[0].what.find("262145"), std::string::npos) << seen.damage[0].what;
  }
  Octets allowed = pcap(std::endian::little, {.snap_length = 300'000});
  add_record(allowed, 1, 2, longer, 262145);
  EXPECT_EQ(see(allowed, 1000).data, std::vector<std::string>{longer});
}

TEST(PcapReader, NeverSaysLessThanWasCaptured) {
  Octets file = pcap(std::endian::little);
  add_record(file, 1, 2, "abc", 0);
  ASSERT_EQ(see(file).frames.size(), 1U);
  EXPECT_EQ(see(file).frames[0].original_size, 3U);
}

TEST(PcapReader, RefusesOtherVersions) {
  for (const auto& [major, minor] : {std::pair<uint16_t, uint16_t>{1, 2}, {2, 5}, {3, 0}}) {
    EXPECT_EQ(see(pcap(std::endian::little, {.major = major, .minor = minor})).error,
              fmt::format("cannot read FILE: version {}.{} of the pcap format is not known", major,
                          minor));
  }
  EXPECT_EQ(see(pcap(std::endian::big).cut(1)).error,
            "cannot read FILE: its pcap header is cut short: 23 of 24 octets");
}

}  // namespace
}  // namespace tcpdx::capture
