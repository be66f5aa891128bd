// fin-wait2-stuck: we have closed our direction, the peer does not close its own.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr Duration kOld = 60s;
constexpr size_t kLeast = 5;

constexpr std::array kStates{fin_wait_2};
constexpr std::array kLookAlikes{
    LookAlike{"orphans ageing out", "no owner, a timer of at most tcp_fin_timeout"},
    LookAlike{"a receive-only half-close", "bytes_received still grows"},
    LookAlike{"close-wait-leak on this machine",
              "the other end is here in CLOSE-WAIT: that is the cause"},
};
constexpr FaultInfo kInfo{
    .id = "fin-wait2-stuck",
    .title = "Half-closed connections whose peers never close",
    .states = kStates,
    .signature =
        "FIN-WAIT-2 with an owner and without a timer: the program called "
        "shutdown(SHUT_WR) and waits for the peer's FIN, for which there is no limit. "
        "After close() the kernel limits it to tcp_fin_timeout.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least 5 of a process, owned, older than 60 s and than twice tcp_fin_timeout, "
        "receiving nothing; growth makes it certain. Orphans never count: the kernel bounds "
        "them. In a capture: at least 5 for 60 s, by the end that does not close; packets do not "
        "tell orphans apart.",
    .severity = "notice when growing, else info",
    .remedy = "Make the peer close; after shutdown() wait for a bounded time, then close().",
    .avoid = "tcp_fin_timeout: it does not touch sockets that a program still holds.",
    .silent_on = "orphans, half-closed connections that still receive",
};

bool stuck(const Facts& facts, const Socket& s) {
  if (s.inode == 0 || s.timer.kind == TimerKind::time_wait) return false;
  const auto limit =
      std::chrono::seconds(facts.sysctl(s.netns, "net.ipv4.tcp_fin_timeout").value_or(60));
  if (facts.age(s).at_least < std::max<Duration>(kOld, 2 * limit)) return false;
  const Socket* was = facts.earlier(s);
  if (was == nullptr) return facts.before == nullptr;
  return facts.known(*was, "bytes_received") == facts.known(s, "bytes_received");
}

size_t grown_by(const Facts& facts, const Sockets& group) {
  return static_cast<size_t>(std::ranges::count_if(facts.in(fin_wait_2), [&](const Socket* s) {
    const Socket* was = facts.earlier(*s);
    return s->inode != 0 && facts.owner_index(*s) == facts.owner_index(*group.front()) &&
           facts.before != nullptr && (was == nullptr || was->state != fin_wait_2);
  }));
}

Finding report(const Facts& facts, const Sockets& group) {
  const Socket& one = *group.front();
  const size_t grown = grown_by(facts, group);
  const Confidence sure = grown == 0         ? Confidence::suspected
                          : facts.is_short() ? Confidence::likely
                                             : Confidence::confirmed;
  Finding f = make_finding(kInfo, grown > 0 ? Severity::notice : Severity::info, sure);
  set_owner(facts, one, f);
  f.subject.local = one.local;
  f.subject.remote = one.remote;
  const Age age = oldest(facts, group);
  f.headline = fmt::format("{} holds {} in FIN-WAIT-2 {}{}, the oldest for at least {}",
                           owner_name(facts, one), counted(group.size(), "connection"),
                           place_of(facts, group), in_namespace(facts, one), human(age.at_least));
  f.cause =
      "it called shutdown() for sending and waits for the peer's FIN; the peer holds its side open "
      "(there they stand in CLOSE-WAIT), and no timer runs while the program holds the socket";
  add_fact(f, "FIN-WAIT-2 with owner, receiving nothing", uint64_t{group.size()}, "sock_diag");
  add_judged(f, "oldest", human(age.at_least), human(kOld), std::string(age.source));
  add_fact(f, "new in the window", uint64_t{grown}, "sock_diag");
  f.confirm.push_back(fmt::format("on {}: ss -tanp state close-wait 'sport = :{}'",
                                  to_string(one.remote.addr), one.remote.port));
  f.remedy.push_back("make the peer close when it reads the end of file");
  f.remedy.push_back(
      "here: wait for a bounded time after shutdown(), then close() (or TCP_LINGER2)");
  f.avoid.push_back("tcp_fin_timeout: it does not touch sockets that a program still holds");
  f.see.push_back(f.subject.pid
                      ? fmt::format("tcpdx sockets 'pid {} and state fin-wait-2'", *f.subject.pid)
                      : "tcpdx sockets 'state fin-wait-2'");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  Sockets all;
  std::ranges::copy_if(facts.in(fin_wait_2), std::back_inserter(all),
                       [&](const Socket* s) { return stuck(facts, *s); });
  std::vector<Finding> findings;
  for (const auto& [owner, group] : by_owner(facts, all)) {
    if (group.size() >= kLeast) findings.push_back(report(facts, group));
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  Finding f = make_finding(kInfo, Severity::info, Confidence::suspected);
  set_place(group.place, f);
  f.headline = fmt::format("the peers of {} wait in FIN-WAIT-2 on {}, for 60 s or longer",
                           name_of(group.place), counted(group.kept.size(), "connection"));
  f.cause = "they closed and were acknowledged; the FIN of the other end never comes";
  add_judged(f, "FIN-WAIT-2 for 60 s", uint64_t{group.kept.size()}, uint64_t{kLeast},
             std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format("on {}: ss -tanp state close-wait", to_string(group.place.addr)));
  f.remedy.push_back("make the program there close when it reads the end of file");
  f.avoid.push_back("tcp_fin_timeout: it does not touch sockets that a program still holds");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  // The culprit is the end that does not close.
  std::map<SocketAddress, std::vector<Kept>> by_peer;
  for (const Kept& one : facts.with(Sign::fin_wait_2)) {
    const Party peer = other(one.by);
    by_peer[place_of(*one.connection, peer)].push_back({one.connection, peer});
  }
  std::vector<Finding> findings;
  for (auto& [place, kept] : by_peer) {
    if (kept.size() < kLeast) continue;
    const Group group{.place = place, .end = {}, .count = kept.size(), .kept = std::move(kept)};
    findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault fin_wait2_stuck{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
