// reordering-spurious-retransmit: segments come late, not never.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/live_paths.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kOutOfOrder = 0.01;
constexpr double kPerSecond = 1;
constexpr size_t kManyPaths = 4;      // of one namespace: one finding, not a page of them
constexpr double kOvertaken = 0.001;  // of the segments sent: a fast path overtakes now and then

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"packet-loss-retransmission", "there the repeats fill gaps"},
    LookAlike{"a capture that shuffles", "there acknowledgments come before what they acknowledge"},
    LookAlike{"a few tail-loss probes", "far fewer than 50"},
};
constexpr auto kCounters =
    std::to_array<std::string_view>({"Tcp.RetransSegs", "TcpExt.TCPDSACKRecvSegs",
                                     "TcpExt.TCPOrigDataSent", "TcpExt.TCPSynRetrans"});
constexpr FaultInfo kInfo{
    .id = "reordering-spurious-retransmit",
    .title = "Segments overtake each other and are sent again needlessly",
    .states = kStates,
    .signature =
        "Most of what is sent again had arrived: the receiver says so by duplicate SACKs or has "
        "acknowledged it already. Or segments arrive in another order than they were sent. Live, "
        "tcpi_dsack_dups rises with the retransmissions, or tcpi_reord_seen rises.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Between two networks (/24, /64): of at least 50 retransmissions more than half needless; "
        "or of at least 1 000 segments with text more than 1 %, and more than one a second, out "
        "of order while fewer are lost. Live, for the second, the kernel noticed a reordering more "
        "than once a second and for more than 0.1 % of the segments of connections that both looks "
        "saw. In less than 30 s it is only suspected.",
    .severity = "notice",
    .remedy =
        "Let each connection stay on one way: hashing per flow instead of per packet on bonds and "
        "equal-cost routes, steering of network card queues. Find what delays in bursts.",
    .avoid = "net.ipv4.tcp_reordering: it adapts by itself.",
    .silent_on = "a few needless repeats at the end of transfers",
    .counters = kCounters,
};

bool needless(const Path& path) {
  return path.retransmissions >= kLeastRepeats &&
         ratio(path.spurious, path.retransmissions) > kSpuriousShare;
}

bool shuffled(const Path& path) {
  return path.data_packets >= kLeastDataPackets &&
         ratio(path.out_of_order, path.data_packets) > kOutOfOrder &&
         path.out_of_order > path.lost &&
         static_cast<double>(path.out_of_order) > kPerSecond * seconds(path.span());
}

bool needless(const Sending& sent) {
  return sent.repeats >= kLeastRepeats && ratio(sent.needless, sent.repeats) > kSpuriousShare;
}

bool shuffled(const Facts& facts, const LivePath& path) {
  return path.sent.segments >= kLeastDataPackets &&
         ratio(path.reorderings, path.sent.segments) > kOvertaken &&
         static_cast<double>(path.reorderings) > kPerSecond * seconds(facts.seen.window);
}

// A single burst is what one moment of congestion makes of any path.
Finding begin(const Facts& facts, size_t netns, const Sending& sent, std::string_view source) {
  const bool goes_on = !needless(sent) || keeps_repeating(facts, netns);
  Finding f =
      make_finding(kInfo, Severity::notice,
                   goes_on ? at_most_for(facts, Confidence::likely) : Confidence::suspected);
  f.subject.netns = facts.seen.namespaces[netns].inode;
  f.cause = "segments are late, not lost: they take different ways, or are held up in bursts";
  add_fact(f, "sent again", sent.repeats, std::string(source));
  add_fact(f, "of them needlessly", sent.needless, std::string(source));
  add_fact(f, "segments with text", sent.segments, std::string(source));
  f.confirm.push_back(
      fmt::format("{}nstat -az TcpExtTCPDSACKRecv TcpExtTCPSACKReorder TcpExtTCPSpuriousRTOs; ip "
                  "-d link   (bonds)",
                  run_inside(facts, netns)));
  f.remedy.push_back(
      "hash per flow, not per packet, on bonds and equal-cost routes; look for what delays in "
      "bursts");
  f.avoid.push_back("net.ipv4.tcp_reordering: it adapts by itself");
  return f;
}

