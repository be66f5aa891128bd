// Small text helpers. Everything that comes from another program passes through printable()
// before it reaches a terminal, so that a process name cannot forge or break a report.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpdx {

// Control characters, broken UTF-8 and invisible direction marks become \xNN; the rest is kept.
std::string printable(std::string_view text);

// A name from another program as one word that cannot be taken for several, or for a part of the
// text around it: printable, and in quotes unless it has only letters, digits and ._-:/@+.
std::string one_word(std::string_view name);

// Shortened to at most `columns` characters of UTF-8, the cut shown by "…".
std::string ellipsis(std::string_view text, size_t columns);

// Columns a UTF-8 text takes on a terminal (one per code point; our output has no wide ones).
size_t columns(std::string_view text);

// 12345 -> "12 345".
std::string grouped(uint64_t number);

std::string lower(std::string_view text);
std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
// Words between runs of blanks and tabs.
std::vector<std::string_view> words(std::string_view text);

// The whole of `text` as an unsigned number, or nothing: no sign, no blanks, no overflow.
template <class Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (text.front() == '-') return std::nullopt;
  return value;
}

}  // namespace tcpdx
