#include "probe/mtu.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "base/stopwatch.hpp"
#include "probe/error_words.hpp"
#include "probe/path.hpp"

namespace tcpdx::probe {
namespace {

// Ethernet, PPPoE, tunnels of the usual kinds, IPv6's least and what every IPv4 host takes.
constexpr std::array kSizes{576U, 1280U, 1380U, 1400U, 1420U, 1436U, 1450U, 1480U, 1492U, 1500U};
constexpr unsigned kRounds = 2;
constexpr unsigned kUdpRounds = 3;
constexpr Duration kLongest = 1s;     // for each kind of probe
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

Asked asked_by(Method method, unsigned size, const AskOptions& options) {
  const unsigned headers = options.target.addr.family == Family::v4 ? kHeaders4 : kHeaders6;
  AskOptions one = options;
  one.dont_fragment = true;
  one.size = size - headers;
  Asked asked{.probe = {.mtu = size, .told = {}}, .asker = {}};
  if (auto asker = open_asker(method, one)) asked.asker = std::move(*asker);
  return asked;
}

bool settled(const Asked& asked) { return asked.probe.answered || asked.probe.told; }

// Sends those that are not settled, a few times; until all are, or the time is up.
void ask_all(std::span<Asked> all, unsigned rounds, const std::function<bool()>& stop) {
  const Stopwatch watch;
  unsigned round = 0;
  while (watch.elapsed() < kLongest && !(stop && stop()) && !std::ranges::all_of(all, settled)) {
    if (round < rounds && watch.elapsed() >= round * kBetween) {
      for (Asked& one : all) {
        if (settled(one)) continue;
        // Where it is larger than this host's own interface, the error queue has the answer.
        if (!one.asker->send(round, 0)) hear(one);
      }
      ++round;
    }
    std::vector<pollfd> polls;
    for (const Asked& one : all) one.asker->add_polls(polls);
    ::poll(polls.data(), polls.size(), kSliceMs);
    for (Asked& one : all) hear(one);
  }
}

// The large one leaves more often: a host that limits its refusals answers the first.
std::optional<bool> arrives_by_udp(const MtuLook& look, const AskOptions& options,
                                   const std::function<bool()>& stop) {
  const auto size = vanished_size(look);
  if (!size) return std::nullopt;
  AskOptions to_port = options;
  to_port.target.port = kTraceroutePort;
  Asked large = asked_by(Method::udp, *size, to_port);
  Asked small = asked_by(Method::udp, kSizes.front(), to_port);
  if (!large.asker || !small.asker) return std::nullopt;
  ask_all(std::span(&large, 1), kUdpRounds, stop);
  if (large.probe.answered) return true;
  ask_all(std::span(&small, 1), kUdpRounds, stop);
  return small.probe.answered ? std::optional(false) : std::nullopt;
}

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

std::optional<unsigned> vanished_size(const MtuLook& look) {
  const auto at = std::ranges::find_if(look.sizes, [&](const SizeProbe& one) {
    return one.mtu > look.largest.value_or(0) && !one.answered && !one.told;
  });
  return at == look.sizes.end() ? std::nullopt : std::optional(at->mtu);
}

MtuLook look_at_sizes(const AskOptions& options, const std::function<bool()>& stop) {
  std::vector<Asked> all;
  all.reserve(kSizes.size());
  for (const unsigned size : kSizes) {
    all.push_back(asked_by(Method::icmp, size, options));
    if (!all.back().asker) return {};
  }
  ask_all(all, kRounds, stop);
  std::vector<SizeProbe> sizes;
  sizes.reserve(all.size());
  for (Asked& one : all) sizes.push_back(std::move(one.probe));
  MtuLook look = judge_sizes(std::move(sizes));
  if (look.black_hole) look.large_arrives = arrives_by_udp(look, options, stop);
  return look;
}

}  // namespace tcpdx::probe
