#include "capture/pcapng_writer.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tcpdx::capture {
namespace {

constexpr size_t kCollected = 256 * size_t{1024};

// Block types and options of draft-ietf-opsawg-pcapng section 4.
constexpr uint32_t kSection = 0x0A0D0D0A;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kStatistics = 5;
constexpr uint32_t kPacket = 6;
constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kApplication = 4;
constexpr uint16_t kName = 2;
constexpr uint16_t kResolution = 9;
constexpr uint16_t kReceived = 4;
constexpr uint16_t kDropped = 5;

constexpr std::array<std::byte, 1> kNanoseconds{std::byte{9}};
constexpr uint64_t kLengthNotKnown = ~uint64_t{0};  // of a section

std::span<const std::byte> octets(std::string_view text) { return std::as_bytes(std::span(text)); }

template <class Number>
std::span<const std::byte> octets(const Number& number) {
  return std::as_bytes(std::span(&number, 1));
}

}  // namespace

Result<PcapngWriter> PcapngWriter::create(const std::string& path) {
  const bool standard = path == "-";
  std::string name = standard ? "standard output" : path;
  constexpr mode_t kOwnerOnly = 0600;  // packets may hold what is nobody else's business
  Fd fd(standard ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                 : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY,
                          kOwnerOnly));
  if (!fd) return fail("cannot write {}: {}", name, errno_text(errno));
  PcapngWriter writer(std::move(fd), std::move(name));
  const size_t begin = writer.begin_block(kSection);
  writer.put32(0x1A2B3C4D);
  writer.put16(1);
  writer.put16(0);
  writer.put64(kLengthNotKnown);
  writer.put_option(kApplication, octets(std::string_view("tcpdx")));
  writer.put_option(kEndOfOptions, {});
  Result<void> done = writer.end_block(begin);
  if (done) done = writer.flush();
  if (!done) return std::unexpected(done.error());
  return writer;
}

Result<void> PcapngWriter::add_interface(const Interface& interface) {
  const size_t begin = begin_block(kInterface);
  put16(interface.link_type);
  put16(0);
  put32(interface.snap_length);
  if (!interface.name.empty()) put_option(kName, octets(std::string_view(interface.name)));
  put_option(kResolution, kNanoseconds);
  put_option(kEndOfOptions, {});
  ++interfaces_;
  return end_block(begin);
}

Result<void> PcapngWriter::write(const Frame& frame) {
  if (frame.interface >= interfaces_ || frame.time_ns < 0) {
    return fail("cannot write frame {} to {}: {}", frame.number, name_,
                frame.time_ns < 0 ? "its time is before 1970, which the format does not have"
                                  : "its interface has not been described");
  }
  const size_t begin = begin_block(kPacket);
  put32(frame.interface);
  put_time(frame.time_ns);
  put32(static_cast<uint32_t>(frame.data.size()));
  put32(frame.original_size);
  put(frame.data.data(), frame.data.size());
  pad();
  return end_block(begin);
}

Result<void> PcapngWriter::add_statistics(uint16_t interface, const Statistics& statistics) {
  if (interface >= interfaces_) {
    return fail("cannot write to {}: interface {} has not been described", name_, interface);
  }
  const size_t begin = begin_block(kStatistics);
  put32(interface);
  put_time(statistics.time_ns);
  if (statistics.received) put_option(kReceived, octets(*statistics.received));
  if (statistics.dropped) put_option(kDropped, octets(*statistics.dropped));
  put_option(kEndOfOptions, {});
  return end_block(begin);
}

Result<void> PcapngWriter::flush() {
  std::span<const std::byte> rest(collected_);
  while (!rest.empty()) {
    const ssize_t done = ::write(fd_.get(), rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail("cannot write {}: {}", name_, errno_text(errno));
    rest = rest.subspan(static_cast<size_t>(done));
  }
  collected_.clear();
  return {};
}

void PcapngWriter::put(const void* from, size_t size) {
  const auto* const first = static_cast<const std::byte*>(from);
  collected_.insert(collected_.end(), first, first + size);
}

void PcapngWriter::put_time(int64_t time_ns) {
  const auto units = static_cast<uint64_t>(time_ns);
  put32(static_cast<uint32_t>(units >> 32U));
  put32(static_cast<uint32_t>(units));
}

void PcapngWriter::put_option(uint16_t code, std::span<const std::byte> value) {
  constexpr size_t kLongest = 0xFFFF;
  value = value.first(std::min(value.size(), kLongest));
  put16(code);
  put16(static_cast<uint16_t>(value.size()));
  put(value.data(), value.size());
  pad();
}

// Everything that is written is a multiple of four octets long, so the end of what has been
// collected is where a block's own octets end too.
void PcapngWriter::pad() { collected_.resize((collected_.size() + 3) / 4 * 4); }

size_t PcapngWriter::begin_block(uint32_t type) {
  const size_t begin = collected_.size();
  put32(type);
  put32(0);
  return begin;
}

Result<void> PcapngWriter::end_block(size_t begin) {
  const auto length = static_cast<uint32_t>(collected_.size() + sizeof(uint32_t) - begin);
  put32(length);
  std::memcpy(collected_.data() + begin + sizeof(uint32_t), &length, sizeof length);
  return collected_.size() < kCollected ? Result<void>{} : flush();
}

}  // namespace tcpdx::capture
