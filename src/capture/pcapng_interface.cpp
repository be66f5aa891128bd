#include "capture/pcapng_interface.hpp"

#include <limits>

namespace tcpdx::capture {
namespace {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr uint8_t kPowerOfTwo = 0x80;

// draft-ietf-opsawg-pcapng section 4.2.
constexpr size_t kFixedPart = 8;
constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kResolution = 9;
constexpr uint16_t kOffset = 14;

constexpr unsigned kLargestPower = 19;  // of ten, in 64 bits

constexpr uint64_t power_of_ten(unsigned power) {
  uint64_t result = 1;
  for (unsigned i = 0; i < power; ++i) result *= 10;
  return result;
}

// units * 2^-power s. The product has up to 94 bits, so its halves are worked out one by one.
std::optional<uint64_t> binary_units(uint64_t units, unsigned power) {
  const uint64_t whole = power < 64 ? units >> power : 0;
  const uint64_t part = power < 64 ? units & ((uint64_t{1} << power) - 1) : units;
  const uint64_t low = (part & 0xFFFFFFFFU) * kNanosecondsPerSecond;
  const uint64_t high = (part >> 32U) * kNanosecondsPerSecond + (low >> 32U);  // in 2^32 ns
  uint64_t fraction = 0;
  if (power < 32) {
    fraction = low >> power;  // part is below 2^32
  } else if (power - 32 < 64) {
    fraction = high >> (power - 32);
  }
  uint64_t result = 0;
  if (__builtin_mul_overflow(whole, kNanosecondsPerSecond, &result)) return std::nullopt;
  if (__builtin_add_overflow(result, fraction, &result)) return std::nullopt;
  return result;
}

std::optional<uint64_t> slow_nanoseconds(uint64_t units, uint8_t resolution) {
  const unsigned power = resolution & ~unsigned{kPowerOfTwo};
  if ((resolution & kPowerOfTwo) != 0) return binary_units(units, power);
  return power - 9 <= kLargestPower ? units / power_of_ten(power - 9) : 0;
}

}  // namespace

TimeScale::TimeScale(uint8_t resolution, int64_t offset_seconds)
    : resolution_(resolution),
      multiplier_(resolution <= 9 ? power_of_ten(9U - resolution) : 0),
      reachable_(
          !__builtin_mul_overflow(offset_seconds, int64_t{kNanosecondsPerSecond}, &offset_)) {}

std::optional<int64_t> TimeScale::nanoseconds(uint64_t units) const {
  uint64_t since = 0;
  if (multiplier_ != 0) {
    if (__builtin_mul_overflow(units, multiplier_, &since)) return std::nullopt;
  } else {
    const std::optional<uint64_t> slow = slow_nanoseconds(units, resolution_);
    if (!slow) return std::nullopt;
    since = *slow;
  }
  int64_t result = 0;
  if (!reachable_ || __builtin_add_overflow(since, offset_, &result)) return std::nullopt;
  return result;
}

std::optional<Description> parse_interface(std::span<const std::byte> body, Numbers numbers) {
  if (body.size() < kFixedPart) return std::nullopt;
  Description result;
  result.interface.link_type = numbers.u16(body.data());
  result.interface.snap_length = numbers.u32(body.data() + 4);
  uint8_t resolution = 6;
  int64_t offset = 0;
  std::span<const std::byte> rest = body.subspan(kFixedPart);
  while (rest.size() >= 4) {
    const uint16_t code = numbers.u16(rest.data());
    const size_t size = numbers.u16(rest.data() + 2);
    if (code == kEndOfOptions) break;
    rest = rest.subspan(4);
    const size_t padded = (size + 3) / 4 * 4;
    result.whole = padded <= rest.size();
    if (!result.whole) break;
    if (code == kResolution && size == 1) resolution = std::to_integer<uint8_t>(rest.front());
    if (code == kOffset && size == 8) offset = static_cast<int64_t>(numbers.u64(rest.data()));
    rest = rest.subspan(padded);
  }
  result.interface.time = TimeScale(resolution, offset);
  return result;
}

}  // namespace tcpdx::capture
