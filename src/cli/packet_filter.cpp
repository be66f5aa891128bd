#include "cli/packet_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "model/filter_truths.hpp"

namespace tcpdx::cli {
namespace {

// RFC 791 3.1, RFC 8200 4.5: protocol TCP and an offset.
constexpr std::string_view kLaterFragments =
    "(ip proto 6 and ip[6:2] & 0x1fff != 0) or "
    "(ip6[6] == 44 and ip6[40] == 6 and ip6[42:2] & 0xfff8 != 0)";
// Types of wire/icmp.hpp; the quoted header's protocol is TCP.
constexpr std::string_view kIcmpErrors =
    "(icmp and (icmp[0] == 3 or icmp[0] == 4 or icmp[0] == 11 or icmp[0] == 12) and "
    "icmp[17] == 6) or (icmp6 and ip6[40] >= 1 and ip6[40] <= 4 and ip6[54] == 6)";
// IP in IP, GRE, VXLAN, Geneve, GTP-U, MPLS, PPPoE.
constexpr std::string_view kTunnels =
    "ip proto 4 or ip proto 41 or ip proto 47 or ip6 proto 4 or ip6 proto 41 or ip6 proto 47 or "
    "udp port 4789 or udp port 6081 or udp port 2152 or "
    "ether proto 0x8847 or ether proto 0x8848 or ether proto 0x8864";

// What the kernel can say of a part of the filter: it matches at most, and at least, what these
// texts match. Absent: everything at most, nothing at least.
struct Bounds {
  std::optional<std::string> most;
  std::optional<std::string> least;
};

std::string_view end_word(FilterEnd end) {
  switch (end) {
    case FilterEnd::either: return "";
    case FilterEnd::source: return "src ";
    case FilterEnd::destination: return "dst ";
  }
  return "";
}

Bounds bounds(const FilterTest& test) {
  const auto exactly = [](std::string text) { return Bounds{text, text}; };
  const std::string_view end = end_word(test.end);
  switch (test.word) {
    case FilterWord::host: return exactly(fmt::format("{}host {}", end, to_string(test.address)));
    case FilterWord::net:
      return exactly(fmt::format("{}net {}/{}", end, to_string(test.address), test.prefix_bits));
    case FilterWord::port:
      return exactly(fmt::format("{}portrange {}-{}", end, test.low, test.high));
    case FilterWord::tcp: return exactly("tcp");
    case FilterWord::ip: return exactly("ip");
    case FilterWord::ip6: return exactly("ip6");
    case FilterWord::state:
    case FilterWord::pid:  // refused before: check_for_packets()
    case FilterWord::comm:
    case FilterWord::uid:
    case FilterWord::netns:
    case FilterWord::cgroup: return {};
  }
  return {};
}

using Bound = std::optional<std::string>;

// Both, where an absent one takes nothing away.
Bound joined(std::string_view word, const Bound& left, const Bound& right) {
  if (!left || !right) return left ? left : right;
  return fmt::format("({} {} {})", *left, word, *right);
}

// Both, where an absent one leaves nothing to say.
Bound joined_if_both(std::string_view word, const Bound& left, const Bound& right) {
  if (!left || !right) return std::nullopt;
  return joined(word, left, right);
}

Bound negated(const Bound& bound) {
  if (!bound) return std::nullopt;
  return fmt::format("(not {})", *bound);
}

Bounds combined(Filter::Op op, const Bounds& left, const Bounds& right) {
  if (op == Filter::Op::and_) {
    return {joined("and", left.most, right.most), joined_if_both("and", left.least, right.least)};
  }
  return {joined_if_both("or", left.most, right.most), joined("or", left.least, right.least)};
}

// What the kernel may drop for sure is the complement.
Bound most(const Filter& filter) {
  std::vector<Bounds> stack;
  const auto pop = [&] {
    Bounds top = std::move(stack.back());
    stack.pop_back();
    return top;
  };
  for (const Filter::Step& step : filter.steps) {
    if (step.op == Filter::Op::test) {
      stack.push_back(bounds(filter.tests[step.test]));
      continue;
    }
    const Bounds right = pop();
    if (step.op == Filter::Op::not_) {
      stack.push_back({negated(right.least), negated(right.most)});
    } else {
      const Bounds left = pop();
      stack.push_back(combined(step.op, left, right));
    }
  }
  return stack.empty() ? std::nullopt : stack.back().most;
}

// The two ends of a packet, its sender first.
struct Ends {
  SocketAddress source;
  SocketAddress destination;
};

Ends ends_of(const track::PacketReport& report) {
  if (report.from == Party::originator) return {report.originator, report.responder};
  return {report.responder, report.originator};
}

template <class Matches>
bool any_end(const FilterTest& test, const Ends& ends, Matches matches_end) {
  switch (test.end) {
    case FilterEnd::source: return matches_end(ends.source);
    case FilterEnd::destination: return matches_end(ends.destination);
    case FilterEnd::either: return matches_end(ends.source) || matches_end(ends.destination);
  }
  return false;
}

bool passes(const FilterTest& test, const Ends& ends, const track::PacketReport& report) {
  const bool is_v4 = ends.source.addr.unmapped().family == Family::v4;
  switch (test.word) {
    case FilterWord::host:
      return any_end(test, ends, [&](const SocketAddress& e) { return is_host(e.addr, test); });
    case FilterWord::net:
      return any_end(test, ends, [&](const SocketAddress& e) { return in_net(e.addr, test); });
    case FilterWord::port:
      return any_end(test, ends, [&](const SocketAddress& e) { return has_port(e.port, test); });
    case FilterWord::tcp: return true;
    case FilterWord::ip: return is_v4;
    case FilterWord::ip6: return !is_v4;
    case FilterWord::state:
      return std::ranges::any_of(
          report.after, [&](const track::StateNow& now) { return now.state == test.state; });
    case FilterWord::pid:
    case FilterWord::comm:
    case FilterWord::uid:
    case FilterWord::netns:
    case FilterWord::cgroup: return false;
  }
  return false;
}

}  // namespace

std::string kernel_filter(const Filter& filter, bool tunnels) {
  const Bound wanted = most(filter);
  const std::string segments = wanted ? fmt::format("(tcp and {})", *wanted) : "tcp";
  std::string text = fmt::format("{} or {} or {}", segments, kLaterFragments, kIcmpErrors);
  if (tunnels) text += fmt::format(" or {}", kTunnels);
  return text;
}

bool matches(const Filter& filter, const track::PacketReport& report) {
  const Ends ends = ends_of(report);
  return holds(filter, [&](const FilterTest& test) { return passes(test, ends, report); });
}

}  // namespace tcpdx::cli
