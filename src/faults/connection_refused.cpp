// connection-refused: nothing listens where clients call.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/opens.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kAll = 3;  // attempts, when every one is refused
constexpr uint64_t kLeast = 5;
constexpr double kShare = 0.5;
constexpr Duration kRestart = 5s;  // a service that restarts refuses for that long
// A look of the usual 5 s cannot see 5 s between a first and a last refusal.
constexpr Duration kRestartInLook = 4s;
constexpr uint64_t kLeastUnnamed = 20;  // where nothing says what they called
constexpr std::string_view kCalls = "connect()";

constexpr std::array kStates{tcp::State::syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"connect-blackhole", "there nothing comes back at all"},
    LookAlike{"host-unreachable", "there an ICMP error comes back, not a reset"},
    LookAlike{"a filter that rejects with a reset", "looks the same; its TTL may differ"},
    LookAlike{"accept-queue-overflow", "a full queue drops SYNs, it does not refuse them"},
    LookAlike{"port-scan-inbound", "there one source knocks at many ports, at each once"},
    LookAlike{"outbound-scan-or-worm", "there one program calls many places, each once or twice"},
    LookAlike{"a name with an IPv6 and an IPv4 address",
              "one of them is refused and the other answers on the same port"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"Icmp.InDestUnreachs", "Icmp6InDestUnreachs", "Tcp.ActiveOpens", "Tcp.AttemptFails",
     "TcpExt.EmbryonicRsts", "TcpExt.TCPAbortOnTimeout"});
constexpr FaultInfo kInfo{
    .id = "connection-refused",
    .title = "Nothing listens where clients call",
    .states = kStates,
    .signature =
        "A SYN is answered by a reset within one round trip; connect() fails with ECONNREFUSED. "
        "The host lives, but no socket listens on that address and port.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per destination: every one of three attempts or more refused, or more than half of five "
        "or more, over at least 5 s (4 s in a look at the machine, which is usually 5 s long). A "
        "share, because a service that restarts refuses briefly; when all were refused within that "
        "time it is only a notice. Without the kernel's events nothing on the machine tells "
        "who called where: then half of 20 attempts of a namespace must have failed at once, and "
        "it is only suspected.",
    .severity = "warning; notice when it was brief, or when the destination is not known",
    .remedy =
        "Start the service, bind it to the address that clients use (not only to 127.0.0.1), or "
        "correct the port.",
    .avoid = "Faster retries: they are refused as well and hide the first refusal.",
    .silent_on =
        "refusals around a restart, clients that try an optional port once or twice, the lost "
        "half of a race between IPv4 and IPv6",
    .counters = kCounters,
};

struct Refusals {
  const Group* group = nullptr;
  bool all = false;
  Duration lasted{};
};

bool is_fault(const Refusals& refusals) {
  const Group& group = *refusals.group;
  if (refusals.all) return group.count >= kAll;
  return group.end.attempts >= kLeast && refusals.lasted >= kRestart &&
         group.share_of(group.end.attempts) > kShare;
}

void add_advice(Finding& f) {
  f.remedy.push_back(
      "start the service, bind it to the address that clients use, or correct the "
      "port they call");
  f.avoid.push_back("faster retries: they are refused as well");
}

Finding report(const CaptureFacts& facts, const Refusals& refusals) {
  const Group& group = *refusals.group;
  const bool lasting = refusals.lasted >= kRestart;
  Finding f = make_finding(kInfo, lasting ? Severity::warning : Severity::notice,
                           lasting && refusals.all ? Confidence::confirmed : Confidence::likely);
  f.subject.destination = group.place;
  f.headline = fmt::format("{} of {} to {} were refused, over {}", grouped(group.count),
                           counted(group.end.attempts, "connection attempt"), name_of(group.place),
                           human(refusals.lasted));
  f.cause =
      "the host answers the SYN with a reset: it lives, but nothing listens on that port and "
      "address, or a filter rejects";
  add_fact(f, "refused", group.count, group.end.attempts, std::string(kCapture));
  add_fact(f, "successful", group.end.complete, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(
      fmt::format("on {}: ss -tlnp 'sport = :{}'   (is there a row, and for which address?)",
                  to_string(group.place.addr), group.place.port));
  add_advice(f);
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::refused)) {
    const Refusals refusals{
        .group = &group, .all = group.count == group.end.attempts, .lasted = spread_of(group.kept)};
    if (is_fault(refusals)) findings.push_back(report(facts, refusals));
  }
  return findings;
}

