#include "track_kernel/watch.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/order.hpp"
#include "host/sock_diag.hpp"
#include "track_kernel/tracepoint.hpp"

namespace tcpdx::track_kernel {
namespace {

using tcp::State;

constexpr auto kPause = std::chrono::microseconds(200);

int64_t wall_ns() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

// One socket by its addresses, whatever its cookie (sock_diag(7)).
inet_diag_req_v2 request_for(const Ends& ends) {
  inet_diag_req_v2 body{};
  body.sdiag_family = AF_INET;
  body.sdiag_protocol = IPPROTO_TCP;
  body.idiag_states = ~0U;
  body.id.idiag_sport = htons(ends.local.port);
  body.id.idiag_dport = htons(ends.remote.port);
  std::memcpy(body.id.idiag_src, ends.local.addr.bytes.data(), 4);
  std::memcpy(body.id.idiag_dst, ends.remote.addr.bytes.data(), 4);
  body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return body;
}

}  // namespace

Watch::Watch(const Road& road) : road_(road) {}
Watch::~Watch() { stop(); }

Result<std::unique_ptr<Watch>> Watch::start(const Road& road) {
  std::unique_ptr<Watch> made(new Watch(road));
  auto tracepoint = Tracepoint::open(road.first_port(), kPorts);
  if (!tracepoint) return std::unexpected(tracepoint.error());
  made->tracepoint_ = std::move(*tracepoint);
  for (const Host host : {Host::client, Host::server}) {
    Result<host::Netlink> opened = fail("not opened");
    std::thread([&] {  // enters the host and is gone
      road.enter(host);
      opened = host::Netlink::open(NETLINK_SOCK_DIAG);
    })
        .join();
    if (!opened) return std::unexpected(opened.error());
    (host == Host::client ? made->client_ : made->server_) = std::move(*opened);
  }
  made->thread_ = std::jthread([watch = made.get()](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      {
        const std::lock_guard hold(watch->lock_);
        for (const auto& end : watch->followed_) watch->ask(*end);
      }
      std::this_thread::sleep_for(kPause);
    }
  });
  return made;
}

void Watch::follow(const Ends& ends) {
  const std::lock_guard hold(lock_);
  auto end = std::make_unique<Followed>();
  end->ends = ends;
  end->at_client = ends.local.addr == road_.client();
  followed_.push_back(std::move(end));
}

void Watch::ask(Followed& end) {
  auto& bus = end.at_client ? client_ : server_;
  if (!bus) return;
  const inet_diag_req_v2 body = request_for(end.ends);
  Answer answer;
  answer.asked_ns = wall_ns();
  const auto asked = bus->ask(SOCK_DIAG_BY_FAMILY, 0, std::as_bytes(std::span(&body, 1)),
                              [&](std::span<const std::byte> payload) {
                                host::DiagMessage message;
                                if (!host::read_diag_message(payload, message)) return;
                                const Socket& found = message.socket;
                                if (found.state == State::listen) return;  // none of the connection
                                answer.state = found.state;
                                answer.kind = Kind::full;
                                if (found.timer.kind == TimerKind::time_wait) {
                                  answer.kind = Kind::time_wait;
                                } else if (found.state == State::syn_received) {
                                  answer.kind = Kind::request;
                                }
                              });
  if (!asked) return;
  answer.time_ns = wall_ns();
  answer.before_ns = std::exchange(end.asked_ns, answer.asked_ns);
  if (!end.answers.empty() && end.answers.back().kind == answer.kind &&
      end.answers.back().state == answer.state) {
    return;
  }
  end.answers.push_back(answer);
}

std::optional<State> Watch::now(const Ends& ends) {
  const std::lock_guard hold(lock_);
  for (const auto& end : followed_) {
    if (end->ends == ends && !end->answers.empty()) return end->answers.back().state;
  }
  return std::nullopt;
}

