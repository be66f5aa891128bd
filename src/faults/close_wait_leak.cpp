// close-wait-leak: the peer has closed, the program does not.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr Duration kOld = 60s;  // the kernel sets no bound; a passage takes milliseconds
constexpr Duration kPassage = 1s;
constexpr size_t kLeastOld = 5;  // fewer are the stale entries of a pool
constexpr size_t kManyOld = 20;  // enough to be worth a word even when not growing
constexpr double kShareOfLimit = 0.10;
constexpr double kHalfOfLimit = 0.50;
constexpr double kUsualLimit = 1024;  // RLIMIT_NOFILE, soft
constexpr double kSoon = 3600;        // seconds until the descriptors run out

constexpr std::array kStates{close_wait};
constexpr std::array kLookAlikes{
    LookAlike{"accept-stalled", "there the sockets have inode 0: the program never had them"},
    LookAlike{"busy passage", "each stays for milliseconds only"},
    LookAlike{"a half-close protocol", "the program still sends (bytes_sent grows)"},
    LookAlike{"a pool with a few stale entries", "fewer than 5, and not growing"},
};
constexpr FaultInfo kInfo{
    .id = "close-wait-leak",
    .title = "The program does not close connections that its peers have closed",
    .states = kStates,
    .signature =
        "CLOSE-WAIT sockets that a process owns, without timer, growing. Recv-Q 0: it read "
        "the end of file and kept the descriptor; 1: it never read the end of file; more: "
        "data lies unread. No timer ends CLOSE-WAIT; only the program does.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per process at least 5 in CLOSE-WAIT for 60 s without sending, and either growth or "
        "more than 10 % of the descriptor limit. Age, because the kernel sets no bound; "
        "growth, because a fixed handful is an idle pool. Suspected: 20 old ones without growth, "
        "or 20 younger ones of which none leaves while more arrive or they are that many. In a "
        "capture: 5 of a service or calling host for 60 s to its end, and at least 10 % of those "
        "that peers closed; new ones in three windows of 10 s make it certain.",
    .severity =
        "by share of the descriptor limit: notice below 10 %, warning below 50 %, critical above; "
        "one step up when at this rate descriptors run out within an hour. A suspicion is a "
        "notice, from 50 % a warning. In a capture the limit is taken to be 1 024, the usual one",
    .remedy = "Close the socket in every path once read() returns 0.",
    .avoid = "tcp_fin_timeout and keep-alives: no kernel setting ends CLOSE-WAIT.",
    .silent_on =
        "thousands passing through per second, a pool with few stale entries, half-closed "
        "connections that still send",
};

struct Leak {
  Sockets all;
  Sockets old;        // at least kOld, not sending
  size_t before = 0;  // of this process in the first look
  size_t left = 0;    // of those, no longer in CLOSE-WAIT
  size_t eof_read = 0, eof_unread = 0, data_unread = 0;
  Age oldest;
  double growth = 0;            // per second
  std::optional<double> share;  // of the descriptor limit
};

bool still_sends(const Facts& facts, const Socket& s) {
  const Socket* was = facts.earlier(s);
  if (was != nullptr) {
    const auto then = facts.known(*was, "bytes_sent");
    const auto sent = facts.known(s, "bytes_sent");
    if (then && sent) return *sent > *then;
  }
  const auto quiet = facts.known(s, "last_data_sent_ms");
  return quiet && *quiet < static_cast<uint64_t>(milliseconds(kOld));
}

// In CLOSE-WAIT for longer than a passage takes, as far as the look of the socket can tell.
bool settled(const Facts& facts, const Socket& s) {
  const auto heard = facts.known(s, "last_ack_recv_ms");
  return !heard || *heard >= static_cast<uint64_t>(milliseconds(kPassage));
}

