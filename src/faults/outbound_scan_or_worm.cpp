// outbound-scan-or-worm: one local program knocks at many doors, most of them in vain.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/doors.hpp"
#include "faults/opens.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kDoors = 30;
constexpr Duration kWithin = 60s;
constexpr double kFailed = 0.7;   // a crawler opens thousands, and most succeed
constexpr size_t kAlike = 20;     // doors that have the port, or the address, in common
constexpr uint64_t kInsists = 3;  // who tries a door more often wants that one

constexpr std::array kStates{tcp::State::syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"connect-blackhole", "there one destination does not answer"},
    LookAlike{"a crawler, a monitor, a mail relay", "many targets too, but most of them answer"},
    LookAlike{"a peer-to-peer program", "its targets have neither port nor address in common"},
    LookAlike{"a service mesh whose servers all fail",
              "it was connected to these targets before, or tries each again and again"},
    LookAlike{"port-scan-inbound", "the same, seen by the one who is scanned"},
};
constexpr FaultInfo kInfo{
    .id = "outbound-scan-or-worm",
    .title = "A local program tries many addresses or ports, most of them in vain",
    .states = kStates,
    .signature =
        "One program with failed connects to many places: the same port at one address after the "
        "other (as a worm looks for victims), or many ports of one address (a port scan). Some are "
        "refused, the others stay in SYN-SENT.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per program at least 30 different places within 60 s that failed, at least 70 % of its "
        "connects failed, and 20 of the places share their port or their address. The share, "
        "because a crawler mostly succeeds; what they share, because a peer-to-peer program calls "
        "arbitrary ports. Addresses with which this machine had a connection do not count, nor "
        "places that were tried more than three times. Without the kernel's events only SYNs that "
        "stay unanswered are seen, and it is at most likely.",
    .severity = "warning; critical when the program's file was deleted or lies where all may write",
    .remedy =
        "Find out whose program it is: its file, parent, user, start time. If nobody knows it, "
        "take the machine off the network and keep the evidence.",
    .avoid = "Killing it first: /proc/PID/exe and its memory go with it.",
    .silent_on =
        "crawlers and monitors whose targets mostly answer, peer-to-peer programs, a "
        "service mesh whose known targets fail",
};

struct Knock {
  Duration at{};
  SocketAddress other;
};

struct Knocks {
  uint16_t netns = 0;
  uint32_t process = kNoIndex;
  std::vector<Knock> failed;  // of places that count as doors
  uint64_t failures = 0;      // of all places
  uint64_t succeeded = 0;
  uint64_t waiting = 0;
  uint64_t unplaced = 0;  // connects that succeeded, perhaps of this program

  // It failed mostly, even if every connect that cannot be placed was its own.
  bool surely_in_vain() const {
    const uint64_t failed_all = failures + waiting;
    return ratio(failed_all, failed_all + succeeded + unplaced) >= kFailed;
  }
};

// Addresses with which this machine had a connection when the look began.
std::set<IpAddress> known_hosts(const Facts& facts) {
  std::set<IpAddress> known;
  for (const Socket& s : facts.seen.looks.front().sockets) {
    if (s.state == tcp::State::listen || s.state == tcp::State::syn_sent) continue;
    known.insert(s.remote.addr.unmapped());
  }
  return known;
}

void add(const Facts& facts, const Opens& opens, const std::set<IpAddress>& known, Knocks& knocks) {
  knocks.netns = opens.netns;
  knocks.process = opens.process;
  knocks.failures += opens.failures;
  knocks.succeeded += opens.succeeded;
  std::vector<Knock> failed;
  failed.reserve(opens.failed.size() + opens.waiting.size());
  for (const TcpEvent* event : opens.failed) failed.push_back({event->at, opens.destination});
  for (const Socket* s : opens.waiting) {
    if (s->timer.retransmits == 0) continue;  // it may still be answered
    failed.push_back({facts.seen.window, opens.destination});
    ++knocks.waiting;
  }
  const uint64_t tries = std::max<uint64_t>(failed.size(), opens.failures);
  if (tries > kInsists || opens.succeeded > 0 || known.contains(opens.destination.addr)) return;
  knocks.failed.insert(knocks.failed.end(), failed.begin(), failed.end());
}

bool is_fault(const Knocks& knocks) {
  const uint64_t failed = knocks.failures + knocks.waiting;
  if (knocks.process == kNoIndex || knocks.failed.size() < kDoors ||
      ratio(failed, failed + knocks.succeeded) < kFailed) {
    return false;
  }
  const Shape shape = shape_of(knocks.failed);
  return (shape.widest_port.second >= kAlike || shape.widest_host.second >= kAlike) &&
         doors_within(knocks.failed, kWithin) >= kDoors;
}

