// Capture files from paths, pipes and standard input, one or several.
#include "capture/open.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/test_folder.hpp"
#include "capture/test_captures.hpp"

namespace tcpdx::capture {
namespace {

using namespace test_captures;

class Open : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }
  std::string put(const std::string& name, const std::string& letters) const {
    std::ofstream(path(name), std::ios::binary) << letters;
    return path(name);
  }

 private:
  TestFolder folder_;
};

std::string sentence(const Result<std::unique_ptr<Source>>& result) {
  return result ? "" : result.error().sentence;
}

Octets numbered(std::initializer_list<std::pair<uint32_t, const char*>> records) {
  Octets file = pcap(std::endian::little);
  for (const auto& [seconds, data] : records) add_record(file, seconds, 0, data, 1);
  return file;
}

TEST_F(Open, ReadsAFileAndSaysHowFar) {
  const Octets file = numbered({{1, "a"}, {2, "b"}});
  auto source = open_file(put("capture", file.letters()));
  ASSERT_TRUE(source) << sentence(source);
  EXPECT_EQ((*source)->progress().of, file.size());
  EXPECT_EQ(drain(**source).data, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ((*source)->progress().done, file.size());
  Frame frame;
  EXPECT_EQ((*source)->read({&frame, 1}), 0U);  // the end stays the end
}

TEST_F(Open, SaysWhatCannotBeRead) {
  EXPECT_EQ(sentence(open_file("/nonexistent/file")),
            "cannot read /nonexistent/file: No such file or directory");
  EXPECT_EQ(sentence(open_file("/")), "cannot read /: Is a directory");
  const std::string empty = put("empty", "");
  EXPECT_EQ(sentence(open_file(empty)),
            "cannot read " + empty + ": it is empty, not a capture file (pcap, pcapng or snoop)");
  for (const char* words : {"x", "tcpdump: listening on eth0, link-type EN10MB (Ethernet)"}) {
    const std::string other = put("other", words);
    EXPECT_EQ(sentence(open_file(other)),
              "cannot read " + other + ": not a capture file (pcap, pcapng or snoop)");
  }
  const std::vector<std::string> paths{put("good", numbered({}).letters()), empty};
  EXPECT_EQ(sentence(open_files(paths)).find("cannot read " + empty), 0U);
}

TEST_F(Open, HandsOverFromAPipeWhatIsThere) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  const auto send = [writer](const std::string& letters) {
    EXPECT_EQ(::write(writer, letters.data(), letters.size()),
              static_cast<ssize_t>(letters.size()));
  };
  send(numbered({{1, "a"}}).letters());
  auto source = open_file(pipe);
  ASSERT_TRUE(source) << sentence(source);
  EXPECT_EQ((*source)->progress().of, 0U);
  std::array<Frame, 8> frames;
  ASSERT_EQ((*source)->read(frames), 1U);
  Octets more;
  add_record(more, 2, 0, "b", 1);
  add_record(more, 3, 0, "c", 1);
  const std::string letters = more.letters();
  send(letters.substr(0, 20));  // one record and a part of the next one
  ASSERT_EQ((*source)->read(frames), 1U);
  EXPECT_EQ(frames[0].time_ns, 2'000'000'000);
  send(letters.substr(20));
  ASSERT_EQ((*source)->read(frames), 1U);
  EXPECT_EQ(frames[0].number, 3U);
  ::close(writer);
  EXPECT_EQ((*source)->read(frames), 0U);
  EXPECT_TRUE((*source)->damage().empty());
}

TEST_F(Open, ReadsStandardInput) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  const std::string letters = numbered({{1, "a"}, {2, "b"}}).letters();
  std::thread writer([&] {
    // Octet by octet: the reader meets every place where a pipe can stop.
    for (const char& letter : letters) EXPECT_EQ(::write(ends[1], &letter, 1), 1);
    ::close(ends[1]);
  });
  auto source = open_file("-");
  ASSERT_TRUE(source) << sentence(source);
  EXPECT_EQ(drain(**source).data, (std::vector<std::string>{"a", "b"}));
  writer.join();
  EXPECT_EQ(sentence(open_file("-")).find("cannot read standard input: it is empty"), 0U);
}

TEST_F(Open, MergesByTime) {
  Octets second = pcapng(std::endian::big);
  add_interface(second, 101);
  add_interface(second, 113);
  for (const uint64_t seconds : {2U, 3U, 1U, 9U}) {
    add_packet(second, seconds == 9 ? 0 : 1, seconds * 1'000'000, fmt::format("two{}", seconds), 4);
  }
  const std::vector<std::string> paths{
      put("one", numbered({{1, "a"}, {3, "b"}, {4, "c"}}).letters()), put("two", second.letters()),
      put("none", numbered({}).letters())};
  auto source = open_files(paths);
  ASSERT_TRUE(source) << sentence(source);
  const Seen seen = drain(**source, 2);
  // Of equal times the earlier file; a time that goes back stays where it is in its file.
  EXPECT_EQ(seen.data, (std::vector<std::string>{"a", "two2", "b", "two3", "two1", "c", "two9"}));
  std::vector<uint64_t> numbers;
  std::vector<uint16_t> interfaces;
  for (const Frame& frame : seen.frames) {
    numbers.push_back(frame.number);
    interfaces.push_back(frame.interface);
  }
  EXPECT_EQ(numbers, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(interfaces, (std::vector<uint16_t>{0, 1, 0, 1, 1, 0, 2}));
  EXPECT_EQ((*source)->progress().done, (*source)->progress().of);
}

TEST_F(Open, MergesManyFrames) {
  constexpr uint32_t kFiles = 5;
  constexpr uint32_t kFrames = 2000;  // several batches of each file
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < kFiles; ++i) {
    Octets file = pcap(std::endian::little);
    for (uint32_t n = i; n < kFrames; n += kFiles) add_record(file, n, 0, std::to_string(n), 4);
    paths.push_back(put(std::to_string(i), file.letters()));
  }
  auto source = open_files(paths);
  ASSERT_TRUE(source) << sentence(source);
  const Seen seen = drain(**source, 100);
  ASSERT_EQ(seen.data.size(), kFrames);
  for (uint32_t n = 0; n < kFrames; ++n) EXPECT_EQ(seen.data[n], std::to_string(n));
}

TEST_F(Open, KeepsTheDamageOfEachFile) {
  const std::vector<std::string> paths{put("one", numbered({{1, "a"}}).cut(1).letters()),
                                       put("two", numbered({{1, "b"}, {2, "c"}}).cut(1).letters())};
  auto source = open_files(paths);
  ASSERT_TRUE(source) << sentence(source);
  const Seen seen = drain(**source);
  EXPECT_EQ(seen.data, (std::vector<std::string>{"b"}));
  ASSERT_EQ(seen.damage.size(), 2U);
  EXPECT_EQ(seen.damage[0].file, paths[0]);
  EXPECT_EQ(seen.damage[0].frame, 1U);
  EXPECT_EQ(seen.damage[1].file, paths[1]);
  EXPECT_EQ(seen.damage[1].frame, 2U);
}

}  // namespace
}  // namespace tcpdx::capture
