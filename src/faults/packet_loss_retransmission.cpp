// packet-loss-retransmission: a path loses segments.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kNotice = kLossShare;
constexpr double kWarning = 0.03;
constexpr double kCritical = 0.08;
constexpr Duration kLong = 30s;

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"reordering-spurious-retransmit", "there the repeated segments had arrived"},
    LookAlike{"mtu-black-hole", "there only big segments are lost, and all of them"},
    LookAlike{"half-open-busy", "there nothing is acknowledged any more"},
    LookAlike{"a transfer that fills a queue at its start", "over after its first second"},
};
constexpr FaultInfo kInfo{
    .id = "packet-loss-retransmission",
    .title = "A path loses segments",
    .states = kStates,
    .signature =
        "Segments with text are sent again because they did not arrive, on all connections "
        "between two networks, while acknowledgments go on.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Between two networks (/24, /64), of at least 1 000 segments with text over 30 s, repeats "
        "that were needed: above 1 % notice, 3 % warning, 8 % critical. Those that arrived twice "
        "are not counted, nor connections shorter than a second: both exist on perfect paths. "
        "Below 30 s no more than a suspicion and a notice.",
    .severity = "by the share that is lost",
    .remedy =
        "Find the place: errors of interfaces, duplex, radio, a policer, a full queue. Capture at "
        "both ends and compare.",
    .avoid = "Switching SACK or timestamps off: recovery gets slower.",
    .silent_on =
        "0.1 to 0.5 % across the Internet, a bulk transfer that fills a queue as it begins",
};

Severity severity_of(double share) {
  if (share > kCritical) return Severity::critical;
  return share > kWarning ? Severity::warning : Severity::notice;
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

const Fault packet_loss_retransmission{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
