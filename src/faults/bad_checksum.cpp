// bad-checksum: segments are damaged on the way.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kLeast = 6;
constexpr double kShare = 1e-6;
constexpr double kMost = 0.5;  // more, and the capture or the sender's card is to blame

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"checksum offload",
              "a capture at the sender shows sums that the card fills in later"},
    LookAlike{"a capture that was rewritten", "there nearly every sum of one side is wrong"},
    LookAlike{"packet-loss-retransmission", "there what does arrive is whole"},
};
constexpr FaultInfo kInfo{
    .id = "bad-checksum",
    .title = "Segments arrive damaged",
    .states = kStates,
    .signature =
        "TCP checksums that do not fit the segment; the receiver drops it without a word, so the "
        "sender repeats it.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Between two networks (/24, /64) more than 5 segments and more than one in a million, but "
        "not most of them: that would be the capture. Sums that only lack the network card's part "
        "are never counted, nor those of connections whose receiver acknowledged what only came "
        "damaged: it was whole there.",
    .severity = "warning: other damage may pass unseen",
    .remedy = "Replace card, cable or memory; update the driver; look at tunnel offloads.",
    .avoid = "Switching checksum verification off: damaged data would reach programs.",
    .silent_on = "sums that tcpdump calls incorrect on the sending machine",
};

Finding report(const CaptureFacts& facts, const Path& path) {
  Finding f = make_finding(kInfo, Severity::warning, Confidence::likely);
  f.subject.local = SocketAddress{.addr = path.from, .port = 0};
  f.subject.remote = SocketAddress{.addr = path.to, .port = 0};
  f.headline =
      fmt::format("{} from {} to {} had a wrong checksum", counted(path.bad_checksums, "segment"),
                  network_name(path.from), network_name(path.to));
  f.cause =
      "they were damaged before they came to the place of the capture; receivers drop them, and "
      "senders had to repeat them";
  add_fact(f, "wrong checksums", path.bad_checksums, path.packets, std::string(kCapture));
  f.confirm.push_back(
      fmt::format("on {}: nstat -az TcpInCsumErrors   (rising: they arrive damaged there)",
                  to_string(path.to)));
  f.remedy.push_back("replace card, cable or memory; update the driver; look at tunnel offloads");
  f.avoid.push_back("switching checksum verification off: damaged data would reach programs");
  for (const Kept& one : facts.with(Sign::bad_checksum)) {
    if (one->end(one.by).addr.unmapped() != path.from) continue;
    add_example(facts, one->id, f);
    break;
  }
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const auto& [networks, path] : facts.paths()) {
    const double share = ratio(path.bad_checksums, path.packets);
    if (path.bad_checksums >= kLeast && share > kShare && share < kMost) {
      findings.push_back(report(facts, path));
    }
  }
  return findings;
}

}  // namespace

const Fault bad_checksum{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
