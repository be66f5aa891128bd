// receive-buffer-prune: the kernel squeezes, or throws away, what has arrived.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr double kThrownShare = 0.0001;    // of all segments that arrived; below it costs nothing
constexpr uint64_t kLeastThrown = 10;      // a burst of many senders into one socket throws a few
constexpr uint64_t kLeastSegments = 1000;  // that arrived
constexpr double kSqueezes = 1;            // a second: slower is what an incast burst does
constexpr double kFull = 0.9;              // of SO_RCVBUF
constexpr double kHalf = 0.5;              // of it, where the socket dropped something as well

constexpr std::array kStates{established};
constexpr std::array kLookAlikes{
    LookAlike{"zero-window-stuck-reader",
              "there the window closes in order and nothing that arrived is thrown away"},
    LookAlike{"tcp-memory-pressure", "there the memory of the whole machine is short"},
    LookAlike{"packet-loss-retransmission", "there segments do not arrive at all"},
    LookAlike{"an incast burst", "less than one squeeze a second, and soon over"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"Tcp.InSegs", "TcpExt.OfoPruned", "TcpExt.PruneCalled", "TcpExt.RcvPruned",
     "TcpExt.TCPOFODrop", "TcpExt.TCPRcvCollapsed", "TcpExt.TCPRcvQDrop"});
constexpr FaultInfo kInfo{
    .id = "receive-buffer-prune",
    .title = "Receive buffers are too full: the kernel squeezes or throws away received segments",
    .states = kStates,
    .signature =
        "PruneCalled and TCPRcvCollapsed rise: the kernel copies small segments together to make "
        "room. Worse, RcvPruned, TCPRcvQDrop, OfoPruned or TCPOFODrop rise: segments that had "
        "arrived are thrown away and must be sent again. A socket's memory is near SO_RCVBUF.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Of at least 1 000 segments that arrived more than 0.01 %, and at least 10, thrown away "
        "(RcvPruned or TCPRcvQDrop and TCPOFODrop, which count the same segments, and OfoPruned), "
        "in three windows of 10 s; in a shorter look only suspected, unless the kernel's events "
        "name the reason of each. Squeezing alone, at least once a second, is information.",
    .severity = "notice when segments are thrown away; info when they are only squeezed",
    .remedy =
        "Read faster; leave SO_RCVBUF unset, so that the kernel sizes the buffer, or set it "
        "larger; raise the last number of net.ipv4.tcp_rmem; let the sender write more at once.",
    .avoid = "A smaller SO_RCVBUF against memory use: it is what starts this.",
    .silent_on = "squeezes under a burst of many senders, fewer than one a second",
    .counters = kCounters,
};

// What was thrown away in one namespace, over one stretch of time.
struct Loss {
  uint64_t thrown = 0;
  uint64_t arrived = 0;

  double share() const { return ratio(thrown, arrived); }
};

// A segment for which pruning made no room counts as RcvPruned and again as TCPRcvQDrop or
// TCPOFODrop (net/ipv4/tcp_input.c); older kernels know only the first.
Loss loss_of(const std::array<uint64_t, 5>& rises) {
  const auto [pruned, queue_drop, ofo_drop, ofo_pruned, arrived] = rises;
  return {.thrown = std::max(pruned, queue_drop + ofo_drop) + ofo_pruned, .arrived = arrived};
}

constexpr std::array<std::string_view, 5> kThrown{"TcpExt.RcvPruned", "TcpExt.TCPRcvQDrop",
                                                  "TcpExt.TCPOFODrop", "TcpExt.OfoPruned",
                                                  "Tcp.InSegs"};

Loss measure(const Facts& facts, size_t netns) {
  std::array<uint64_t, 5> rises{};
  std::ranges::transform(kThrown, rises.begin(), [&](std::string_view name) {
    return facts.rise(netns, name).value_or(0);
  });
  return loss_of(rises);
}

bool too_much(const Loss& loss) {
  return loss.thrown >= kLeastThrown && loss.arrived >= kLeastSegments &&
         loss.share() > kThrownShare;
}

// In every window of 10 s.
bool goes_on(const Facts& facts, size_t netns) {
  std::array<Rises, 5> rises;
  std::ranges::transform(kThrown, rises.begin(),
                         [&](std::string_view name) { return facts.rises(netns, name); });
  for (size_t i = 0; i < facts.windows(); ++i) {
    std::array<uint64_t, 5> one{};
    std::ranges::transform(rises, one.begin(), [&](const Rises& all) {
      return i < all.size() ? all[i].value_or(0) : 0;
    });
    if (loss_of(one).share() <= kThrownShare) return false;
  }
  return !facts.is_short();
}

// The kernel's own words for a segment thrown away for want of room (skb_drop_reason).
bool for_want_of_room(std::string_view reason) {
  return reason == "SOCKET_RCVBUFF" || reason == "PROTO_MEM" || reason == "TCP_OFO_QUEUE_PRUNE";
}

size_t events_of(const Facts& facts, size_t netns) {
  return static_cast<size_t>(
      std::ranges::count_if(facts.events(EventKind::drop), [&](const TcpEvent* event) {
        return event->netns == netns && for_want_of_room(facts.reason(*event));
      }));
}

bool is_full(const Facts& facts, const Socket& s) {
  const TcpInfo* info = facts.info(s);
  if (info == nullptr || info->mem_receive_max == 0) return false;
  const double used = ratio(info->mem_receive, info->mem_receive_max);
  const Socket* was = facts.earlier(s);
  const TcpInfo* then = was != nullptr ? facts.info(*was) : nullptr;
  const bool dropped = then != nullptr && info->drops > then->drops;
  return used >= kFull || (dropped && used >= kHalf);
}

