// How text is shown: colour and width, decided once by the command line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tcpdx::view {

struct Style {
  bool colour = false;
  size_t width = 100;  // of the terminal, or 0: never wrap or cut
};

enum class Ink : unsigned char { plain, bold, dim, red, yellow, green, cyan };

// The text in the ink's colour when the style has colour, else as it is.
std::string paint(const Style& style, Ink ink, std::string_view text);

// `text` broken at blanks into lines of at most style.width columns; every line but the first is
// indented by `indent` blanks. The first line is taken to begin at column `indent`.
std::string wrapped(const Style& style, size_t indent, std::string_view text);

}  // namespace tcpdx::view