// Where no installed program lies. A package that is replaced leaves a deleted file too, but it
// does not scan.
bool is_odd(const Process& process) {
  const std::string_view exe = process.exe;
  return exe.ends_with(" (deleted)") ||
         std::ranges::any_of(
             std::array<std::string_view, 4>{"/tmp/", "/var/tmp/", "/dev/shm/", "/memfd:"},
             [&](std::string_view folder) { return exe.starts_with(folder); });
}

std::string targets(const Shape& shape) {
  if (shape.widest_host.second >= shape.widest_port.second) {
    return fmt::format("{} ports of {}", grouped(shape.widest_host.second),
                       to_string(shape.widest_host.first));
  }
  return fmt::format("port {} of {} addresses", shape.widest_port.first,
                     grouped(shape.widest_port.second));
}

void add_advice(const Process& process, Finding& f) {
  f.confirm.push_back(
      fmt::format("ls -l /proc/{0}/exe; ps -o pid,ppid,user,lstart,args -p {0}", process.pid));
  f.confirm.push_back("is it an inventory or monitoring system of your own?");
  f.remedy.push_back(
      "if nobody knows it: block its way out (firewall, network cable), then keep the evidence");
  f.remedy.push_back(fmt::format("cp /proc/{0}/exe FOLDER; gcore -o FOLDER/core {0}", process.pid));
  f.avoid.push_back("killing it before its file and memory are saved");
}

Finding report(const Facts& facts, const Knocks& knocks) {
  const Process& process = facts.seen.processes[knocks.process];
  const bool events = !facts.events(EventKind::connect).empty();
  const Shape shape = shape_of(knocks.failed);
  const Confidence sure = facts.is_short() ? Confidence::likely : Confidence::confirmed;
  const bool in_vain = knocks.surely_in_vain();
  Severity severity = is_odd(process) ? Severity::critical : Severity::warning;
  if (!in_vain) severity = Severity::notice;
  Finding f = make_finding(kInfo, severity,
                           !in_vain ? Confidence::suspected
                           : events ? sure
                                    : lowered(sure));
  set_process(facts, knocks.netns, &process, f);
  const uint64_t failed = knocks.failures + knocks.waiting;
  f.headline =
      fmt::format("{} tried {} within {}{}; {} of {} failed", describe(process), targets(shape),
                  human(facts.seen.window), in_namespace(facts, knocks.netns), grouped(failed),
                  counted(failed + knocks.succeeded, "connection attempt"));
  f.cause = shape.widest_host.second >= shape.widest_port.second
                ? "it looks for open ports: no client of a service tries so many"
                : "it looks for machines that offer this service, as a worm or an inventory does";
  add_judged(f, "different places within 60 s", uint64_t{doors_within(knocks.failed, kWithin)},
             uint64_t{kDoors}, events ? "connect()" : "sock_diag");
  add_fact(f, "failed", failed, failed + knocks.succeeded, events ? "connect()" : "sock_diag");
  if (knocks.waiting > 0) add_fact(f, "without any answer", knocks.waiting, "sock_diag");
  if (!in_vain) {
    add_fact(f, "successful connects whose program was not seen", knocks.unplaced, "connect()");
  }
  add_fact(f, "program", printable(process.exe.empty() ? "not readable" : process.exe),
           "/proc/PID/exe");
  add_advice(process, f);
  f.see.push_back(fmt::format("tcpdx sockets 'pid {}'", process.pid));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  if (facts.in(tcp::State::syn_sent).size() + facts.events(EventKind::connect).size() < kDoors) {
    return findings;
  }
  const std::set<IpAddress> known = known_hosts(facts);
  std::map<std::pair<uint16_t, uint32_t>, Knocks> programs;
  const std::vector<Opens> all = opens_by_program(facts);
  const uint64_t unknown = unplaced(facts, all);
  for (const Opens& opens : all) {
    add(facts, opens, known, programs[{opens.netns, opens.process}]);
  }
  for (auto& [key, knocks] : programs) {
    // A short connection leaves a TIME-WAIT that has no owner: it may have been this program's.
    const auto ownerless = programs.find({key.first, kNoIndex});
    if (ownerless != programs.end()) knocks.succeeded += ownerless->second.succeeded;
    knocks.unplaced = unknown;
    if (is_fault(knocks)) findings.push_back(report(facts, knocks));
  }
  return findings;
}

}  // namespace

const Fault outbound_scan_or_worm{&kInfo, find};

}  // namespace tcpdx::faults
