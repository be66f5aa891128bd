// zero-window-stuck-reader: the receiving program does not read.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr Duration kStuck = 5s;     // milliseconds of zero window are ordinary flow control
constexpr size_t kManyHosts = 4;    // that one program waits for: one finding, not a page of them
constexpr uint8_t kUnanswered = 2;  // probes: one may be on its way, the next is overdue

constexpr std::array kStates{established};
constexpr std::array kLookAlikes{
    LookAlike{"half-open-busy", "there the timer is the retransmission timer and nothing answers"},
    LookAlike{"a dead peer behind a zero window", "there probes stay unanswered"},
    LookAlike{"a small window", "there it is small but not zero, and data moves"},
    LookAlike{"backpressure in a healthy pipeline", "the window opens again within seconds"},
};
constexpr FaultInfo kInfo{
    .id = "zero-window-stuck-reader",
    .title = "The receiver does not read: its window has been zero for long",
    .states = kStates,
    .signature =
        "On the sender: data waiting, window 0, the persist timer running, its probes "
        "answered. On the receiver: Recv-Q as large as the receive buffer and constant.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Window zero with data waiting and nothing sent for more than 5 s, the probes answered, "
        "and a reader on this machine took nothing in the window. Time, because milliseconds "
        "of zero window are ordinary flow control. A single look is not more than likely. In a "
        "capture: a window of zero for more than 5 s that did not open again, or that was closed "
        "for half of the connection, and probed.",
    .severity = "warning",
    .remedy =
        "Repair the reading program; give the writer a timeout (TCP_USER_TIMEOUT ends it too).",
    .avoid = "Larger buffers: they only delay it.",
    .silent_on = "a window that opens again, a reader that takes a little at a time",
};

// One stuck connection, from whichever end this machine sees.
struct Stuck {
  const Socket* reader = nullptr;  // null: on another machine
  const Socket* sender = nullptr;  // null: on another machine
  Duration still{};                // nothing moved for at least this long
};

// What the program has taken out of its receive queue between the looks is no longer in it. Small
// reads do not open the window (RFC 9293, 3.8.6.2.2), but the program does read.
bool has_read(const Facts& facts, const Socket& reader) {
  const Socket* was = facts.earlier(reader);
  if (was == nullptr) return false;
  const auto then = facts.known(*was, "bytes_received");
  const auto now = facts.known(reader, "bytes_received");
  if (!then || !now) return reader.recv_q < was->recv_q;
  return *now - *then + was->recv_q > reader.recv_q;
}

std::optional<Stuck> stuck_sender(const Facts& facts, const Socket& s) {
  const TcpInfo* info = facts.info(s);
  if (info == nullptr || s.timer.kind != TimerKind::persist || s.send_q == 0) return std::nullopt;
  if (known_value(*info, "snd_wnd").value_or(0) != 0 || info->unacked != 0) return std::nullopt;
  const Duration still = std::chrono::milliseconds(info->last_data_sent_ms);
  const Socket* was = facts.earlier(s);
  const TcpInfo* then = was != nullptr ? facts.info(*was) : nullptr;
  if (then != nullptr && then->bytes_acked != info->bytes_acked) return std::nullopt;
  // Probes that nobody answers: the peer is gone, which is another fault.
  if (still <= kStuck || info->probes >= kUnanswered) return std::nullopt;
  const Socket* reader = facts.other_end(s);
  // Never accepted: nobody could read it yet, which is accept-stalled.
  if (reader != nullptr && (reader->inode == 0 || has_read(facts, *reader))) return std::nullopt;
  return Stuck{.reader = reader, .sender = &s, .still = still};
}

// Where the sender is elsewhere: we announced a window of zero and nobody reads.
std::optional<Stuck> stuck_reader(const Facts& facts, const Socket& s) {
  const TcpInfo* info = facts.info(s);
  if (info == nullptr || s.recv_q == 0 || s.inode == 0) return std::nullopt;
  if (known_value(*info, "rcv_wnd").value_or(1) != 0) return std::nullopt;
  const Socket* was = facts.earlier(s);
  const TcpInfo* then = was != nullptr ? facts.info(*was) : nullptr;
  const bool unread = was == nullptr || (was->recv_q == s.recv_q && then != nullptr &&
                                         then->bytes_received == info->bytes_received);
  const Duration still = std::chrono::milliseconds(info->last_data_recv_ms);
  if (!unread || still <= kStuck || facts.other_end(s) != nullptr) return std::nullopt;
  return Stuck{.reader = &s, .sender = nullptr, .still = still};
}

struct StuckGroup {
  std::vector<Stuck> all;
  std::set<IpAddress> hosts;  // of the peers
  Duration still{};
  uint64_t unread = 0;
  uint64_t unsent = 0;
};

void add_sums(const std::vector<Stuck>& all, StuckGroup& group) {
  for (const Stuck& one : all) {
    group.still = std::max(group.still, one.still);
    if (one.reader != nullptr) group.unread += one.reader->recv_q;
    if (one.sender != nullptr) group.unsent += one.sender->send_q;
    if (one.sender != nullptr) group.hosts.insert(one.sender->remote.addr);
  }
}

