// Tries a filter on a connection of a capture.
#include <algorithm>
#include <string_view>

#include "model/connection.hpp"
#include "model/filter.hpp"
#include "model/filter_truths.hpp"

namespace tcpdx {
namespace {

template <class Matches>
bool any_end(const FilterTest& test, const Connection& connection, Matches matches_end) {
  switch (test.end) {
    case FilterEnd::source: return matches_end(connection.originator);
    case FilterEnd::destination: return matches_end(connection.responder);
    case FilterEnd::either:
      return matches_end(connection.originator) || matches_end(connection.responder);
  }
  return false;
}

bool passes(const FilterTest& test, const Connection& connection) {
  const bool is_v4 = connection.originator.addr.unmapped().family == Family::v4;
  switch (test.word) {
    case FilterWord::host:
      return any_end(test, connection,
                     [&](const SocketAddress& e) { return is_host(e.addr, test); });
    case FilterWord::net:
      return any_end(test, connection,
                     [&](const SocketAddress& e) { return in_net(e.addr, test); });
    case FilterWord::port:
      return any_end(test, connection,
                     [&](const SocketAddress& e) { return has_port(e.port, test); });
    case FilterWord::tcp: return true;
    case FilterWord::ip: return is_v4;
    case FilterWord::ip6: return !is_v4;
    case FilterWord::state:
      return std::ranges::any_of(
          connection.sides, [&](const ConnectionSide& side) { return side.state == test.state; });
    case FilterWord::pid:  // of a machine, not of packets: check_for_packets()
    case FilterWord::comm:
    case FilterWord::uid:
    case FilterWord::netns:
    case FilterWord::cgroup: return false;
  }
  return false;
}

// What a word asks for that packets do not tell; empty for the words that they answer.
struct NotCarried {
  std::string_view keyword;
  std::string_view about;
};

NotCarried not_carried(FilterWord word) {
  switch (word) {
    case FilterWord::pid: return {"pid", "processes"};
    case FilterWord::comm: return {"comm", "processes"};
    case FilterWord::uid: return {"uid", "users"};
    case FilterWord::netns: return {"netns", "network namespaces"};
    case FilterWord::cgroup: return {"cgroup", "control groups"};
    case FilterWord::host:
    case FilterWord::net:
    case FilterWord::port:
    case FilterWord::tcp:
    case FilterWord::ip:
    case FilterWord::ip6:
    case FilterWord::state: return {};
  }
  return {};
}

}  // namespace

Result<void> check_for_packets(const Filter& filter) {
  for (const FilterTest& test : filter.tests) {
    const auto [keyword, about] = not_carried(test.word);
    if (keyword.empty()) continue;
    return fail(
        "packets cannot answer '{}' of the filter: they carry nothing of {}; "
        "host, net, port, portrange, tcp, ip, ip6 and state can be asked of them",
        keyword, about);
  }
  return {};
}

bool matches(const Filter& filter, const Connection& connection) {
  return holds(filter, [&](const FilterTest& test) { return passes(test, connection); });
}

}  // namespace tcpdx
