// Splits a filter into words: blanks part them, ( ) ! && || stand alone, quotes keep together.
#include "model/filter_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace tcpdx {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kQuotes = "\"'";
// "&&" and "||" end a word too, but a single '&' or '|' may be part of a name.
constexpr std::array<std::string_view, 5> kSigns{"(", ")", "!", "&&", "||"};

std::string_view sign_at(std::string_view rest) {
  const auto* const sign =
      std::ranges::find_if(kSigns, [rest](std::string_view s) { return rest.starts_with(s); });
  return sign == kSigns.end() ? std::string_view() : *sign;
}

size_t word_length(std::string_view rest) {
  size_t length = 0;
  while (length < rest.size() && !kBlanks.contains(rest[length]) &&
         sign_at(rest.substr(length)).empty()) {
    ++length;
  }
  return length;
}

}  // namespace

std::unexpected<Error> filter_error(std::string_view filter, const FilterToken& token,
                                    std::string_view why) {
  const std::string word = printable(filter.substr(token.at, token.length));
  const std::string place = word.empty() ? "its end" : fmt::format("'{}'", word);
  const size_t indent = columns(printable(filter.substr(0, token.at)));
  return fail("cannot read the filter at {}:\n  {}\n  {}{}\n{}", place, printable(filter),
              std::string(indent, ' '), std::string(std::max<size_t>(columns(word), 1), '^'), why);
}

Result<std::vector<FilterToken>> filter_tokens(std::string_view filter) {
  std::vector<FilterToken> tokens;
  size_t at = 0;
  for (;;) {
    at = std::min(filter.find_first_not_of(kBlanks, at), filter.size());
    const std::string_view rest = filter.substr(at);
    FilterToken token{rest.substr(0, 0), at, 0, false, {}};
    if (rest.empty()) {
      tokens.push_back(std::move(token));
      return tokens;
    }
    if (kQuotes.contains(rest.front())) {
      const size_t end = rest.find(rest.front(), 1);
      token.quoted = true;
      token.length = end == std::string_view::npos ? rest.size() : end + 1;
      if (end == std::string_view::npos) {
        return filter_error(filter, token, "this quote is never closed");
      }
      token.text = rest.substr(1, end - 1);
    } else {
      const size_t sign = sign_at(rest).size();
      token.length = sign > 0 ? sign : word_length(rest);
      token.text = rest.substr(0, token.length);
      token.low = lower(token.text);
    }
    at += token.length;
    tokens.push_back(std::move(token));
  }
}

}  // namespace tcpdx