// Net growth. Where some leave, others only pass through: then those that stay are compared.
double growth_of(const Facts& facts, const Leak& leak, const Sockets& before) {
  if (facts.before == nullptr) return 0;
  const auto stays = [&](const Socket* s) { return leak.left == 0 || settled(facts, *s); };
  const auto grown = std::ranges::count_if(leak.all, stays) - std::ranges::count_if(before, stays);
  return grown > 0 ? static_cast<double>(grown) / seconds(facts.seen.window) : 0;
}

void count_queues(const Sockets& all, Leak& leak) {
  for (const Socket* s : all) {
    if (s->recv_q == 0) ++leak.eof_read;
    if (s->recv_q == 1) ++leak.eof_unread;
    if (s->recv_q > 1) ++leak.data_unread;
  }
}

Leak measure(const Facts& facts, const Sockets& all, const Sockets& before) {
  Leak leak;
  leak.all = all;
  for (const Socket* s : all) {
    if (facts.age(*s).at_least >= kOld && !still_sends(facts, *s)) leak.old.push_back(s);
  }
  count_queues(all, leak);
  leak.oldest = oldest(facts, all);
  leak.before = before.size();
  const auto stayed = std::ranges::count_if(all, [&](const Socket* s) {
    const Socket* was = facts.earlier(*s);
    return was != nullptr && was->state == close_wait;
  });
  leak.left = leak.before - std::min(leak.before, static_cast<size_t>(stayed));
  leak.growth = growth_of(facts, leak, before);
  const Process* process = facts.owner(*all.front());
  if (process != nullptr && process->fd_limit && *process->fd_limit > 0) {
    // Those that pass through do not use up the descriptors.
    const size_t stay = facts.before != nullptr && leak.left == 0 ? all.size() : leak.old.size();
    leak.share = static_cast<double>(stay) / static_cast<double>(*process->fd_limit);
  }
  return leak;
}

// New ones in every window and none leaving: the ages tell when each arrived.
bool grows_steadily(const Facts& facts, const Leak& leak) {
  if (facts.is_short() || leak.growth <= 0) return false;
  std::vector<bool> arrived(facts.windows(), false);
  for (const Socket* s : leak.all) {
    const Duration age = facts.age(*s).at_least;
    const auto ago =
        static_cast<size_t>(age * static_cast<int64_t>(facts.windows()) / facts.seen.window);
    if (age < facts.seen.window && ago < arrived.size()) arrived[ago] = true;
  }
  return std::ranges::all_of(arrived, [](bool any) { return any; });
}

std::optional<Confidence> judge(const Facts& facts, const Leak& leak) {
  const bool much = leak.share.value_or(0) > kShareOfLimit;
  if (leak.old.size() >= kLeastOld) {
    if (much || grows_steadily(facts, leak)) return Confidence::confirmed;
    if (leak.growth > 0) return Confidence::likely;
    if (leak.old.size() >= kManyOld) return Confidence::suspected;
  }
  const bool none_leaves = facts.before != nullptr && leak.before > 0 && leak.left == 0;
  const bool sends = std::ranges::any_of(
      leak.all, [&](const Socket* s) { return still_sends(facts, *s) && facts.earlier(*s); });
  if (leak.before >= kManyOld && none_leaves && !sends && (leak.growth > 0 || much)) {
    return Confidence::suspected;
  }
  return std::nullopt;
}

std::optional<double> seconds_left(const Facts& facts, const Leak& leak) {
  const Process* p = facts.owner(*leak.all.front());
  if (leak.growth <= 0 || p == nullptr || !p->fds || !p->fd_limit || *p->fds > *p->fd_limit)
    return std::nullopt;
  return static_cast<double>(*p->fd_limit - *p->fds) / leak.growth;
}

Severity severity_of(const Facts& facts, const Leak& leak, Confidence confidence) {
  const double share = leak.share.value_or(0);
  if (confidence == Confidence::suspected)
    return share >= kHalfOfLimit ? Severity::warning : Severity::notice;
  const auto left = seconds_left(facts, leak);
  if (share >= kHalfOfLimit || (left && *left < kSoon && share > kShareOfLimit))
    return Severity::critical;
  return share > kShareOfLimit || (left && *left < kSoon) ? Severity::warning : Severity::notice;
}

