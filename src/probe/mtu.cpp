#include "probe/mtu.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "probe/error_words.hpp"

namespace tcpdx::probe {
namespace {

using Clock = std::chrono::steady_clock;

// Ethernet, PPPoE, tunnels of the usual kinds, IPv6's least and what every IPv4 host takes.
constexpr std::array kSizes{576U, 1280U, 1380U, 1400U, 1420U, 1436U, 1450U, 1480U, 1492U, 1500U};
constexpr unsigned kRounds = 2;
constexpr Duration kLongest = 1s;
constexpr Duration kBetween = 150ms;  // a lost one is not taken for one that does not fit
constexpr int kSliceMs = 20;
constexpr unsigned kHeaders4 = 28;  // IP and ICMP
constexpr unsigned kHeaders6 = 48;

struct Asked {
  SizeProbe probe;
  std::unique_ptr<Asker> asker;
};

void hear(Asked& asked) {
  std::vector<Heard> heard;
  asked.asker->hear(heard);
  for (const Heard& one : heard) {
    if (one.what == Heard::What::answer) asked.probe.answered = true;
    if (one.message && says_too_big(*one.message)) asked.probe.told = one.message;
  }
}

bool settled(const Asked& asked) { return asked.probe.answered || asked.probe.told; }

}  // namespace

MtuLook judge_sizes(std::vector<SizeProbe> sizes) {
  MtuLook look;
  look.sizes = std::move(sizes);
  bool vanished = false;
  for (const SizeProbe& one : look.sizes) {
    if (one.answered) {
      look.largest = one.mtu;
      vanished = false;  // a larger one came through: the smaller was merely lost
    } else if (one.told) {
      if (!look.told_mtu && one.told->info != 0) {
        look.told_mtu = one.told->info;
        look.told_by = one.told->offender;
      }
    } else {
      vanished = true;
    }
  }
  look.black_hole = vanished && look.largest && !look.told_mtu;
  return look;
}

MtuLook look_at_sizes(const AskOptions& options, const std::function<bool()>& stop) {
  const unsigned headers = options.target.addr.family == Family::v4 ? kHeaders4 : kHeaders6;
  std::vector<Asked> all;
  all.reserve(kSizes.size());
  for (const unsigned size : kSizes) {
    AskOptions one = options;
    one.dont_fragment = true;
    one.size = size - headers;
    auto asker = open_asker(Method::icmp, one);
    if (!asker) return {};
    all.push_back({.probe = {.mtu = size, .told = {}}, .asker = std::move(*asker)});
  }
  const Clock::time_point start = Clock::now();
  const auto now = [&] { return std::chrono::duration_cast<Duration>(Clock::now() - start); };
  unsigned rounds = 0;
  while (now() < kLongest && !(stop && stop()) && !std::ranges::all_of(all, settled)) {
    if (rounds < kRounds && now() >= rounds * kBetween) {
      for (Asked& one : all) {
        if (settled(one)) continue;
        // Where it is larger than this host's own interface, the error queue has the answer.
        if (!one.asker->send(rounds, 0)) hear(one);
      }
      ++rounds;
    }
    std::vector<pollfd> polls;
    for (const Asked& one : all) one.asker->add_polls(polls);
    ::poll(polls.data(), polls.size(), kSliceMs);
    for (Asked& one : all) hear(one);
  }
  std::vector<SizeProbe> sizes;
  sizes.reserve(all.size());
  for (Asked& one : all) sizes.push_back(std::move(one.probe));
  return judge_sizes(std::move(sizes));
}

}  // namespace tcpdx::probe
