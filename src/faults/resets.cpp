#include "faults/resets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/order.hpp"
#include "faults/build.hpp"

namespace tcpdx::faults {

double Resets::share() const { return ratio(events.size(), std::max<uint64_t>(opened, 1)); }

uint64_t opened_in(const Facts& facts, size_t netns) {
  return facts.rise(netns, "Tcp.ActiveOpens").value_or(0) +
         facts.rise(netns, "Tcp.PassiveOpens").value_or(0);
}

std::vector<Resets> resets_of(const Facts& facts, EventKind kind,
                              const std::function<bool(const TcpEvent&)>& wanted) {
  std::map<std::pair<uint16_t, uint32_t>, Resets> groups;
  for (const TcpEvent* event : facts.events(kind)) {
    if (event->netns == kNoNetns || !wanted(*event)) continue;
    Resets& group = groups[{event->netns, event->process}];
    group.netns = event->netns;
    group.process = event->process;
    group.events.push_back(event);
  }
  std::vector<Resets> found;
  for (auto& [key, group] : groups) {
    group.opened = opened_in(facts, group.netns);
    found.push_back(std::move(group));
  }
  sort_keeping_order(found, std::greater{}, [](const Resets& one) { return one.events.size(); });
  return found;
}

std::optional<SocketAddress> service_of(const Facts& facts, const Resets& resets) {
  const TcpEvent& first = *resets.events.front();
  const bool one_port = std::ranges::all_of(
      resets.events, [&](const TcpEvent* event) { return event->local.port == first.local.port; });
  if (!one_port) return std::nullopt;
  for (const Listener& listener : facts.listeners()) {
    const Socket& socket = *listener.socket;
    if (socket.netns == resets.netns && socket.local.port == first.local.port) {
      return socket.local;
    }
  }
  return std::nullopt;
}

void set_subject(const Facts& facts, const Resets& resets, Finding& finding) {
  const TcpEvent& one = *resets.events.front();
  set_process(facts, resets.netns, facts.process(one), finding);
  finding.subject.listener = service_of(facts, resets);
  finding.subject.remote = one.remote;
}

std::string who(const Facts& facts, const Resets& resets) {
  const auto service = service_of(facts, resets);
  return fmt::format("{}{}{}", name_of(facts.process(*resets.events.front())),
                     service ? fmt::format(" on port {}", service->port) : "",
                     in_namespace(facts, resets.netns));
}

}  // namespace tcpdx::faults
