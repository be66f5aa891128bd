#include "probe/path.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/order.hpp"
#include "probe/error_words.hpp"
#include "probe/flows.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::probe {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration kLeastPatience = 250ms;  // a busy machine answers that late
constexpr Duration kMostPatience = 1s;
constexpr int kRoundTrips = 4;
constexpr Duration kSlice = 100ms;    // how long a stop may go unnoticed
constexpr double kLittleLoss = 0.05;  // of the hops behind, for "limits its answers"
constexpr unsigned kFewProbes = 3;

// A router's quotation of a SYN; eight octets of it, as RFC 792 has them, hold no options.
std::optional<uint16_t> quoted_mss(const ErrorMessage& message) {
  const auto quoted = wire::parse_tcp(message.quoted);
  return quoted ? quoted->header.options.mss : std::nullopt;
}

// Sizes go by echoes, or by UDP where this user may send none: a TCP SYN has one size only.
PathMtu measure_mtu(const PathResult& path, AskOptions ask, const std::function<bool()>& stop) {
  Method method = Method::icmp;
  if (path.method == Method::udp || !open_asker(Method::icmp, ask)) method = Method::udp;
  Duration longest{};
  for (const PathHop& hop : path.hops) {
    if (const auto rtt = hop.rtt()) longest = std::max(longest, rtt->max);
  }
  const Duration patience = std::clamp(kRoundTrips * longest, kLeastPatience, kMostPatience);
  if (ask.target.port == 0) ask.target.port = kTraceroutePort;
  return measure_path_mtu(interface_mtu(ask), static_cast<unsigned>(path.hops.size()),
                          size_asker(method, ask, patience, stop));
}

void wait(std::span<const PathWalk> walks, Duration now) {
  std::vector<pollfd> polls;
  Duration until = now + kSlice;
  for (const PathWalk& walk : walks) {
    if (walk.over()) continue;
    walk.add_polls(polls);
    until = std::min(until, walk.next());
  }
  const auto left = std::max<int64_t>(0, (until - now).count());
  const timespec timeout{.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
  ::ppoll(polls.data(), polls.size(), &timeout, nullptr);
}

}  // namespace

std::optional<RttSummary> PathHop::rtt() const {
  std::vector<Duration> all;
  for (const Responder& one : responders) all.insert(all.end(), one.rtts.begin(), one.rtts.end());
  return summarize(all);
}

PathWalk::PathWalk(std::unique_ptr<Asker> asker, Method method, const PathOptions& options)
    : asker_(std::move(asker)), method_(method), options_(options) {
  for (unsigned ttl = 1; ttl <= options.max_ttl; ++ttl) {
    hops_.push_back({.ttl = static_cast<uint8_t>(ttl), .responders = {}});
  }
  for (unsigned round = 0; round < options.rounds; ++round) {
    for (unsigned ttl = 1; ttl <= options.max_ttl; ++ttl) {
      due_.push_back({.at = round * options.spacing, .ttl = static_cast<uint8_t>(ttl)});
    }
  }
  const Duration all = options.rounds * options.spacing;
  for (unsigned i = 0; i < options.end_to_end; ++i) {
    due_.push_back({.at = all * i / options.end_to_end, .ttl = 0});
  }
  sort_keeping_order(due_, std::greater{}, &Due::at);
}

// What the nearest hops take says nothing of the way to the target: a single link may be longer
// than all others together. So as long as nothing has come from its end there is no hurry.
Duration PathWalk::patience() const {
  if (options_.patience > Duration{}) return options_.patience;
  const bool end_known = !end_to_end_.empty() || stopped_at_;
  if (longest_ == Duration{} || !end_known) return kMostPatience;
  return std::clamp(kRoundTrips * longest_, kLeastPatience, kMostPatience);
}

// Nothing is sent behind the target, nor behind a router that said that there is no way.
bool PathWalk::wanted(uint8_t ttl) const {
  if (ttl == 0) return !stopped_at_;
  if (target_ttl_ && ttl > *target_ttl_) return false;
  return !stopped_at_ || ttl <= *stopped_at_;
}

