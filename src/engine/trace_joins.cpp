#include "engine/trace_joins.hpp"

#include <algorithm>
#include <utility>

#include "model/counters.hpp"

namespace tcpdx::engine {

namespace {

using tcp::State;

Tuple tuple_of(const host::KernelEvent& event) { return {event.local, event.remote, event.netns}; }

host::SocketName name_of(const Tuple& tuple, uint64_t cookie) {
  return {tuple.netns, tuple.local, tuple.remote, cookie};
}

host::SocketName name_of(const host::KernelEvent& event) {
  return {event.netns, event.local, event.remote, event.cookie};
}

// The kernel closes a socket in these states without an error when an entry takes its place
// (tcp_time_wait() of net/ipv4/tcp_minisocks.c).
bool leaves_entry(const host::KernelEvent& event) {
  return event.to == State::closed && event.error == 0 &&
         (event.from == State::fin_wait_2 || event.from == State::closing);
}

}  // namespace

TraceEvent joined_state(const host::SocketName& name, State from, State to) {
  TraceEvent event;
  event.from = from;
  event.to = to;
  event.who.netns = name.netns;
  event.who.local = name.local;
  event.who.remote = name.remote;
  event.who.cookie = name.cookie;
  return event;
}

void TimeWaits::see(const host::KernelEvent& event) {
  if (event.kind != EventKind::state || event.only_user) return;
  if (leaves_entry(event)) {
    begin(event);
    return;
  }
  if (entries_.empty()) return;
  // The peer, when it is on this machine, has got the ACK of its FIN.
  if (event.from == State::last_ack && event.to == State::closed && event.error == 0) {
    peer_is_done(event);
  }
  // A new connection takes the addresses: the entry is gone.
  if (event.to == State::established) {
    const auto found = entries_.find(tuple_of(event));
    if (found != entries_.end() && found->second.cookie != event.cookie) end(found, event.at);
  }
}

void TimeWaits::peer_is_done(const host::KernelEvent& peer) {
  auto found = entries_.lower_bound({peer.remote, peer.local, 0});
  for (; found != entries_.end(); ++found) {
    const auto& [tuple, entry] = *found;
    if (tuple.local != peer.remote || tuple.remote != peer.local) return;
    if (entry.waits_for_fin) to_time_wait(tuple, found->second, peer.at);
  }
}

void TimeWaits::begin(const host::KernelEvent& event) {
  const Tuple tuple = tuple_of(event);
  if (entries_.size() >= kMostFollowed) {
    ++not_followed_;
    return;
  }
  Entry& entry = entries_[tuple];
  entry = {event.cookie, event.at, true};
  if (event.from == State::closing || event.fin_received) {
    TraceEvent step = joined_state(name_of(event), event.from, State::time_wait);
    step.who.uid = event.uid;
    entry.waits_for_fin = false;
    due_.emplace_back(event.at + kLength, tuple);
    tell_(std::move(step), event.at);
  } else {
    for_fin_.push_back(tuple);
  }
}

void TimeWaits::to_time_wait(const Tuple& tuple, Entry& entry, Nanoseconds at) {
  entry.waits_for_fin = false;
  entry.since = at;
  due_.emplace_back(at + kLength, tuple);
  tell_(joined_state(name_of(tuple, entry.cookie), State::fin_wait_2, State::time_wait), at);
}

void TimeWaits::end(Entries::iterator entry, Nanoseconds at) {
  const State from = entry->second.waits_for_fin ? State::fin_wait_2 : State::time_wait;
  tell_(joined_state(name_of(entry->first, entry->second.cookie), from, State::closed), at);
  entries_.erase(entry);
}

void TimeWaits::look(Nanoseconds now, const AskSocket& ask) {
  size_t asked = 0;
  for (size_t left = for_fin_.size(); left > 0 && asked < kMostAsked; --left) {
    const Tuple tuple = for_fin_.front();
    for_fin_.pop_front();
    const auto found = entries_.find(tuple);
    if (found == entries_.end() || !found->second.waits_for_fin) continue;
    ++asked;
    const auto state = ask(name_of(tuple, found->second.cookie));
    if (state == State::time_wait) {
      to_time_wait(tuple, found->second, now);
    } else if (state == State::closed) {
      end(found, now);
    } else {
      for_fin_.push_back(tuple);
    }
  }
  // Where too many are due to be asked for, the kernel's own clock is believed.
  while (!due_.empty() && due_.front().first <= now) {
    const auto [when, tuple] = due_.front();
    due_.pop_front();
    const auto found = entries_.find(tuple);
    if (found == entries_.end() || found->second.since + kLength != when) continue;
    const bool ask_it = asked++ < kMostAsked;
    if (ask_it && ask(name_of(tuple, found->second.cookie)) == State::time_wait) {
      // A FIN that came again has begun the minute anew; the kernel's timer is coarse, too.
      found->second.since += std::chrono::seconds(1);
      due_.emplace_back(when + std::chrono::seconds(1), tuple);
      continue;
    }
    end(found, when);
  }
}

void HalfOpens::tell_begin(Entry& entry, Nanoseconds at) {
  entry.told = true;
  tell_(joined_state(entry.name, State::listen, State::syn_received), at);
}

void HalfOpens::see(const host::KernelEvent& event) {
  if (event.kind == EventKind::state && event.from == State::listen) entries_.erase(event.cookie);
  if (event.kind != EventKind::retransmit || event.retransmit != RetransmitKind::syn_ack) return;
  if (event.cookie == 0 || entries_.size() >= kMostFollowed) return;
  Entry& entry = entries_[event.cookie];
  if (entry.told) return;
  entry.name = name_of(event);
  entry.round = round_ + 1;
  tell_begin(entry, event.at);
}

void HalfOpens::look(const std::vector<host::SocketName>& all, Nanoseconds now) {
  ++round_;
  for (const host::SocketName& name : all) {
    const auto found = entries_.find(name.cookie);
    if (found == entries_.end()) {
      if (entries_.size() < kMostFollowed) entries_[name.cookie] = {name, false, round_};
      continue;
    }
    found->second.round = round_;
    if (!found->second.told) tell_begin(found->second, now);
  }
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->second.round >= round_) {
      ++entry;
      continue;
    }
    if (entry->second.told) {
      tell_(joined_state(entry->second.name, State::syn_received, State::closed), now);
    }
    entry = entries_.erase(entry);
  }
}

