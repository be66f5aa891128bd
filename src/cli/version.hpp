// The version of the program, which CMakeLists.txt decides.
#pragma once

#include <string_view>

namespace tcpdx::cli {

inline constexpr std::string_view kVersion = TCPDX_VERSION;

}  // namespace tcpdx::cli
