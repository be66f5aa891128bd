#include "probe/path.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "probe/error_words.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::probe {
namespace {

constexpr Duration kLeastPatience = 250ms;  // a busy machine answers that late
constexpr Duration kMostPatience = 1s;
constexpr int kRoundTrips = 4;
constexpr Duration kLateFor = 10s;    // how long a lost probe may still turn out late
constexpr double kLittleLoss = 0.05;  // of the hops behind, for "limits its answers"
constexpr unsigned kFewProbes = 3;
// Of a walk without end: what it remembers, and how many hops behind the last that answered are
// asked again and again.
constexpr size_t kRttsKept = 1000;
constexpr size_t kRecent = 60;
constexpr unsigned kBehindLast = 5;
constexpr unsigned kSilentRounds = 5;  // then the target is looked for anew

// A router's quotation of a SYN; eight octets of it, as RFC 792 has them, hold no options.
std::optional<uint16_t> quoted_mss(const ErrorMessage& message) {
  const auto quoted = wire::parse_tcp(message.quoted);
  return quoted ? quoted->header.options.mss : std::nullopt;
}

void keep(std::vector<Duration>& rtts, Duration rtt) {
  rtts.push_back(rtt);
  if (rtts.size() >= 2 * kRttsKept) rtts.erase(rtts.begin(), rtts.begin() + kRttsKept);
}

void keep_recent(PathHop& hop, std::optional<Duration> rtt) {
  hop.recent.push_back(rtt);
  if (hop.recent.size() > kRecent) hop.recent.pop_front();
}

std::vector<PathHop> empty_hops(unsigned count) {
  std::vector<PathHop> hops(count);
  for (unsigned i = 0; i < count; ++i) hops[i].ttl = static_cast<uint8_t>(i + 1);
  return hops;
}

Responder& responder(PathHop& hop, const IpAddress& address) {
  const auto known = std::ranges::find(hop.responders, address, &Responder::address);
  if (known != hop.responders.end()) return *known;
  Responder& added = hop.responders.emplace_back();
  added.address = address;
  return added;
}

}  // namespace

std::optional<RttSummary> PathHop::rtt() const {
  std::vector<Duration> all;
  for (const Responder& one : responders) all.insert(all.end(), one.rtts.begin(), one.rtts.end());
  return summarize(all);
}

Duration patience(Duration longest) {
  if (longest == Duration{}) return kMostPatience;
  return std::clamp(kRoundTrips * longest, kLeastPatience, kMostPatience);
}

PathWalk::PathWalk(std::unique_ptr<Asker> asker, Method method, const PathOptions& options,
                   std::unique_ptr<Asker> echo)
    : asker_(std::move(asker)),
      echo_(std::move(echo)),
      method_(method),
      options_(options),
      hops_(empty_hops(options.max_ttl)) {
  if (method == Method::tcp) reach_.emplace(options.max_ttl);
}

void PathWalk::add_polls(std::vector<pollfd>& into) const {
  asker_->add_polls(into);
  if (echo_) echo_->add_polls(into);
}

// What the nearest hops take says nothing of the way to the target: a single link may be longer
// than all others together. So as long as nothing has come from its end there is no hurry.
Duration PathWalk::patience_now() const {
  if (options_.patience > Duration{}) return options_.patience;
  const bool end_known = !end_to_end_.empty() || stopped_at_;
  return end_known ? patience(longest_) : kMostPatience;
}

// A SYN that was held back for a while does not hold up the end of the walk.
Duration PathWalk::deadline(const Probe& probe) const {
  const Duration most = std::max(options_.patience, kMostPatience);
  return std::min(probe.at + patience_now(), probe.due + most);
}

// Nothing is sent behind the target, nor behind a router that said that there is no way.
bool PathWalk::wanted(uint8_t ttl) const {
  if (ttl == 0) return !stopped_at_;
  if (target_ttl_ && ttl > *target_ttl_) return false;
  return !stopped_at_ || ttl <= *stopped_at_;
}

// Now, or in a while though nothing arrives.
bool PathWalk::will_go(const Due& due) const {
  if (!wanted(due.ttl)) return false;
  return !reach_ || reach_->allows(due.ttl) || reach_->next();
}

// The end-to-end probes are spread evenly over the rounds.
Duration PathWalk::direct_at(unsigned number) const {
  return options_.rounds * options_.spacing * number / std::max(1U, options_.end_to_end);
}

void PathWalk::begin_round(Duration now) {
  waiting_.clear();
  const unsigned last = last_hop();
  const bool asked_all = endless() && round_ > 0 && !target_ttl_;
  for (unsigned ttl = 1; ttl <= options_.max_ttl; ++ttl) {
    if (asked_all && ttl > last + kBehindLast) break;
    waiting_.push_back({.ttl = static_cast<uint8_t>(ttl), .at = round_at_});
  }
  ++round_;
  // A machine that was busy, or a walk that paused, does not catch up with a burst.
  round_at_ += options_.spacing;
  if (endless() && round_at_ <= now) round_at_ = now + options_.spacing;
}

