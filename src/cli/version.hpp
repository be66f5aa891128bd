// The version of the program, as CMakeLists.txt has it.
#pragma once

#include <string_view>

namespace tcpdx::cli {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace tcpdx::cli
