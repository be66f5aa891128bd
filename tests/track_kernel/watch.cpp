#include "track_kernel/watch.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <chrono>
#include <cstring>

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
      watch->tracepoint_->drain();
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
  tracepoint_->drain();
}

std::vector<Ends> Watch::followed() const {
  std::vector<Ends> all;
  all.reserve(followed_.size());
  for (const auto& end : followed_) all.push_back(end->ends);
  return all;
}

uint64_t Watch::lost() const { return tracepoint_->lost(); }

// A socket that the tracepoint shows as CLOSED may live on as one that waits (tcp_time_wait() in
// net/ipv4/tcp_minisocks.c); that one stands in the table before the event.
State Watch::after_close(const Followed& end, int64_t time_ns) const {
  for (const Answer& answer : end.answers) {
    if (answer.time_ns <= time_ns) continue;
    if (answer.kind == Kind::time_wait) return answer.state;
    if (answer.kind == Kind::none) return State::closed;
  }
  return State::closed;
}

std::vector<Moment> Watch::states(const Ends& ends) const {
  const auto found = std::ranges::find(followed_, ends, [](const auto& end) { return end->ends; });
  if (found == followed_.end()) return {};
  const Followed& end = **found;
  std::vector<Moment> all;
  const auto events = tracepoint_->events();
  bool traced = false;
  for (const SetState& event : events) {
    if (event.ends != ends) continue;
    traced = true;
    const State to = event.to == State::closed ? after_close(end, event.time_ns) : event.to;
    all.push_back({event.time_ns, to});
  }
  // What the tracepoint does not know.
  Kind before = Kind::none;
  for (const Answer& answer : end.answers) {
    const bool gone = answer.kind == Kind::none;
    if (answer.kind == Kind::request) {
      all.push_back({answer.asked_ns, answer.state});
    } else if (answer.kind == Kind::time_wait || (gone && before == Kind::time_wait) ||
               (gone && before == Kind::request && !traced)) {
      all.push_back({answer.time_ns, answer.state});
    }
    before = answer.kind;
  }
  std::ranges::sort(all, {}, &Moment::time_ns);
  const auto [first, last] = std::ranges::unique(all, {}, &Moment::state);
  all.erase(first, last);
  return all;
}

}  // namespace tcpdx::track_kernel