uint64_t rise(const Sample& before, const Sample& after, std::string_view counter) {
  uint64_t sum = 0;
  const size_t count = std::min(before.counters.size(), after.counters.size());
  for (size_t i = 0; i < count; ++i) {
    const auto then = before.counters[i].get(counter);
    const auto now = after.counters[i].get(counter);
    if (then && now && *now > *then) sum += *now - *then;
  }
  return sum;
}

std::vector<TraceEvent> accept_drops(const Observation& seen, const Sample& before,
                                     const Sample& after) {
  std::vector<TraceEvent> found;
  if (rise(before, after, "TcpExt.ListenOverflows") == 0) return found;
  std::unordered_map<uint64_t, uint32_t> then;
  for (const ListenerSample& listener : before.listeners) {
    if (listener.drops) then[listener.cookie] = *listener.drops;
  }
  for (const ListenerSample& listener : after.listeners) {
    const auto was = then.find(listener.cookie);
    if (was == then.end() || !listener.drops || *listener.drops <= was->second) continue;
    TraceEvent& event = found.emplace_back();
    event.kind = EventKind::accept_drop;
    event.from = event.to = State::listen;
    event.who.local = listener.local;
    event.who.remote.addr.family = listener.local.addr.family;
    event.who.cookie = listener.cookie;
    event.who.netns = seen.namespaces[listener.netns].inode;
    event.count = *listener.drops - was->second;
  }
  return found;
}

}  // namespace tcpdx::engine
