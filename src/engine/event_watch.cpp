#include "engine/event_watch.hpp"

#include <time.h>

#include <algorithm>
#include <utility>

#include "base/order.hpp"

namespace tcpdx::engine {

namespace {

std::chrono::nanoseconds monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

host::EventOptions rare_events(const Observation& seen) {
  using enum EventKind;
  host::EventOptions options;
  options.kinds = {state, connect, retransmit, reset_sent, reset_received, drop, bind_failed};
  options.rare_states = true;
  options.most = EventLog::kMostKept;
  options.tallies = EventLog::kMostKept;
  for (const Namespace& space : seen.namespaces) {
    options.namespaces.push_back(static_cast<uint32_t>(space.inode));
  }
  return options;
}

using Processes = std::unordered_map<uint32_t, uint32_t>;  // pid to index

// A process that came and went between the looks has but its number and name.
uint32_t process_of(uint32_t pid, const std::string& comm, Processes& known, Observation& into) {
  const auto [place, fresh] = known.try_emplace(pid, static_cast<uint32_t>(into.processes.size()));
  if (fresh) {
    Process process;
    process.pid = pid;
    process.comm = comm;
    into.processes.push_back(std::move(process));
  }
  return place->second;
}

uint16_t netns_of(uint32_t inode, const Observation& seen) {
  const auto found = std::ranges::find(seen.namespaces, inode, &Namespace::inode);
  if (found == seen.namespaces.end()) return kNoNetns;
  return static_cast<uint16_t>(found - seen.namespaces.begin());
}

void add_tallies(const std::vector<host::CallerTally>& tallies, Processes& known,
                 Observation& into) {
  into.events.connects.reserve(tallies.size());
  for (const host::CallerTally& tally : tallies) {
    into.events.connects.push_back({.netns = netns_of(tally.netns, into),
                                    .process = process_of(tally.pid, tally.comm, known, into),
                                    .remote = tally.remote,
                                    .succeeded = tally.succeeded,
                                    .repeated = tally.repeated,
                                    .failed = tally.failed});
  }
}

// The process that owns each socket, where a look saw one.
std::unordered_map<uint64_t, uint32_t> owners_by_cookie(const Observation& seen) {
  std::unordered_map<uint64_t, uint32_t> wanted;
  for (const TcpEvent& event : seen.events.events) {
    if (event.cookie != 0) wanted.emplace(event.cookie, kNoIndex);
  }
  for (const Look& look : seen.looks) {
    for (const Socket& socket : look.sockets) {
      const auto place = wanted.find(socket.cookie);
      if (place == wanted.end()) continue;
      const auto owners = owners_of(look, socket);
      if (!owners.empty()) place->second = owners.front().process;
    }
  }
  return wanted;
}

}  // namespace

EventWatch::EventWatch(Observation& into) {
  auto events = host::Events::open(rare_events(into));
  if (!events) {
    into.missing.push_back(std::move(events.error()));
    return;
  }
  events_ = std::move(*events);
  for (const std::string& tracepoint : events_->absent()) {
    into.missing.push_back(
        {"some events between looks", "this kernel has no tracepoint " + tracepoint, ""});
  }
  into.sources.emplace_back("bpf events");
  into.events.watched = true;
  reasons_.emplace("", 0);
}

uint16_t EventWatch::reason_index(const std::string& name, EventLog& log) {
  const auto [place, fresh] = reasons_.try_emplace(name, static_cast<uint16_t>(log.reasons.size()));
  if (fresh) log.reasons.push_back(name);
  return place->second;
}

void EventWatch::keep(const host::KernelEvent& event, const std::string& reason, Duration at,
                      EventLog& log) {
  size_t& kept = kept_[std::to_underlying(event.kind)];
  if (event.only_user || at < Duration::zero() || kept == EventLog::kMostKept) return;
  ++kept;
  TcpEvent& added = log.events.emplace_back();
  added.at = at;
  added.kind = event.kind;
  added.retransmit = event.retransmit;
  added.from = event.from;
  added.to = event.to;
  added.reason = reason_index(reason, log);
  added.error = event.error;
  added.local = event.local;
  added.remote = event.remote;
  added.cookie = event.cookie;
  added.duration = event.duration;
  added.carried = event.carried;
  pending_.push_back({event.pid, event.netns, event.comm});
}

void EventWatch::poll(Duration since_first_look, Observation& into) {
  if (!events_) return;
  const std::chrono::nanoseconds began = monotonic_now() - since_first_look;
  host::Events& events = *events_;
  events.poll([&](host::KernelEvent&& event) {
    keep(event, events.reason(event.kind, event.reason),
         std::chrono::floor<Duration>(event.at - began), into.events);
  });
}

void EventWatch::finish(Observation& into) {
  if (!events_) return;
  EventLog& log = into.events;
  log.counted = events_->counted();
  log.lost = events_->lost();
  const auto tallies = events_->tallies();
  events_.reset();
  auto owners = owners_by_cookie(into);
  Processes processes;
  for (uint32_t i = 0; i < into.processes.size(); ++i) processes[into.processes[i].pid] = i;
  add_tallies(tallies, processes, into);
  for (size_t i = 0; i < log.events.size(); ++i) {
    TcpEvent& event = log.events[i];
    const Pending& pending = pending_[i];
    event.netns = netns_of(pending.netns, into);
    if (pending.pid == 0) continue;
    event.process = process_of(pending.pid, pending.comm, processes, into);
    owners[event.cookie] = event.process;
  }
  for (TcpEvent& event : log.events) {
    if (event.cookie != 0 && event.process == kNoIndex) event.process = owners[event.cookie];
  }
  sort_keeping_order(log.events, {}, &TcpEvent::at);
}

}  // namespace tcpdx::engine
