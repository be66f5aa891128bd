// Files by RFC 1761.
#include <gtest/gtest.h>

#include "capture/test_captures.hpp"

namespace tcpdx::capture {
namespace {

using namespace test_captures;

Octets snoop(uint32_t version, uint32_t data_link) {
  Octets file(std::endian::big);
  return file.text({"snoop\0\0\0", 8}).u32(version).u32(data_link);
}

// Section 4: original, included and record length, drops, time, data, padding.
void add(Octets& file, std::string_view data, uint32_t original, uint32_t padding) {
  const auto size = static_cast<uint32_t>(data.size());
  file.u32(original).u32(size).u32(24 + size + padding).u32(9).u32(10).u32(11).text(data);
  file.text(std::string(padding, '\0'));
}

TEST(SnoopReader, ReadsRecords) {
  Octets file = snoop(2, 4);
  add(file, "abc", 1500, 1);
  add(file, "defgh", 5, 3);
  const Seen seen = see(file, 5);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"abc", "defgh"}));
  ASSERT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.frames[0].number, 1U);
  EXPECT_EQ(seen.frames[0].time_ns, 10'000'011'000);
  EXPECT_EQ(seen.frames[0].original_size, 1500U);
  EXPECT_EQ(seen.frames[0].link_type, 1U);
  EXPECT_TRUE(seen.damage.empty());
}

TEST(SnoopReader, KnowsDataLinkTypes) {
  for (const auto& [data_link, link_type] :
       {std::pair<uint32_t, uint16_t>{0, 1}, {2, 6}, {4, 1}, {8, 10}}) {
    Octets file = snoop(2, data_link);
    add(file, "", 0, 0);
    ASSERT_EQ(see(file).frames.size(), 1U);
    EXPECT_EQ(see(file).frames[0].link_type, link_type);
  }
  EXPECT_EQ(see(snoop(2, 7)).error, "cannot read FILE: snoop's data link type 7 is not known");
  EXPECT_EQ(see(snoop(3, 4)).error, "cannot read FILE: version 3 of the snoop format is not known");
  EXPECT_EQ(see(snoop(2, 4).cut(1)).error,
            "cannot read FILE: its snoop header is cut short: 15 of 16 octets");
}

TEST(SnoopReader, ReportsLengthsThatCannotBe) {
  for (const uint32_t record : {0U, 23U, 26U, 0xFFFFFFFFU}) {
    Octets file = snoop(2, 4);
    add(file, "abc", 3, 1);
    const size_t second = file.size();
    file.u32(3).u32(3).u32(record).u32(0).u32(0).u32(0).text("abc");
    const Seen seen = see(file);
    EXPECT_EQ(seen.data.size(), 1U);
    ASSERT_EQ(seen.damage.size(), 1U) << record;
    EXPECT_EQ(seen.damage[0].frame, 2U);
    EXPECT_EQ(seen.damage[0].offset, second);
  }
}

TEST(SnoopReader, ReportsARecordThatIsCut) {
  Octets file = snoop(2, 4);
  add(file, "abc", 3, 1);
  const Seen seen = see(file.cut(1));
  EXPECT_TRUE(seen.frames.empty());
  ASSERT_EQ(seen.damage.size(), 1U);
  EXPECT_EQ(seen.damage[0].offset, 16U);
}

}  // namespace
}  // namespace tcpdx::capture