void PathWalk::send_due(Duration now) {
  while (!due_.empty() && due_.back().at <= now) {
    const uint8_t ttl = due_.back().ttl;
    due_.pop_back();
    if (!wanted(ttl)) continue;
    Probe probe{.seq = next_seq_++, .ttl = ttl, .at = now};
    if (const auto sent = asker_->send(probe.seq, ttl == 0 ? 64 : ttl); !sent) {
      if (words_.empty()) words_ = sent.error().sentence;
      continue;
    }
    if (ttl != 0) ++hops_[ttl - 1U].sent;
    probes_.push_back(probe);
  }
}

Responder& PathWalk::responder(PathHop& hop, const IpAddress& address) {
  const auto known = std::ranges::find(hop.responders, address, &Responder::address);
  if (known != hop.responders.end()) return *known;
  Responder& added = hop.responders.emplace_back();
  added.address = address;
  return added;
}

void PathWalk::note_target(const Heard& heard, const Probe& probe, Duration rtt) {
  end_to_end_.push_back(rtt);
  if (probe.ttl == 0) return;
  PathHop& hop = hops_[probe.ttl - 1U];
  hop.is_target = true;
  target_ttl_ = std::min(target_ttl_.value_or(probe.ttl), probe.ttl);
  if (heard.words.empty()) return;
  responder(hop, options_.ask.target.addr).words = heard.words;
}

void PathWalk::take(const Heard& heard, Probe& probe, Duration now) {
  if (std::exchange(probe.answered, true)) return;
  probe.known = true;
  const Duration rtt = heard.rtt.value_or(now - probe.at);
  longest_ = std::max(longest_, rtt);
  if (heard.what == Heard::What::answer) note_target(heard, probe, rtt);
  const bool ran_out = heard.message && says_ttl_exceeded(*heard.message);
  if (heard.what == Heard::What::error && !ran_out) {
    words_ = heard.words;
    if (probe.ttl != 0) stopped_at_ = std::min(stopped_at_.value_or(probe.ttl), probe.ttl);
  }
  if (probe.ttl == 0 || !heard.from) return;
  PathHop& hop = hops_[probe.ttl - 1U];
  ++hop.answered;
  Responder& from = responder(hop, *heard.from);
  from.rtts.push_back(rtt);
  from.answer_ttl = heard.ttl;
  if (heard.what == Heard::What::error && !ran_out) from.words = heard.words;
  if (!heard.message) return;
  if (!heard.message->labels.empty()) from.labels = heard.message->labels;
  if (method_ == Method::tcp) from.quoted_mss = quoted_mss(*heard.message);
}

void PathWalk::turn(Duration now) {
  std::vector<Heard> heard;
  asker_->hear(heard);
  for (const Heard& one : heard) {
    const auto probe = std::ranges::find(probes_, one.seq, &Probe::seq);
    if (probe != probes_.end()) take(one, *probe, now);
  }
  const Duration patient = patience();
  for (Probe& probe : probes_) {
    if (!probe.known && (now >= probe.at + patient || !wanted(probe.ttl))) probe.known = true;
  }
  send_due(now);
}

Duration PathWalk::next() const {
  Duration next = due_.empty() ? Duration::max() : due_.back().at;
  const auto waiting = std::ranges::find(probes_, false, &Probe::known);
  if (waiting != probes_.end()) next = std::min(next, waiting->at + patience());
  return next;
}

bool PathWalk::over() const {
  return std::ranges::none_of(due_, [this](const Due& due) { return wanted(due.ttl); }) &&
         std::ranges::all_of(probes_, &Probe::known);
}

unsigned PathWalk::last_hop() const {
  if (target_ttl_) return *target_ttl_;
  if (stopped_at_) return *stopped_at_;
  unsigned last = 0;
  for (const PathHop& hop : hops_) {
    if (hop.answered > 0) last = hop.ttl;
  }
  return last;
}

// From the end towards us: what passed a hop passed all before it.
void judge_losses(PathResult& result) {
  Share behind = result.end_to_end_loss;
  bool known = result.reached;
  for (auto hop = result.hops.rbegin(); hop != result.hops.rend(); ++hop) {
    hop->node_loss = share_of(hop->sent - hop->answered, hop->sent);
    if (!known || (hop->answered > 0 && hop->node_loss.value < behind.value)) {
      behind = hop->node_loss;
      known = known || hop->answered > 0;
    }
    hop->link_loss = behind;
    hop->rate_limited = hop->sent >= kFewProbes && hop->answered > 0 &&
                        hop->node_loss.low > kLittleLoss && behind.value < kLittleLoss;
  }
}

