// Tries a filter on events, and works out what the kernel can be asked for.
#include "model/trace.hpp"

#include <algorithm>
#include <utility>

#include "model/filter.hpp"
#include "model/filter_truths.hpp"

namespace tcpdx {
namespace {

constexpr size_t kCommLength = 15;  // TASK_COMM_LEN of include/linux/sched.h, less the NUL

struct Subject {
  const TraceSubject& who;
  tcp::State from;
  tcp::State to;
};

template <class Matches>
bool either_end(const FilterTest& test, const TraceSubject& who, Matches matches_end) {
  switch (test.end) {
    case FilterEnd::source: return matches_end(who.local);
    case FilterEnd::destination: return matches_end(who.remote);
    case FilterEnd::either: return matches_end(who.local) || matches_end(who.remote);
  }
  return false;
}

bool in_netns(const TraceSubject& who, const FilterTest& test) {
  if (!who.netns_name.empty() && who.netns_name == test.text) return true;
  return test.low != 0 && who.netns == test.low;
}

bool passes(const FilterTest& test, const Subject& on) {
  const TraceSubject& who = on.who;
  const bool is_v4 = who.local.addr.unmapped().family == Family::v4;
  switch (test.word) {
    case FilterWord::host:
      return either_end(test, who, [&](const SocketAddress& e) { return is_host(e.addr, test); });
    case FilterWord::net:
      return either_end(test, who, [&](const SocketAddress& e) { return in_net(e.addr, test); });
    case FilterWord::port:
      return either_end(test, who, [&](const SocketAddress& e) { return has_port(e.port, test); });
    case FilterWord::tcp: return true;
    case FilterWord::ip: return is_v4;
    case FilterWord::ip6: return !is_v4;
    case FilterWord::state: return on.from == test.state || on.to == test.state;
    case FilterWord::pid: return who.owner && who.owner->pid == test.low;
    case FilterWord::comm: return who.owner && who.owner->comm == test.text.substr(0, kCommLength);
    case FilterWord::uid: return who.uid && *who.uid == test.low;
    case FilterWord::netns: return in_netns(who, test);
    case FilterWord::cgroup: return false;  // refused before: check_for_events()
  }
  return false;
}

bool matches(const Filter& filter, const Subject& subject) {
  return holds(filter, [&](const FilterTest& test) { return passes(test, subject); });
}

// Of which at least one must be there; nothing: it does not matter.
template <class Value>
using AnyOf = std::optional<std::vector<Value>>;

// Both sides must hold, so either alone is a bound: the shorter one says more.
template <class Value>
AnyOf<Value> both(AnyOf<Value> left, AnyOf<Value> right) {
  if (!left) return right;
  if (!right) return left;
  return left->size() <= right->size() ? std::move(left) : std::move(right);
}

template <class Value>
AnyOf<Value> either(AnyOf<Value> left, const AnyOf<Value>& right) {
  if (!left || !right) return std::nullopt;
  left->insert(left->end(), right->begin(), right->end());
  return left;
}

// Follows the steps; `bound` says what one test asks for.
template <class Value, class Bound>
AnyOf<Value> necessary(const Filter& filter, Bound bound) {
  std::vector<AnyOf<Value>> stack;
  for (const Filter::Step& step : filter.steps) {
    if (step.op == Filter::Op::test) {
      stack.push_back(bound(filter.tests[step.test]));
    } else if (step.op == Filter::Op::not_) {
      stack.back() = std::nullopt;
    } else {
      AnyOf<Value> right = std::move(stack.back());
      stack.pop_back();
      AnyOf<Value> left = std::move(stack.back());
      stack.back() = step.op == Filter::Op::and_ ? both(std::move(left), std::move(right))
                                                 : either(std::move(left), right);
    }
  }
  return stack.empty() ? std::nullopt : std::move(stack.back());
}

AnyOf<uint16_t> ports_of(const FilterTest& test, size_t most) {
  if (test.word != FilterWord::port || test.high - test.low >= most) return std::nullopt;
  std::vector<uint16_t> ports;
  for (uint64_t port = test.low; port <= test.high; ++port) {
    ports.push_back(static_cast<uint16_t>(port));
  }
  return ports;
}

// Sockets keep IPv4 addresses as such, or mapped into IPv6.
AnyOf<EventBounds::Net> nets_of(const FilterTest& test) {
  if (test.word != FilterWord::host && test.word != FilterWord::net) return std::nullopt;
  const bool v4 = test.address.family == Family::v4;
  const unsigned bits = test.word == FilterWord::net ? test.prefix_bits : (v4 ? 32U : 128U);
  std::vector<EventBounds::Net> nets{{test.address, bits}};
  if (v4) {
    IpAddress mapped;
    mapped.family = Family::v6;
    mapped.bytes[10] = mapped.bytes[11] = 0xff;
    std::copy_n(test.address.bytes.begin(), 4, mapped.bytes.begin() + 12);
    nets.push_back({mapped, bits + 96});
  }
  return nets;
}

template <class Value>
std::vector<Value> at_most(AnyOf<Value> bound, size_t most) {
  if (!bound || bound->size() > most) return {};
  return std::move(*bound);
}

}  // namespace

std::string_view to_string(ClosedBy closed) {
  switch (closed) {
    case ClosedBy::unknown: return "unknown";
    case ClosedBy::local: return "local";
    case ClosedBy::remote: return "remote";
    case ClosedBy::both: return "both";
    case ClosedBy::local_reset: return "local-reset";
    case ClosedBy::remote_reset: return "remote-reset";
    case ClosedBy::error: return "error";
  }
  std::unreachable();
}

std::string_view to_string(Opened opened) {
  switch (opened) {
    case Opened::unknown: return "unknown";
    case Opened::active: return "active";
    case Opened::passive: return "passive";
  }
  std::unreachable();
}

bool matches(const Filter& filter, const TraceEvent& event) {
  return matches(filter, Subject{event.who, event.from, event.to});
}

bool matches(const Filter& filter, const TraceLife& life) {
  return matches(filter, Subject{life.who, life.last, tcp::State::closed});
}

Result<void> check_for_events(const Filter& filter) {
  const bool asks = std::ranges::any_of(
      filter.tests, [](const FilterTest& t) { return t.word == FilterWord::cgroup; });
  if (asks) return fail("events do not tell the cgroup of a socket; ask for pid, comm or netns");
  return {};
}

EventBounds bounds_of(const Filter& filter, size_t most_ports, size_t most_nets) {
  const auto ports = necessary<uint16_t>(
      filter, [&](const FilterTest& test) { return ports_of(test, most_ports); });
  return {at_most(ports, most_ports),
          at_most(necessary<EventBounds::Net>(filter, nets_of), most_nets)};
}

}  // namespace tcpdx