void PathWalk::send(const Due& due, Duration now) {
  Probe probe{.seq = next_seq_++, .ttl = due.ttl, .round = round_, .due = due.at, .at = now};
  if (const auto sent = asker_->send(probe.seq, due.ttl == 0 ? 64 : due.ttl); !sent) {
    if (words_.empty()) words_ = sent.error().sentence;
    return;
  }
  farthest_asked_ = std::max<unsigned>(farthest_asked_, due.ttl);
  probes_.push_back(probe);
}

// What may go of the round that has begun; the rest waits.
void PathWalk::send_waiting(Duration now) {
  std::erase_if(waiting_, [&](const Due& due) {
    const bool goes = wanted(due.ttl) && may_go(due);
    if (goes) send(due, now);
    return goes;
  });
}

void PathWalk::send_due(Duration now) {
  if (paused_) return;
  send_waiting(now);
  while (more_rounds() && now >= round_at_) {
    begin_round(now);
    send_waiting(now);
  }
  for (; direct_ < options_.end_to_end && now >= direct_at(direct_); ++direct_) {
    if (wanted(0)) send({.ttl = 0, .at = direct_at(direct_)}, now);
  }
}

void PathWalk::hear_echo(Duration now) {
  if (!echo_) return;
  std::vector<Heard> heard;
  echo_->hear(heard);
  for (const Heard& one : heard) {
    if (one.what == Heard::What::answer && one.ttl && reach_) {
      reach_->tell_distance(guess_hops(*one.ttl).hops + 1, now);
    }
  }
  if (!heard.empty()) echo_.reset();
}

void PathWalk::count(Probe& probe) {
  probe.known = true;
  if (std::exchange(probe.counted, true)) return;
  PathHop& hop = probe.ttl == 0 ? end_ : hops_[probe.ttl - 1U];
  ++hop.sent;
}

void PathWalk::note_target(const Heard& heard, const Probe& probe, Duration rtt) {
  reached_ = true;
  keep(end_to_end_, rtt);
  if (probe.ttl == 0) return;
  if (!target_ttl_) {
    for (PathHop& other : hops_) other.is_target = false;
  }
  PathHop& hop = hops_[probe.ttl - 1U];
  hop.is_target = true;
  if (!target_ttl_ || probe.ttl <= *target_ttl_) {
    target_ttl_ = probe.ttl;
    target_round_ = std::max(target_round_, probe.round);
  }
  if (heard.words.empty()) return;
  responder(hop, options_.ask.target.addr).words = heard.words;
}

void PathWalk::note_error(const Heard& heard, const Probe& probe) {
  words_ = heard.words;
  if (probe.ttl == 0) return;
  stopped_at_ = std::min(stopped_at_.value_or(probe.ttl), probe.ttl);
  stopped_round_ = std::max(stopped_round_, probe.round);
}

// A later round finds another way: one that goes on where there was none, or that is longer.
void PathWalk::note_change(const Probe& probe, bool ran_out) {
  if (probe.ttl == 0) return;
  if (stopped_at_ && probe.ttl >= *stopped_at_ && probe.round > stopped_round_) {
    stopped_at_.reset();
    words_.clear();
  }
  if (ran_out && !target_ttl_) {
    for (PathHop& hop : std::span(hops_).first(probe.ttl)) hop.is_target = false;
  }
  const bool passed = ran_out && target_ttl_ && probe.ttl == *target_ttl_;
  if (passed && probe.round > target_round_ && *target_ttl_ < options_.max_ttl) {
    hops_[probe.ttl - 1U].is_target = false;
    ++*target_ttl_;
    target_round_ = probe.round;
  }
}

// Nothing is sent behind the target, so a way that has become longer shows itself only when nobody
// answers where it was.
void PathWalk::note_silence(const Probe& probe) {
  if (!endless() || probe.ttl != target_ttl_) return;
  if (probe.round < target_round_ + kSilentRounds) return;
  // What answered behind the target, before it was known where it is, was the target.
  const std::vector<PathHop> fresh = empty_hops(options_.max_ttl);
  std::copy(fresh.begin() + *target_ttl_, fresh.end(), hops_.begin() + *target_ttl_);
  target_ttl_.reset();
}

