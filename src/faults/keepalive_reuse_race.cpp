// keepalive-reuse-race: a request meets a connection that the server just closes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kLeast = 5;
constexpr Duration kWithin = 10min;
constexpr double kTolerance = 0.1;  // idle limits are constants

constexpr std::array kStates{tcp::State::fin_wait_1, tcp::State::fin_wait_2};
constexpr std::array kLookAlikes{
    LookAlike{"rst-to-closed-socket", "there the client had long seen the FIN"},
    LookAlike{"rst-on-close-unread", "there no FIN comes before the reset"},
    LookAlike{"a middlebox that forgets idle connections", "there no FIN of the server is seen"},
};
constexpr FaultInfo kInfo{
    .id = "keepalive-reuse-race",
    .title = "Requests meet connections that the server is closing for idleness",
    .states = kStates,
    .signature =
        "The server's FIN and the client's next request cross on the way; the server answers the "
        "request by a reset. Proxies report it as 502. It hits only connections that are used "
        "again after a pause.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least 5 within 10 minutes at one service, the reset less than two round trips behind "
        "the FIN, and the pause before the FIN within 10 % of one constant, which is the server's "
        "idle limit.",
    .severity = "notice",
    .remedy =
        "Make the server's idle limit longer than the one of its clients' pools; let clients "
        "repeat idempotent requests.",
    .avoid = "Switching connection reuse off: every request then pays for a handshake.",
    .silent_on = "idle connections that the client closes cleanly after the server's FIN",
};

// How long the connection had been idle when the server closed it.
Duration pause_of(const Kept& one) {
  const Connection& c = *one.connection;
  return fin_at(c, one.by).value_or(Duration{}) - c.side(one.by).last_data_at.value_or(Duration{});
}

std::vector<Kept> with_one_pause(std::vector<Kept> kept) {
  std::ranges::sort(kept, {}, pause_of);
  const Duration median = kept.empty() ? Duration{} : pause_of(kept[kept.size() / 2]);
  std::erase_if(kept, [&](const Kept& one) {
    return std::abs(seconds(pause_of(one) - median)) > kTolerance * seconds(median);
  });
  return kept;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  Finding f = make_finding(kInfo, Severity::notice, Confidence::likely);
  const Duration pause = pause_of(group.kept[group.kept.size() / 2]);
  set_place(group.place, f);
  f.headline =
      fmt::format("{} to {} met its FIN after a pause of {} and were reset",
                  counted(group.kept.size(), "request"), name_of(group.place), human(pause));
  f.cause = fmt::format(
      "the server closes connections that are idle for {}, and the client uses them again at that "
      "moment",
      human(pause));
  add_judged(f, "crossed within 10 minutes", uint64_t{group.kept.size()}, uint64_t{kLeast},
             std::string(kCapture));
  add_fact(f, "pause before the FIN", human(pause), std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(
      fmt::format("compare the idle limit of {} ({}) with that of its clients' pools",
                  name_of(group.place), human(pause)));
  f.remedy.push_back(
      "make the server's idle limit longer than the clients'; let clients repeat idempotent "
      "requests");
  f.avoid.push_back("switching connection reuse off: every request then pays for a handshake");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (Group& group : groups_of(facts, Sign::reuse_race)) {
    group.kept = with_one_pause(std::move(group.kept));
    std::vector<WallTime> at;
    at.reserve(group.kept.size());
    for (const Kept& one : group.kept) {
      at.push_back(one->start + fin_at(*one.connection, one.by).value_or(Duration{}));
    }
    if (most_within(std::move(at), kWithin) >= kLeast) findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault keepalive_reuse_race{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