// The sockets whose buffers are full, of the program that has most of them.
Sockets fullest(const Facts& facts, size_t netns) {
  Sockets full;
  for (const Socket* s : facts.in(established)) {
    if (s->netns == netns && is_full(facts, *s)) full.push_back(s);
  }
  Sockets most;
  for (auto& [owner, group] : by_owner(facts, full)) {
    if (group.size() > most.size()) most = std::move(group);
  }
  return most;
}

// Whose buffers they are, as far as can be told; says by itself when it cannot.
void add_culprit(const Facts& facts, size_t netns, const Sockets& full, Finding& f) {
  if (full.empty()) {
    f.subject.netns = facts.seen.namespaces[netns].inode;
    f.confidence = lowered(f.confidence);
    add_fact(f, "sockets with a full buffer", std::string("none at the moment of either look"),
             "sock_diag SK_MEMINFO");
    return;
  }
  set_owner(facts, *full.front(), f);
  f.headline += fmt::format("; fullest are {} of {} {}", counted(full.size(), "buffer"),
                            owner_name(facts, *full.front()), place_of(facts, full));
  const TcpInfo& info = *facts.info(*full.front());
  add_fact(f, "memory of a full buffer", fmt::format("{} bytes", grouped(info.mem_receive)),
           fmt::format("{} bytes", grouped(info.mem_receive_max)), "sock_diag SK_MEMINFO");
  if (full.size() == 1) {
    f.subject.local = full.front()->local;
    f.subject.remote = full.front()->remote;
  }
}

void add_advice(const Facts& facts, size_t netns, Finding& f) {
  f.confirm.push_back(
      fmt::format("{}ss -tnm state established   (skmem: r near rb; d counts drops)",
                  run_inside(facts, netns)));
  f.remedy.push_back(
      "let the program read faster; leave SO_RCVBUF unset or set it larger; raise the last number "
      "of net.ipv4.tcp_rmem");
  f.remedy.push_back(
      "let the sender write more at once: each small segment takes the memory of a whole packet");
  f.avoid.push_back("a smaller SO_RCVBUF against memory use: it is what starts this");
  f.see.push_back("tcpdx sockets 'state established' --sort -mem_receive");
}

Finding report_thrown(const Facts& facts, size_t netns, const Loss& loss) {
  const size_t events = events_of(facts, netns);
  const bool named = events >= kLeastThrown;
  const Confidence most = goes_on(facts, netns) ? Confidence::likely : Confidence::suspected;
  Finding f = make_finding(kInfo, Severity::notice, named ? Confidence::confirmed : most);
  f.headline = fmt::format(
      "the kernel threw away {} of {} segments that had arrived{} ({}), because receive buffers "
      "were full",
      grouped(loss.thrown), grouped(loss.arrived), in_namespace(facts, netns),
      percent(loss.share()));
  f.cause =
      "they fitted the window but not the memory: the buffer is small, is read too "
      "slowly, or is filled by very small segments";
  add_judged(f, "thrown away", loss.thrown, kLeastThrown,
             "TcpExt.RcvPruned, TCPRcvQDrop, TCPOFODrop, OfoPruned");
  add_fact(f, "segments that arrived", loss.arrived, "Tcp.InSegs");
  if (named) add_fact(f, "drops with that reason", uint64_t{events}, "skb:kfree_skb");
  add_culprit(facts, netns, fullest(facts, netns), f);
  add_advice(facts, netns, f);
  return f;
}

Finding report_squeezed(const Facts& facts, size_t netns, uint64_t squeezed) {
  Finding f = make_finding(kInfo, Severity::info, at_most_for(facts, Confidence::likely));
  f.headline =
      fmt::format("the kernel squeezed full receive buffers {} times in {}{}; nothing was lost",
                  grouped(squeezed), human(facts.seen.window), in_namespace(facts, netns));
  f.cause =
      "many small segments, a small buffer or a slow reader: copying segments together costs "
      "processor time, and the next step is to throw them away";
  add_judged(f, "squeezes", squeezed, static_cast<uint64_t>(kSqueezes * seconds(facts.seen.window)),
             "TcpExt.PruneCalled");
  add_fact(f, "segments copied together", facts.rise(netns, "TcpExt.TCPRcvCollapsed").value_or(0),
           "TcpExt.TCPRcvCollapsed");
  add_culprit(facts, netns, fullest(facts, netns), f);
  add_advice(facts, netns, f);
  return f;
}

// At least one a second in every window.
bool squeezes(const Facts& facts, size_t netns) {
  const auto rises = facts.rises(netns, "TcpExt.PruneCalled");
  const double window = seconds(facts.seen.window) / static_cast<double>(rises.size());
  return !rises.empty() && window > 0 && std::ranges::all_of(rises, [&](const auto& rise) {
    return static_cast<double>(rise.value_or(0)) >= kSqueezes * window;
  });
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  if (facts.before == nullptr) return findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const Loss loss = measure(facts, netns);
    if (too_much(loss)) {
      findings.push_back(report_thrown(facts, netns, loss));
    } else if (squeezes(facts, netns)) {
      const auto squeezed = facts.rise(netns, "TcpExt.PruneCalled").value_or(0);
      findings.push_back(report_squeezed(facts, netns, squeezed));
    }
  }
  return findings;
}

}  // namespace

const Fault receive_buffer_prune{&kInfo, find};

}  // namespace tcpdx::faults