void PathWalk::take(const Heard& heard, Probe& probe, Duration now) {
  if (std::exchange(probe.answered, true)) return;
  count(probe);
  const Duration rtt = heard.rtt.value_or(now - probe.at);
  longest_ = std::max(longest_, rtt);
  const bool ran_out = heard.message && says_ttl_exceeded(*heard.message);
  const bool stops = heard.what == Heard::What::error && !ran_out;
  if (!stops) note_change(probe, ran_out);
  if (heard.what == Heard::What::answer) note_target(heard, probe, rtt);
  if (stops) note_error(heard, probe);
  if (ran_out && reach_) reach_->tell_router(probe.ttl);
  if (probe.ttl == 0 && heard.what == Heard::What::answer) ++end_.answered;
  if (probe.ttl == 0 || !heard.from) return;
  PathHop& hop = hops_[probe.ttl - 1U];
  ++hop.answered;
  keep_recent(hop, rtt);
  Responder& from = responder(hop, *heard.from);
  keep(from.rtts, rtt);
  from.answer_ttl = heard.ttl;
  if (stops) from.words = heard.words;
  if (!heard.message) return;
  if (!heard.message->labels.empty()) from.labels = heard.message->labels;
  if (method_ == Method::tcp) from.quoted_mss = quoted_mss(*heard.message);
}

void PathWalk::give_up(Duration now) {
  for (Probe& probe : probes_) {
    if (probe.known) continue;
    if (!wanted(probe.ttl)) {
      probe.known = true;
    } else if (now >= deadline(probe)) {
      count(probe);
      if (probe.ttl != 0) keep_recent(hops_[probe.ttl - 1U], std::nullopt);
      note_silence(probe);
      // The kernel would send the SYN again after 1 s, and that one's answer is not this one's.
      if (method_ == Method::tcp) asker_->forget(probe.seq);
    }
  }
  while (!probes_.empty() && probes_.front().known && now >= probes_.front().at + kLateFor) {
    asker_->forget(probes_.front().seq);
    probes_.pop_front();
  }
}

void PathWalk::turn(Duration now) {
  if (!std::exchange(begun_, true) && echo_ && !echo_->send(0, 0)) echo_.reset();
  hear_echo(now);
  std::vector<Heard> heard;
  asker_->hear(heard);
  for (const Heard& one : heard) {
    const auto probe = std::ranges::find(probes_, one.seq, &Probe::seq);
    if (probe != probes_.end()) take(one, *probe, now);
  }
  give_up(now);
  if (reach_) reach_->turn(now);
  send_due(now);
}

Duration PathWalk::next() const {
  Duration next = Duration::max();
  if (!paused_ && more_rounds()) next = round_at_;
  if (direct_ < options_.end_to_end) next = std::min(next, direct_at(direct_));
  if (reach_ && std::ranges::any_of(waiting_, [&](const Due& due) { return wanted(due.ttl); })) {
    next = std::min(next, reach_->next().value_or(Duration::max()));
  }
  const auto unknown = std::ranges::find(probes_, false, &Probe::known);
  if (unknown != probes_.end()) next = std::min(next, deadline(*unknown));
  return next;
}

bool PathWalk::over() const {
  const bool all_sent =
      !more_rounds() && (direct_ >= options_.end_to_end || !wanted(0)) &&
      std::ranges::none_of(waiting_, [this](const Due& due) { return will_go(due); });
  return all_sent && std::ranges::all_of(probes_, &Probe::known);
}

void PathWalk::reset() {
  for (const Probe& probe : probes_) asker_->forget(probe.seq);
  probes_.clear();
  hops_ = empty_hops(options_.max_ttl);
  end_ = {};
  end_to_end_.clear();
  stopped_at_.reset();
  words_.clear();
  round_at_ = {};
}

// Where the target is, or was when it answered last.
std::optional<uint8_t> PathWalk::target_hop() const {
  if (target_ttl_) return target_ttl_;
  const auto hop = std::ranges::find(hops_, true, &PathHop::is_target);
  return hop == hops_.end() ? std::nullopt : std::optional(hop->ttl);
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
                    .reached = reached_,
                    .words = reached_ ? std::string{} : words_,
                    .duration = took,
                    .hops = {},
                    .end_to_end = summarize(end_to_end_),
                    .mtu = {},
                    .branches = {},
                    .undecided = {}};
  const unsigned last = last_hop();
  result.hops.assign(hops_.begin(), hops_.begin() + last);
  const auto target = target_hop();
  const bool open = !target && !stopped_at_;
  result.beyond = open && farthest_asked_ > last ? farthest_asked_ - last : 0;
  uint64_t meant = end_.sent;
  uint64_t arrived = end_.answered;
  if (target) {
    meant += hops_[*target - 1U].sent;
    arrived += hops_[*target - 1U].answered;
  }
  result.meant = meant;
  result.end_to_end_loss = share_of(meant - arrived, meant);
  judge_losses(result);
  return result;
}

}  // namespace tcpdx::probe
