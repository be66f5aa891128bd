// mtu-black-hole: small segments pass, big ones vanish.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "faults/age.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/gone_peer.hpp"
#include "faults/probed.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kFlows = 2;  // one alone may be anything
constexpr uint8_t kBackoff = 3;
constexpr uint32_t kSmall = 536;        // octets of text that pass everywhere (RFC 9293 3.7.1)
constexpr Duration kHeardWithin = 30s;  // of the host, on another connection

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"half-open-busy", "there small segments are not acknowledged either"},
    LookAlike{"packet-loss-retransmission", "there segments of every size are lost, but not all"},
    LookAlike{"path MTU discovery at work",
              "there an ICMP error comes and smaller segments follow"},
};
constexpr FaultInfo kInfo{
    .id = "mtu-black-hole",
    .title = "Small segments pass, big ones vanish",
    .states = kStates,
    .signature =
        "The handshake and small messages are acknowledged, then the first big segment is repeated "
        "without end, and no smaller one is tried: a link on the way has a smaller MTU, and the "
        "ICMP error that says so does not arrive. TLS handshakes and big replies hang.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least two connections to one network (/24, /64) on which a segment bigger than any "
        "that was ever acknowledged, and than 536 octets, was repeated three times in vain, while "
        "the host was heard from afterwards. A single connection is only a suspicion. Live: at "
        "least a full segment waits, its timer has doubled three times, and the host was heard "
        "from meanwhile, on that connection or within 30 s on another. Asked (doctor --probe), "
        "small packets that may not be cut come back, larger ones vanish and nobody says why: "
        "then one connection is enough, and where packets as large as its segments come back, or "
        "an ICMP error tells the MTU, there is no black hole.",
    .severity = "critical for the path; notice for a single connection that was not asked about",
    .remedy =
        "Let ICMP type 3 code 4 (IPv6: type 2) pass; clamp the MSS where the tunnel begins; set "
        "the right MTU. net.ipv4.tcp_mtu_probing=1 helps as a safety net.",
    .avoid = "Clearing the don't-fragment bit everywhere.",
    .silent_on = "path MTU discovery that succeeds, a host that is gone",
    .gains_from_probing = true,
};

// The receiver's network, and the connections towards it.
using Networks = std::map<IpAddress, std::vector<Kept>>;

// The big text of one of those connections.
Unanswered text_of(const Kept& one) {
  return one->side(other(one.by)).unanswered.value_or(Unanswered{});
}

bool receiver_lives(const CaptureFacts& facts, const Kept& one) {
  const Duration sent = text_of(one).first_at;
  return one->side(one.by).last_at > sent ||
         facts.heard_after(one->end(one.by).addr, one->start + sent);
}

Networks networks_of(const CaptureFacts& facts) {
  Networks networks;
  for (const Kept& one : facts.with(Sign::too_big)) {
    if (!receiver_lives(facts, one)) continue;
    const IpAddress to = one->end(one.by).addr.unmapped();
    networks[to.prefix(network_bits(to.family))].push_back(one);
  }
  return networks;
}

void add_sizes(const std::vector<Kept>& flows, Finding& f) {
  uint32_t passed = 0;
  uint32_t vanished = UINT32_MAX;
  std::optional<uint32_t> mtu;
  for (const Kept& one : flows) {
    passed = std::max(passed, one->side(other(one.by)).largest_acked);
    vanished = std::min(vanished, text_of(one).length);
    for (const IcmpNote& note : one->icmp) {
      if (note.mtu) mtu = note.mtu;
    }
  }
  if (passed > 0) {
    add_fact(f, "biggest text that was acknowledged", fmt::format("{} octets", grouped(passed)),
             std::string(kCapture));
  }
  add_fact(f, "smallest that vanished", fmt::format("{} octets", grouped(vanished)),
           std::string(kCapture));
  if (mtu) add_fact(f, "MTU named by an ICMP error, in vain", uint64_t{*mtu}, "ICMP");
}

