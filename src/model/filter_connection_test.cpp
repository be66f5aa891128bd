// The filter language asked of connections: pcap-filter(7) with src as the originator and dst as
// the responder, and the words that packets do not answer.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/connection.hpp"
#include "model/filter.hpp"

namespace tcpdx {
namespace {

using tcp::State;

Connection connection(std::string_view from, uint16_t from_port, std::string_view to,
                      uint16_t to_port, std::optional<State> originator,
                      std::optional<State> responder) {
  Connection made;
  made.originator = {parse_address(from).value_or(IpAddress{}), from_port};
  made.responder = {parse_address(to).value_or(IpAddress{}), to_port};
  made.side(Party::originator).state = originator;
  made.side(Party::responder).state = responder;
  return made;
}

// Five connections, a to e; a filter is judged by the letters of those it matches.
std::string matched_by(std::string_view text) {
  const std::vector<Connection> all{
      connection("10.0.0.1", 40000, "192.0.2.1", 80, State::time_wait, State::closed),
      connection("10.0.0.1", 40001, "192.0.2.2", 443, State::established, State::established),
      connection("192.0.2.1", 40002, "10.0.0.1", 22, State::fin_wait_2, State::close_wait),
      connection("2001:db8::1", 40003, "2001:db8:1::2", 80, State::syn_sent, std::nullopt),
      connection("::ffff:10.0.0.9", 80, "::ffff:192.0.2.1", 50000, std::nullopt, std::nullopt),
  };
  const Result<Filter> filter = parse_filter(text);
  if (!filter) return filter.error().sentence;
  std::string letters;
  for (size_t i = 0; i < all.size(); ++i) {
    if (matches(*filter, all[i])) letters += static_cast<char>('a' + static_cast<char>(i));
  }
  return letters;
}

TEST(FilterConnection, MatchesEndsStatesAndFamilies) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"", "abcde"},
      {"tcp", "abcde"},
      {"host 10.0.0.1", "abc"},
      {"src host 10.0.0.1", "ab"},
      {"dst host 10.0.0.1", "c"},
      {"10.0.0.1", "abc"},
      {"host 10.0.0.9", "e"},  // IPv4 in IPv6
      {"net 10.0.0.0/8", "abce"},
      {"dst net 192.0.2", "abe"},
      {"net 2001:db8::/32", "d"},
      {"dst net 2001:db8:1::/48", "d"},
      {"port 80", "ade"},
      {"dst port 80", "ad"},
      {"src port 80", "e"},
      {"port 80 or 443", "abde"},
      {"dst portrange 22-100", "acd"},
      {"src and dst net 10.0.0.0/8", ""},
      {"ip", "abce"},
      {"ip6", "d"},
      {"ip6 and port 80", "d"},
      {"state time-wait", "a"},
      {"state close-wait", "c"},  // of either end
      {"state fin_wait2", "c"},
      {"state established or time-wait", "ab"},
      {"not state established", "acde"},  // what is not known is no state
      {"port 80 and not (host 10.0.0.1 or ip6)", "e"},
  };
  for (const auto& [filter, letters] : cases) EXPECT_EQ(matched_by(filter), letters) << filter;
}

TEST(FilterConnection, RefusesWordsThatPacketsDoNotAnswer) {
  for (const std::string_view text : {"pid 1", "comm nginx", "uid 0", "netns blue", "cgroup /a",
                                      "port 80 and not (host 10.0.0.1 or comm nginx)"}) {
    const Result<Filter> filter = parse_filter(text);
    ASSERT_TRUE(filter.has_value()) << text;
    const Result<void> answer = check_for_packets(*filter);
    ASSERT_FALSE(answer.has_value()) << text;
    EXPECT_TRUE(answer.error().sentence.starts_with("packets cannot answer '"))
        << answer.error().sentence;
  }
  for (const std::string_view text :
       {"", "tcp", "ip6", "host ::1 and port 80", "net 10/8 or state closing"}) {
    const Result<Filter> filter = parse_filter(text);
    ASSERT_TRUE(filter.has_value()) << text;
    EXPECT_TRUE(check_for_packets(*filter).has_value()) << text;
  }
}

}  // namespace
}  // namespace tcpdx