void add_local_reader(const Facts& facts, const StuckGroup& group, Finding& f) {
  const Socket& reader = *group.all.front().reader;
  f.subject.local = reader.local;
  f.subject.remote = reader.remote;
  const Process* process = facts.owner(reader);
  f.headline =
      fmt::format("{} has not read from {} for at least {}{}, {} bytes wait in its buffers",
                  owner_name(facts, reader), counted(group.all.size(), "connection"),
                  human(group.still), in_namespace(facts, reader), grouped(group.unread));
  f.cause = fmt::format(
      "its receive buffers are full, so the kernel announces a window of zero and the "
      "sender{} has to wait",
      group.all.front().sender != nullptr
          ? fmt::format(" {}", owner_name(facts, *group.all.front().sender))
          : "");
  if (process != nullptr) {
    add_fact(f, "reader's state", std::string(1, process->state), "/proc/PID/stat");
    f.confirm.push_back(fmt::format(
        "cat /proc/{0}/wchan; strace -f -p {0}   (what it does instead of reading)", process->pid));
  }
  f.remedy.push_back("find what the reading program waits for, and let it read or close");
}

void add_remote_reader(const Facts& facts, const StuckGroup& group, Finding& f) {
  const Socket& sender = *group.all.front().sender;
  const bool one_host = group.hosts.size() == 1;
  f.subject.local = sender.local;
  if (one_host) f.subject.remote = sender.remote;
  f.headline = fmt::format(
      "{} waits for {} to read on {}{}, for at least {}", owner_name(facts, sender),
      one_host ? to_string(sender.remote) : fmt::format("{} hosts", grouped(group.hosts.size())),
      counted(group.all.size(), "connection"), in_namespace(facts, sender), human(group.still));
  f.cause = one_host
                ? "the peer answers the window probes with a window of zero: it lives, but its "
                  "program does not read"
                : "the peers answer the window probes with a window of zero: they live, but "
                  "their programs do not read";
  f.confirm.push_back(fmt::format("on {}: ss -tn 'sport = :{}'   (Recv-Q full and constant)",
                                  to_string(sender.remote.addr), sender.remote.port));
  f.remedy.push_back(
      "repair the reading program at the peer; give the writer a timeout (TCP_USER_TIMEOUT)");
}

Finding report(const Facts& facts, const std::vector<Stuck>& all) {
  StuckGroup group;
  group.all = all;
  add_sums(all, group);
  const bool local = all.front().reader != nullptr;
  const Socket& guilty = local ? *all.front().reader : *all.front().sender;
  // A single look cannot see a reader whose small reads do not open the window.
  Finding f = make_finding(kInfo, Severity::warning,
                           facts.before != nullptr ? Confidence::confirmed : Confidence::likely);
  set_owner(facts, guilty, f);
  add_judged(f, "nothing moved for", human(group.still), human(kStuck),
             all.front().sender != nullptr ? "tcpi_last_data_sent" : "tcpi_last_data_recv");
  if (local)
    add_fact(f, "unread", fmt::format("{} bytes", grouped(group.unread)), "sock_diag Recv-Q");
  if (group.unsent > 0) {
    add_fact(f, "waiting to be sent", fmt::format("{} bytes", grouped(group.unsent)),
             "sock_diag Send-Q");
  }
  local ? add_local_reader(facts, group, f) : add_remote_reader(facts, group, f);
  f.avoid.push_back("larger buffers: they only delay it");
  f.see.push_back(f.subject.pid
                      ? fmt::format("tcpdx sockets 'pid {} and state established'", *f.subject.pid)
                      : fmt::format("tcpdx sockets 'port {}'", guilty.local.port));
  return f;
}

// A namespace, whether the reader is here, and the program that is.
using Program = std::tuple<uint16_t, bool, uint32_t>;

std::vector<Finding> find(const Facts& facts) {
  // By the guilty side: the reading program when it is here, else the peer.
  std::map<Program, std::map<IpAddress, std::vector<Stuck>>> programs;
  for (const Socket* s : facts.in(established)) {
    auto stuck = stuck_sender(facts, *s);
    if (!stuck) stuck = stuck_reader(facts, *s);
    if (!stuck) continue;
    const bool local = stuck->reader != nullptr;
    const Socket& guilty = local ? *stuck->reader : *stuck->sender;
    const IpAddress host = local ? IpAddress{} : guilty.remote.addr;
    programs[{guilty.netns, local, facts.owner_index(guilty)}][host].push_back(*stuck);
  }
  std::vector<Finding> findings;
  for (const auto& [program, hosts] : programs) {
    if (hosts.size() < kManyHosts) {
      for (const auto& [host, group] : hosts) findings.push_back(report(facts, group));
      continue;
    }
    std::vector<Stuck> all;
    for (const auto& [host, group] : hosts) std::ranges::copy(group, std::back_inserter(all));
    findings.push_back(report(facts, all));
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  Duration longest{};
  uint64_t probes = 0;
  bool still = false;
  for (const Kept& one : group.kept) {
    longest = std::max(longest, one->side(one.by).zero_window_longest);
    probes += one->side(other(one.by)).zero_window_probes;
    still = still || one->side(one.by).last_window == 0U;
  }
  Finding f =
      make_finding(kInfo, Severity::warning, still ? Confidence::confirmed : Confidence::likely);
  set_place(group.place, f);
  f.headline = fmt::format("{} has not read from {} for up to {}", name_of(group.place),
                           counted(group.count, "connection"), human(longest));
  f.cause =
      "it answers the window probes with a window of zero: the host lives, but its program does "
      "not read";
  add_judged(f, "window zero for", human(longest), human(kStuck), std::string(kCapture));
  add_fact(f, "window probes", probes, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(
      fmt::format("on {}: ss -tnp   (Recv-Q full and constant)", to_string(group.place.addr)));
  f.remedy.push_back("repair the reading program; give the writer a timeout (TCP_USER_TIMEOUT)");
  f.avoid.push_back("larger buffers: they only delay it");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::zero_window)) {
    findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault zero_window_stuck_reader{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
