// Text helpers: what may reach a terminal, how it is measured, how words and numbers are read.
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tcpdx {
namespace {

struct CodePointRange {
  char32_t first;
  char32_t last;
};

// Code points that show nothing, change the direction of text or break the line. Unicode's
// general categories Cc, Cf, Zl and Zp, its Default_Ignorable_Code_Point list, and U+FFFE/U+FFFF.
constexpr std::array kHidden{
    CodePointRange{0x0000, 0x001F},   CodePointRange{0x007F, 0x009F},
    CodePointRange{0x00AD, 0x00AD},   CodePointRange{0x034F, 0x034F},
    CodePointRange{0x0600, 0x0605},   CodePointRange{0x061C, 0x061C},
    CodePointRange{0x06DD, 0x06DD},   CodePointRange{0x070F, 0x070F},
    CodePointRange{0x0890, 0x0891},   CodePointRange{0x08E2, 0x08E2},
    CodePointRange{0x115F, 0x1160},   CodePointRange{0x17B4, 0x17B5},
    CodePointRange{0x180B, 0x180F},   CodePointRange{0x200B, 0x200F},
    CodePointRange{0x2028, 0x202E},   CodePointRange{0x2060, 0x206F},
    CodePointRange{0x3164, 0x3164},   CodePointRange{0xFE00, 0xFE0F},
    CodePointRange{0xFEFF, 0xFEFF},   CodePointRange{0xFFA0, 0xFFA0},
    CodePointRange{0xFFF0, 0xFFFB},   CodePointRange{0xFFFE, 0xFFFF},
    CodePointRange{0x110BD, 0x110BD}, CodePointRange{0x110CD, 0x110CD},
    CodePointRange{0x13430, 0x1343F}, CodePointRange{0x1BCA0, 0x1BCA3},
    CodePointRange{0x1D173, 0x1D17A}, CodePointRange{0xE0000, 0xE0FFF},
};

constexpr bool hidden(char32_t code_point) {
  return std::ranges::any_of(kHidden, [code_point](const CodePointRange& range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

// A lead byte of UTF-8 (RFC 3629): how long its sequence is and what its first code point may be,
// so that overlong forms are refused.
struct Lead {
  unsigned char mask;
  unsigned char value;
  size_t length;
  char32_t smallest;
};
constexpr std::array kLeads{
    Lead{0x80, 0x00, 1, 0x0},
    Lead{0xE0, 0xC0, 2, 0x80},
    Lead{0xF0, 0xE0, 3, 0x800},
    Lead{0xF8, 0xF0, 4, 0x10000},
};

struct CodePoint {
  char32_t value = 0;
  size_t length = 0;  // bytes; 0: not UTF-8
};

CodePoint decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (const Lead& lead : kLeads) {
    if ((byte(0) & lead.mask) != lead.value) continue;
    if (text.size() < lead.length) return {};
    char32_t value = byte(0) & static_cast<unsigned char>(~lead.mask);
    for (size_t i = 1; i < lead.length; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return {};
      value = (value << 6) | (byte(i) & 0x3F);
    }
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < lead.smallest || surrogate || value > 0x10FFFF) return {};
    return {value, lead.length};
  }
  return {};
}

constexpr bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
constexpr bool blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const CodePoint next = decode(text);
    const size_t length = std::max<size_t>(next.length, 1);
    if (next.length == 0 || hidden(next.value)) {
      for (const char c : text.substr(0, length)) {
        shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return shown;
}

size_t columns(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

std::string one_word(std::string_view name) {
  const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-:/@+").contains(c);
  });
  if (plain) return std::string(name);
  std::string quoted;
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return '"' + printable(quoted) + '"';
}

std::string ellipsis(std::string_view text, size_t limit) {
  if (columns(text) <= limit) return std::string(text);
  if (limit == 0) return {};
  size_t end = 0;
  for (size_t kept = 0; end < text.size(); ++end) {
    if (continues(text[end])) continue;
    if (kept == limit - 1) break;
    ++kept;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string grouped(uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (size_t from_end = 3; from_end < digits.size(); from_end += 4) {
    digits.insert(digits.size() - from_end, 1, ' ');
  }
  return digits;
}

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return low;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end = text.find(separator); end != std::string_view::npos;
       end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  size_t at = 0;
  while (at < text.size()) {
    const size_t start = at;
    while (at < text.size() && !blank(text[at])) ++at;
    if (at > start) found.push_back(text.substr(start, at - start));
    while (at < text.size() && blank(text[at])) ++at;
  }
  return found;
}

}  // namespace tcpdx
