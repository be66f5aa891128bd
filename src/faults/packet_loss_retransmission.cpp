// packet-loss-retransmission: a path loses segments.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/live_paths.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kNotice = kLossShare;
constexpr double kWarning = 0.03;
constexpr double kCritical = 0.08;
constexpr Duration kLong = 30s;
constexpr size_t kManyPaths = 4;  // of one namespace: one finding, not a page of them

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"reordering-spurious-retransmit", "there the repeated segments had arrived"},
    LookAlike{"mtu-black-hole", "there only big segments are lost, and all of them"},
    LookAlike{"half-open-busy", "there nothing is acknowledged any more"},
    LookAlike{"a transfer that fills a queue at its start", "over after its first second"},
};
constexpr auto kCounters =
    std::to_array<std::string_view>({"Tcp.RetransSegs", "TcpExt.TCPDSACKRecvSegs",
                                     "TcpExt.TCPOrigDataSent", "TcpExt.TCPSynRetrans"});
constexpr FaultInfo kInfo{
    .id = "packet-loss-retransmission",
    .title = "A path loses segments",
    .states = kStates,
    .signature =
        "Segments with text are sent again because they did not arrive, on all connections "
        "between two networks, while acknowledgments go on. Live, the retransmissions in TCP_INFO "
        "and RetransSegs rise, and TCPDSACKRecvSegs does not.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Between two networks (/24, /64), of at least 1 000 segments with text over 30 s, repeats "
        "that were needed: above 1 % notice, 3 % warning, 8 % critical. Those that arrived twice "
        "are not counted, nor connections shorter than a second: both exist on perfect paths. "
        "Below 30 s no more than a suspicion and a notice. Live, connections that both looks saw "
        "are judged by the network that they go to; what is left of the namespace's counters, "
        "(RetransSegs - TCPSynRetrans - TCPDSACKRecvSegs) / TCPOrigDataSent, shows loss on those "
        "that came and went, which is a suspicion unless the kernel's events say where to.",
    .severity = "by the share that is lost",
    .remedy =
        "Find the place: errors of interfaces, duplex, radio, a policer, a full queue. Capture at "
        "both ends and compare.",
    .avoid = "Switching SACK or timestamps off: recovery gets slower.",
    .silent_on =
        "0.1 to 0.5 % across the Internet, a bulk transfer that fills a queue as it begins",
    .counters = kCounters,
};

Severity severity_of(double share) {
  if (share > kCritical) return Severity::critical;
  return share > kWarning ? Severity::warning : Severity::notice;
}

// What a live look may claim: less than 30 s, or a single burst, is a suspicion.
bool brief(const Facts& facts, size_t netns) {
  return facts.seen.window < kLong || !keeps_repeating(facts, netns);
}

Finding begin(const Facts& facts, size_t netns, const Sending& sent, Confidence confidence) {
  const bool is_brief = brief(facts, netns);
  Finding f = make_finding(kInfo, is_brief ? Severity::notice : severity_of(sent.loss()),
                           is_brief ? Confidence::suspected : confidence);
  f.subject.netns = facts.seen.namespaces[netns].inode;
  return f;
}

void add_sending(const Sending& sent, std::string source, Finding& f) {
  add_judged(f, "lost", percent(sent.loss()), percent(kNotice), source);
  add_fact(f, "segments with text", sent.segments, source);
  add_fact(f, "sent again", sent.repeats, source);
  add_fact(f, "of them needlessly", sent.needless, std::move(source));
}

void add_advice(Finding& f) {
  f.remedy.push_back(
      "find the place: interface errors, duplex, radio, a policer, a full queue; capture at both "
      "ends and compare");
  f.avoid.push_back("switching SACK or timestamps off: recovery gets slower");
}

bool enough(const Sending& sent) { return sent.segments >= kLeastDataPackets; }
bool is_lossy(const Sending& sent) { return enough(sent) && sent.loss() > kNotice; }

// Other networks that are sent to as much and without loss: then it is not this machine.
size_t clean_beside(const std::vector<LivePath>& paths, size_t netns) {
  return static_cast<size_t>(std::ranges::count_if(paths, [&](const LivePath& path) {
    return path.netns == netns && enough(path.sent) && !is_lossy(path.sent);
  }));
}

std::string cause_of(size_t clean) {
  return clean == 0
             ? "they did not arrive: the acknowledgments show that repeats filled gaps; no other "
               "network was sent enough to compare, so that the place may be here or there"
             : fmt::format(
                   "they did not arrive: the acknowledgments show that repeats filled gaps; {} "
                   "reached without loss, so that the place is on the way there",
                   clean == 1 ? "another network is" : grouped(clean) + " other networks are");
}

