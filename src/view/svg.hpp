// What every drawing as SVG needs.
#pragma once

#include <string>
#include <string_view>

namespace tcpdx::view {

// Text as the content of an element.
std::string svg_escaped(std::string_view text);

}  // namespace tcpdx::view
