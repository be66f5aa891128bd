// The filter language against pcap-filter(7) and its own words: what is read, what it matches,
// and where errors point.
#include "model/filter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/observation.hpp"

namespace tcpdx {
namespace {

SocketAddress end(std::string_view address, uint16_t port) {
  return {parse_address(address).value_or(IpAddress{}), port};
}

Socket socket(SocketAddress local, SocketAddress remote, tcp::State state) {
  Socket made;
  made.local = local;
  made.remote = remote;
  made.state = state;
  made.inode = 1;
  return made;
}

// Five sockets, a to e; a filter is judged by the letters of those it matches.
class Matching : public testing::Test {
 protected:
  Matching() {
    using tcp::State;
    seen_.namespaces = {{4026531840, "", true, {}}, {4026532000, "blue", false, {}}};
    Process web;
    web.pid = 100;
    web.comm = "web server";
    web.cgroup = "/system.slice/nginx.service";
    web.unit = "nginx.service";
    Process box;
    box.pid = 200;
    box.comm = "fifteen-letters";
    box.cgroup = "/docker/0123456789abcdef0123456789abcdef";
    box.container = "0123456789ab";
    seen_.processes = {web, box};
    Look look;
    look.owners = {{1, 0, 3}, {2, 0, 4}, {2, 1, 5}};
    look.sockets = {
        socket(end("::", 80), end("::", 0), State::listen),                                  // a
        socket(end("10.0.0.1", 80), end("10.0.0.2", 40000), State::established),             // b
        socket(end("::ffff:10.0.0.1", 80), end("::ffff:192.0.2.7", 22), State::close_wait),  // c
        socket(end("2001:db8::1", 50000), end("2001:db8::2", 443), State::syn_sent),         // d
        socket(end("127.0.0.1", 22), end("127.0.0.1", 22), State::time_wait),                // e
    };
    look.sockets[0].first_owner = 0;
    look.sockets[0].owner_count = 1;
    look.sockets[1].first_owner = 1;
    look.sockets[1].owner_count = 2;
    look.sockets[1].uid = 33;
    look.sockets[3].netns = 1;
    look.sockets[4].inode = 0;
    seen_.looks.push_back(look);
  }

  std::string matched(std::string_view text) const {
    const Result<Filter> filter = parse_filter(text);
    if (!filter) return filter.error().sentence;
    std::string letters;
    const Look& look = seen_.now();
    for (size_t i = 0; i < look.sockets.size(); ++i) {
      if (matches(*filter, seen_, look, look.sockets[i])) letters += static_cast<char>('a' + i);
    }
    return letters;
  }

