// Colour by ANSI escape sequences (ECMA-48 SGR) and line breaking with a hanging indent.
#include "view/style.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

std::string_view sgr(Ink ink) {
  switch (ink) {
    case Ink::plain: return "";
    case Ink::bold: return "\x1b[1m";
    case Ink::dim: return "\x1b[2m";
    case Ink::red: return "\x1b[1;31m";
    case Ink::yellow: return "\x1b[33m";
    case Ink::green: return "\x1b[32m";
    case Ink::cyan: return "\x1b[36m";
  }
  std::unreachable();
}

}  // namespace

std::string paint(const Style& style, Ink ink, std::string_view text) {
  if (!style.colour || ink == Ink::plain || text.empty()) return std::string(text);
  return std::string(sgr(ink)).append(text).append("\x1b[0m");
}

std::string wrapped(const Style& style, size_t indent, std::string_view text) {
  if (style.width == 0) return std::string(text);
  std::string out;
  size_t column = indent;
  while (!text.empty()) {
    const size_t gap = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(gap);
    const std::string_view word = text.substr(0, text.find(' '));
    const size_t width = columns(word);
    if (column > indent && column + gap + width > style.width) {
      out.append("\n").append(indent, ' ');
      column = indent;
    } else {
      out.append(gap, ' ');
      column += gap;
    }
    out.append(word);
    column += width;
    text.remove_prefix(word.size());
  }
  return out;
}

}  // namespace tcpdx::view