PathResult PathWalk::result(Duration took) const {
  PathResult result{.target = options_.ask.target,
                    .method = method_,
                    .reached = !end_to_end_.empty(),
                    .words = end_to_end_.empty() ? words_ : std::string{},
                    .duration = took,
                    .hops = {},
                    .end_to_end = summarize(end_to_end_),
                    .mtu = {},
                    .branches = {},
                    .undecided = {}};
  const unsigned last = last_hop();
  result.hops.assign(hops_.begin(), hops_.begin() + last);
  const bool open = !target_ttl_ && !stopped_at_;
  result.beyond = open ? static_cast<unsigned>(hops_.size()) - last : 0;
  const auto meant = std::ranges::count_if(probes_, [&](const Probe& probe) {
    return probe.ttl == 0 || (target_ttl_ && probe.ttl == *target_ttl_);
  });
  const auto arrived = std::ranges::count_if(probes_, [&](const Probe& probe) {
    return probe.answered && (probe.ttl == 0 || (target_ttl_ && probe.ttl == *target_ttl_));
  });
  result.end_to_end_loss =
      share_of(static_cast<uint64_t>(meant - arrived), static_cast<uint64_t>(meant));
  judge_losses(result);
  return result;
}

std::optional<uint8_t> distance_by_echo(const PathOptions& options) {
  AskOptions ask = options.ask;
  ask.size = 8;
  const auto asker = open_asker(Method::icmp, ask);
  if (!asker || !(*asker)->send(0, 0)) return std::nullopt;
  const Clock::time_point start = Clock::now();
  while (Clock::now() - start < kMostPatience) {
    std::vector<Heard> heard;
    (*asker)->hear(heard);
    for (const Heard& one : heard) {
      if (one.what != Heard::What::answer || !one.ttl) return std::nullopt;
      return static_cast<uint8_t>(guess_hops(*one.ttl).hops + 1);
    }
    std::vector<pollfd> polls;
    (*asker)->add_polls(polls);
    ::poll(polls.data(), polls.size(), static_cast<int>(milliseconds(kSlice)));
  }
  return std::nullopt;
}

void run_walks(std::span<PathWalk> walks, const std::function<bool()>& stop) {
  const Clock::time_point start = Clock::now();
  const auto now = [&] { return std::chrono::duration_cast<Duration>(Clock::now() - start); };
  const auto turn_all = [&] {
    for (PathWalk& walk : walks) {
      if (!walk.over()) walk.turn(now());
    }
    return !std::ranges::all_of(walks, &PathWalk::over);
  };
  while (!(stop && stop()) && turn_all()) wait(walks, now());
}

Result<PathResult> find_path(const PathOptions& options, const std::function<bool()>& stop) {
  if (options.flows > 1) return find_flows(options, stop);
  PathOptions used = options;
  const bool to_port = options.ask.target.port != 0;
  Method method = options.method.value_or(to_port ? Method::tcp : Method::icmp);
  if (method == Method::udp && !to_port) used.ask.target.port = kTraceroutePort;
  auto asker = open_asker(method, used.ask);
  if (!asker && !options.method && method == Method::icmp) {
    method = Method::udp;
    used.ask.target.port = kTraceroutePort;
    asker = open_asker(method, used.ask);
  }
  if (!asker) return std::unexpected(asker.error());
  const Clock::time_point start = Clock::now();
  const auto now = [&] { return std::chrono::duration_cast<Duration>(Clock::now() - start); };
  if (method == Method::tcp && used.max_ttl > 0) {
    if (const auto away = distance_by_echo(used)) used.max_ttl = std::min(used.max_ttl, *away);
  }
  PathWalk walk(std::move(*asker), method, used);
  run_walks(std::span(&walk, 1), stop);
  PathResult result = walk.result(now());
  if (options.mtu && !result.hops.empty()) result.mtu = measure_mtu(result, used.ask, stop);
  result.duration = now();
  return result;
}

}  // namespace tcpdx::probe