// Refused calls of one destination within the window.
struct Refused {
  Opens opens;
  uint64_t count = 0;
  uint64_t unplaced = 0;  // connects that succeeded, perhaps here
  Duration lasted{};
  const Listener* elsewhere = nullptr;  // on that port, but not where clients call
  bool by_this_kernel = false;          // this machine itself sent the resets

  bool all() const { return count == opens.ended(); }
  // Most were refused, even if every connect that cannot be placed went here and succeeded.
  bool surely_most() const { return ratio(count, opens.ended() + unplaced) > kShare; }
  bool lasting() const { return lasted >= kRestartInLook; }
};

// A listener here that such calls reach.
const Listener* reached(const Facts& facts, const Opens& opens) {
  const uint64_t from = facts.seen.namespaces[opens.netns].inode;
  const auto at = std::ranges::find_if(facts.listeners(), [&](const Listener& one) {
    return facts.reaches(from, opens.destination, one);
  });
  return at == facts.listeners().end() ? nullptr : &*at;
}

// The namespace of this machine whose kernel sent the resets, as its events show.
std::optional<uint16_t> refused_in(const Facts& facts, const SocketAddress& destination) {
  for (const TcpEvent* reset : facts.events(EventKind::reset_sent)) {
    if (reset->netns == kNoNetns || reset->local.port != destination.port) continue;
    if (reset->local.addr.unmapped() == destination.addr) return reset->netns;
  }
  return std::nullopt;
}

const Listener* listener_elsewhere(const Facts& facts, uint16_t netns, uint16_t port) {
  const auto at = std::ranges::find_if(facts.listeners(), [&](const Listener& one) {
    return one.socket->netns == netns && one.socket->local.port == port;
  });
  return at == facts.listeners().end() ? nullptr : &*at;
}

Refused measure(const Facts& facts, Opens opens, uint64_t unplaced) {
  Refused refused;
  refused.unplaced = unplaced;
  std::vector<const TcpEvent*> kept;
  std::ranges::copy_if(opens.failed, std::back_inserter(kept),
                       [](const TcpEvent* event) { return event->error == ECONNREFUSED; });
  if (!kept.empty()) {
    // Where all that were kept were refused, so were those that were only counted.
    refused.count = kept.size() == opens.failed.size() ? opens.failures : kept.size();
    refused.lasted = kept.back()->at - kept.front()->at;
    const auto here = refused_in(facts, opens.destination);
    refused.by_this_kernel = here.has_value();
    if (here) refused.elsewhere = listener_elsewhere(facts, *here, opens.destination.port);
  }
  refused.opens = std::move(opens);
  return refused;
}

// The service was not there yet, or came back: nothing to report.
bool has_started(const Facts& facts, const Opens& opens) {
  const Listener* listener = reached(facts, opens);
  return listener != nullptr && facts.before != nullptr &&
         facts.earlier(*listener->socket) == nullptr;
}

// A name such as localhost stands for ::1 and 127.0.0.1; clients try one, then the other.
bool other_family_answers(const Refused& refused, const std::vector<Opens>& all) {
  const SocketAddress& called = refused.opens.destination;
  uint64_t answers = 0;
  for (const Opens& one : all) {
    if (one.netns == refused.opens.netns && one.destination.port == called.port &&
        one.destination.addr.family != called.addr.family) {
      answers += one.succeeded;
    }
  }
  return answers * 2 >= refused.count;
}

bool is_fault(const Facts& facts, const Refused& refused, const std::vector<Opens>& all) {
  const bool enough = refused.all() ? refused.count >= kAll
                                    : refused.opens.ended() >= kLeast && refused.lasting() &&
                                          ratio(refused.count, refused.opens.ended()) > kShare;
  return enough && !has_started(facts, refused.opens) && !other_family_answers(refused, all);
}

std::string cause_of(const Facts& facts, const Refused& refused) {
  if (refused.elsewhere != nullptr) {
    return fmt::format("{} listens there on {} only, which these calls do not reach",
                       owner_name(facts, *refused.elsewhere->socket),
                       to_string(refused.elsewhere->socket->local));
  }
  if (const Listener* listener = reached(facts, refused.opens)) {
    return fmt::format("{} listens on {}, so a filter rejects the calls before they reach it",
                       owner_name(facts, *listener->socket), to_string(listener->socket->local));
  }
  if (refused.by_this_kernel) return "this machine itself answers: no socket listens on that port";
  return "the host answers the SYN with a reset: it lives, but nothing listens on that port and "
         "address, or a filter rejects";
}