Finding report(const CaptureFacts& facts, const std::vector<Kept>& flows) {
  const bool several = flows.size() >= kFlows;
  const Kept& one = flows.front();
  Finding f = make_finding(kInfo, several ? Severity::critical : Severity::notice,
                           several ? Confidence::confirmed : Confidence::suspected);
  const SocketAddress& receiver = one->end(one.by);
  f.subject.local = one->end(other(one.by));
  f.subject.remote = receiver;
  f.headline =
      fmt::format("{} towards {} hang: small segments pass, big ones vanish",
                  counted(flows.size(), "connection"), network_name(receiver.addr.unmapped()));
  f.cause =
      "a link on the way takes only smaller packets, and the ICMP error that says so does not "
      "reach the sender";
  add_fact(f, "connections", uint64_t{flows.size()}, std::string(kCapture));
  add_sizes(flows, f);
  f.confirm.push_back(fmt::format("from {}: ping -M do -s 1472 {}; tracepath -n {}",
                                  to_string(one->end(other(one.by)).addr), to_string(receiver.addr),
                                  to_string(receiver.addr)));
  f.remedy.push_back(
      "let ICMP 'fragmentation needed' (IPv6: 'packet too big') pass, or clamp the MSS where the "
      "tunnel begins; net.ipv4.tcp_mtu_probing=1 as a safety net");
  f.avoid.push_back("clearing the don't-fragment bit everywhere");
  add_example(facts, one->id, f);
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const auto& [network, flows] : networks_of(facts)) {
    findings.push_back(report(facts, flows));
  }
  return findings;
}

bool awaits_a_full_segment(const Facts& facts, const Socket& s) {
  const TcpInfo* info = facts.info(s);
  if (info == nullptr || s.timer.kind != TimerKind::retransmit || info->backoff < kBackoff) {
    return false;
  }
  if (info->snd_mss <= kSmall || s.send_q < info->snd_mss) return false;
  const Socket* was = facts.earlier(s);
  const TcpInfo* then = was != nullptr ? facts.info(*was) : nullptr;
  return then == nullptr || then->bytes_acked == info->bytes_acked;
}

// Something came on that very connection after its segment had vanished for the first time: the
// timer has run for 1 + 2 + 4 ... times its first length since. Text that acknowledges nothing new
// does not refresh tcpi_last_ack_recv (tcp_rcv_established).
bool heard_since(const Facts& facts, const Socket& s) {
  const TcpInfo& info = *facts.info(s);
  const auto doublings = std::min<uint8_t>(info.backoff, 15);
  const Duration repeated_for = base_rto(info) * ((int64_t{1} << doublings) - 1);
  const uint32_t heard_ms = std::min(info.last_ack_recv_ms, info.last_data_recv_ms);
  return std::chrono::milliseconds(heard_ms) < repeated_for;
}

// With IP and TCP headers, and timestamps where both ends send them.
uint32_t packet_size(const TcpInfo& info, Family family) {
  constexpr uint8_t kTimestamps = 1;  // TCPI_OPT_TIMESTAMPS
  const uint32_t headers = family == Family::v4 ? 40 : 60;
  return info.snd_mss + headers + ((info.options & kTimestamps) != 0 ? 12 : 0);
}

enum class Asked : uint8_t { nothing, vanish, pass };

// What the network says of packets as large as this connection's.
Asked asked_about(const Facts& facts, const Socket& s) {
  const ProbedHost* host = probed(facts, s);
  if (host == nullptr || !host->sizes.largest) return Asked::nothing;
  const uint32_t size = packet_size(*facts.info(s), s.remote.addr.unmapped().family);
  const bool too_large = size > *host->sizes.largest;
  return host->sizes.large_vanish && too_large ? Asked::vanish : Asked::pass;
}

// Connections of one namespace to one network that hang on a full segment.
struct Hanging {
  Sockets flows;
  size_t heard = 0;                  // of them: something came meanwhile
  size_t alive = 0;                  // others to the same hosts that get answers
  bool small_hang = false;           // others to the same hosts wait for less than a full segment
  const Socket* vanished = nullptr;  // packets of its size vanish, as the network was asked
};

// In vain, and not because of its size.
bool repeats_little(const Facts& facts, const Socket& s) {
  const TcpInfo* info = facts.info(s);
  return info != nullptr && s.timer.kind == TimerKind::retransmit && info->backoff >= kBackoff &&
         s.send_q < info->snd_mss;
}

