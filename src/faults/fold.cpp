#include "faults/fold.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "faults/closing.hpp"

namespace tcpdx::faults {
namespace {

using Same = bool (*)(const Facts&, const Finding& cause, const Finding& effect);

bool same_listener(const Facts&, const Finding& cause, const Finding& effect) {
  return cause.subject.netns == effect.subject.netns && cause.subject.listener &&
         cause.subject.listener == effect.subject.listener;
}

bool same_process(const Facts&, const Finding& cause, const Finding& effect) {
  return cause.subject.pid && cause.subject.pid == effect.subject.pid;
}

bool same_destination(const Facts&, const Finding& cause, const Finding& effect) {
  return cause.subject.netns == effect.subject.netns &&
         cause.subject.destination == effect.subject.destination;
}

bool same_namespace(const Facts&, const Finding& cause, const Finding& effect) {
  return cause.subject.netns == effect.subject.netns;
}

bool same_peer(const Facts&, const Finding& cause, const Finding& effect) {
  return cause.subject.netns == effect.subject.netns && cause.subject.remote &&
         effect.subject.remote && cause.subject.remote->addr == effect.subject.remote->addr;
}

// What is short for the whole machine is short for each of its sockets.
bool anywhere(const Facts&, const Finding&, const Finding&) { return true; }
// Those whose FIN is not acknowledged are at least half of all orphans of the machine.
bool most_are_stuck(const Facts& facts, const Finding&, const Finding& effect) {
  uint64_t stuck = 0;
  for (const Closing& closing : stuck_in(facts, tcp::State::fin_wait_1)) {
    stuck += closing.silent.size() + closing.not_reading.size();
  }
  const auto orphans =
      std::ranges::find(effect.evidence, std::string_view("orphans"), &Evidence::fact);
  const auto* all =
      orphans == effect.evidence.end() ? nullptr : std::get_if<uint64_t>(&orphans->value);
  return all != nullptr && stuck * 2 >= *all;
}

// The unanswered destination is the listener of the cause, on this machine.
bool calls_that_listener(const Facts& facts, const Finding& cause, const Finding& effect) {
  if (!effect.subject.destination || !effect.subject.netns || !cause.subject.listener) return false;
  return std::ranges::any_of(facts.listeners(), [&](const Listener& listener) {
    return listener.socket->local == *cause.subject.listener &&
           facts.seen.namespaces[listener.socket->netns].inode == cause.subject.netns &&
           facts.reaches(*effect.subject.netns, *effect.subject.destination, listener);
  });
}

// The connection's other end is here, held by the process that does not close.
bool peer_is_that_process(const Facts& facts, const Finding& cause, const Finding& effect) {
  for (const Socket* s : facts.in(tcp::State::fin_wait_2)) {
    if (effect.subject.local != s->local || effect.subject.remote != s->remote) continue;
    const Socket* peer = facts.other_end(*s);
    const Process* owner = peer != nullptr ? facts.owner(*peer) : nullptr;
    return owner != nullptr && cause.subject.pid == owner->pid;
  }
  return false;
}

// Clients are refused because the program that should serve them could not take its port.
bool calls_that_port(const Facts& facts, const Finding& cause, const Finding& effect) {
  const auto& wanted = cause.subject.listener;
  const auto& called = effect.subject.destination;
  if (!wanted || !called || wanted->port != called->port) return false;
  if (!wanted->addr.is_any() && wanted->addr.unmapped() != called->addr.unmapped()) return false;
  if (called->addr.is_loopback()) return cause.subject.netns == effect.subject.netns;
  return std::ranges::any_of(facts.now.sockets, [&](const Socket& s) {
    return facts.seen.namespaces[s.netns].inode == cause.subject.netns &&
           s.local.addr.unmapped() == called->addr.unmapped();
  });
}

// What that program calls, or, where the callers are not known, what its namespace calls.
bool called_by(const Facts&, const Finding& cause, const Finding& effect) {
  return effect.subject.pid ? cause.subject.pid == effect.subject.pid
                            : cause.subject.netns == effect.subject.netns;
}

// The scan that one namespace sees comes from a program of this machine.
bool scanned_by(const Facts& facts, const Finding& cause, const Finding& effect) {
  if (!effect.subject.remote) return false;
  return std::ranges::any_of(facts.events(EventKind::connect), [&](const TcpEvent* event) {
    const Process* caller = facts.process(*event);
    return caller != nullptr && caller->pid == cause.subject.pid &&
           event->local.addr.unmapped() == effect.subject.remote->addr;
  });
}

// A suspicion must not hide what is sure.
bool proven_there(const Facts& facts, const Finding& cause, const Finding& effect) {
  return cause.confidence == Confidence::confirmed && same_destination(facts, cause, effect);
}

bool calls_that_host(const Facts&, const Finding& cause, const Finding& effect) {
  const auto& called =
      effect.subject.destination ? effect.subject.destination : effect.subject.remote;
  return called && cause.subject.remote && cause.subject.netns == effect.subject.netns &&
         called->addr.unmapped() == cause.subject.remote->addr;
}

// A limit that merely looks like a library's choice is no proof that it was cut.
bool cut_that_listener(const Facts& facts, const Finding& cause, const Finding& effect) {
  return cause.confidence > Confidence::suspected && same_listener(facts, cause, effect);
}

struct Explains {
  std::string_view cause;
  std::string_view effect;
  Same same;
};

// A cause stands before what it may itself be a consequence of: close-wait-leak eats descriptors,
// whose lack blocks accept(), which fills the queue, at which clients wait.
constexpr std::array kExplains{
    Explains{"accept-queue-overflow", "connect-blackhole", calls_that_listener},
    Explains{"accept-stalled", "connect-blackhole", calls_that_listener},
    Explains{"accept-queue-overflow", "slow-handshake-syn-retransmit", calls_that_listener},
    Explains{"syn-flood", "connect-blackhole", calls_that_listener},
    Explains{"syn-flood", "slow-handshake-syn-retransmit", calls_that_listener},
    Explains{"synack-lost", "connect-blackhole", calls_that_listener},
    Explains{"synack-lost", "slow-handshake-syn-retransmit", calls_that_listener},
    Explains{"bind-conflict", "connection-refused", calls_that_port},
    Explains{"outbound-scan-or-worm", "port-scan-inbound", scanned_by},
    Explains{"outbound-scan-or-worm", "connection-refused", called_by},
    Explains{"outbound-scan-or-worm", "connect-blackhole", called_by},
    Explains{"outbound-scan-or-worm", "host-unreachable", called_by},
    Explains{"fd-exhaustion-blocks-accept", "reuseport-stuck-worker", same_listener},
    Explains{"reuseport-stuck-worker", "accept-queue-overflow", same_listener},
    Explains{"reuseport-stuck-worker", "accept-stalled", same_listener},
    Explains{"fd-exhaustion-blocks-accept", "accept-queue-overflow", same_listener},
    Explains{"fd-exhaustion-blocks-accept", "accept-stalled", same_listener},
    Explains{"backlog-clamped", "accept-queue-overflow", cut_that_listener},
    Explains{"close-wait-leak", "fd-exhaustion-blocks-accept", same_process},
    Explains{"close-wait-leak", "fin-wait2-stuck", peer_is_that_process},
    Explains{"half-open-idle", "keepalive-absent", same_listener},
    Explains{"neighbour-table-overflow", "host-unreachable", anywhere},
    Explains{"neighbour-table-overflow", "connect-blackhole", anywhere},
    Explains{"asymmetric-route-rpfilter", "connect-blackhole", proven_there},
    Explains{"duplicate-ip-arp-conflict", "connection-refused", calls_that_host},
    Explains{"duplicate-ip-arp-conflict", "connect-blackhole", calls_that_host},
    Explains{"duplicate-ip-arp-conflict", "reset-peer-lost-state", calls_that_host},
    Explains{"mtu-black-hole", "half-open-busy", same_peer},
    Explains{"half-open-busy", "half-open-idle", same_peer},
    Explains{"tcp-memory-pressure", "receive-buffer-prune", anywhere},
    Explains{"zero-window-stuck-reader", "receive-buffer-prune", same_process},
    Explains{"conntrack-table-full", "connect-blackhole", same_namespace},
    Explains{"conntrack-table-full", "slow-handshake-syn-retransmit", same_namespace},
    Explains{"host-receive-drop", "packet-loss-retransmission", anywhere},
    Explains{"host-receive-drop", "slow-handshake-syn-retransmit", anywhere},
    Explains{"half-open-busy", "closing-stuck", same_peer},
    Explains{"fin-wait1-stuck", "orphan-limit", most_are_stuck},
    Explains{"ephemeral-port-exhaustion", "time-wait-pileup", same_destination},
    Explains{"time-wait-bucket-overflow", "time-wait-pileup", same_namespace},
};

// In a capture the places that findings name must do.
bool same_place(const Finding& cause, const Finding& effect) {
  return cause.subject.listener == effect.subject.listener &&
         cause.subject.local == effect.subject.local;
}

bool calls_that_service(const Finding& cause, const Finding& effect) {
  return cause.subject.listener && cause.subject.listener == effect.subject.destination;
}

struct ExplainsInCapture {
  std::string_view cause;
  std::string_view effect;
  bool (*same)(const Finding& cause, const Finding& effect);
};

constexpr std::array kExplainsInCapture{
    ExplainsInCapture{"syn-flood", "connect-blackhole", calls_that_service},
    ExplainsInCapture{"syn-flood", "slow-handshake-syn-retransmit", calls_that_service},
    ExplainsInCapture{"close-wait-leak", "fin-wait2-stuck", same_place},
};

// `explains` says whether the first of two findings is the cause of the second, by that row.
template <class Row, class Explains>
void fold(std::vector<Finding>& findings, const Row& row, Explains explains) {
  for (size_t i = 0; i < findings.size();) {
    const auto cause = std::ranges::find_if(findings, [&](const Finding& one) {
      return findings[i].fault == row.effect && one.fault == row.cause &&
             explains(one, findings[i]);
    });
    if (cause == findings.end()) {
      ++i;
      continue;
    }
    cause->severity = std::max(cause->severity, findings[i].severity);
    cause->explains.push_back(std::move(findings[i]));
    findings.erase(findings.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace

std::vector<Finding> folded(const Facts& facts, std::vector<Finding> findings) {
  for (const Explains& row : kExplains) {
    fold(findings, row, [&](const Finding& cause, const Finding& effect) {
      return row.same(facts, cause, effect);
    });
  }
  return findings;
}

std::vector<Finding> folded(std::vector<Finding> findings) {
  for (const ExplainsInCapture& row : kExplainsInCapture) fold(findings, row, row.same);
  return findings;
}

}  // namespace tcpdx::faults