std::string cause_of(const Leak& leak) {
  const size_t all = leak.all.size();
  if (leak.eof_read * 2 >= all) {
    return fmt::format(
        "the peers closed first; the program has read the end of file on {} of them "
        "(Recv-Q 0) and never called close()",
        grouped(leak.eof_read));
  }
  if (leak.eof_unread * 2 >= all) {
    return fmt::format(
        "the peers closed first; the program never read the end of file on {} of them "
        "(Recv-Q 1): it no longer looks at these sockets",
        grouped(leak.eof_unread));
  }
  return fmt::format(
      "the peers closed first; the program leaves data unread on {} of them: it is stuck or "
      "has forgotten them",
      grouped(leak.data_unread));
}

// "0 on 4 790, 1 on 22, more on 3", without those that are none.
std::string queues_of(const Leak& leak) {
  std::string text;
  for (const auto& [queue, count] : {std::pair("0", leak.eof_read), std::pair("1", leak.eof_unread),
                                     std::pair("more", leak.data_unread)}) {
    if (count == 0) continue;
    text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", queue, grouped(count));
  }
  return text;
}

void add_evidence(const Facts& facts, const Leak& leak, Finding& f) {
  const Process* p = facts.owner(*leak.all.front());
  size_t held = 0;
  for (const Socket& s : facts.now.sockets) {
    held += p != nullptr && facts.owner_index(s) == facts.owner_index(*leak.all.front());
  }
  if (held > 0) {
    add_fact(f, "CLOSE-WAIT", uint64_t{leak.all.size()},
             fmt::format("{} sockets of this program", grouped(held)), "sock_diag");
  } else {
    add_fact(f, "CLOSE-WAIT", uint64_t{leak.all.size()}, "sock_diag");
  }
  add_fact(f, "older than 60 s", uint64_t{leak.old.size()}, std::string(leak.oldest.source));
  add_fact(f, "Recv-Q", queues_of(leak), "sock_diag");
  if (p != nullptr && p->fds && p->fd_limit) {
    add_fact(f, "descriptors", uint64_t{*p->fds}, *p->fd_limit, "/proc/PID/fd, /proc/PID/limits");
  }
  if (const auto left = seconds_left(facts, leak)) {
    add_fact(f, "descriptors last for", human(Duration(static_cast<int64_t>(*left * 1e6))),
             "at this growth");
  }
}

Finding report(const Facts& facts, const Leak& leak, Confidence confidence) {
  const Socket& one = *leak.all.front();
  Finding f = make_finding(kInfo, severity_of(facts, leak, confidence), confidence);
  set_owner(facts, one, f);
  const auto ports = group_by(leak.all, [](const Socket& s) { return s.local.port; });
  if (ports.size() == 1) f.subject.local = one.local;
  const auto peers = group_by(leak.all, [](const Socket& s) { return s.remote; });
  if (peers.size() == 1) f.subject.remote = one.remote;
  const std::string growth = per_second(leak.growth);
  f.headline = fmt::format(
      "{} holds {} in CLOSE-WAIT {}{}, the oldest for {}{}", owner_name(facts, one),
      counted(leak.all.size(), "connection"), place_of(facts, leak.all), in_namespace(facts, one),
      human(leak.oldest.at_least), growth.empty() ? "" : ", growing " + growth);
  f.cause = cause_of(leak);
  add_evidence(facts, leak, f);
  const std::string pid = f.subject.pid ? fmt::to_string(*f.subject.pid) : "PID";
  f.confirm.push_back(fmt::format("ls -l /proc/{}/fd | grep -c socket", pid));
  f.remedy.push_back(
      leak.eof_read * 2 >= leak.all.size()
          ? "close the socket when read() returns 0; look for an early return on the error path. "
            "Restarting only buys time."
          : "keep reading every open socket (poll for it) and close it at the end of file. "
            "Restarting only buys time.");
  f.avoid.push_back("lowering tcp_fin_timeout: it does not touch CLOSE-WAIT");
  f.see.push_back(f.subject.pid ? fmt::format("tcpdx sockets 'pid {} and state close-wait'", pid)
                                : "tcpdx sockets 'state close-wait'");
  return f;
}

