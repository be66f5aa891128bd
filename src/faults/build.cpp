#include "faults/build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kManyDestinations = 4;

}  // namespace

Finding make_finding(const FaultInfo& info, Severity severity, Confidence confidence) {
  Finding finding;
  finding.fault = info.id;
  finding.title = info.title;
  finding.severity = severity;
  finding.confidence = confidence;
  finding.gains_from_probing = info.gains_from_probing;
  finding.see.push_back(fmt::format("tcpdx explain {}", info.id));
  return finding;
}

Confidence lowered(Confidence confidence) {
  return confidence == Confidence::confirmed ? Confidence::likely : Confidence::suspected;
}

Confidence at_most_for(const Facts& facts, Confidence wanted) {
  return facts.is_short() ? Confidence::suspected : wanted;
}

void add_fact(Finding& finding, std::string fact, Value value, std::string source) {
  finding.evidence.push_back({.fact = std::move(fact),
                              .value = std::move(value),
                              .limit = std::nullopt,
                              .source = std::move(source)});
}

void add_fact(Finding& finding, std::string fact, Value value, Value limit, std::string source) {
  finding.evidence.push_back({.fact = std::move(fact),
                              .value = std::move(value),
                              .limit = std::move(limit),
                              .source = std::move(source)});
}

void add_judged(Finding& finding, std::string fact, Value value, Value threshold,
                std::string source) {
  add_fact(finding, std::move(fact), std::move(value), std::move(threshold), std::move(source));
  finding.evidence.back().limit_is_threshold = true;
}

void set_owner(const Facts& facts, const Socket& socket, Finding& finding) {
  set_process(facts, socket.netns, facts.owner(socket), finding,
              "not visible: needs CAP_SYS_PTRACE, or it is outside");
}

void set_process(const Facts& facts, size_t netns, const Process* process, Finding& finding,
                 std::string_view unknown) {
  finding.subject.netns = facts.seen.namespaces[netns].inode;
  if (process != nullptr) {
    finding.subject.pid = process->pid;
    finding.subject.comm = process->comm;
    return;
  }
  finding.confidence = lowered(finding.confidence);
  add_fact(finding, "owner", std::string(unknown), "/proc/PID/fd");
}

std::string owner_name(const Facts& facts, const Socket& socket) {
  return name_of(facts.owner(socket));
}

std::string name_of(const Process* process) {
  return process != nullptr ? describe(*process) : "a program that cannot be seen";
}

std::string in_namespace(const Facts& facts, const Socket& socket) {
  return in_namespace(facts, socket.netns);
}

std::string in_namespace(const Facts& facts, size_t netns) {
  const Namespace& where = facts.seen.namespaces[netns];
  if (where.ours) return "";
  return fmt::format(" in namespace {}",
                     where.name.empty() ? fmt::to_string(where.inode) : printable(where.name));
}

std::string run_inside(const Facts& facts, const Socket& socket) {
  return run_inside(facts, socket.netns, facts.owner(socket));
}

std::string run_inside(const Facts& facts, size_t netns, const Process* process) {
  const Namespace& where = facts.seen.namespaces[netns];
  if (where.ours) return "";
  // A name that a shell would not take as one plain word does not get into a command.
  const bool plain = !where.name.empty() && std::ranges::all_of(where.name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (plain) return fmt::format("ip netns exec {} ", where.name);
  return process == nullptr ? "" : fmt::format("nsenter -n -t {} ", process->pid);
}

std::string run_inside(const Facts& facts, size_t netns) {
  const auto owned = std::ranges::find_if(facts.now.sockets, [&](const Socket& s) {
    return s.netns == netns && s.first_owner != kNoIndex;
  });
  const bool found = owned != facts.now.sockets.end();
  return run_inside(facts, netns, found ? facts.owner(*owned) : nullptr);
}

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

std::string percent(double share) {
  const double value = share * 100;
  if (value > 0 && value < 0.1) return fmt::format("{:.2f} %", value);
  return value < 10 ? fmt::format("{:.1f} %", value) : fmt::format("{:.0f} %", value);
}

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string per_second(double rate) {
  if (rate <= 0) return "";
  return rate < 10 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.0f}/s", rate);
}

bool serves(const Facts& facts, const Socket& socket) {
  return std::ranges::any_of(facts.listeners(), [&](const Listener& l) {
    return l.socket->netns == socket.netns && l.socket->local.port == socket.local.port;
  });
}

std::string place_of(const Facts& facts, const Sockets& sockets) {
  std::set<uint16_t> ports;
  std::set<SocketAddress> remotes;
  std::set<IpAddress> hosts;
  for (const Socket* s : sockets) {
    ports.insert(s->local.port);
    remotes.insert(s->remote);
    hosts.insert(s->remote.addr);
  }
  const Socket& one = *sockets.front();
  if (ports.size() == 1 && (serves(facts, one) || remotes.size() > 1)) {
    return fmt::format("on port {}", one.local.port);
  }
  if (remotes.size() == 1) return fmt::format("to {}", to_string(one.remote));
  if (hosts.size() == 1) return fmt::format("to {}", to_string(one.remote.addr));
  return fmt::format("on {} ports", grouped(ports.size()));
}

std::vector<Finding> merged_by_program(std::vector<Finding> findings, std::string_view as_well,
                                       std::string_view fact) {
  std::map<std::optional<uint32_t>, std::vector<Finding>> by_pid;
  for (Finding& f : findings) by_pid[f.subject.pid].push_back(std::move(f));
  std::vector<Finding> result;
  for (auto& [pid, group] : by_pid) {
    if (group.size() < kManyDestinations) {
      std::ranges::move(group, std::back_inserter(result));
      continue;
    }
    Finding f = std::move(group.front());
    f.headline =
        fmt::format("{}; {} more destinations of {} {}", f.headline, grouped(group.size() - 1),
                    pid ? "the same program" : "programs that cannot be seen", as_well);
    const std::string source = f.evidence.front().source;
    add_fact(f, std::string(fact), uint64_t{group.size()}, source);
    result.push_back(std::move(f));
  }
  return result;
}

Age oldest(const Facts& facts, const Sockets& sockets) {
  Age found;
  for (const Socket* s : sockets) {
    const Age age = facts.age(*s);
    if (age.at_least > found.at_least) found = age;
  }
  return found;
}

bool keeps_rising(const Facts& facts, size_t netns, std::string_view counter) {
  size_t rose = 0;
  if (!facts.is_short()) {
    for (const auto& rise : facts.rises(netns, counter)) rose += rise.value_or(0) > 0;
    return rose * 3 >= facts.windows() * 2;
  }
  std::optional<uint64_t> last;
  for (const Sample& sample : facts.seen.samples) {
    if (netns >= sample.counters.size()) continue;
    const auto value = sample.counters[netns].get(counter);
    rose += value && last && *value > *last;
    last = value;
  }
  return rose >= kSustainedWindows;
}

std::map<std::pair<uint16_t, uint32_t>, Sockets> by_owner(const Facts& facts,
                                                          const Sockets& sockets) {
  std::map<std::pair<uint16_t, uint32_t>, Sockets> groups;
  for (const Socket* s : sockets) {
    const uint32_t owner = facts.owner_index(*s);
    const uint16_t netns = owner == kNoIndex ? s->netns : uint16_t{0};
    groups[{netns, owner}].push_back(s);
  }
  return groups;
}

}  // namespace tcpdx::faults