// `lossy` are of one namespace, the worst first.
Finding report(const Facts& facts, const std::vector<LivePath>& paths,
               const std::vector<const LivePath*>& lossy) {
  const LivePath& path = *lossy.front();
  Finding f = begin(facts, path.netns, path.sent, Confidence::likely);
  f.subject.remote = SocketAddress{.addr = path.to, .port = 0};
  f.headline = fmt::format("{} of the segments to {} had to be sent again{}, over {}",
                           percent(path.sent.loss()), network_of(path),
                           in_namespace(facts, path.netns), human(facts.seen.window));
  if (lossy.size() > 1) {
    f.headline += fmt::format("; the same to {} more networks", grouped(lossy.size() - 1));
  }
  f.cause = cause_of(clean_beside(paths, path.netns));
  add_sending(path.sent, "TCP_INFO", f);
  add_fact(f, "connections", uint64_t{path.flows}, "sock_diag");
  add_fact(f, "worst connection",
           fmt::format("{} to {}: {} sent again", owner_name(facts, *path.worst),
                       to_string(path.worst->remote), grouped(path.worst_repeats)),
           "TCP_INFO");
  f.confirm.push_back(fmt::format("{}mtr -n -T {}; ip -s link   (errors, drops)",
                                  run_inside(facts, path.netns), to_string(path.to)));
  add_advice(f);
  f.see.push_back(
      fmt::format("tcpdx sockets 'dst net {}' --sort -total_retrans", network_of(path)));
  return f;
}

// What the counters show beyond the connections that both looks saw.
Finding report_rest(const Facts& facts, size_t netns, const Sending& rest) {
  const MostRepeated most = most_repeated(facts, netns);
  Finding f =
      begin(facts, netns, rest, most.network.empty() ? Confidence::suspected : Confidence::likely);
  f.headline = fmt::format(
      "{} of the segments on short or small connections had to be sent again{}, over {}{}",
      percent(rest.loss()), in_namespace(facts, netns), human(facts.seen.window),
      most.network.empty() ? "" : fmt::format("; most of them to {}", most.network));
  f.cause = most.network.empty()
                ? "they did not arrive; the counters do not tell where they were sent to"
                : "they did not arrive: the kernel's events tell where repeats were sent to";
  add_sending(rest, "RetransSegs, TCPSynRetrans, TCPDSACKRecvSegs, TCPOrigDataSent", f);
  if (!most.network.empty()) {
    add_fact(f, fmt::format("repeats to {}", most.network), most.repeats, most.of,
             "tcp:tcp_retransmit_skb");
  }
  f.confirm.push_back(
      fmt::format("{}nstat -z 5 TcpRetransSegs TcpExtTCPSynRetrans "
                  "TcpExtTCPDSACKRecvSegs TcpExtTCPOrigDataSent; ip -s link",
                  run_inside(facts, netns)));
  add_advice(f);
  f.see.push_back("tcpdx rates");
  return f;
}

void find_in(const Facts& facts, const std::vector<LivePath>& paths, size_t netns,
             std::vector<Finding>& findings) {
  std::vector<const LivePath*> lossy;
  for (const LivePath& path : paths) {
    if (path.netns == netns && is_lossy(path.sent)) lossy.push_back(&path);
  }
  std::ranges::sort(lossy, std::greater{}, [](const LivePath* path) { return path->sent.loss(); });
  if (lossy.size() >= kManyPaths) {
    findings.push_back(report(facts, paths, lossy));
  } else {
    for (const LivePath* path : lossy) findings.push_back(report(facts, paths, {path}));
  }
  const Sending rest = sent_elsewhere(facts, netns, paths);
  if (is_lossy(rest)) findings.push_back(report_rest(facts, netns, rest));
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  if (facts.before == nullptr) return findings;
  const std::vector<LivePath> paths = live_paths(facts);
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    find_in(facts, paths, netns, findings);
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Path& path) {
  const double share = ratio(path.lost, path.data_packets);
  const bool brief = path.span() < kLong;
  Finding f = make_finding(kInfo, brief ? Severity::notice : severity_of(share),
                           brief ? Confidence::suspected : Confidence::likely);
  f.subject.local = SocketAddress{.addr = path.from, .port = 0};
  f.subject.remote = SocketAddress{.addr = path.to, .port = 0};
  f.headline =
      fmt::format("{} of the segments from {} to {} had to be sent again, over {}", percent(share),
                  network_name(path.from), network_name(path.to), human(path.span()));
  f.cause = "they did not arrive: the acknowledgments show that repeats filled gaps";
  add_judged(f, "lost", percent(share), percent(kNotice), std::string(kCapture));
  add_fact(f, "segments with text", path.data_packets, std::string(kCapture));
  add_fact(f, "sent again", path.retransmissions, std::string(kCapture));
  add_fact(f, "of them needlessly", path.spurious, std::string(kCapture));
  add_fact(f, "connections", path.flows, std::string(kCapture));
  f.confirm.push_back(
      fmt::format("mtr -n -T {}; ip -s link   (errors, drops)", to_string(path.to)));
  f.remedy.push_back(
      "find the place: interface errors, duplex, radio, a policer, a full queue; capture at both "
      "ends and compare");
  f.avoid.push_back("switching SACK or timestamps off: recovery gets slower");
  add_example(facts, path.example, f);
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const auto& [networks, path] : facts.paths()) {
    if (path.data_packets >= kLeastDataPackets && ratio(path.lost, path.data_packets) > kNotice) {
      findings.push_back(report(facts, path));
    }
  }
  return findings;
}

}  // namespace

const Fault packet_loss_retransmission{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
