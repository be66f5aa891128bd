// bufferbloat-rtt-inflation: a queue on the path that is far too long.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/probed.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kTimesLeast = 5;
constexpr uint64_t kAboveLeastUs = 100'000;
constexpr size_t kFlows = 3;
constexpr Duration kLong = 30s;  // then a single connection is enough
constexpr Duration kFresh = 1s;  // the kernel's round-trip time is that of the last ACK

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"a long path", "there the least round trip is long as well"},
    LookAlike{"path-instability", "there the least round trip changes, or the hops do"},
    LookAlike{"a receiver that acknowledges late", "there an echo is answered quickly (--probe)"},
    LookAlike{"a machine without a free processor",
              "there connections over the loopback interface are as slow"},
};
constexpr FaultInfo kInfo{
    .id = "bufferbloat-rtt-inflation",
    .title = "A queue on the path makes every packet late",
    .states = kStates,
    .signature =
        "While connections send, their round-trip time is a multiple of the least that the same "
        "connections have seen, with little loss: packets wait in a queue that is longer than the "
        "path. Whatever else crosses that link, telephony, terminals, name look-ups, waits too.",
    .look_alikes = kLookAlikes,
    .trigger =
        "tcpi_rtt at least 5 times tcpi_min_rtt and 100 ms above it, at both looks, on at least 3 "
        "connections of a namespace that send, or on any over 30 s. Asked (doctor --probe), an "
        "echo that is late as well confirms it; one that is quick says that no queue of the path "
        "is to blame, and then nothing is found.",
    .severity = "notice: throughput does not suffer, whatever waits for an answer does",
    .remedy =
        "fq_codel or cake at the slow link, its rate set a little below the link's own; BBR at the "
        "sender; a limit on the transfers.",
    .avoid = "Longer buffers: they are the fault.",
    .silent_on = "a round trip that doubles under load, long paths",
    .gains_from_probing = true,
};

std::optional<uint64_t> waiting_us(const TcpInfo* info) {
  if (info == nullptr) return std::nullopt;
  const auto least = known_value(*info, "min_rtt_us");
  if (!least || *least == 0 || info->rtt_us < *least) return std::nullopt;
  const uint64_t above = info->rtt_us - *least;
  const bool inflated = info->rtt_us >= kTimesLeast * *least && above >= kAboveLeastUs;
  return inflated ? std::optional(above) : std::nullopt;
}

bool sends_now(const TcpInfo& info) {
  return std::chrono::milliseconds(info.last_ack_recv_ms) <= kFresh &&
         std::chrono::milliseconds(info.last_data_sent_ms) <= kFresh;
}

bool is_inflated(const Facts& facts, const Socket& s) {
  if (s.remote.addr.is_loopback()) return false;
  const TcpInfo* info = facts.info(s);
  if (!waiting_us(info) || !sends_now(*info)) return false;
  if (facts.before == nullptr) return true;
  const Socket* was = facts.earlier(s);
  return was != nullptr && waiting_us(facts.info(*was)).has_value();
}

// Then the processor is late, not the network.
bool loopback_is_slow(const Facts& facts, size_t netns) {
  return std::ranges::any_of(facts.in(tcp::State::established), [&](const Socket* s) {
    const TcpInfo* info = facts.info(*s);
    return s->netns == netns && s->remote.addr.is_loopback() && waiting_us(info) &&
           sends_now(*info);
  });
}

// What echoes say of the first of those hosts that answers them.
struct Echo {
  const ProbedHost* host = nullptr;
  Duration median{};
  bool late = false;
};

std::optional<Echo> echo_of(const Facts& facts, const Sockets& flows) {
  for (const Socket* s : flows) {
    const ProbedHost* host = probed(facts, *s);
    const auto median = host != nullptr ? median_echo(*host) : std::nullopt;
    if (!median) continue;
    const TcpInfo& info = *facts.info(*s);
    const Duration least(info.min_rtt_us);
    // Half of what the connections wait: the queue is not always as full.
    const Duration half(waiting_us(&info).value_or(0) / 2);
    return Echo{.host = host, .median = *median, .late = *median >= least + half};
  }
  return std::nullopt;
}

std::string places(const Sockets& flows) {
  const auto networks = group_by(flows, [](const Socket& s) {
    const IpAddress to = s.remote.addr.unmapped();
    return to.prefix(network_bits(to.family));
  });
  if (networks.size() > 1) return fmt::format("{} networks", networks.size());
  return network_name(flows.front()->remote.addr.unmapped());
}

const Socket& worst_of(const Facts& facts, const Sockets& flows) {
  return **std::ranges::max_element(
      flows, {}, [&](const Socket* s) { return waiting_us(facts.info(*s)).value_or(0); });
}

Finding report(const Facts& facts, const Sockets& flows, const std::optional<Echo>& echo) {
  const Socket& worst = worst_of(facts, flows);
  const TcpInfo& info = *facts.info(worst);
  Confidence confidence = facts.before == nullptr ? Confidence::suspected : Confidence::likely;
  if (echo) confidence = Confidence::confirmed;
  Finding f = make_finding(kInfo, Severity::notice, confidence);
  set_owner(facts, worst, f);
  f.subject.remote = worst.remote;
  f.headline =
      fmt::format("{} to {}{} {} up to {} for {}", counted(flows.size(), "connection"),
                  places(flows), in_namespace(facts, worst), flows.size() == 1 ? "waits" : "wait",
                  human(Duration(info.rtt_us)), "each answer");
  f.cause =
      fmt::format("a queue on the way is too long: the same path takes {} when it is not full",
                  human(Duration(info.min_rtt_us)));
  add_judged(f, "round trip", human(Duration(info.rtt_us)),
             fmt::format("{} times the least", kTimesLeast), "tcpi_rtt");
  add_fact(f, "least round trip", human(Duration(info.min_rtt_us)), "tcpi_min_rtt");
  add_fact(f, "connections", uint64_t{flows.size()}, "sock_diag");
  if (echo) {
    add_fact(f, "an echo takes", human(echo->median),
             fmt::format("asked {}", to_string(echo->host->address)));
  }
  const std::string host = to_string(worst.remote.addr.unmapped());
  f.confirm.push_back(fmt::format("{}ping -c 10 {}   (while it is loaded, and when it is idle)",
                                  run_inside(facts, worst), host));
  f.remedy.push_back(
      "fq_codel or cake at the slow link, with a rate a little below the link's own; BBR at the "
      "sender, or a limit on the transfers");
  f.avoid.push_back("longer buffers: they are the fault");
  f.see.push_back(fmt::format("tcpdx sockets 'dst host {}' --sort -rtt_us", host));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::map<uint16_t, Sockets> by_namespace;
  for (const Socket* s : facts.in(tcp::State::established)) {
    if (is_inflated(facts, *s)) by_namespace[s->netns].push_back(s);
  }
  std::vector<Finding> findings;
  for (const auto& [netns, flows] : by_namespace) {
    const bool enough = flows.size() >= kFlows || facts.seen.window >= kLong;
    if (!enough || loopback_is_slow(facts, netns)) continue;
    const auto echo = echo_of(facts, flows);
    if (echo && !echo->late) continue;
    findings.push_back(report(facts, flows, echo));
  }
  return findings;
}

}  // namespace

const Fault bufferbloat_rtt_inflation{&kInfo, find};

}  // namespace tcpdx::faults
