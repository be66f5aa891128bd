#include "faults/closing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"

namespace tcpdx::faults {
namespace {

// A zero window that outlasts this many probes, each twice as late as the one before.
constexpr uint64_t kProbeBackoff = 3;

bool is_closing(tcp::State state) {
  using enum tcp::State;
  switch (state) {
    case fin_wait_1:
    case fin_wait_2:
    case closing:
    case last_ack:
    case time_wait: return true;
    case closed:
    case listen:
    case syn_sent:
    case syn_received:
    case established:
    case close_wait: return false;
  }
  return false;
}

// What was open or was opened and is open no longer closed, unless it was reset. Tcp.CurrEstab
// counts ESTABLISHED and CLOSE-WAIT (RFC 4022). A SYN that still waits has opened nothing yet.
uint64_t closes_by_balance(const Facts& facts, size_t netns) {
  const auto rise = [&](std::string_view name) {
    return static_cast<int64_t>(facts.rise(netns, name).value_or(0));
  };
  if (facts.before == nullptr || netns >= facts.seen.samples.front().counters.size()) return 0;
  const auto open_then = facts.seen.samples.front().counters[netns].get("Tcp.CurrEstab");
  const auto open_now = facts.counter(netns, "Tcp.CurrEstab");
  if (!open_then || !open_now) return 0;
  const auto waiting = std::ranges::count(facts.in(tcp::State::syn_sent), netns, &Socket::netns);
  const int64_t opened =
      rise("Tcp.PassiveOpens") + rise("Tcp.ActiveOpens") - rise("Tcp.AttemptFails") - waiting;
  const int64_t left = opened + static_cast<int64_t>(*open_then) - static_cast<int64_t>(*open_now);
  return static_cast<uint64_t>(std::max<int64_t>(0, left - rise("Tcp.EstabResets")));
}

}  // namespace

// TIME-WAIT entered is counted by the kernel. Closes by the peer first are not: the looks see some
// of them on their way, the counters all of them, but only by subtraction.
uint64_t closes_in_window(const Facts& facts, size_t netns) {
  uint64_t closes = facts.rise(netns, "TcpExt.TW").value_or(0);
  if (facts.before == nullptr || facts.seen.samples.empty()) return closes;
  std::set<uint64_t> open;
  for (const Socket& s : facts.now.sockets) {
    if (s.netns == netns && !is_closing(s.state)) open.insert(s.cookie);
  }
  for (const Socket& s : facts.before->sockets) {
    closes += s.netns == netns && s.state == tcp::State::close_wait && !open.contains(s.cookie);
  }
  return std::max(closes, closes_by_balance(facts, netns));
}

double Closing::share() const {
  const auto stuck = static_cast<double>(silent.size() + not_reading.size());
  return closes == 0 ? 0 : stuck / static_cast<double>(closes);
}

std::vector<Closing> stuck_in(const Facts& facts, tcp::State state) {
  std::map<uint16_t, Closing> found;
  for (const Socket* s : facts.in(state)) {
    if (s->timer.kind == TimerKind::retransmit && s->timer.retransmits >= kFinRepeats) {
      found[s->netns].silent.push_back(s);
    }
    const bool probing = s->timer.kind == TimerKind::persist;
    if (probing && facts.known(*s, "backoff").value_or(0) >= kProbeBackoff) {
      found[s->netns].not_reading.push_back(s);
    }
  }
  std::vector<Closing> list;
  for (auto& [netns, closing] : found) {
    closing.netns = netns;
    closing.closes =
        closes_in_window(facts, netns) + closing.silent.size() + closing.not_reading.size();
    list.push_back(std::move(closing));
  }
  return list;
}

Confidence closing_confidence(const Facts& facts, const Closing& closing) {
  if (closing.closes < kLeastCloses) return Confidence::suspected;
  return facts.is_short() ? Confidence::likely : Confidence::confirmed;
}

std::string peers_of(const Facts& facts, const Sockets& sockets) {
  std::set<IpAddress> hosts;
  for (const Socket* s : sockets) hosts.insert(s->remote.addr);
  const std::string who = hosts.size() == 1 ? to_string(*hosts.begin())
                                            : fmt::format("{} hosts", grouped(hosts.size()));
  return fmt::format("{} to {}{}", counted(sockets.size(), "connection"), who,
                     in_namespace(facts, *sockets.front()));
}

}  // namespace tcpdx::faults
