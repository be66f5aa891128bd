// What only TCP_INFO tells: windows that are closed, and repeats that were not needed.
#include <optional>
#include <utility>

#include "engine/trace_joins.hpp"
#include "model/socket.hpp"

namespace tcpdx::engine {

namespace {

// "remote": the peer takes nothing, so we probe it (timer kind persist). "local": we told the peer
// to wait.
std::string_view closed_window(const host::DiagMessage& message) {
  if (message.socket.timer.kind == TimerKind::persist) return "remote";
  if (!message.has_info) return {};
  const auto window = known_value(message.info, "rcv_wnd");
  const bool open = message.socket.state == tcp::State::established ||
                    message.socket.state == tcp::State::fin_wait_1 ||
                    message.socket.state == tcp::State::fin_wait_2;
  return open && window == uint64_t{0} ? "local" : std::string_view();
}

}  // namespace

void ZeroWindows::see(uint64_t netns, const host::DiagMessage& message, Nanoseconds now) {
  const std::string_view whose = closed_window(message);
  if (whose.empty()) return;
  const Socket& socket = message.socket;
  const auto [place, fresh] = closed_.insert_or_assign(socket.cookie, round_);
  static_cast<void>(place);
  if (!fresh) return;
  TraceEvent event =
      joined_state({netns, socket.local, socket.remote, socket.cookie}, socket.state, socket.state);
  event.kind = EventKind::zero_window;
  event.reason = whose;
  event.who.uid = socket.uid;
  tell_(std::move(event), now);
}

void ZeroWindows::end() {
  std::erase_if(closed_, [&](const auto& entry) { return entry.second != round_; });
}

void Spurious::see(const host::KernelEvent& event) {
  const bool of_data = event.retransmit == RetransmitKind::fast ||
                       event.retransmit == RetransmitKind::timeout ||
                       event.retransmit == RetransmitKind::tail_loss_probe;
  if (event.kind != EventKind::retransmit || !of_data || event.cookie == 0) return;
  const auto found = entries_.find(event.cookie);
  if (found != entries_.end()) {
    found->second.last = event.at;
  } else if (entries_.size() < kMostFollowed) {
    const host::SocketName name{event.netns, event.local, event.remote, event.cookie};
    entries_[event.cookie] = {name, event.dsack_dups, event.at};
  }
}

void Spurious::look(
    Nanoseconds now,
    const std::function<std::optional<host::DiagMessage>(const host::SocketName&)>& find) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    Entry& one = entry->second;
    const auto message = find(one.name);
    uint64_t dups = one.dsack_dups;
    if (message && message->has_info)
      dups = known_value(message->info, "dsack_dups").value_or(dups);
    if (message && dups > one.dsack_dups) {
      TraceEvent event = joined_state(one.name, message->socket.state, message->socket.state);
      event.kind = EventKind::retransmit;
      event.retransmit = RetransmitKind::spurious;
      event.count = static_cast<uint32_t>(dups - one.dsack_dups);
      one.dsack_dups = static_cast<uint32_t>(dups);
      tell_(std::move(event), now);
    }
    const bool over = !message || now - one.last > kPatience;
    entry = over ? entries_.erase(entry) : std::next(entry);
  }
}

}  // namespace tcpdx::engine
