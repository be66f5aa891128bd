// A spark line: the last values of a column as a row of blocks.
#pragma once

#include <deque>
#include <optional>
#include <string>

namespace tcpdx::view {

// One block per value, oldest first, scaled from 0 to the greatest. 0 is the lowest block and only
// that; what is not known is a blank. Values are not negative.
std::string spark_line(const std::deque<std::optional<double>>& values);

}  // namespace tcpdx::view