// Owned sockets only: with inode 0 the program never had them (accept-stalled).
Sockets owned(Sockets sockets) {
  std::erase_if(sockets, [](const Socket* s) { return s->inode == 0; });
  return sockets;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  const auto before = by_owner(facts, owned(facts.earlier_in(close_wait)));
  for (const auto& [owner, sockets] : by_owner(facts, owned(facts.in(close_wait)))) {
    const auto then = before.find(owner);
    const Leak leak = measure(facts, sockets, then == before.end() ? Sockets{} : then->second);
    if (const auto confidence = judge(facts, leak))
      findings.push_back(report(facts, leak, *confidence));
  }
  return findings;
}

// When that end came to CLOSE-WAIT.
WallTime stuck_since(const Kept& one) {
  const auto held = held_in(*one.connection, one.by, close_wait);
  return one->start + one->observed - held.value_or(Duration{});
}

struct Arrivals {
  size_t windows = 0;  // of 10 s in which at least one came
  WallTime first = WallTime::max();
  WallTime last = WallTime::min();
};

Arrivals arrivals_of(const std::vector<Kept>& kept) {
  Arrivals arrivals;
  std::set<int64_t> windows;
  for (const Kept& one : kept) {
    const WallTime at = stuck_since(one);
    windows.insert(at.time_since_epoch() / kWindow);
    arrivals.first = std::min(arrivals.first, at);
    arrivals.last = std::max(arrivals.last, at);
  }
  arrivals.windows = windows.size();
  return arrivals;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  const Arrivals arrivals = arrivals_of(group.kept);
  const bool grows = arrivals.windows >= kSustainedWindows;
  const auto count = static_cast<double>(group.count);
  const double rate =
      grows ? (count - 1) / std::max(seconds(arrivals.last - arrivals.first), 1.0) : 0;
  const bool much =
      count > kShareOfLimit * kUsualLimit || (rate > 0 && (kUsualLimit - count) / rate < kSoon);
  Finding f = make_finding(kInfo, much ? Severity::warning : Severity::notice,
                           grows ? Confidence::confirmed : Confidence::likely);
  set_place(group.place, f);
  Duration longest{};
  for (const Kept& one : group.kept) {
    longest = std::max(longest, held_in(*one.connection, one.by, close_wait).value_or(Duration{}));
  }
  f.headline = fmt::format("{} holds {} in CLOSE-WAIT, the oldest for {}{}", name_of(group.place),
                           counted(group.count, "connection"), human(longest),
                           rate > 0 ? ", growing " + per_second(rate) : "");
  f.cause = "its peers closed first and it acknowledged that, but the program never calls close()";
  add_judged(f, "CLOSE-WAIT for 60 s to the end of the capture", group.count, uint64_t{kLeastOld},
             std::string(kCapture));
  add_fact(f, "connections that ended", group.end.closes, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(
      fmt::format("on {}: ss -tanp state close-wait{}", to_string(group.place.addr),
                  group.place.port == 0 ? "" : fmt::format(" 'sport = :{}'", group.place.port)));
  f.remedy.push_back(
      "close the socket when read() returns 0; look for an early return on the error path");
  f.avoid.push_back("lowering tcp_fin_timeout: it does not touch CLOSE-WAIT");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::close_wait)) {
    const double share = ratio(group.count, group.count + group.end.closes);
    if (group.count >= kLeastOld && share >= kShareOfLimit) {
      findings.push_back(report(facts, group));
    }
  }
  return findings;
}

}  // namespace

const Fault close_wait_leak{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
