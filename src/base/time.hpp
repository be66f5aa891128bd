// Durations and wall-clock times: how they are read from a command line and how they are shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tcpdx {

using Duration = std::chrono::microseconds;
// Microseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::sys_time<Duration>;

using namespace std::chrono_literals;

constexpr double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
constexpr int64_t milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

WallTime wall_now();

// "5s", "250ms", "2m", "1h", "1.5s"; a bare number is seconds. At most 7 days.
Result<Duration> parse_duration(std::string_view text);

// RFC 3339 in UTC with microseconds: 2026-01-31T03:04:05.000006Z.
std::string rfc3339(WallTime t);
// What rfc3339() writes, of the years 1970 to 2999; nothing for any other text.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// For people: "340 ms", "4.2 s", "3 m 05 s", "3 h 12 m", "2 d 4 h".
std::string human(Duration d);

}  // namespace tcpdx
