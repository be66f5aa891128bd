// bind-conflict: a program cannot take the port that it wants to serve.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr size_t kManyPorts = 4;  // of one program: it looks for free ones
constexpr std::string_view kSource = "bind(), listen()";

constexpr std::array kStates{listen, time_wait, established};
constexpr std::array kLookAlikes{
    LookAlike{"a program that looks for a free port", "it listens on another one afterwards"},
    LookAlike{"a program that tries until the port is free", "it listens on that port in the end"},
    LookAlike{"one socket for IPv4 and one for IPv6",
              "the program already listens on that port, in the other family"},
    LookAlike{"ephemeral-port-exhaustion", "there bind() asked for any port (port 0)"},
    LookAlike{"TIME-WAIT on a port that is served", "that is what every busy server has"},
};
constexpr FaultInfo kInfo{
    .id = "bind-conflict",
    .title = "A program cannot take its port",
    .states = kStates,
    .signature =
        "bind() or listen() fails: EADDRINUSE (another socket has the port: a listener, a client "
        "that got it as its source port, or TIME-WAIT of the instance before), EADDRNOTAVAIL (no "
        "interface has the address) or EACCES (a privileged port).",
    .look_alikes = kLookAlikes,
    .trigger =
        "The errno decides, so one failure is enough; only the kernel's events show it, and "
        "without them nothing is said: TIME-WAIT on a port without a listener may be a service "
        "that was stopped on purpose. A program that listens on the port in the end has "
        "what it wanted.",
    .severity =
        "critical; warning when the same program serves the port already, notice when it took "
        "another port instead or failed at four ports and more, as one that looks for a free port",
    .remedy =
        "Stop the other owner or change one of the ports; SO_REUSEADDR before bind() for a "
        "restart; ip_local_reserved_ports for a port that a client took. TIME-WAIT ends by itself "
        "after 60 s.",
    .avoid =
        "SO_REUSEPORT: it is no remedy for TIME-WAIT, and two instances then share the clients. "
        "A restart with SO_REUSEADDR still fails once, when the old instance had not set it.",
    .silent_on =
        "programs that have the port in the end, a second family on a port that the program "
        "serves, bind() to any port, TIME-WAIT without an error",
};

// What one program wanted and did not get.
struct Refusal {
  const TcpEvent* last = nullptr;
  size_t times = 0;
};
// A program that is started again and again is another process each time.
struct Wanted {
  uint16_t netns = 0;
  std::string program;
  SocketAddress place;
  int error = 0;

  auto operator<=>(const Wanted&) const = default;
};

bool concerns(const TcpEvent& event) {
  if (event.netns == kNoNetns) return false;
  switch (event.error) {
    case EADDRINUSE: return event.local.port != 0;
    case EADDRNOTAVAIL:
    case EACCES: return true;
    default: return false;  // a mistake in the call itself
  }
}

bool overlap(const IpAddress& a, const IpAddress& b) {
  return a.is_any() || b.is_any() || a.unmapped() == b.unmapped();
}

// Sockets on that port, of the last look or, where it has none, of the first.
Sockets holders(const Facts& facts, const TcpEvent& event) {
  for (const Look* look : {&facts.now, facts.before}) {
    if (look == nullptr) continue;
    Sockets found;
    for (const Socket& s : look->sockets) {
      if (s.netns == event.netns && s.local.port == event.local.port &&
          overlap(s.local.addr, event.local.addr)) {
        found.push_back(&s);
      }
    }
    if (!found.empty()) return found;
  }
  return {};
}

bool owned_by(const Facts& facts, const Socket& s, const TcpEvent& event) {
  const auto owners = owners_of(facts.look_of(s), s);
  return event.process != kNoIndex && std::ranges::any_of(owners, [&](const Owner& owner) {
           return owner.process == event.process;
         });
}

const Socket* listener_among(const Sockets& sockets) {
  const auto at = std::ranges::find(sockets, listen, &Socket::state);
  return at == sockets.end() ? nullptr : *at;
}

bool same_program(const Facts& facts, const Socket& holder, const TcpEvent& event) {
  const Process* one = facts.process(event);
  const Process* other = facts.owner(holder);
  return one != nullptr && other != nullptr && one->comm == other->comm && one->exe == other->exe;
}

// It got the port after all, itself or when it was started again; or it had it in the other family.
bool has_it(const Facts& facts, const TcpEvent& event) {
  return std::ranges::any_of(facts.listeners(), [&](const Listener& one) {
    const Socket& s = *one.socket;
    if (s.netns != event.netns || s.local.port != event.local.port) return false;
    const bool opened = facts.before != nullptr && facts.earlier(s) == nullptr;
    return owned_by(facts, s, event) || (opened && same_program(facts, s, event));
  });
}

// It looked for a free port: it opened a listener elsewhere within the window.
bool took_another(const Facts& facts, const TcpEvent& event) {
  return facts.before != nullptr &&
         std::ranges::any_of(facts.listeners(), [&](const Listener& one) {
           return facts.earlier(*one.socket) == nullptr && owned_by(facts, *one.socket, event);
         });
}

Severity severity_of(const Facts& facts, const TcpEvent& event, const Sockets& sockets) {
  if (took_another(facts, event)) return Severity::notice;
  const Socket* listener = listener_among(sockets);
  if (event.error == EADDRINUSE && listener != nullptr && same_program(facts, *listener, event)) {
    return Severity::warning;
  }
  return Severity::critical;
}

// Why, and what to do about it.
struct Reason {
  std::string cause;
  std::string remedy;
};

