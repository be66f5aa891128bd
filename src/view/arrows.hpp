// The middle of a ladder: a segment between its two ends as an arrow, and remarks beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tcpdx::view {

// What of its way an arrow shows.
enum class Way : uint8_t {
  whole,    // sent and arrived with nothing of interest in between
  departs,  // it arrives further down
  arrives,
  lost,
};

enum class Beside : uint8_t { left, middle, right };

// What the two tips and the blanks beside them take.
inline constexpr size_t kArrowTips = 8;

// "--> [S] seq 0      -->" in so many columns, or its mirror image where it was sent from the
// right; dots stand where the segment is on its way.
std::string arrow(Beside from, Way way, std::string_view label, size_t width);

// A remark stands on the side of whom it is about.
std::string aside(Beside where, std::string_view text, size_t width);

}  // namespace tcpdx::view
