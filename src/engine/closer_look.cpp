#include "engine/closer_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "host/firewall.hpp"
#include "host/hidden_ports.hpp"

namespace tcpdx::engine {
namespace {

std::string called(const Namespace& space) {
  return space.name.empty() ? fmt::format("network namespace {}", space.inode)
                            : fmt::format("network namespace {}", space.name);
}

std::string ports(uint32_t count) {
  return fmt::format("{} {}", count, count == 1 ? "port" : "ports");
}

std::vector<SocketAddress> listeners_of(const Observation& seen, uint16_t netns) {
  std::vector<SocketAddress> found;
  for (const Socket& socket : seen.now().sockets) {
    if (socket.state == tcp::State::listen && socket.netns == netns) found.push_back(socket.local);
  }
  std::ranges::sort(found);
  const auto twice = std::ranges::unique(found);
  found.erase(twice.begin(), twice.end());
  return found;
}

void note_sweep(const host::Sweep& sweep, const Namespace& space, Observation& into) {
  if (sweep.refused > 0) {
    into.missing.push_back(
        {fmt::format("{} of {}, whether they are hidden", ports(sweep.refused), called(space)),
         "they may not be bound", "CAP_NET_BIND_SERVICE"});
  }
  if (sweep.undecided > 0) {
    into.missing.push_back(
        {fmt::format("{} of {}, whether they are hidden", ports(sweep.undecided), called(space)),
         "they are held and do not answer; before Linux 6.8 no table shows sockets that are only "
         "bound",
         ""});
  }
}

}  // namespace

void ask_firewalls(host::Machine& machine, const std::string& proc, Observation& into) {
  machine.in_each_namespace(into, [&](uint16_t netns) {
    const std::vector<SocketAddress> listeners = listeners_of(into, netns);
    if (listeners.empty()) return;
    std::vector<FirewallAnswer> answers = host::ask_firewall(proc, netns, listeners);
    std::ranges::move(answers, std::back_inserter(into.closer.firewall));
  });
}

void sweep_hidden_ports(host::Machine& machine, const std::string& proc, Observation& into) {
  std::vector<HiddenPort>& all = into.closer.hidden.emplace();
  machine.in_each_namespace(into, [&](uint16_t netns) {
    auto sweep = host::sweep_hidden(proc);
    const Namespace& space = into.namespaces[netns];
    if (!sweep) {
      into.missing.push_back(
          {fmt::format("hidden ports of {}", called(space)), sweep.error().sentence, ""});
      return;
    }
    note_sweep(*sweep, space, into);
    for (HiddenPort port : sweep->found) {
      port.netns = netns;
      all.push_back(port);
    }
  });
}

}  // namespace tcpdx::engine
