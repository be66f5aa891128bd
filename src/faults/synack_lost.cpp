// synack-lost: clients call, this machine answers, and the answer does not arrive.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/capture_facts.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr size_t kLeastHalfOpen = 3;  // of clients that call again although they were answered
constexpr uint64_t kLeastHandshakes = 20;
constexpr double kShare = 0.05;  // of them; a client that vanishes is one in hundreds
constexpr uint64_t kLeastRepeated = 3;
constexpr unsigned kRepeats = 2;  // SYN-ACKs; one alone is lost now and then
constexpr size_t kManyNetworks = 4;

constexpr std::array kStates{syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"syn-flood", "there the sources never send their SYN again"},
    LookAlike{"connect-blackhole", "there the server sees no SYN at all"},
    LookAlike{"accept-queue-overflow",
              "there the last ACK arrives and is dropped, and Recv-Q is above its limit"},
    LookAlike{"a lost last ACK", "there the client believes that it is connected, and is silent"},
    LookAlike{"clients that vanish", "there SYN-ACKs are repeated, but no SYN comes again"},
};
constexpr auto kCounters = std::to_array<std::string_view>({"TcpExt.IPReversePathFilter"});
constexpr FaultInfo kInfo{
    .id = "synack-lost",
    .title = "Clients call again although they were answered: the SYN-ACK is lost",
    .states = kStates,
    .signature =
        "SYN-RECEIVED of a few real sources whose SYN comes again and again: each repeat draws "
        "another SYN-ACK, so that more go out than the timer alone would send (1, 3, 7 s after "
        "the first). At the client SYN-SENT, as if nobody had answered.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per listener and network (/24, /64) at least three such connections and none that "
        "completed, or, of 20 handshakes or more, three and more than 5 % that needed a second "
        "SYN-ACK or wait for it. By network, because a lost way back is lost for all of a "
        "network. Connections whose client is silent do not count.",
    .severity = "warning",
    .remedy =
        "Repair the way back to that network: a route, a firewall that saw only one direction, "
        "reverse path filtering at the client.",
    .avoid = "A higher tcp_synack_retries: the answer is sent, it does not arrive.",
    .silent_on = "mobile clients that vanish, a SYN-ACK that is repeated once",
    .counters = kCounters,
};

// The handshakes of one listener with one network.
struct Handshakes {
  const Listener* listener = nullptr;
  IpAddress network;
  std::set<IpAddress> sources;
  Sockets calling_again;           // half open, and the client repeats its SYN
  uint64_t completed = 0;          // within the window
  uint64_t repeated = 0;           // of those, their SYN-ACK had gone out twice or more
  unsigned most = 0;               // SYN-ACKs repeated on one connection
  const Socket* client = nullptr;  // the other end of one, when it is on this machine

  uint64_t all() const { return completed + calling_again.size(); }
  uint64_t troubled() const { return repeated + calling_again.size(); }
};

// How often the timer alone repeats a SYN-ACK in that time, at most: 1, 3, 7 s after the first
// (net/ipv4/inet_connection_sock.c, reqsk_timer_handler).
unsigned timer_repeats(Duration window) {
  const auto seconds = static_cast<uint64_t>(std::chrono::floor<std::chrono::seconds>(window) / 1s);
  return static_cast<unsigned>(std::bit_width(seconds + 1) - 1);
}

bool client_repeats(const Facts& facts, const Socket& s) {
  if (s.timer.retransmits < kRepeats) return false;
  if (const Socket* client = facts.other_end(s)) {
    return client->state == syn_sent && client->timer.retransmits > 0;
  }
  if (facts.before == nullptr) return false;
  const Socket* was = facts.earlier(s);
  const unsigned before = was != nullptr ? was->timer.retransmits : 0U;
  return s.timer.retransmits > before + timer_repeats(facts.seen.window) + 1;
}

using Key = std::pair<const Listener*, IpAddress>;

IpAddress network_of(const Socket& s) {
  const IpAddress source = s.remote.addr.unmapped();
  return source.prefix(network_bits(source.family));
}

void add_half_open(const Facts& facts, const Listener& listener, std::map<Key, Handshakes>& all) {
  for (const Socket* s : listener.half_open) {
    if (!client_repeats(facts, *s)) continue;
    Handshakes& one = all[{&listener, network_of(*s)}];
    one.listener = &listener;
    one.network = network_of(*s);
    one.sources.insert(s->remote.addr.unmapped());
    one.calling_again.push_back(s);
    one.most = std::max<unsigned>(one.most, s->timer.retransmits);
    if (one.client == nullptr) one.client = facts.other_end(*s);
  }
}

