// A filter's text as words with their places, and errors that point at a word.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tcpdx {

struct FilterToken {
  std::string_view text;  // of a quoted word: what is between the quotes
  size_t at = 0;          // in the filter's text, quotes included
  size_t length = 0;
  bool quoted = false;
  std::string low;  // lower case; empty for a quoted word: it is never a keyword
};

// The last token is empty and stands at the end of the text.
Result<std::vector<FilterToken>> filter_tokens(std::string_view filter);

std::unexpected<Error> filter_error(std::string_view filter, const FilterToken& token,
                                    std::string_view why);

}  // namespace tcpdx