  Observation seen_;
};

using Cases = std::vector<std::pair<std::string_view, std::string_view>>;

TEST_F(Matching, Addresses) {
  const Cases cases{
      {"", "abcde"},
      {"   ", "abcde"},
      {"host 10.0.0.1", "bc"},
      {"host ::ffff:10.0.0.1", "bc"},
      {"10.0.0.1", "bc"},
      {"src host 10.0.0.2", ""},
      {"dst host 10.0.0.2", "b"},
      {"dst 10.0.0.2", "b"},
      {"src or dst 10.0.0.2", "b"},
      {"src and dst host 127.0.0.1", "e"},
      {"dst and src host 10.0.0.1", ""},
      {"host [2001:db8::1]", "d"},
      {"net 10.0.0.0/8", "bc"},
      {"net 10", "bc"},
      {"net 10.0", "bc"},
      {"net 10.0.0", "bc"},
      {"net 10/8", "bc"},
      {"net 10.0.0.0 mask 255.0.0.0", "bc"},
      {"net 10.0.0.1", "bc"},
      {"net ::ffff:10.0.0.0/104", "bc"},
      {"dst net 192.0.2.0/24", "c"},
      {"src net 192.0.2.0/24", ""},
      {"net 2001:db8::/32", "d"},
      {"net 0.0.0.0/0", "bce"},
      {"net ::/0", "ad"},
      {"tcp", "abcde"},
      {"ip", "bce"},
      {"ip6", "ad"},
      {"ip host 10.0.0.1", "bc"},
      {"ip6 host 10.0.0.1", ""},
  };
  for (const auto& [filter, wanted] : cases) EXPECT_EQ(matched(filter), wanted) << filter;
}

TEST_F(Matching, Ports) {
  const Cases cases{
      {"port 80", "abc"},
      {"port http", "abc"},
      {"src port 22", "e"},
      {"dst port 22", "ce"},
      {"dst port ssh", "ce"},
      {"src and dst port 22", "e"},
      {"src or dst port 22", "ce"},
      {"port 80 or 443", "abcd"},
      {"port (80 or 443)", "abcd"},
      {"dst port 22 or 443", "cde"},
      {"port 80 and not 22", "ab"},
      {"portrange 79-81", "abc"},
      {"portrange 40000-50000", "bd"},
      {"dst portrange 400-500", "d"},
      {"tcp port 80", "abc"},
      {"tcp dst port 22 or 443", "cde"},
      {"not tcp port 80", "de"},
      {"ip6 port 80", "a"},
      {"ip6 port 80 or 22", "a"},
      {"port 65535", ""},
      {"port 0", "a"},
      {"dst port 0", "a"},
  };
  for (const auto& [filter, wanted] : cases) EXPECT_EQ(matched(filter), wanted) << filter;
}

TEST_F(Matching, SocketWords) {
  const Cases cases{
      {"state close-wait", "c"},
      {"state CLOSE_WAIT", "c"},
      {"state TCP_CLOSE_WAIT", "c"},
      {"state estab or listening", "ab"},
      {"state (established or syn_sent)", "bd"},
      {"not state time-wait", "abcd"},
      {"pid 100", "ab"},
      {"pid 200", "b"},
      {"pid 200 or 100", "ab"},
      {"comm 'web server'", "ab"},
      {"comm \"web server\"", "ab"},
      {"comm fifteen-letters-and-more", "b"},
      {"comm web", ""},
      {"uid 33", "b"},
      {"uid 0", "acd"},  // the uid of e, in TIME-WAIT, is not known
      {"netns blue", "d"},
      {"netns 4026532000", "d"},
      {"netns 4026531840", "abce"},
      {"netns red", ""},
      {"cgroup /system.slice", "ab"},
      {"cgroup /system.slice/", "ab"},
      {"cgroup system.slice", "ab"},
      {"cgroup /system", ""},
      {"cgroup /system.slice/nginx.service", "ab"},
      {"cgroup nginx.service", "ab"},
      {"cgroup 0123456789ab", "b"},
      {"cgroup 0123456789abcdef0123456789abcdef", "b"},
      {"cgroup /", "ab"},
  };
  for (const auto& [filter, wanted] : cases) EXPECT_EQ(matched(filter), wanted) << filter;
}

// "Alternation and concatenation have equal precedence and associate left to right", "Negation
// has highest precedence": pcap-filter(7).
TEST_F(Matching, Operators) {
  const Cases cases{
      {"state listen or state syn-sent and port 443", "d"},
      {"state listen or (state syn-sent and port 443)", "ad"},
      {"not port 80 or state listen", "ade"},
      {"not (port 80 or state syn-sent)", "e"},
      {"not not port 443", "d"},
      {"! ! !port 443", "abce"},
      {"!port 80", "de"},
      {"port 80&&host 10.0.0.2", "b"},
      {"port 443||port 22", "cde"},
      {"(port 443)or(port 22)", "cde"},
      {"host 10.0.0.1 and not port 22", "b"},
      {"NOT Port 80 AND Src Net 127", "e"},
      {"not host 10.0.0.2 and 10.0.0.1", "c"},  // not (host ..2) and host ..1
  };
  for (const auto& [filter, wanted] : cases) EXPECT_EQ(matched(filter), wanted) << filter;
}

TEST_F(Matching, NestingIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '(') + "port 80" + std::string(depth, ')');
  };
  EXPECT_EQ(matched(nested(kFilterDepth)), "abc");
  EXPECT_NE(matched(nested(kFilterDepth + 1)).find("nested deeper"), std::string::npos);
  EXPECT_NE(matched(std::string(100'000, '(')).find("nested deeper"), std::string::npos);
  std::string many = "port 80";
  for (int i = 0; i < 10'000; ++i) many += " or port 22";
  EXPECT_EQ(matched(many), "abce");
  std::string right;
  for (unsigned i = 0; i < kFilterDepth; ++i) right += "port 80 and (";
  right += "tcp src and dst port 22 or tcp port 80" + std::string(kFilterDepth, ')');
  EXPECT_EQ(matched(right), "abc");
  std::string negated;
  for (int i = 0; i < 100'001; ++i) negated += "not ";
  EXPECT_EQ(matched(negated + "port 80"), "de");
}

TEST(FilterError, PointsAtTheWord) {
  const auto error = parse_filter("host ::1 and prot 80").error().sentence;
  EXPECT_TRUE(
      error.starts_with("cannot read the filter at 'prot':\n"
                        "  host ::1 and prot 80\n"
                        "               ^^^^\n"
                        "expected host, net, port"))
      << error;
  EXPECT_TRUE(parse_filter("port 80 and")
                  .error()
                  .sentence.starts_with("cannot read the filter at its end:\n"
                                        "  port 80 and\n"
                                        "             ^\n"));
  EXPECT_TRUE(parse_filter("comm é and port 99999")
                  .error()
                  .sentence.starts_with("cannot read the filter at '99999':\n"
                                        "  comm é and port 99999\n"
                                        "                  ^^^^^\n"));
  EXPECT_TRUE(
      parse_filter("a\nb").error().sentence.starts_with("cannot read the filter at 'a':\n"
                                                        "  a\\x0ab\n"
                                                        "  ^\n"));
}

struct Wrong {
  std::string_view filter;
  std::string_view word;  // the error's place
  std::string_view says;
};

TEST(FilterError, SaysWhatIsWanted) {
  const std::vector<Wrong> cases{
      {"udp", "'udp'", "parts of packets"},
      {"icmp or port 80", "'icmp'", "parts of packets"},
      {"port 80 or udp port 53", "'udp'", "parts of packets"},
      {"ether host 1:2:3:4:5:6", "'ether'", "parts of packets"},
      {"vlan 7", "'vlan'", "parts of packets"},
      {"greater 100", "'greater'", "parts of packets"},
      {"tcp[13] = 2", "'tcp[13]'", "parts of packets"},
      {"ip[0] = 1", "'ip[0]'", "parts of packets"},
      {"port", "its end", "expected a port"},
      {"port 65536", "'65536'", "expected a port"},
      {"port -1", "'-1'", "expected a port"},
      {"port no-such-service", "'no-such-service'", "portrange"},
      {"port 80-90", "'80-90'", "portrange"},
      {"port 80 443", "'443'", "expected and, or"},
      {"portrange 80", "'80'", "6000-6008"},
      {"portrange 90-80", "'90-80'", "ends before"},
      {"host", "its end", "address"},
      {"host example.org", "'example.org'", "not looked up"},
      {"host 10.0.0.0/8", "'10.0.0.0/8'", "'net'"},
      {"net 10.0.0.1/8", "'10.0.0.1/8'", "10.0.0.0/8"},
      {"net 10.0.0.0/33", "'10.0.0.0/33'", "0 to 32"},
      {"net 2001:db8::/129", "'2001:db8::/129'", "0 to 128"},
      {"net 1.2.3.4.5", "'1.2.3.4.5'", "expected a network"},
      {"net 10 mask 255.0.255.0", "'255.0.255.0'", "netmask"},
      {"net 10 mask", "its end", "netmask"},
      {"state open", "'open'", "LISTEN, SYN-SENT"},
      {"src state listen", "'state'", "src and dst stand before"},
      {"src 80", "'80'", "expected an IPv4 or IPv6 address"},
      {"pid nginx", "'nginx'", "number of a process"},
      {"uid root", "'root'", "number of a user"},
      {"comm ''", "''''", "expected a name"},
      {"comm 'open", "''open'", "never closed"},
      {"(port 80", "its end", "expected )"},
      {"port 80)", "')'", "expected and, or"},
      {"()", "')'", "expected host"},
      {"and port 80", "'and'", "expected host"},
      {"port 80 and or 90", "'or'", "expected host"},
      {"not", "its end", "expected host"},
      {"80", "'80'", "expected host"},
      {"port 80 or prot 22", "'prot'", "expected host"},
      {"port and 80", "'and'", "expected a port"},
  };
  for (const Wrong& c : cases) {
    const Result<Filter> filter = parse_filter(c.filter);
    ASSERT_FALSE(filter.has_value()) << c.filter;
    const std::string& error = filter.error().sentence;
    const std::string place = "cannot read the filter at " + std::string(c.word) + ":";
    EXPECT_TRUE(error.starts_with(place)) << c.filter << "\n" << error;
    EXPECT_NE(error.find(c.says), std::string::npos) << c.filter << "\n" << error;
  }
}

}  // namespace
}  // namespace tcpdx