// The connections that the window saw complete. A child has the SYN-ACK's repeats in total_retrans
// (net/ipv4/tcp_minisocks.c, tcp_create_openreq_child).
void add_completed(const Facts& facts, std::map<Key, Handshakes>& all) {
  std::map<std::pair<uint16_t, uint16_t>, std::vector<Handshakes*>> by_port;
  for (auto& [key, one] : all) {
    const Socket& s = *key.first->socket;
    by_port[{s.netns, s.local.port}].push_back(&one);
  }
  for (const Socket& s : facts.now.sockets) {
    const auto at = by_port.find({s.netns, s.local.port});
    if (at == by_port.end() || s.state == listen || s.state == syn_received) continue;
    const Socket* was = facts.earlier(s);
    if (was != nullptr && was->state != syn_received) continue;
    for (Handshakes* one : at->second) {
      if (one->network != network_of(s)) continue;
      ++one->completed;
      one->repeated += facts.known(s, "total_retrans").value_or(0) > 0 &&
                       facts.known(s, "bytes_retrans").value_or(1) == 0;
    }
  }
}

bool is_fault(const Handshakes& one) {
  if (one.completed == 0) return one.calling_again.size() >= kLeastHalfOpen;
  return one.all() >= kLeastHandshakes && one.troubled() >= kLeastRepeated &&
         ratio(one.troubled(), one.all()) > kShare;
}

std::string place_name(const Handshakes& one) {
  if (one.sources.size() == 1) return to_string(*one.sources.begin());
  return fmt::format("{} addresses of {}/{}", grouped(one.sources.size()), to_string(one.network),
                     network_bits(one.network.family));
}

// What this machine itself knows of the reason; only where the client is here as well.
std::string cause_of(const Facts& facts, const Handshakes& one) {
  std::string plain =
      "the SYN arrives, the SYN-ACK leaves, and the client calls again: the way back loses it";
  if (one.client == nullptr) return plain;
  if (facts.rise(one.client->netns, "TcpExt.IPReversePathFilter").value_or(0) > 0) {
    return fmt::format("the client's namespace drops it by reverse path filtering{}",
                       in_namespace(facts, *one.client));
  }
  return fmt::format("{}; the client is on this machine{}: look for a filter there", plain,
                     in_namespace(facts, *one.client));
}

void add_advice(const Facts& facts, const Handshakes& one, Finding& f) {
  const Socket& s = *one.listener->socket;
  const std::string source = to_string(*one.sources.begin());
  const std::string inside = run_inside(facts, s);
  f.confirm.push_back(
      fmt::format("{0}ip route get {1}; {0}tcpdump -ni any -c 20 'host {1} and tcp "
                  "port {2}'   (SYN, SYN-ACK, the same SYN again)",
                  inside, source, s.local.port));
  f.remedy.push_back(fmt::format(
      "repair the way back to {}: the route, a firewall that sees only one direction, rp_filter at "
      "the client",
      source));
  f.avoid.push_back("a higher tcp_synack_retries: the answer is sent, it does not arrive");
}

Finding report(const Facts& facts, const Handshakes& one) {
  const Socket& s = *one.listener->socket;
  // A SYN that comes again after it was answered is the decisive sign, but a filter at the client
  // and a forger who repeats himself look the same from here.
  Finding f = make_finding(kInfo, Severity::warning,
                           one.client != nullptr ? Confidence::confirmed : Confidence::likely);
  set_owner(facts, s, f);
  f.subject.listener = s.local;
  f.headline = fmt::format(
      "{} of {} handshakes of {} with {} on {}{} do not get through: the SYN-ACK is lost",
      grouped(one.troubled()), grouped(one.all()), place_name(one), owner_name(facts, s),
      to_string(s.local), in_namespace(facts, s));
  f.cause = cause_of(facts, one);
  add_fact(f, "half open, and the client calls again", uint64_t{one.calling_again.size()},
           "sock_diag");
  add_fact(f, "completed in the window", one.completed, "sock_diag");
  if (one.repeated > 0) {
    add_fact(f, "of them after a repeated SYN-ACK", one.repeated, "tcp_info");
  }
  add_fact(f, "SYN-ACK repeats on one connection", uint64_t{one.most}, "sock_diag");
  add_advice(facts, one, f);
  f.see.push_back(fmt::format("tcpdx sockets 'state syn-received and src port {}'", s.local.port));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::map<Key, Handshakes> all;
  for (const Listener& listener : facts.listeners()) {
    if (!is_full(listener)) add_half_open(facts, listener, all);
  }
  std::vector<Finding> findings;
  if (all.empty()) return findings;
  add_completed(facts, all);
  for (const auto& [key, one] : all) {
    if (is_fault(one)) findings.push_back(report(facts, one));
  }
  if (findings.size() >= kManyNetworks) {
    // So many networks have one thing in common: this machine's way out.
    findings.front().headline +=
        fmt::format("; {} more networks or ports have the same", grouped(findings.size() - 1));
    findings.resize(1);
  }
  return findings;
}

}  // namespace

const Fault synack_lost{&kInfo, find};

}  // namespace tcpdx::faults
