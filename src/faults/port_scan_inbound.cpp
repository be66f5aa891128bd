// port-scan-inbound: one source knocks at many doors.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/doors.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kDoors = 15;
constexpr Duration kWithin = 60s;
constexpr double kFailed = 0.8;

constexpr std::array kStates{tcp::State::syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"one client with a wrong port", "the same port again and again"},
    LookAlike{"health checks", "few ports, in a steady rhythm, and they connect"},
    LookAlike{"a service that restarts", "resets for its own port only"},
    LookAlike{"syn-flood", "there many sources knock at one port"},
    LookAlike{"a server that sends to closed connections",
              "the ports are those of calls from here"},
};
constexpr FaultInfo kInfo{
    .id = "port-scan-inbound",
    .title = "One source tries many ports",
    .states = kStates,
    .signature =
        "SYNs from one address to many ports or hosts, nearly all refused, not answered, or "
        "dropped by the caller itself as soon as an answer came.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per source at least 15 different ports or hosts that failed within 60 s, and at least "
        "80 % of its attempts failed. Failures rather than volume: honest clients mostly succeed. "
        "On the machine it takes the kernel's events, which name the resets of closed ports; ports "
        "of ip_local_port_range do not count, as late answers to calls from here meet them.",
    .severity = "info for a source on the Internet; notice from a private network",
    .remedy =
        "Let a firewall hide what need not be reached. From inside: find the machine and who runs "
        "it.",
    .avoid = "Blocking sources automatically: they may be forged.",
    .silent_on = "background noise of a few ports per source, clients that mostly succeed",
};

// RFC 1918, RFC 4193, RFC 3927 and RFC 4291 2.5.6: not from the Internet.
bool is_private(const IpAddress& a) {
  const auto& b = a.bytes;
  if (a.family == Family::v6) {
    return (b[0] & 0xFEU) == 0xFC || (b[0] == 0xFE && (b[1] & 0xC0U) == 0x80) || a.is_loopback();
  }
  return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xF0U) == 16) ||
         (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254);
}

// What both kinds of evidence say.
Finding report(const IpAddress& address, const Shape& shape, size_t doors, std::string source) {
  Finding f = make_finding(kInfo, is_private(address) ? Severity::notice : Severity::info,
                           Confidence::confirmed);
  f.subject.remote = SocketAddress{.addr = address, .port = 0};
  f.headline = fmt::format("{} tried {} on {} in vain", to_string(address),
                           counted(shape.ports, "port"), counted(shape.hosts, "host"));
  f.cause = "it knocks where nothing is offered, as no client of a service does";
  add_judged(f, "different ports and hosts within 60 s", uint64_t{doors}, uint64_t{kDoors},
             std::move(source));
  f.confirm.push_back(
      fmt::format("is {} an inventory or monitoring system of your own?", to_string(address)));
  f.remedy.push_back("let a firewall hide what need not be reached; from inside: find the machine");
  f.avoid.push_back("blocking sources automatically: they may be forged");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const auto& [address, source] : facts.sources()) {
    if (source.failures.size() < kDoors) continue;
    if (ratio(source.failed, source.attempts) < kFailed) continue;
    const size_t doors = doors_within(source.failures, kWithin);
    if (doors < kDoors) continue;
    Finding f = report(address, shape_of(source.failures), doors, std::string(kCapture));
    if (source.answered == 0) f.confidence = Confidence::likely;
    add_fact(f, "failed", source.failed, source.attempts, std::string(kCapture));
    findings.push_back(std::move(f));
  }
  return findings;
}

// A segment of this machine's peers that met no socket.
struct Knock {
  Duration at{};
  SocketAddress other;  // the door
};
using Knocks = std::map<std::pair<uint16_t, IpAddress>, std::vector<Knock>>;  // by netns and source

// Whether the port may have been that of a call from here whose answer came late: a server that
// goes on sending to closed connections draws resets at many ports, too.
bool may_have_called(const Facts& facts, uint16_t netns, uint16_t port) {
  const auto low = facts.sysctl(netns, "net.ipv4.ip_local_port_range", 0).value_or(32768);
  const auto high = facts.sysctl(netns, "net.ipv4.ip_local_port_range", 1).value_or(60999);
  return port >= low && port <= high;
}

// Kernels before 6.10 give no reason; a reset of a closed port then has no socket.
bool met_no_socket(const Facts& facts, const TcpEvent& reset) {
  const std::string_view reason = facts.reason(reset);
  return reason == "NO_SOCKET" || (reason.empty() && reset.cookie == 0);
}

Knocks knocks_of(const Facts& facts) {
  Knocks knocks;
  for (const TcpEvent* reset : facts.events(EventKind::reset_sent)) {
    if (reset->netns == kNoNetns || !met_no_socket(facts, *reset)) continue;
    if (may_have_called(facts, reset->netns, reset->local.port)) continue;
    knocks[{reset->netns, reset->remote.addr.unmapped()}].push_back({reset->at, reset->local});
  }
  return knocks;
}

// Connections with that address which the window saw open.
uint64_t succeeded(const Facts& facts, uint16_t netns, const IpAddress& source) {
  return static_cast<uint64_t>(std::ranges::count_if(facts.now.sockets, [&](const Socket& s) {
    return s.netns == netns && s.remote.addr.unmapped() == source &&
           s.state != tcp::State::listen && s.state != tcp::State::syn_received &&
           s.state != tcp::State::syn_sent && facts.earlier(s) == nullptr;
  }));
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const auto& [key, knocks] : knocks_of(facts)) {
    const auto& [netns, source] = key;
    const size_t doors = doors_within(knocks, kWithin);
    if (doors < kDoors) continue;
    const uint64_t all = knocks.size() + succeeded(facts, netns, source);
    if (ratio(knocks.size(), all) < kFailed) continue;
    Finding f = report(source, shape_of(knocks), doors, "tcp_send_reset");
    f.subject.netns = facts.seen.namespaces[netns].inode;
    f.headline += in_namespace(facts, netns);
    add_fact(f, "refused", uint64_t{knocks.size()}, all, "tcp_send_reset");
    findings.push_back(std::move(f));
  }
  return findings;
}

}  // namespace

const Fault port_scan_inbound{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
