// Compressed captures, packed by the libraries of the two formats.
#include "capture/unpack.hpp"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "capture/test_captures.hpp"

namespace tcpdx::capture {
namespace {

using namespace test_captures;
using Bytes = std::vector<std::byte>;

constexpr int kGzip = 16;  // zlib.h at deflateInit2

Bytes gzip(std::span<const std::byte> plain) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, kGzip + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes in(plain.begin(), plain.end());
  Bytes packed(::deflateBound(&stream, in.size()));
  stream.next_in = static_cast<Bytef*>(static_cast<void*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(packed.data()));
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return packed;
}

Bytes zstd(std::span<const std::byte> plain) {
  Bytes packed(::ZSTD_compressBound(plain.size()));
  const size_t size = ::ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3);
  EXPECT_EQ(::ZSTD_isError(size), 0U);
  packed.resize(size);
  return packed;
}

struct Packer {
  const char* name;
  Bytes (*pack)(std::span<const std::byte>);
};
class Unpack : public ::testing::TestWithParam<Packer> {};
INSTANTIATE_TEST_SUITE_P(formats, Unpack,
                         ::testing::Values(Packer{"gzip", gzip}, Packer{"zstd", zstd}),
                         [](const auto& each) { return each.param.name; });

std::vector<std::string> letters() {
  std::vector<std::string> data;
  for (size_t i = 0; i < 300; ++i) data.emplace_back(i * 5, static_cast<char>('a' + i * i % 26));
  return data;
}

Octets plain_file() {
  Octets file = pcap(std::endian::little);
  uint32_t time = 0;
  for (const std::string& data : letters()) {
    add_record(file, ++time, 0, data, static_cast<uint32_t>(data.size()));
  }
  return file;
}

TEST_P(Unpack, ReadsInPiecesOfAnySize) {
  const Bytes packed = GetParam().pack(plain_file().all());
  for (const size_t piece : {1U, 10U, 1000U, 1U << 20U}) {
    const Seen seen = see(packed, piece);
    EXPECT_EQ(seen.error, "");
    EXPECT_EQ(seen.data, letters());
    EXPECT_TRUE(seen.damage.empty());
  }
}

TEST_P(Unpack, ReadsSeveralMembers) {
  const Bytes plain = plain_file().all();
  Bytes packed;
  for (size_t at = 0; at < plain.size(); at += 50'000) {
    const Bytes one =
        GetParam().pack(std::span(plain).subspan(at, std::min(plain.size() - at, size_t{50'000})));
    packed.insert(packed.end(), one.begin(), one.end());
    const Bytes none = GetParam().pack({});
    packed.insert(packed.end(), none.begin(), none.end());
  }
  for (const size_t piece : {1U, 1000U, 1U << 20U}) {
    const Seen seen = see(packed, piece);
    EXPECT_EQ(seen.data, letters());
    EXPECT_TRUE(seen.damage.empty());
  }
}

TEST_P(Unpack, TakesCutDataForDamage) {
  const Octets file = plain_file();
  // In members, so that much of what comes before the cut can be unpacked.
  Bytes packed = GetParam().pack(std::span(file.all()).first(100'000));
  const Bytes rest = GetParam().pack(std::span(file.all()).subspan(100'000));
  packed.insert(packed.end(), rest.begin(), rest.end() - 1);
  const Seen seen = see(packed, 1000);
  EXPECT_GT(seen.data.size(), 50U);
  ASSERT_EQ(seen.damage.size(), 1U);
  EXPECT_EQ(seen.damage[0].frame, seen.frames.size() + 1);
  EXPECT_NE(seen.damage[0].what.find("data is cut short"), std::string::npos);
  EXPECT_GE(seen.damage[0].offset, 100'000U);
}

TEST_P(Unpack, ReportsDamagedData) {
  const Octets file = plain_file();
  Bytes packed = GetParam().pack(std::span(file.all()).first(100'000));
  const Bytes garbage(1000, std::byte{0x5A});
  packed.insert(packed.end(), garbage.begin(), garbage.end());
  const Seen seen = see(packed, 1000);
  EXPECT_GT(seen.data.size(), 50U);
  ASSERT_EQ(seen.damage.size(), 1U);
  EXPECT_EQ(seen.damage[0].offset, 100'000U);
  EXPECT_NE(seen.damage[0].what.find("data is damaged"), std::string::npos);
}

TEST_P(Unpack, RefusesWhatIsNoCapture) {
  const Bytes words = GetParam().pack(Octets().text("many words, but no packets at all").all());
  EXPECT_EQ(see(words).error, "cannot read FILE: not a capture file (pcap, pcapng or snoop)");
  Bytes head = GetParam().pack(plain_file().all());
  head.resize(8);
  EXPECT_EQ(see(head).error,
            fmt::format("cannot read FILE: the {} data is cut short", GetParam().name));
}

TEST(Unpack, IgnoresZerosBehindGzip) {
  Bytes packed = gzip(plain_file().all());
  packed.resize(packed.size() + 3000);
  const Seen seen = see(packed, 100);
  EXPECT_EQ(seen.data, letters());
  EXPECT_TRUE(seen.damage.empty());
}

// RFC 8878 section 3.1.2: parallel packers begin with one.
TEST(Unpack, ReadsBehindASkippableFrame) {
  Bytes packed = Octets().u32(0x184D2A50).u32(4).text("skip").all();
  const Bytes rest = zstd(plain_file().all());
  packed.insert(packed.end(), rest.begin(), rest.end());
  EXPECT_EQ(see(packed, 100).data, letters());
}

}  // namespace
}  // namespace tcpdx::capture