void Watch::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  for (const auto& end : followed_) ask(*end);
  tracepoint_->stop();
}

std::vector<Ends> Watch::followed() const {
  std::vector<Ends> all;
  all.reserve(followed_.size());
  for (const auto& end : followed_) all.push_back(end->ends);
  return all;
}

std::vector<std::string> Watch::holes() const {
  std::vector<std::string> found;
  if (tracepoint_->lost()) found.emplace_back("events of the tracepoint were lost");
  for (const auto& end : followed_) {
    std::optional<State> last;
    for (const SetState& event : tracepoint_->events()) {
      if (event.ends != end->ends) continue;
      const bool new_socket = event.from == State::closed || event.from == State::listen;
      const bool follows = !last || *last == event.from || (new_socket && *last == State::closed);
      if (!follows) {
        found.push_back(fmt::format("{} -> {}: {} follows {}", to_string(event.ends.local),
                                    to_string(event.ends.remote), to_string(event.from),
                                    to_string(*last)));
      }
      last = event.to;
    }
    const bool is_socket = !end->answers.empty() && end->answers.back().kind == Kind::full;
    const State now = is_socket ? end->answers.back().state : State::closed;
    if (last.value_or(State::closed) == now) continue;
    found.push_back(fmt::format("{} -> {}: {} at the end, where the last event says {}",
                                to_string(end->ends.local), to_string(end->ends.remote),
                                to_string(now), to_string(last.value_or(State::closed))));
  }
  return found;
}

// A socket that the tracepoint shows as CLOSED may live on as one that waits (tcp_time_wait() in
// net/ipv4/tcp_minisocks.c); that one stands in the table a little before the event. A request
// socket is not known to the tracepoint: it becomes a child of the listener in SYN-RECEIVED when
// its time is over.
Moment Watch::moment_of(const Followed& end, const SetState& event) {
  Moment moment{event.time_ns, event.time_ns, event.to};
  if (event.from == State::listen && event.to == State::syn_received) moment.earliest_ns = 0;
  const bool may_wait = event.from == State::fin_wait_2 || event.from == State::closing;
  if (event.to != State::closed || !may_wait) return moment;
  const auto next = std::ranges::upper_bound(end.answers, event.time_ns, {}, &Answer::time_ns);
  if (next != end.answers.begin() && std::prev(next)->kind == Kind::time_wait) {
    moment.state = std::prev(next)->state;
    return moment;
  }
  const auto later = std::find_if(next, end.answers.end(),
                                  [](const Answer& answer) { return answer.kind != Kind::full; });
  if (later == end.answers.end()) return moment;
  moment.time_ns = later->time_ns;
  if (later->kind == Kind::time_wait) moment.state = later->state;
  return moment;
}

std::vector<Moment> Watch::states(const Ends& ends) const {
  const auto found = std::ranges::find(followed_, ends, [](const auto& end) { return end->ends; });
  if (found == followed_.end()) return {};
  const Followed& end = **found;
  std::vector<Moment> all;
  bool traced = false;
  for (const SetState& event : tracepoint_->events()) {
    if (event.ends != ends) continue;
    traced = true;
    all.push_back(moment_of(end, event));
  }
  // What the tracepoint does not know.
  Kind before = Kind::none;
  for (const Answer& answer : end.answers) {
    const bool gone = answer.kind == Kind::none;
    if (answer.kind == Kind::request) {
      all.push_back({answer.asked_ns, answer.before_ns, answer.state});
    } else if (answer.kind == Kind::time_wait || (gone && before == Kind::time_wait) ||
               (gone && before == Kind::request && !traced)) {
      all.push_back({answer.time_ns, answer.before_ns, answer.state});
    }
    before = answer.kind;
  }
  sort_keeping_order(all, {}, &Moment::time_ns);
  const auto [first, last] = std::ranges::unique(all, {}, &Moment::state);
  all.erase(first, last);
  return all;
}

}  // namespace tcpdx::track_kernel
