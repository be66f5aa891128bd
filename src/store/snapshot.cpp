// The file around a payload: header, zstd frame, checksum; and why a file cannot be read.
#include "store/snapshot.hpp"

#include <fcntl.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string_view>

#include "base/file.hpp"
#include "store/archive.hpp"
#include "store/checksum.hpp"
#include "store/payload.hpp"

namespace tcpdx::store {
namespace {

constexpr std::string_view kMagic{"tcpdx\0ob", 8};
constexpr size_t kHeaderSize = 32;
constexpr size_t kChecksumSize = 8;
constexpr uint64_t kMaxPayload = uint64_t{4} << 30;
// Sockets that differ only in their port pack 35 fold, others less. What claims far more is forged
// to fill the memory, except where it is too small to matter.
constexpr uint64_t kMaxRatio = 1000;
constexpr uint64_t kSmallPayload = uint64_t{1} << 20;
// On 100 000 varied sockets level 6 saves one percent more and takes twice as long.
constexpr int kLevel = 3;

template <class Number>
void put(std::vector<char>& into, Number number) {
  for (size_t i = 0; i < sizeof(Number); ++i) into.push_back(static_cast<char>(number >> (8 * i)));
}

template <class Number>
Number get(std::span<const char> bytes, size_t offset) {
  Number number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    number |= static_cast<Number>(static_cast<unsigned char>(bytes[offset + i])) << (8 * i);
  }
  return number;
}

struct Header {
  uint32_t version = 0;
  uint64_t payload_size = 0;
  uint64_t frame_size = 0;

  [[nodiscard]] uint64_t file_size() const { return kHeaderSize + frame_size + kChecksumSize; }
};

Result<Header> read_header(std::span<const char> bytes) {
  const std::string_view start(bytes.data(), std::min(bytes.size(), kMagic.size()));
  if (start != kMagic.substr(0, start.size())) return fail("it is not a tcpdx snapshot");
  if (bytes.size() < kHeaderSize) {
    return fail("it is truncated: expected at least {} bytes, has {}", kHeaderSize + kChecksumSize,
                bytes.size());
  }
  const auto version = get<uint32_t>(bytes, 8);
  if (version > kSnapshotVersion) {
    return fail("it was made by a newer tcpdx (version {}, this one reads up to {}): update tcpdx",
                version, kSnapshotVersion);
  }
  const Header header{.version = version,
                      .payload_size = get<uint64_t>(bytes, 16),
                      .frame_size = get<uint64_t>(bytes, 24)};
  // zstd never needs more than this for a payload of that size, so the sums below cannot overflow.
  if (version == 0 || get<uint32_t>(bytes, 12) != 0 || header.payload_size > kMaxPayload ||
      header.frame_size > ZSTD_compressBound(header.payload_size)) {
    return fail("it is damaged: its header has values that tcpdx never writes");
  }
  return header;
}

// The payload's buffer is asked for only when header, frame and checksum agree on its size.
Result<std::vector<char>> unpack_frame(std::span<const char> frame, uint64_t payload_size) {
  const uint64_t believable = std::max(kSmallPayload, kMaxRatio * frame.size());
  if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != payload_size ||
      payload_size > believable) {
    return fail("it is damaged: its sizes contradict each other");
  }
  std::vector<char> payload(payload_size);
  const size_t size = ZSTD_decompress(payload.data(), payload.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0) return fail("it is damaged: {}", ZSTD_getErrorName(size));
  if (size != payload_size) return fail("it is damaged: its sizes contradict each other");
  return payload;
}

// At most `limit` bytes, so that no file is read whole before its header is known to be ours.
Result<void> read_up_to(const Fd& fd, uint64_t limit, std::vector<char>& bytes) {
  std::array<char, 65536> chunk;
  while (bytes.size() < limit) {
    const size_t wanted = std::min<uint64_t>(chunk.size(), limit - bytes.size());
    const ssize_t got = ::read(fd.get(), chunk.data(), wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("{}", errno_text(errno));
    if (got == 0) break;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
  }
  return {};
}

Result<Observation> load_from(const Fd& fd) {
  if (!fd) return fail("{}", errno_text(errno));
  std::vector<char> bytes;
  if (const auto read = read_up_to(fd, kHeaderSize, bytes); !read) {
    return std::unexpected(read.error());
  }
  const auto header = read_header(bytes);
  if (!header) return std::unexpected(header.error());
  // One byte more shows whether something follows.
  if (const auto read = read_up_to(fd, header->file_size() + 1, bytes); !read) {
    return std::unexpected(read.error());
  }
  return unpack(bytes);
}

}  // namespace

std::vector<char> pack(const Observation& observation) {
  const std::vector<char> payload = write_payload(observation);
  std::vector<char> frame(ZSTD_compressBound(payload.size()));
  // Cannot fail: the buffer has the size that zstd asks for and the level is one of its own.
  frame.resize(ZSTD_compress(frame.data(), frame.size(), payload.data(), payload.size(), kLevel));

  std::vector<char> bytes(kMagic.begin(), kMagic.end());
  put(bytes, kSnapshotVersion);
  put(bytes, uint32_t{0});
  put(bytes, uint64_t{payload.size()});
  put(bytes, uint64_t{frame.size()});
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  put(bytes, crc64(bytes));
  return bytes;
}

Result<Observation> unpack(std::span<const char> bytes) {
  const auto header = read_header(bytes);
  if (!header) return std::unexpected(header.error());
  if (bytes.size() < header->file_size()) {
    return fail("it is truncated: expected {} bytes, has {}", header->file_size(), bytes.size());
  }
  if (bytes.size() > header->file_size()) {
    return fail("it is damaged: something follows its {} bytes", header->file_size());
  }
  const size_t checked = bytes.size() - kChecksumSize;
  if (get<uint64_t>(bytes, checked) != crc64(bytes.first(checked))) {
    return fail("it is damaged: its checksum does not fit its content");
  }
  const auto payload =
      unpack_frame(bytes.subspan(kHeaderSize, header->frame_size), header->payload_size);
  if (!payload) return std::unexpected(payload.error());
  return read_payload(*payload, header->version);
}

Result<void> save(const Observation& observation, const std::string& path) {
  return write_file(path, pack(observation));
}

Result<Observation> load(const std::string& path) {
  auto observation = load_from(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  if (!observation) {
    return fail("cannot read the snapshot {}: {}", path, observation.error().sentence);
  }
  return observation;
}

bool is_snapshot(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<char> bytes;
  if (!fd || !read_up_to(fd, kMagic.size(), bytes)) return false;
  return !bytes.empty() && kMagic.starts_with(std::string_view(bytes.data(), bytes.size()));
}

}  // namespace tcpdx::store
