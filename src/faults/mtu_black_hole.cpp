// mtu-black-hole: small segments pass, big ones vanish.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kFlows = 2;  // one alone may be anything

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
        "the host was heard from afterwards. A single connection is only a suspicion.",
    .severity = "critical for the path; notice for a single connection",
    .remedy =
        "Let ICMP type 3 code 4 (IPv6: type 2) pass; clamp the MSS where the tunnel begins; set "
        "the right MTU. net.ipv4.tcp_mtu_probing=1 helps as a safety net.",
    .avoid = "Clearing the don't-fragment bit everywhere.",
    .silent_on = "path MTU discovery that succeeds, a host that is gone",
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

}  // namespace

const Fault mtu_black_hole{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
