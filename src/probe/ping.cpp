#include "probe/ping.hpp"

#include <algorithm>
#include <utility>

namespace tcpdx::probe {
namespace {

constexpr Duration kLeastPatience = 250ms;
constexpr Duration kMostPatience = 1s;
constexpr int kRoundTrips = 4;
constexpr Duration kLateFor = 10s;  // how long a lost probe may still turn out late
constexpr uint16_t kTraceroutePort = 33434;

}  // namespace

std::string_view to_string(ProbeStatus status) {
  switch (status) {
    case ProbeStatus::reply: return "reply";
    case ProbeStatus::lost: return "lost";
    case ProbeStatus::late: return "late";
    case ProbeStatus::duplicate: return "duplicate";
    case ProbeStatus::error: return "error";
  }
  std::unreachable();
}

Result<Ping> Ping::open(const PingOptions& options) {
  const Method wanted = options.method.value_or(Method::icmp);
  auto asker = open_asker(wanted, options.ask);
  if (asker) return Ping(std::move(*asker), wanted, options);
  if (options.method) return std::unexpected(asker.error());
  PingOptions instead = options;
  instead.ask.target.port = kTraceroutePort;
  asker = open_asker(Method::udp, instead.ask);
  if (!asker) return std::unexpected(asker.error());
  return Ping(std::move(*asker), Method::udp, instead);
}

Ping::Ping(std::unique_ptr<Asker> asker, Method method, const PingOptions& options)
    : asker_(std::move(asker)), method_(method), options_(options) {}

Duration Ping::patience() const {
  if (rtts_.empty()) return kMostPatience;
  return std::clamp(kRoundTrips * *std::ranges::max_element(rtts_), kLeastPatience, kMostPatience);
}

bool Ping::may_send() const {
  return !stopped_ && (options_.count == 0 || next_seq_ < options_.count);
}

bool Ping::over() const { return !may_send() && std::ranges::all_of(probes_, &Probe::known); }

void Ping::turn(Duration now, std::vector<ProbeReport>& into) {
  hear(now, into);
  give_up(now, into);
  while (may_send() && now >= next_at_) send(now, into);
}

Duration Ping::next() const {
  Duration next = may_send() ? next_at_ : Duration::max();
  const auto waiting = std::ranges::find(probes_, false, &Probe::known);
  if (waiting != probes_.end()) next = std::min(next, waiting->at + patience());
  return next;
}

void Ping::send(Duration now, std::vector<ProbeReport>& into) {
  Probe probe{.seq = next_seq_++, .at = now, .sent = wall_now()};
  // A machine that was busy for a while does not catch up with a burst.
  next_at_ += options_.interval;
  if (next_at_ <= now) next_at_ = now + options_.interval;
  if (const auto sent = asker_->send(probe.seq, 0); !sent) {
    ++sums_.sent;
    ++sums_.errors;
    jitter_.lost();
    probe.known = true;
    into.push_back({.seq = probe.seq,
                    .sent = probe.sent,
                    .status = ProbeStatus::error,
                    .rtt = {},
                    .from = {},
                    .ttl = {},
                    .words = sent.error().sentence});
  }
  probes_.push_back(probe);
}

void Ping::hear(Duration now, std::vector<ProbeReport>& into) {
  std::vector<Heard> heard;
  asker_->hear(heard);
  for (const Heard& one : heard) {
    const auto probe = std::ranges::find(probes_, one.seq, &Probe::seq);
    if (probe != probes_.end()) take(one, *probe, now, into);
  }
}

void Ping::take(const Heard& heard, Probe& probe, Duration now, std::vector<ProbeReport>& into) {
  ProbeReport report{.seq = probe.seq,
                     .sent = probe.sent,
                     .rtt = heard.rtt.value_or(now - probe.at),
                     .from = heard.from,
                     .ttl = heard.ttl,
                     .damaged = heard.damaged,
                     .words = heard.words};
  if (heard.what == Heard::What::answer) {
    take_answer(heard, probe, now, report);
  } else {
    report.status = ProbeStatus::error;
    if (!probe.known) {
      ++sums_.sent;
      ++sums_.errors;
      jitter_.lost();
    }
  }
  probe.known = true;
  into.push_back(std::move(report));
}

void Ping::take_answer(const Heard& heard, Probe& probe, Duration now, ProbeReport& report) {
  if (heard.damaged) ++sums_.damaged;
  if (probe.answered) {
    report.status = ProbeStatus::duplicate;
    ++sums_.duplicates;
    return;
  }
  probe.answered = true;
  ++sums_.received;
  if (probe.known) {  // it was called lost before
    report.status = ProbeStatus::late;
    ++sums_.late;
  } else {
    ++sums_.sent;
  }
  report.reordered = highest_ && probe.seq < *highest_;
  if (report.reordered) ++sums_.reordered;
  highest_ = std::max(highest_.value_or(0), probe.seq);
  if (heard.ttl) sums_.hops = guess_hops(*heard.ttl);
  const Duration rtt = report.rtt.value_or(now - probe.at);
  rtts_.push_back(rtt);
  jitter_.add(rtt);
}

void Ping::give_up(Duration now, std::vector<ProbeReport>& into) {
  const Duration patient = patience();
  for (Probe& probe : probes_) {
    if (probe.known || now < probe.at + patient) continue;
    probe.known = true;
    ++sums_.sent;
    jitter_.lost();
    into.push_back({.seq = probe.seq,
                    .sent = probe.sent,
                    .status = ProbeStatus::lost,
                    .rtt = {},
                    .from = {},
                    .ttl = {},
                    .words = {}});
  }
  while (!probes_.empty() && probes_.front().known && now >= probes_.front().at + kLateFor) {
    asker_->forget(probes_.front().seq);
    probes_.pop_front();
  }
}

PingSummary Ping::summary() const {
  PingSummary summary = sums_;
  summary.loss = share_of(summary.sent - summary.received, summary.sent);
  summary.rtt = summarize(rtts_);
  summary.jitter = jitter_.value();
  return summary;
}

}  // namespace tcpdx::probe