Finding report(const Facts& facts, const Refused& refused) {
  const Opens& opens = refused.opens;
  const bool sure = refused.lasting() && refused.all();
  const bool harm = refused.lasting() && refused.surely_most();
  Finding f = make_finding(kInfo, harm ? Severity::warning : Severity::notice,
                           !refused.surely_most() ? Confidence::suspected
                           : sure                 ? Confidence::confirmed
                                                  : Confidence::likely);
  const Process* caller =
      opens.process == kNoIndex ? nullptr : &facts.seen.processes[opens.process];
  f.subject.destination = opens.destination;
  f.headline = fmt::format("{} of {} of {} to {}{} were refused, over {}", grouped(refused.count),
                           counted(opens.ended(), "connection attempt"), callers(facts, opens),
                           to_string(opens.destination), in_namespace(facts, opens.netns),
                           human(refused.lasted));
  f.cause = cause_of(facts, refused);
  add_fact(f, "ECONNREFUSED", refused.count, opens.ended(), std::string(kCalls));
  add_fact(f, "successful, as far as seen", opens.succeeded, std::string(kCalls));
  if (!refused.surely_most()) {
    add_fact(f, "successful connects whose destination was not seen", refused.unplaced,
             std::string(kCalls));
  }
  set_process(facts, opens.netns, caller, f);
  f.confirm.push_back(
      fmt::format("on {}: ss -tlnp 'sport = :{}'   (is there a row, and for which address?)",
                  to_string(opens.destination.addr), opens.destination.port));
  add_advice(f);
  return f;
}

// Without events: how many opens of a namespace failed at once, by its counters.
struct Failures {
  uint64_t opened = 0;
  uint64_t failed = 0;
};

Failures failures_of(const Facts& facts, size_t netns) {
  const auto rise = [&](std::string_view name) { return facts.rise(netns, name).value_or(0); };
  // AttemptFails also counts timeouts, ICMP errors and, on servers, clients that reset a half-open
  // connection (net/ipv4/tcp.c, tcp_done).
  const uint64_t others = rise("TcpExt.TCPAbortOnTimeout") + rise("TcpExt.EmbryonicRsts") +
                          rise("Icmp.InDestUnreachs") + rise("Icmp6InDestUnreachs");
  const uint64_t failed = rise("Tcp.AttemptFails");
  return {.opened = rise("Tcp.ActiveOpens"), .failed = failed - std::min(failed, others)};
}

Finding report_unnamed(const Facts& facts, size_t netns, const Failures& failures) {
  Finding f = make_finding(kInfo, Severity::notice, Confidence::suspected);
  f.subject.netns = facts.seen.namespaces[netns].inode;
  f.headline =
      fmt::format("{} of {}{} failed at once, as refused ones do", grouped(failures.failed),
                  counted(failures.opened, "connection attempt"), in_namespace(facts, netns));
  f.cause =
      "a refused connect() leaves no socket, so that only the kernel's events could say who called "
      "where; they were not followed";
  add_fact(f, "failed", failures.failed, failures.opened, "Tcp.AttemptFails, Tcp.ActiveOpens");
  f.confirm.push_back(
      fmt::format("{}tcpdump -ni any -c 20 'tcp[tcpflags] & tcp-rst != 0'   (which port refuses?)",
                  run_inside(facts, netns)));
  add_advice(f);
  return f;
}

std::vector<Finding> find_unnamed(const Facts& facts) {
  std::vector<Finding> findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const Failures failures = failures_of(facts, netns);
    if (failures.opened >= kLeastUnnamed && ratio(failures.failed, failures.opened) > kShare) {
      findings.push_back(report_unnamed(facts, netns, failures));
    }
  }
  return findings;
}

std::vector<Finding> find(const Facts& facts) {
  if (!facts.watched()) return find_unnamed(facts);
  const bool any = std::ranges::any_of(facts.events(EventKind::connect), [](const TcpEvent* event) {
    return event->error == ECONNREFUSED;
  });
  std::vector<Finding> findings;
  if (!any) return findings;
  const std::vector<Opens> all = opens_by_destination(facts);
  const uint64_t unknown = unplaced(facts, all);
  for (const Opens& opens : all) {
    const Refused refused = measure(facts, opens, unknown);
    if (is_fault(facts, refused, all)) findings.push_back(report(facts, refused));
  }
  return merged_by_program(std::move(findings), "refuse as well", "destinations that refuse");
}

}  // namespace

const Fault connection_refused{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