Finding report(const Facts& facts, const LivePath& path) {
  Finding f = begin(facts, path.netns, path.sent, "TCP_INFO");
  f.subject.remote = SocketAddress{.addr = path.to, .port = 0};
  const std::string where = in_namespace(facts, path.netns);
  f.headline =
      needless(path.sent)
          ? fmt::format("{} of {} to {} were needless{}, over {}", grouped(path.sent.needless),
                        counted(path.sent.repeats, "retransmission"), network_of(path), where,
                        human(facts.seen.window))
          : fmt::format("segments to {} overtook each other {} times in {}{}, of {} sent",
                        network_of(path), grouped(path.reorderings), human(facts.seen.window),
                        where, grouped(path.sent.segments));
  add_fact(f, "reorderings noticed", path.reorderings, "tcpi_reord_seen");
  add_fact(f, "connections", uint64_t{path.flows}, "sock_diag");
  f.see.push_back(fmt::format("tcpdx sockets 'dst net {}' --sort -reord_seen", network_of(path)));
  return f;
}

Finding report_rest(const Facts& facts, size_t netns, const Sending& rest) {
  Finding f = begin(facts, netns, rest, "RetransSegs, TCPSynRetrans, TCPDSACKRecvSegs");
  const MostRepeated most = most_repeated(facts, netns);
  f.headline = fmt::format("{} of {} on short or small connections were needless{}, over {}",
                           grouped(rest.needless), counted(rest.repeats, "retransmission"),
                           in_namespace(facts, netns), human(facts.seen.window));
  if (most.network.empty()) {
    f.confidence = Confidence::suspected;
  } else {
    f.headline += fmt::format("; most of them to {}", most.network);
    add_fact(f, fmt::format("repeats to {}", most.network), most.repeats, most.of,
             "tcp:tcp_retransmit_skb");
  }
  f.see.push_back("tcpdx rates");
  return f;
}

void find_in(const Facts& facts, const std::vector<LivePath>& paths, size_t netns,
             std::vector<Finding>& findings) {
  std::vector<const LivePath*> odd;
  for (const LivePath& path : paths) {
    if (path.netns != netns) continue;
    if (needless(path.sent) || shuffled(facts, path)) odd.push_back(&path);
  }
  const Sending rest = sent_elsewhere(facts, netns, paths);
  if (odd.empty() && needless(rest)) findings.push_back(report_rest(facts, netns, rest));
  if (odd.size() < kManyPaths) {
    for (const LivePath* path : odd) findings.push_back(report(facts, *path));
    return;
  }
  findings.push_back(report(facts, **std::ranges::max_element(odd, {}, &LivePath::reorderings)));
  findings.back().headline +=
      fmt::format("; the same to {} more networks", grouped(odd.size() - 1));
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
  Finding f = make_finding(kInfo, Severity::notice, at_most_for(facts, Confidence::likely));
  f.subject.local = SocketAddress{.addr = path.from, .port = 0};
  f.subject.remote = SocketAddress{.addr = path.to, .port = 0};
  f.headline = needless(path)
                   ? fmt::format("{} of {} from {} to {} were needless", grouped(path.spurious),
                                 counted(path.retransmissions, "retransmission"),
                                 network_name(path.from), network_name(path.to))
                   : fmt::format("{} of {} segments from {} to {} came out of order",
                                 grouped(path.out_of_order), grouped(path.data_packets),
                                 network_name(path.from), network_name(path.to));
  f.cause = "segments are late, not lost: they take different ways, or are held up in bursts";
  add_fact(f, "sent again", path.retransmissions, std::string(kCapture));
  add_fact(f, "of them needlessly", path.spurious, std::string(kCapture));
  add_fact(f, "out of order", path.out_of_order, std::string(kCapture));
  add_fact(f, "segments with text", path.data_packets, std::string(kCapture));
  f.confirm.push_back(
      "on the sender: nstat -az TcpExtTCPDSACKRecv TcpExtTCPSACKReorder TcpExtTCPSpuriousRTOs");
  f.remedy.push_back(
      "hash per flow, not per packet, on bonds and equal-cost routes; look for what delays in "
      "bursts");
  f.avoid.push_back("net.ipv4.tcp_reordering: it adapts by itself");
  add_example(facts, path.example, f);
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const auto& [networks, path] : facts.paths()) {
    if (needless(path) || shuffled(path)) findings.push_back(report(facts, path));
  }
  return findings;
}

}  // namespace

const Fault reordering_spurious_retransmit{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
