// Colour and line breaking.
#include "view/style.hpp"

#include <gtest/gtest.h>

namespace tcpdx::view {
namespace {

TEST(Paint, LeavesTextAloneWithoutColour) {
  EXPECT_EQ(paint({.colour = false, .width = 80}, Ink::red, "CRITICAL"), "CRITICAL");
}

TEST(Paint, EndsEveryColour) {
  const std::string text = paint({.colour = true, .width = 80}, Ink::red, "CRITICAL");
  EXPECT_TRUE(text.starts_with("\x1b["));
  EXPECT_TRUE(text.ends_with("CRITICAL\x1b[0m"));
}

struct WrapCase {
  size_t width;
  size_t indent;
  std::string_view text;
  std::string_view wanted;
};

TEST(Wrapped, BreaksAtBlanksAndIndentsEveryLineButTheFirst) {
  const WrapCase kCases[] = {
      {0, 4, "no end of line is known", "no end of line is known"},
      {40, 4, "it fits", "it fits"},
      {10, 2, "one two three", "one two\n  three"},
      {10, 4, "one two three", "one\n    two\n    three"},
      {8, 2, "averylongword b", "averylongword\n  b"},  // a word is never cut
      {12, 0, "a  ·  b c d e", "a  ·  b c d\ne"},       // columns are characters, not bytes
      {10, 0, "", ""},
  };
  for (const auto& [width, indent, text, wanted] : kCases) {
    EXPECT_EQ(wrapped({.colour = false, .width = width}, indent, text), wanted) << text;
  }
}

}  // namespace
}  // namespace tcpdx::view
