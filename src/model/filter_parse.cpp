// Reads the filter language into postfix order by recursive descent, of bounded depth.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "model/filter.hpp"
#include "model/filter_value.hpp"
#include "model/filter_words.hpp"

namespace tcpdx {
namespace {

template <class Meaning>
struct Word {
  std::string_view name;
  Meaning meaning;
};

constexpr std::array kKeywords{
    Word{"host", FilterKeyword::host},   Word{"net", FilterKeyword::net},
    Word{"port", FilterKeyword::port},   Word{"portrange", FilterKeyword::portrange},
    Word{"state", FilterKeyword::state}, Word{"pid", FilterKeyword::pid},
    Word{"comm", FilterKeyword::comm},   Word{"uid", FilterKeyword::uid},
    Word{"netns", FilterKeyword::netns}, Word{"cgroup", FilterKeyword::cgroup},
};
constexpr std::array kProtocols{
    Word{"tcp", FilterWord::tcp},
    Word{"ip", FilterWord::ip},
    Word{"ip6", FilterWord::ip6},
};
constexpr std::array kOperators{
    Word{"and", Filter::Op::and_},
    Word{"&&", Filter::Op::and_},
    Word{"or", Filter::Op::or_},
    Word{"||", Filter::Op::or_},
};
// Words of pcap-filter(7) about packets that are no TCP segments, or about their bytes.
constexpr std::array<std::string_view, 31> kPacketWords{
    "udp",       "icmp",      "icmp6", "sctp",    "igmp",   "igrp",    "pim",     "ah",
    "esp",       "vrrp",      "carp",  "arp",     "rarp",   "ether",   "link",    "fddi",
    "wlan",      "vlan",      "mpls",  "pppoes",  "geneve", "gateway", "proto",   "protochain",
    "broadcast", "multicast", "less",  "greater", "len",    "inbound", "outbound"};

constexpr std::string_view kExpected =
    "expected host, net, port, portrange, src, dst, tcp, ip, ip6, state, pid, comm, uid, netns, "
    "cgroup, not or (";

template <class Meaning, size_t Size>
std::optional<Meaning> find(const std::array<Word<Meaning>, Size>& table,
                            const FilterToken& token) {
  const auto* const word = std::ranges::find(table, token.low, &Word<Meaning>::name);
  if (word == table.end()) return std::nullopt;
  return word->meaning;
}

enum class Ends : uint8_t { either, source, destination, both };

// The words before a value. A bare value takes those of the value before it.
struct Qualifiers {
  std::optional<FilterWord> protocol;
  std::optional<Ends> ends;
  std::optional<FilterKeyword> keyword;
};

constexpr bool has_ends(FilterKeyword keyword) { return keyword <= FilterKeyword::portrange; }

class Parser {
 public:
  Parser(std::string_view text, std::vector<FilterToken> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  Result<Filter> parse() {
    if (tokens_.size() == 1) return filter_;
    if (auto read = expression(); !read) return std::unexpected(read.error());
    if (!at_end()) return wrong("expected and, or, or the end");
    return filter_;
  }

 private:
  using Done = Result<void>;

  const FilterToken& token() const { return tokens_[next_]; }
  bool at_end() const { return next_ + 1 == tokens_.size(); }
  void advance() {
    if (!at_end()) ++next_;
  }
  bool take(std::string_view word) {
    if (token().low != word) return false;
    advance();
    return true;
  }
  std::unexpected<Error> wrong(std::string_view why) const {
    return filter_error(text_, token(), why);
  }
  void emit(Filter::Op op) { filter_.steps.push_back({op, 0}); }
  void emit(FilterTest test) {
    filter_.steps.push_back({Filter::Op::test, static_cast<uint32_t>(filter_.tests.size())});
    filter_.tests.push_back(std::move(test));
  }

  Done expression();
  Done term();
  Done group();
  Done primitive();
  std::optional<Ends> ends();
  Done keyword_and_values(Qualifiers words);
  Done bare_value();
  Result<FilterTest> value(FilterKeyword keyword);
  void emit_value(FilterTest test, const Qualifiers& words);
  bool starts_value() const;

  std::string_view text_;
  std::vector<FilterToken> tokens_;
  size_t next_ = 0;
  unsigned depth_ = 0;
  std::optional<Qualifiers> last_;
  Filter filter_;
};

// `and` and `or` associate from the left and bind equally, as in pcap-filter(7).
Parser::Done Parser::expression() {
  if (auto read = term(); !read) return read;
  while (const auto op = find(kOperators, token())) {
    advance();
    if (auto read = term(); !read) return read;
    emit(*op);
  }
  return {};
}

Parser::Done Parser::term() {
  bool negated = false;
  while (take("not") || take("!")) negated = !negated;
  if (auto read = token().low == "(" ? group() : primitive(); !read) return read;
  if (negated) emit(Filter::Op::not_);
  return {};
}

Parser::Done Parser::group() {
  if (depth_ == kFilterDepth) {
    return wrong(fmt::format("parentheses nested deeper than {}", kFilterDepth));
  }
  ++depth_;
  advance();
  if (auto read = expression(); !read) return read;
  if (!take(")")) return wrong(at_end() ? "expected )" : "expected and, or, or )");
  --depth_;
  return {};
}

// A word that may be a value: no operator, no parenthesis, not the end.
bool Parser::starts_value() const {
  const FilterToken& word = token();
  const bool sign = word.low == "(" || word.low == ")" || word.low == "!";
  return !at_end() && !sign && !find(kOperators, word);
}

// `src`, `dst`, and the two joined by `or` or `and`; in either order.
std::optional<Ends> Parser::ends() {
  const std::string& first = token().low;
  if (first != "src" && first != "dst") return std::nullopt;
  const std::string_view other = first == "src" ? "dst" : "src";
  const Ends alone = first == "src" ? Ends::source : Ends::destination;
  advance();
  const auto op = find(kOperators, token());
  if (!op || tokens_[next_ + 1].low != other) return alone;
  next_ += 2;
  return *op == Filter::Op::or_ ? Ends::either : Ends::both;
}

// [tcp|ip|ip6] [src|dst|src or dst|src and dst] [KEYWORD] VALUE; tcp, ip and ip6 may stand alone.
Parser::Done Parser::primitive() {
  Qualifiers words;
  words.protocol = find(kProtocols, token());
  if (words.protocol) advance();
  words.ends = ends();
  words.keyword = find(kKeywords, token());
  if (words.keyword && words.ends && !has_ends(*words.keyword)) {
    return wrong("src and dst stand before host, net, port, portrange or an address");
  }
  if (words.keyword) advance();
  if (words.ends || words.keyword) return keyword_and_values(words);
  if (!words.protocol) return bare_value();
  FilterTest protocol;
  protocol.word = *words.protocol;
  emit(std::move(protocol));
  return {};
}

// A value, or values in parentheses: `port (80 or 443)`.
Parser::Done Parser::keyword_and_values(Qualifiers words) {
  if (!words.keyword) words.keyword = FilterKeyword::host;
  last_ = words;
  if (token().low == "(") return group();
  auto test = value(*words.keyword);
  if (!test) return wrong(test.error().sentence);
  emit_value(std::move(*test), words);
  return {};
}

Parser::Done Parser::bare_value() {
  const std::string& word = token().low;
  if (!starts_value()) return wrong(kExpected);
  if (std::ranges::find(kPacketWords, word) != kPacketWords.end() || word.contains('[')) {
    return wrong("this word asks for parts of packets, which TCP sockets and connections lack");
  }
  const Qualifiers words = last_.value_or(Qualifiers{});
  auto test = value(words.keyword.value_or(FilterKeyword::host));
  if (!test && last_) {
    return wrong(fmt::format("{}; or another value for the word before: {}", kExpected,
                             test.error().sentence));
  }
  if (!test) return wrong(kExpected);
  emit_value(std::move(*test), words);
  return {};
}

// Leaves the place at the value when it is none, so that the error points there.
Result<FilterTest> Parser::value(FilterKeyword keyword) {
  if (!starts_value()) return filter_value(keyword, "");
  const std::string value(token().text);
  auto test = filter_value(keyword, value);
  const bool masked = keyword == FilterKeyword::net && tokens_[next_ + 1].low == "mask";
  if (masked) {
    next_ += 2;
    const auto bits = netmask_bits(token().text);
    if (!bits) return std::unexpected(bits.error());
    test = filter_value(keyword, fmt::format("{}/{}", value, *bits));
  }
  if (test) advance();
  return test;
}

void Parser::emit_value(FilterTest test, const Qualifiers& words) {
  const Ends ends = words.ends.value_or(Ends::either);
  const bool source = ends == Ends::source || ends == Ends::both;
  if (source) test.end = FilterEnd::source;
  if (ends == Ends::destination) test.end = FilterEnd::destination;
  emit(test);
  if (ends == Ends::both) {
    test.end = FilterEnd::destination;
    emit(std::move(test));
    emit(Filter::Op::and_);
  }
  if (words.protocol) {
    FilterTest protocol;
    protocol.word = *words.protocol;
    emit(std::move(protocol));
    emit(Filter::Op::and_);
  }
}

}  // namespace

Result<Filter> parse_filter(std::string_view text) {
  auto tokens = filter_tokens(text);
  if (!tokens) return std::unexpected(tokens.error());
  return Parser(text, std::move(*tokens)).parse();
}

}  // namespace tcpdx
