// The filter language: the words of pcap-filter(7) that make sense for the source at hand, plus
// words for sockets. One parser for sockets, connections and packets; each source says what it can
// answer. `docs/architecture.md` has the grammar.
//
//   host ADDR | net PREFIX[/LEN] | port N|NAME | portrange A-B
//   tcp | ip | ip6 | state S | pid N | comm NAME | uid N | netns NAME|INODE | cgroup PATH
//   and && or || not ! ( )
// As in pcap-filter(7): host, net, port and portrange may have `src`, `dst`, `src or dst` or `src
// and dst` before them, and tcp, ip or ip6 before that; without host, net or port an address is a
// host; a bare value takes the words before the last value (`port 80 or 443`, `state (listen or
// syn-sent)`); `not` binds closest, `and` and `or` bind equally and from the left. A value in
// quotes may hold blanks and parentheses.
// On sockets, `src` is the local end and `dst` the remote one; without either, both are tried. On
// connections of a capture they are the originator and the responder.
// IPv4-mapped IPv6 addresses are IPv4 addresses here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "tcp/state.hpp"

namespace tcpdx {

struct Connection;
struct Observation;
struct Look;
struct Socket;

enum class FilterWord : uint8_t {
  host,
  net,
  port,
  tcp,
  ip,
  ip6,
  state,
  pid,
  comm,
  uid,
  netns,
  cgroup,
};
enum class FilterEnd : uint8_t { either, source, destination };

// A test of one thing. Only the members that its word uses are set.
struct FilterTest {
  FilterWord word{};
  FilterEnd end = FilterEnd::either;
  IpAddress address;         // host, net; never IPv4-mapped
  unsigned prefix_bits = 0;  // net
  uint64_t low = 0;          // port, pid, uid, netns as an inode number
  uint64_t high = 0;         // port: the end of the range
  tcp::State state{};
  std::string text;  // comm, netns, cgroup
};

// A filter in postfix order: tests push a truth, operators combine the last one or two.
struct Filter {
  enum class Op : uint8_t { test, and_, or_, not_ };
  struct Step {
    Op op{};
    uint32_t test = 0;  // index into tests
  };
  std::vector<Step> steps;  // empty: everything matches
  std::vector<FilterTest> tests;
};

// How deeply parentheses may be nested.
inline constexpr unsigned kFilterDepth = 24;

// No words at all match everything. An error shows the text with a mark under the word:
//   cannot read the filter at 'prot':
//     host ::1 and prot 80
//                  ^^^^
//   expected host, net, port ...
Result<Filter> parse_filter(std::string_view text);

// A thing not known of a socket (its owner, its cgroup, the uid of TIME-WAIT) matches no test.
bool matches(const Filter& filter, const Observation& observation, const Look& look,
             const Socket& socket);

// `state` asks for the last state of either end.
bool matches(const Filter& filter, const Connection& connection);
// An error for words that packets do not answer: pid, comm, uid, netns, cgroup.
Result<void> check_for_packets(const Filter& filter);

}  // namespace tcpdx
