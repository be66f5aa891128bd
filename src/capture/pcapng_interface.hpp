// What a pcapng file says of an interface that it captured from, and what its units of time are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "capture/numbers.hpp"

namespace tcpdx::capture {

// The option if_tsresol: units of 10^-n s, or with the highest bit set of 2^-n s; and if_tsoffset,
// seconds to add. Without them units are microseconds since 1970.
class TimeScale {
 public:
  TimeScale() = default;
  TimeScale(uint8_t resolution, int64_t offset_seconds);

  // Since 1970; nothing where 64 bits of nanoseconds do not reach, which is from 2262 on.
  std::optional<int64_t> nanoseconds(uint64_t units) const;

 private:
  uint8_t resolution_ = 6;
  uint64_t multiplier_ = 1000;  // nanoseconds of a unit; 0 where a unit is not a whole number
  int64_t offset_ = 0;          // nanoseconds
  bool reachable_ = true;
};

struct Interface {
  uint16_t number = 0;  // counted over all sections of the file
  uint16_t link_type = 0;
  uint32_t snap_length = 0;  // 0: no limit
  TimeScale time;
};

// The body of an Interface Description Block, without its number; nothing where it is too short.
// Options end where they do not fit into the block: `whole` says so.
struct Description {
  Interface interface;
  bool whole = true;
};
std::optional<Description> parse_interface(std::span<const std::byte> body, Numbers numbers);

}  // namespace tcpdx::capture
