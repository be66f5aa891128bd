// Block elements of Unicode, U+2581 to U+2588.
#include "view/spark.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace tcpdx::view {
namespace {

constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

}  // namespace

std::string spark_line(const std::deque<std::optional<double>>& values) {
  double greatest = 0;
  for (const auto& value : values) greatest = std::max(greatest, value.value_or(0));
  std::string line;
  for (const auto& value : values) {
    if (!value) {
      line += ' ';
    } else if (*value <= 0) {
      line += kBlocks.front();
    } else {
      const double height = std::round(*value / greatest * (kBlocks.size() - 1));
      line += kBlocks[std::clamp<size_t>(static_cast<size_t>(height), 1, kBlocks.size() - 1)];
    }
  }
  return line;
}

}  // namespace tcpdx::view
