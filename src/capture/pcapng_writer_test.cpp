// The octets by the draft, and what our reader makes of them; tests/e2e asks other programs.
#include "capture/pcapng_writer.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/test_folder.hpp"
#include "capture/open.hpp"
#include "capture/test_captures.hpp"

namespace tcpdx::capture {
namespace {

using namespace test_captures;

class PcapngWriterTest : public ::testing::Test {
 protected:
  std::string letters() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TestFolder folder_;
  std::string path_ = folder_ / "a.pcapng";
};

// Sections 4.1 to 4.3 and 4.6 of draft-ietf-opsawg-pcapng.
Octets wanted(std::endian order) {
  Octets file(order);
  add_block(file, 0x0A0D0D0A,
            Octets(order)
                .u32(0x1A2B3C4D)
                .u16(1)
                .u16(0)
                .u64(~uint64_t{0})
                .u16(4)
                .u16(5)
                .text("tcpdx")
                .pad()
                .u16(0)
                .u16(0));
  Octets options(order);
  options.u16(2).u16(4).text("eth0").u16(9).u16(1).text("\t").pad().u16(0).u16(0);
  add_interface(file, 1, 262144, options);
  add_packet(file, 0, 1'700'000'000'123'456'789, "abcde", 1500);
  add_block(
      file, 5,
      Octets(order).u32(0).u32(1).u32(2).u16(4).u16(8).u64(10).u16(5).u16(8).u64(0).u16(0).u16(0));
  return file;
}

TEST_F(PcapngWriterTest, WritesBlocks) {
  auto writer = PcapngWriter::create(path_);
  ASSERT_TRUE(writer) << writer.error().sentence;
  ASSERT_TRUE(writer->add_interface({.name = "eth0", .link_type = 1, .snap_length = 262144}));
  constexpr std::string_view kData = "abcde";
  Frame frame;
  frame.time_ns = 1'700'000'000'123'456'789;
  frame.original_size = 1500;
  frame.data = std::as_bytes(std::span(kData));
  ASSERT_TRUE(writer->write(frame));
  ASSERT_TRUE(
      writer->add_statistics(0, {.time_ns = (int64_t{1} << 32) + 2, .received = 10, .dropped = 0}));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(letters(), wanted(std::endian::native).letters());
}

TEST_F(PcapngWriterTest, IsReadBack) {
  auto writer = PcapngWriter::create(path_);
  ASSERT_TRUE(writer) << writer.error().sentence;
  ASSERT_TRUE(writer->add_interface({.link_type = 1}));
  ASSERT_TRUE(writer->add_interface({.name = "any", .link_type = 276}));
  const std::string large(100'000, 'x');  // several of what is collected
  std::vector<std::string> data;
  for (uint16_t i = 0; i < 9; ++i) {
    data.push_back(large.substr(i));
    Frame frame;
    frame.time_ns = i * int64_t{999'999'999};
    frame.original_size = 200'000;
    frame.interface = i % 2;
    frame.data = std::as_bytes(std::span(data.back()));
    ASSERT_TRUE(writer->write(frame));
  }
  ASSERT_TRUE(writer->add_statistics(1, {}));
  ASSERT_TRUE(writer->flush());
  auto source = open_file(path_);
  ASSERT_TRUE(source) << source.error().sentence;
  const Seen seen = drain(**source);
  EXPECT_EQ(seen.data, data);
  EXPECT_TRUE(seen.damage.empty());
  ASSERT_EQ(seen.frames.size(), 9U);
  EXPECT_EQ(seen.frames[7].time_ns, 6'999'999'993);
  EXPECT_EQ(seen.frames[7].link_type, 276U);
  EXPECT_EQ(seen.frames[7].original_size, 200'000U);
}

TEST_F(PcapngWriterTest, SaysWhatCannotBeWritten) {
  EXPECT_EQ(PcapngWriter::create("/nonexistent/file").error().sentence,
            "cannot write /nonexistent/file: No such file or directory");
  EXPECT_EQ(PcapngWriter::create("/dev/full").error().sentence,
            "cannot write /dev/full: No space left on device");
  auto writer = PcapngWriter::create(path_);
  ASSERT_TRUE(writer) << writer.error().sentence;
  Frame frame;
  frame.number = 7;
  EXPECT_EQ(writer->write(frame).error().sentence,
            "cannot write frame 7 to " + path_ + ": its interface has not been described");
  ASSERT_TRUE(writer->add_interface({.link_type = 1}));
  frame.time_ns = -1;
  EXPECT_EQ(writer->write(frame).error().sentence,
            "cannot write frame 7 to " + path_ +
                ": its time is before 1970, which the format does not have");
  EXPECT_EQ(writer->add_statistics(1, {}).error().sentence,
            "cannot write to " + path_ + ": interface 1 has not been described");
}

}  // namespace
}  // namespace tcpdx::capture
