#include "view/arrows.hpp"

#include <fmt/format.h>

namespace tcpdx::view {

std::string arrow(Beside from, Way way, std::string_view label, size_t width) {
  const std::string_view near = way == Way::arrives ? "..." : "-->";
  const std::string_view far = way == Way::departs ? "..." : way == Way::lost ? "--X" : "-->";
  const size_t room = width < kArrowTips ? 0 : width - kArrowTips;
  if (from == Beside::left) return fmt::format("{} {:<{}} {}", near, label, room, far);
  const auto mirrored = [](std::string_view tip) {
    return tip == "-->" ? "<--" : tip == "--X" ? "X--" : tip;
  };
  return fmt::format("{} {:<{}} {}", mirrored(far), label, room, mirrored(near));
}

std::string aside(Beside where, std::string_view text, size_t width) {
  switch (where) {
    case Beside::left: return fmt::format("{:<{}}", text, width);
    case Beside::middle: return fmt::format("{:^{}}", text, width);
    case Beside::right: return fmt::format("{:>{}}", text, width);
  }
  return std::string(text);
}

}  // namespace tcpdx::view
