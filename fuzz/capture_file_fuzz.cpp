// Any octets as a capture file of every format, compressed or not. The first octet says how many
// octets come with one read and how many frames are asked for at once.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "capture/stream.hpp"

namespace tcpdx::capture {
namespace {

// A few packed octets may stand for gigabytes.
constexpr size_t kMostUnpacked = 4 * size_t{1024} * 1024;
constexpr size_t kMostDamage = 101;

void check(const Frame& frame, uint64_t previous) {
  if (frame.number <= previous) std::abort();
  if (frame.original_size < frame.data.size()) std::abort();
}

void read_all(Source& source, std::span<Frame> frames) {
  uint64_t number = 0;
  size_t octets = 0;
  unsigned sum = 0;  // each octet is looked at, so that one beyond the end is found
  while (const size_t count = source.read(frames)) {
    if (count > frames.size()) std::abort();
    for (const Frame& frame : frames.first(count)) {
      check(frame, number);
      number = frame.number;
      octets += frame.data.size() + 1;
      for (const std::byte octet : frame.data) sum += std::to_integer<unsigned>(octet);
    }
    if (octets > kMostUnpacked) return;
  }
  if (octets == 0 && sum != 0) std::abort();
  if (source.damage().size() > kMostDamage) std::abort();
}

}  // namespace
}  // namespace tcpdx::capture

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpdx::capture;
  if (size == 0) return 0;
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size)).subspan(1);
  constexpr std::array<size_t, 4> kReads{1, 7, 100, 65536};
  const size_t at_once = kReads[data[0] % kReads.size()];
  auto source = open_input(memory_input(file, at_once), "file", at_once);
  if (!source) {
    if (source.error().sentence.empty()) std::abort();
    return 0;
  }
  std::vector<Frame> frames(size_t{1} + data[0] / kReads.size() % 8);
  read_all(**source, frames);
  return 0;
}