Reason reason_in_use(const Facts& facts, const TcpEvent& event, const Sockets& sockets) {
  if (sockets.empty()) {
    return {"a socket has the port that neither listens nor is connected, or it is gone by now",
            "find who bound it; try again"};
  }
  if (const Socket* listener = listener_among(sockets)) {
    return {
        fmt::format("{} listens on {}", owner_name(facts, *listener), to_string(listener->local)),
        "stop one of the two, or give one another port"};
  }
  const auto live = std::ranges::find_if(sockets, [](const Socket* s) {
    return s->state == established || s->state == syn_sent || s->state == close_wait;
  });
  if (live == sockets.end()) {
    return {
        fmt::format("the instance before left {} that {} the port, for at most 60 s",
                    counted(sockets.size(), "connection"), sockets.size() == 1 ? "holds" : "hold"),
        "SO_REUSEADDR before bind(); it helps once the old instance had set it, too"};
  }
  const std::string owner = owner_name(facts, **live);
  if ((*live)->local == (*live)->remote) {
    return {fmt::format("{} is connected to itself on that port", owner),
            "end that connection; keep the port out of ip_local_port_range"};
  }
  if (owned_by(facts, **live, event)) {
    return {"connections of the instance before are still open in this program",
            "SO_REUSEADDR before bind()"};
  }
  return {fmt::format("{} has it as the local port of a connection to {}", owner,
                      to_string((*live)->remote)),
          fmt::format("list {} in net.ipv4.ip_local_reserved_ports, or move it out of "
                      "ip_local_port_range",
                      event.local.port)};
}

Reason reason_of(const Facts& facts, const TcpEvent& event, const Sockets& sockets) {
  if (event.error == EADDRNOTAVAIL) {
    return {fmt::format("no interface of this namespace has the address {}",
                        to_string(event.local.addr)),
            "correct the address, or wait for the interface that will have it"};
  }
  if (event.error == EACCES) {
    return {"ports below net.ipv4.ip_unprivileged_port_start (1024) need CAP_NET_BIND_SERVICE",
            "give the program that capability, or a port from 1024 on"};
  }
  return reason_in_use(facts, event, sockets);
}

std::string_view name_of(int error) {
  switch (error) {
    case EADDRINUSE: return "EADDRINUSE";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    default: return "EACCES";
  }
}

std::string states_of(const Sockets& sockets) {
  std::map<std::string_view, size_t> counts;
  for (const Socket* s : sockets) ++counts[tcp::to_string(s->state)];
  std::string text;
  for (const auto& [state, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(count), state);
  }
  return text.empty() ? "none" : text;
}

Finding report(const Facts& facts, const Refusal& refusal) {
  const TcpEvent& event = *refusal.last;
  const Sockets sockets = holders(facts, event);
  const Process* process = facts.process(event);
  const Reason reason = reason_of(facts, event, sockets);
  Finding f = make_finding(kInfo, severity_of(facts, event, sockets), Confidence::confirmed);
  f.subject.listener = event.local;
  f.headline = fmt::format(
      "{} cannot take {}{}: {}{}", faults::name_of(process), to_string(event.local),
      in_namespace(facts, event.netns), name_of(event.error),
      refusal.times > 1
          ? fmt::format(", {} times in {}", grouped(refusal.times), human(facts.seen.window))
          : "");
  f.cause = reason.cause;
  add_fact(f, std::string(name_of(event.error)), uint64_t{refusal.times}, std::string(kSource));
  if (event.error == EADDRINUSE) {
    add_fact(f, "sockets on that port", states_of(sockets), "sock_diag");
  }
  set_process(facts, event.netns, process, f);
  const std::string inside = run_inside(facts, event.netns, process);
  f.confirm.push_back(event.error == EADDRNOTAVAIL
                          ? fmt::format("{}ip addr", inside)
                          : fmt::format("{}ss -tanp 'sport = :{}'", inside, event.local.port));
  f.remedy.push_back(reason.remedy);
  f.avoid.push_back("SO_REUSEPORT: no remedy for TIME-WAIT, and two instances share the clients");
  f.see.push_back(fmt::format("tcpdx sockets 'src port {}'", event.local.port));
  return f;
}

// Who fails at many ports looks for one, or for those that are in use.
std::vector<Finding> merged(std::vector<Finding> findings) {
  std::map<std::optional<std::string>, std::vector<Finding>> by_program;
  for (Finding& f : findings) by_program[f.subject.comm].push_back(std::move(f));
  std::vector<Finding> result;
  for (auto& [program, group] : by_program) {
    if (group.size() < kManyPorts) {
      std::ranges::move(group, std::back_inserter(result));
      continue;
    }
    Finding f = std::move(group.front());
    f.severity = Severity::notice;
    f.headline += fmt::format("; {} more ports of the same program, as if it looked for one",
                              grouped(group.size() - 1));
    result.push_back(std::move(f));
  }
  return result;
}

std::vector<Finding> find(const Facts& facts) {
  std::map<Wanted, Refusal> refusals;
  for (const TcpEvent* event : facts.events(EventKind::bind_failed)) {
    if (!concerns(*event) || has_it(facts, *event)) continue;
    const Process* process = facts.process(*event);
    Refusal& one = refusals[{.netns = event->netns,
                             .program = process != nullptr ? process->comm : "",
                             .place = event->local,
                             .error = event->error}];
    one.last = event;
    ++one.times;
  }
  std::vector<Finding> findings;
  findings.reserve(refusals.size());
  for (const auto& [wanted, refusal] : refusals) findings.push_back(report(facts, refusal));
  return merged(std::move(findings));
}

}  // namespace

const Fault bind_conflict{&kInfo, find};

}  // namespace tcpdx::faults
