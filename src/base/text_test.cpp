// Text that other programs chose must not steer a terminal; helpers keep every byte they should.
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tcpdx {
namespace {

struct Shown {
  std::string_view raw;
  std::string_view shown;
};

TEST(Printable, EscapesWhatATerminalObeysAndKeepsTheRest) {
  using namespace std::string_view_literals;
  const std::vector<Shown> cases{
      {"nginx", "nginx"},
      {"a b\\x", "a b\\x"},
      {"naïve – 日本 🙂", "naïve – 日本 🙂"},
      {"\x1b[31mred", "\\x1b[31mred"},    // ESC
      {"a\nCRITICAL", "a\\x0aCRITICAL"},  // newline
      {"\r\t\x7f", "\\x0d\\x09\\x7f"},    // CR, TAB, DEL
      {"a\0b"sv, "a\\x00b"},              // NUL
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b"
       "31m"},  // C1 CSI
      {"\x9b"
       "31m",
       "\\x9b"
       "31m"},  // the same as one raw byte
      {"\xe2\x80\xae"
       "x",
       "\\xe2\\x80\\xaex"},                          // U+202E right-to-left override
      {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},           // U+2066 isolate
      {"\xd8\x9c", "\\xd8\\x9c"},                    // U+061C Arabic letter mark
      {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},           // U+200B zero width space
      {"\xe2\x80\x8d", "\\xe2\\x80\\x8d"},           // U+200D zero width joiner
      {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},           // U+FEFF
      {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},           // U+2028 line separator
      {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"},  // U+E0041 tag
  };
  for (const Shown& c : cases) EXPECT_EQ(printable(c.raw), c.shown);
}

TEST(Printable, EscapesBrokenUtf8ByteByByte) {
  const std::vector<Shown> cases{
      {"\xff", "\\xff"},
      {"\xc3", "\\xc3"},                             // cut short
      {"\xe2\x82", "\\xe2\\x82"},                    // cut short
      {"\xc3(", "\\xc3("},                           // no continuation: the next byte stands
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong '/'
      {"\xe0\x80\x8a", "\\xe0\\x80\\x8a"},           // overlong newline
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond U+10FFFF
      {"\xc3\x1b[m", "\\xc3\\x1b[m"},                // a lead byte must not hide an escape
  };
  for (const Shown& c : cases) EXPECT_EQ(printable(c.raw), c.shown);
}

TEST(Printable, GivesNoControlByteForAnyByte) {
  for (int value = 0; value < 256; ++value) {
    const std::string shown = printable(std::string(1, static_cast<char>(value)));
    for (const char c : shown) {
      EXPECT_TRUE(c >= 0x20 && c < 0x7f) << "byte " << value;
    }
  }
}

TEST(Columns, CountsCodePoints) {
  EXPECT_EQ(columns(""), 0U);
  EXPECT_EQ(columns("abc"), 3U);
  EXPECT_EQ(columns("é·…"), 3U);
}

TEST(Ellipsis, ShowsTheCut) {
  EXPECT_EQ(ellipsis("abcdef", 6), "abcdef");
  EXPECT_EQ(ellipsis("abcdef", 5), "abcd…");
  EXPECT_EQ(ellipsis("ééééé", 3), "éé…");
  EXPECT_EQ(ellipsis("abc", 1), "…");
  EXPECT_EQ(ellipsis("abc", 0), "");
  EXPECT_EQ(ellipsis("", 0), "");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1 000");
  EXPECT_EQ(grouped(12345), "12 345");
  EXPECT_EQ(grouped(123456), "123 456");
  EXPECT_EQ(grouped(1234567), "1 234 567");
  EXPECT_EQ(grouped(UINT64_MAX), "18 446 744 073 709 551 615");
}

TEST(Words, AreFoundBetweenBlanks) {
  using Strings = std::vector<std::string_view>;
  EXPECT_EQ(words(""), Strings{});
  EXPECT_EQ(words(" \t "), Strings{});
  EXPECT_EQ(words("  a\tb  c "), (Strings{"a", "b", "c"}));
  EXPECT_EQ(split("a::b:", ':'), (Strings{"a", "", "b", ""}));
  EXPECT_EQ(split("", ':'), Strings{""});
  EXPECT_EQ(trim(" \n a b\r\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(lower("SYN-Recv É"), "syn-recv É");
}

TEST(ParseNumber, TakesWholeUnsignedNumbersOnly) {
  EXPECT_EQ(parse_number<uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(parse_number<uint32_t>("0a", 16), 10U);
  EXPECT_EQ(parse_number<uint64_t>("18446744073709551616"), std::nullopt);
  for (const std::string_view bad : {"", "-1", "+1", " 1", "1 ", "1x", "0x1"}) {
    EXPECT_EQ(parse_number<int>(bad), std::nullopt) << bad;
  }
}

TEST(OneWord, QuotesWhatCouldBeTakenForMore) {
  EXPECT_EQ(one_word("nginx-1.2/w:0"), "nginx-1.2/w:0");
  EXPECT_EQ(one_word("a (pid 1)"), "\"a (pid 1)\"");
  EXPECT_EQ(one_word("say \"x\" \\"), "\"say \\\"x\\\" \\\\\"");
  EXPECT_EQ(one_word("a\nb"), "\"a\\x0ab\"");
  EXPECT_EQ(one_word(""), "\"\"");
}

}  // namespace
}  // namespace tcpdx
