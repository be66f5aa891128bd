// port-scan-inbound: one source knocks at many doors.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

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
        "80 % of its attempts failed. Failures rather than volume: honest clients mostly succeed.",
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

// The most different doors that were tried in vain within the time.
size_t doors_within(std::vector<Attempt> failures) {
  std::ranges::sort(failures, {}, &Attempt::at);
  std::map<SocketAddress, size_t> doors;
  size_t most = 0;
  for (size_t first = 0, next = 0; next < failures.size(); ++next) {
    ++doors[failures[next].other];
    for (; failures[next].at - failures[first].at > kWithin; ++first) {
      const auto old = doors.find(failures[first].other);
      if (--old->second == 0) doors.erase(old);
    }
    most = std::max(most, doors.size());
  }
  return most;
}

Finding report(const IpAddress& address, const Source& source, size_t doors) {
  std::set<IpAddress> hosts;
  std::set<uint16_t> ports;
  for (const Attempt& one : source.failures) {
    hosts.insert(one.other.addr);
    ports.insert(one.other.port);
  }
  Finding f = make_finding(kInfo, is_private(address) ? Severity::notice : Severity::info,
                           source.answered > 0 ? Confidence::confirmed : Confidence::likely);
  f.subject.remote = SocketAddress{.addr = address, .port = 0};
  f.headline = fmt::format("{} tried {} on {} in vain", to_string(address),
                           counted(ports.size(), "port"), counted(hosts.size(), "host"));
  f.cause = "it knocks where nothing is offered, as no client of a service does";
  add_judged(f, "different ports and hosts within 60 s", uint64_t{doors}, uint64_t{kDoors},
             std::string(kCapture));
  add_fact(f, "failed", source.failed, source.attempts, std::string(kCapture));
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
    const size_t doors = doors_within(source.failures);
    if (doors >= kDoors) findings.push_back(report(address, source, doors));
  }
  return findings;
}

}  // namespace

const Fault port_scan_inbound{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
