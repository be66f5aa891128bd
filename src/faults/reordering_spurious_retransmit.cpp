// reordering-spurious-retransmit: segments come late, not never.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kOutOfOrder = 0.01;
constexpr double kPerSecond = 1;

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"packet-loss-retransmission", "there the repeats fill gaps"},
    LookAlike{"a capture that shuffles", "there acknowledgments come before what they acknowledge"},
    LookAlike{"a few tail-loss probes", "far fewer than 50"},
};
constexpr FaultInfo kInfo{
    .id = "reordering-spurious-retransmit",
    .title = "Segments overtake each other and are sent again needlessly",
    .states = kStates,
    .signature =
        "Most of what is sent again had arrived: the receiver says so by duplicate SACKs or has "
        "acknowledged it already. Or segments arrive in another order than they were sent.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Between two networks (/24, /64): of at least 50 retransmissions more than half needless; "
        "or of at least 1 000 segments with text more than 1 %, and more than one a second, out "
        "of order while fewer are lost. In less than 30 s it is only suspected.",
    .severity = "notice",
    .remedy =
        "Let each connection stay on one way: hashing per flow instead of per packet on bonds and "
        "equal-cost routes, steering of network card queues. Find what delays in bursts.",
    .avoid = "net.ipv4.tcp_reordering: it adapts by itself.",
    .silent_on = "a few needless repeats at the end of transfers",
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

const Fault reordering_spurious_retransmit{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
