// Files under /proc, missing files, and a target that is replaced whole or left alone.
#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "base/test_folder.hpp"

namespace tcpdx {
namespace {

class FileTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }
  size_t entries() const {
    const std::filesystem::directory_iterator files(folder_.path());
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  TestFolder folder_;
};

TEST_F(FileTest, ReadsFilesWithoutASize) {
  const Result<std::string> text = read_file("/proc/self/stat");
  ASSERT_TRUE(text.has_value());
  EXPECT_TRUE(text->starts_with(std::to_string(::getpid()) + " ("));
  EXPECT_EQ(text->back(), '\n');
}

TEST_F(FileTest, WritesWholeAndReadsBack) {
  const std::string big(100'000, 'x');
  ASSERT_TRUE(write_file(path("a"), big).has_value());
  EXPECT_EQ(read_file(path("a")), big);
  ASSERT_TRUE(write_file(path("a"), std::string("short")).has_value());
  EXPECT_EQ(read_file(path("a")), "short");
  ASSERT_TRUE(write_file(path("a"), {}).has_value());
  EXPECT_EQ(read_file(path("a")), "");
  EXPECT_EQ(entries(), 1U);  // nothing is left beside it
}

TEST_F(FileTest, KeepsWhatItReplacesFromOthers) {
  ASSERT_TRUE(write_file(path("a"), std::string("secret")).has_value());
  struct stat found{};
  ASSERT_EQ(::stat(path("a").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST_F(FileTest, WritesThroughLinksAndIntoPipes) {
  ASSERT_TRUE(write_file(path("real"), std::string("one")).has_value());
  ASSERT_EQ(::symlink("real", path("link").c_str()), 0);
  ASSERT_TRUE(write_file(path("link"), std::string("two")).has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("real")), "two");

  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const Fd reader(::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  ASSERT_TRUE(write_file(path("pipe"), std::string("three")).has_value());
  std::string got(5, ' ');
  EXPECT_EQ(::read(reader.get(), got.data(), got.size()), 5);
  EXPECT_EQ(got, "three");
  EXPECT_TRUE(std::filesystem::is_fifo(path("pipe")));
}

TEST_F(FileTest, ErrorsNameThePathAndTheReason) {
  const auto missing = read_file(path("none"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().sentence.find(path("none") + ": No such file"), std::string::npos);
  const auto directory = read_file(folder_.path());
  ASSERT_FALSE(directory.has_value());
  EXPECT_NE(directory.error().sentence.find("directory"), std::string::npos);
  const auto nowhere = write_file(path("no/where"), std::string("x"));
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_NE(nowhere.error().sentence.find("no/where: No such file"), std::string::npos);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(FileTest, ReadsRelativeToADirectoryAndGivesErrno) {
  ASSERT_TRUE(write_file(path("a"), std::string("text")).has_value());
  const Fd dir(::open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(dir);
  std::string into = "old";
  EXPECT_EQ(read_file_at(dir.get(), "a", into), 0);
  EXPECT_EQ(into, "text");
  EXPECT_EQ(read_file_at(dir.get(), "none", into), ENOENT);
  EXPECT_EQ(into, "");
}

TEST_F(FileTest, ADescriptorHasOneOwner) {
  Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(first);
  const int number = first.get();
  Fd second(std::move(first));
  EXPECT_EQ(second.get(), number);
  second.reset();
  EXPECT_FALSE(second);
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace tcpdx