bool small_hang_beside(const Facts& facts, const Sockets& flows) {
  const std::set<IpAddress> hosts = hosts_of(flows);
  for (const Socket* s : facts.in(tcp::State::established)) {
    const bool beside = s->netns == flows.front()->netns && hosts.contains(s->remote.addr);
    if (beside && repeats_little(facts, *s)) return true;
  }
  return false;
}

std::map<std::pair<uint16_t, IpAddress>, Hanging> hanging_by_network(const Facts& facts) {
  std::map<std::pair<uint16_t, IpAddress>, Hanging> networks;
  for (const auto state : {tcp::State::established, tcp::State::close_wait}) {
    for (const Socket* s : facts.in(state)) {
      if (!awaits_a_full_segment(facts, *s)) continue;
      const Asked asked = asked_about(facts, *s);
      if (asked == Asked::pass) continue;
      const IpAddress to = s->remote.addr.unmapped();
      Hanging& one = networks[{s->netns, to.prefix(network_bits(to.family))}];
      one.flows.push_back(s);
      if (heard_since(facts, *s)) ++one.heard;
      if (asked == Asked::vanish) one.vanished = s;
    }
  }
  for (auto& [network, one] : networks) {
    one.alive = alive_to(facts, one.flows, kHeardWithin);
    one.small_hang = small_hang_beside(facts, one.flows);
  }
  return networks;
}

void add_asked(const Facts& facts, const Socket& s, Finding& f) {
  const ProbedHost& host = *probed(facts, s);
  const std::string source = fmt::format("asked {}", to_string(host.address));
  add_fact(f, "largest packet that comes back", uint64_t{host.sizes.largest.value_or(0)}, source);
  add_fact(f, "packets of the connection",
           uint64_t{packet_size(*facts.info(s), host.address.family)}, "tcpi_snd_mss and headers");
}

Finding report(const Facts& facts, const Hanging& one) {
  const bool proven = one.vanished != nullptr;
  const bool several = one.flows.size() >= kFlows;
  const Socket& s = proven ? *one.vanished : *one.flows.front();
  Confidence confidence = several ? Confidence::likely : Confidence::suspected;
  if (proven) confidence = Confidence::confirmed;
  Finding f =
      make_finding(kInfo, proven || several ? Severity::critical : Severity::notice, confidence);
  set_owner(facts, s, f);
  f.subject.remote = s.remote;
  f.headline = fmt::format("{} of {} towards {}{} {}: small segments pass, big ones vanish",
                           counted(one.flows.size(), "connection"), owner_name(facts, s),
                           network_name(s.remote.addr.unmapped()), in_namespace(facts, s),
                           one.flows.size() == 1 ? "hangs" : "hang");
  f.cause =
      "a link on the way takes only smaller packets, and the ICMP error that says so does not "
      "reach this host";
  add_fact(f, "connections that repeat a full segment", uint64_t{one.flows.size()}, "sock_diag");
  add_judged(f, "timer doubled", uint64_t{facts.info(s)->backoff}, uint64_t{kBackoff},
             "tcpi_backoff");
  add_fact(f, "size of the segment", uint64_t{facts.info(s)->snd_mss}, "tcpi_snd_mss");
  add_fact(f, "connections on which the host was heard meanwhile", uint64_t{one.heard + one.alive},
           "tcpi_last_data_recv, tcpi_last_ack_recv");
  if (proven) add_asked(facts, s, f);
  const std::string host = to_string(s.remote.addr.unmapped());
  f.confirm.push_back(
      fmt::format("{0}ping -M do -s 1472 {1}; {0}tracepath -n {1}", run_inside(facts, s), host));
  f.remedy.push_back(
      "let ICMP 'fragmentation needed' (IPv6: 'packet too big') pass, or clamp the MSS where the "
      "tunnel begins; net.ipv4.tcp_mtu_probing=1 as a safety net");
  f.avoid.push_back("clearing the don't-fragment bit everywhere");
  f.see.push_back(fmt::format("tcpdx path {} --mtu", host));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const auto& [network, one] : hanging_by_network(facts)) {
    const bool lives = one.heard > 0 || (one.alive > 0 && !one.small_hang);
    if (one.vanished == nullptr && !lives) continue;  // half-open-busy
    findings.push_back(report(facts, one));
  }
  return findings;
}

}  // namespace

const Fault mtu_black_hole{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
