// A snapshot comes back as it was; anything else is an error that says what is the matter.
#include "store/snapshot.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/test_folder.hpp"
#include "store/archive.hpp"
#include "store/checksum.hpp"
#include "store/payload.hpp"
#include "store/test_observation.hpp"

namespace tcpdx::store {
namespace {

std::string error_of(std::span<const char> bytes) {
  const auto observation = unpack(bytes);
  return observation ? "" : observation.error().sentence;
}

testing::AssertionResult says(const std::string& error, std::string_view words) {
  if (error.find(words) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << error << "\" does not say \"" << words << '"';
}

// With a checksum that fits, as a forger would do it.
std::vector<char> sealed(std::vector<char> bytes) {
  bytes.erase(bytes.end() - 8, bytes.end());
  const uint64_t checksum = crc64(bytes);
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(checksum >> (8 * i)));
  return bytes;
}

TEST(Snapshot, ComesBackAsItWas) {
  for (const Observation& wanted : {rich_observation(), empty_observation()}) {
    const std::vector<char> bytes = pack(wanted);
    const auto got = unpack(bytes);
    ASSERT_TRUE(got) << got.error().sentence;
    EXPECT_EQ(write_payload(*got), write_payload(wanted));
    EXPECT_EQ(pack(*got), bytes);
  }
}

TEST(Snapshot, IsReadFromTheFileItWasSavedTo) {
  const TestFolder folder;
  const std::string path = folder / "saved.tcpdx";
  const auto saved = save(rich_observation(), path);
  ASSERT_TRUE(saved) << saved.error().sentence;
  const auto got = load(path);
  ASSERT_TRUE(got) << got.error().sentence;
  EXPECT_EQ(write_payload(*got), write_payload(rich_observation()));
}

Observation without_probes() {
  Observation observation = rich_observation();
  observation.neighbour_tables = {};
  observation.neighbour_moves = {};
  observation.probes = {};
  return observation;
}

// It had neither neighbours nor what the network answered.
TEST(Snapshot, OfVersion3StaysReadable) {
  const auto got = load(TCPDX_SOURCE_DIR "/fuzz/corpus/snapshot/version3.tcpdx");
  ASSERT_TRUE(got) << got.error().sentence;
  EXPECT_EQ(write_payload(*got), write_payload(without_probes()));
}

// Made by the first release of this format: it had no events, and stays readable.
TEST(Snapshot, OfVersion1StaysReadable) {
  const auto got = load(TCPDX_SOURCE_DIR "/fuzz/corpus/snapshot/version1.tcpdx");
  ASSERT_TRUE(got) << got.error().sentence;
  Observation without_events = without_probes();
  without_events.events = {};
  without_events.closer = {};
  for (Process& process : without_events.processes) process.program = {};
  EXPECT_EQ(write_payload(*got), write_payload(without_events));
}

TEST(Snapshot, CutAnywhereIsTruncated) {
  const std::vector<char> bytes = pack(rich_observation());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(says(error_of(std::span(bytes).first(size)), "it is truncated: expected "));
  }
  EXPECT_TRUE(says(error_of(std::span(bytes).first(bytes.size() - 1)),
                   "expected " + std::to_string(bytes.size()) + " bytes, has " +
                       std::to_string(bytes.size() - 1)));
}

TEST(Snapshot, WithAnyBitFlippedIsRefused) {
  for (const Observation& observation : {rich_observation(), empty_observation()}) {
    std::vector<char> bytes = pack(observation);
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      const auto mask = static_cast<char>(1 << (bit % 8));
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
      EXPECT_NE(error_of(bytes), "") << "bit " << bit;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    }
  }
}

TEST(Snapshot, OfANewerVersionAsksForAnUpdate) {
  std::vector<char> bytes = pack(empty_observation());
  bytes[8] = kSnapshotVersion + 1;
  EXPECT_TRUE(
      says(error_of(bytes), "newer tcpdx (version 5, this one reads up to 4): update tcpdx"));
}

TEST(Snapshot, IsNotJustAnyFile) {
  EXPECT_TRUE(says(error_of(std::string_view("\xd4\xc3\xb2\xa1 a capture file")),
                   "it is not a tcpdx snapshot"));
  EXPECT_TRUE(says(error_of(std::string_view("hello")), "it is not a tcpdx snapshot"));
  const auto missing = load("/nowhere/at/all");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().sentence,
            "cannot read the snapshot /nowhere/at/all: No such file or directory");
  const auto endless = load("/dev/zero");
  ASSERT_FALSE(endless);
  EXPECT_TRUE(says(endless.error().sentence, "/dev/zero: it is not a tcpdx snapshot"));
  const auto folder = load("/");
  ASSERT_FALSE(folder);
  EXPECT_TRUE(says(folder.error().sentence, "Is a directory"));
}

TEST(Snapshot, WithSomethingBehindItIsRefused) {
  std::vector<char> bytes = pack(empty_observation());
  bytes.push_back('\n');
  EXPECT_TRUE(says(error_of(bytes), "something follows its "));
  const TestFolder folder;
  const std::string path = folder / "longer.tcpdx";
  std::ofstream(path).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto got = load(path);
  ASSERT_FALSE(got);
  EXPECT_TRUE(says(got.error().sentence, "something follows its "));
}

TEST(Snapshot, WithAForgedSizeIsRefused) {
  std::vector<char> bytes = pack(empty_observation());
  bytes[16] = static_cast<char>(bytes[16] + 1);  // size of the payload
  EXPECT_TRUE(says(error_of(sealed(bytes)), "its sizes contradict each other"));
  bytes[16 + 7] = 1;  // 2^56 bytes
  EXPECT_TRUE(says(error_of(sealed(bytes)), "its header has values that tcpdx never writes"));
}

// A frame of twenty bytes that says it unpacks to 4 GiB (RFC 8878 3.1.1: magic, descriptor with an
// eight-byte size and a single segment, size, then one last RLE block).
TEST(Snapshot, DoesNotUnpackABomb) {
  const std::string_view bomb(
      "tcpdx\0ob\1\0\0\0\0\0\0\0"
      "\0\0\0\0\1\0\0\0"      // payload 2^32
      "\x11\0\0\0\0\0\0\0"    // frame 17
      "\x28\xb5\x2f\xfd\xe0"  // magic, descriptor
      "\0\0\0\0\1\0\0\0"      // size 2^32
      "\x03\0\x10\0"          // last block, RLE, 2^17 bytes, of zero
      "12345678",
      57);
  const auto bytes = sealed(std::vector<char>(bomb.begin(), bomb.end()));
  EXPECT_TRUE(says(error_of(bytes), "its sizes contradict each other"));
}

// The sockets of a close-happy client differ in little but the port; that must not look forged.
TEST(Snapshot, OfAlikeSocketsIsNotTakenForABomb) {
  Observation observation = rich_observation();
  Socket socket;
  socket.local = endpoint4(1, 0);
  socket.remote = endpoint4(2, 443);
  socket.state = tcp::State::time_wait;
  for (; socket.local.port < 65'535; ++socket.local.port) {
    observation.looks[0].sockets.push_back(socket);
  }
  observation.looks[1].sockets = observation.looks[0].sockets;
  const auto got = unpack(pack(observation));
  ASSERT_TRUE(got) << got.error().sentence;
  EXPECT_EQ(got->now().sockets.size(), observation.now().sockets.size());
}

}  // namespace
}  // namespace tcpdx::store
