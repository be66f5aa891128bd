// Plays a scenario: two users and a third party go through their steps, each waiting until the
// next one is possible.
#include <fmt/format.h>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/network.hpp"
#include "sim/pattern.hpp"
#include "sim/scenario.hpp"

namespace tcpdx::sim {
namespace {

constexpr uint16_t kServerPort = 80;
constexpr uint16_t kClientPort = 40000;
constexpr HostId kClient = 0;
constexpr HostId kServer = 1;
const IpAddress kClientAddress = ipv4(10, 0, 0, 1);
const IpAddress kServerAddress = ipv4(10, 0, 0, 2);
constexpr Duration kLongest = 24h;

// Who goes through steps: a user at a host, or a third party. A step that must wait is tried again
// whenever something happened at the host.
class Actor {
 public:
  Actor(Network& network, std::optional<Side> side, std::span<const Step> steps, const Setup& setup,
        Duration delay)
      : network_(network), side_(side), steps_(steps), setup_(setup), delay_(delay) {}

  void go_on() {
    while (next_ < steps_.size() && network_.now() >= not_before_) {
      if (!perform(steps_[next_])) return;
      ++next_;
      done_ = 0;
    }
  }

 private:
  bool perform(const Step& step);
  void perform_as_third(const Step& step);
  void listen(uint32_t backlog);
  void connect(uint16_t from, uint16_t to);
  bool accept();
  bool send(uint32_t octets);
  bool read_end();
  bool wait(Duration time);
  void leave(Do how);
  std::optional<tcp::State> state() const;
  void crash();
  void cut();
  void inject(Side as, int32_t from_isn, wire::TcpFlags flags, std::span<const std::byte> text);
  void spoof(uint32_t count);

  HostId host() const { return side_ == Side::server ? kServer : kClient; }
  void say(std::string what) { network_.note(side_, std::move(what)); }
  template <class What>
  auto call(What&& what) {
    return network_.call(host(), std::forward<What>(what));
  }
  std::string which() const {
    return ids_.size() > 1 ? fmt::format(" connection {}", ids_.size()) : std::string();
  }

  Network& network_;
  std::optional<Side> side_;  // absent: a third party
  std::span<const Step> steps_;
  const Setup& setup_;
  Duration delay_;
  size_t next_ = 0;
  Time not_before_{};
  std::optional<tcp::ListenerId> listener_;
  std::vector<tcp::ConnectionId> ids_;  // the last one is in use
  uint64_t sent_ = 0;
  uint32_t done_ = 0;  // how far the current step has come
  uint8_t spoofed_ = 0;
};

// False: not possible yet.
bool Actor::perform(const Step& step) {
  switch (step.what) {
    case Do::listen: listen(step.amount); return true;
    case Do::connect:
      connect(static_cast<uint16_t>(kClientPort + ids_.size()), kServerPort);
      return true;
    case Do::connect_again: connect(kClientPort, kServerPort); return true;
    case Do::connect_back: connect(kServerPort, kClientPort); return true;
    case Do::opened: return state() != tcp::State::syn_sent && state() != tcp::State::syn_received;
    case Do::over: return !state() || state() == tcp::State::closed;
    case Do::accept: return accept();
    case Do::send: return send(step.amount);
    case Do::read_end: return read_end();
    case Do::shutdown:
    case Do::close:
    case Do::abort: leave(step.what); return true;
    case Do::pause: return wait(step.amount * delay_);
    case Do::sleep: return wait(std::chrono::milliseconds(step.amount));
    case Do::crash: crash(); return true;
    case Do::cut:
    case Do::old_syn:
    case Do::old_data:
    case Do::spoofed_syn: perform_as_third(step); return true;
  }
  return true;
}

void Actor::listen(uint32_t backlog) {
  say(backlog == 0 ? "listens" : fmt::format("listens with a backlog of {}", backlog));
  tcp::ListenOptions options;
  if (backlog != 0) options.backlog = backlog;
  network_.listens(host(), kServerPort);
  const auto id = call([&](tcp::Endpoint& e, Time now) {
    return e.listen(now, {kServerAddress, kServerPort}, options);
  });
  if (id) listener_ = *id;
}

void Actor::connect(uint16_t from, uint16_t to) {
  say(from == kClientPort ? "connects" : fmt::format("connects from port {}", from));
  const SocketAddress client{kClientAddress, side_ == Side::client ? from : to};
  const SocketAddress server{kServerAddress, side_ == Side::client ? to : from};
  const auto id = call([&](tcp::Endpoint& e, Time now) {
    return side_ == Side::client ? e.connect(now, client, server, setup_.options)
                                 : e.connect(now, server, client, setup_.options);
  });
  if (!id) return say("is told: " + id.error().sentence);
  ids_.push_back(*id);
  sent_ = 0;
}

bool Actor::accept() {
  if (!listener_) return false;
  const auto id = call([&](tcp::Endpoint& e, Time now) { return e.accept(now, *listener_); });
  if (!id) return false;
  say("accepts");
  ids_.push_back(*id);
  sent_ = 0;
  return true;
}

std::optional<tcp::State> Actor::state() const {
  if (ids_.empty()) return std::nullopt;
  const auto status = network_.endpoint(host()).status(ids_.back());
  return status ? std::optional(status->state) : std::nullopt;
}

bool Actor::send(uint32_t octets) {
  if (ids_.empty()) return true;
  if (done_ == 0) say(fmt::format("sends {} octets{}", octets, which()));
  std::vector<std::byte> text(octets - done_);
  fill(text, sent_);
  const auto taken =
      call([&](tcp::Endpoint& e, Time now) { return e.send(now, ids_.back(), text); });
  if (!taken) return true;
  sent_ += *taken;
  done_ += static_cast<uint32_t>(*taken);
  return done_ == octets;
}

bool Actor::read_end() {
  if (ids_.empty()) return true;
  std::array<std::byte, 4096> text{};
  for (size_t got = 1; got != 0;) {
    const auto result =
        call([&](tcp::Endpoint& e, Time now) { return e.receive(now, ids_.back(), text); });
    if (!result) return true;
    got = *result;
  }
  const auto readiness = network_.endpoint(host()).readiness(ids_.back());
  return !readiness || readiness->end_of_data;
}

bool Actor::wait(Duration time) {
  if (done_ != 0) return true;
  done_ = 1;
  not_before_ = network_.now() + time;
  network_.at(not_before_, [this] { go_on(); });
  return time == Duration::zero();
}

void Actor::leave(Do how) {
  if (ids_.empty()) return;
  const std::string_view verb = how == Do::abort      ? "aborts"
                                : how == Do::shutdown ? "has no more to send: shutdown"
                                                      : "closes";
  say(fmt::format("{}{}", verb, which()));
  const tcp::ConnectionId id = ids_.back();
  const auto done = call([&](tcp::Endpoint& e, Time now) {
    if (how == Do::abort) return e.abort(now, id);
    return how == Do::shutdown ? e.shutdown(now, id) : e.close(now, id);
  });
  if (!done) say("is told: " + done.error().sentence);
}

void Actor::crash() {
  say("crashes and forgets everything");
  network_.crash(host());
  listener_.reset();
}

void Actor::cut() {
  say("the path breaks: nothing passes any more");
  for (const auto& [from, to] : {std::pair(kClient, kServer), std::pair(kServer, kClient)}) {
    network_.link(from, to).cut(network_.now(), Time::max());
  }
}

void Actor::perform_as_third(const Step& step) {
  static constexpr std::array<std::byte, 100> kText{};
  if (step.what == Do::cut) return cut();
  if (step.what == Do::old_syn) {
    say("a SYN of an earlier connection turns up");
    inject(Side::client, -1000, {.syn = true}, {});
  } else if (step.what == Do::old_data) {
    say("data of an earlier connection turns up");
    inject(Side::server, -3000, {.ack = true}, kText);
  } else {
    say(fmt::format("{} SYNs come from addresses where nobody is", step.amount));
    spoof(step.amount);
  }
}

// In this side's name, with a sequence number that far from that of its SYN.
void Actor::inject(Side as, int32_t from_isn, wire::TcpFlags flags,
                   std::span<const std::byte> text) {
  for (const Segment& segment : network_.recording().segments) {
    if (segment.from != as || segment.injected || !segment.header.flags.syn) continue;
    const Conversation& ends = network_.recording().conversations[segment.conversation];
    tcp::Packet packet;
    packet.source = ends.of(as).addr;
    packet.destination = ends.of(other(as)).addr;
    packet.header.source_port = ends.of(as).port;
    packet.header.destination_port = ends.of(other(as)).port;
    packet.header.seq = segment.header.seq + static_cast<uint32_t>(from_isn);
    packet.header.ack = segment.header.ack;
    packet.header.flags = flags;
    packet.header.window = segment.header.window;
    packet.text = text;
    return network_.inject(packet);
  }
}

void Actor::spoof(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    // RFC 5737's addresses for documentation.
    tcp::Packet packet;
    packet.source = ipv4(203, 0, 113, ++spoofed_);
    packet.destination = kServerAddress;
    packet.header.source_port = static_cast<uint16_t>(1024 + spoofed_);
    packet.header.destination_port = kServerPort;
    packet.header.seq = Seq{spoofed_ * 1000U};
    packet.header.flags.syn = true;
    packet.header.window = 1024;
    packet.header.options.mss = 1460;
    network_.inject(packet);
  }
}

LinkSettings link_settings(const RunOptions& options, const Setup& setup,
                           std::span<const ScriptedFate> script) {
  LinkSettings settings;
  settings.delay = options.delay;
  settings.loss = options.loss;
  settings.held_back = options.delay * setup.held_back_percent / 100;
  settings.script.assign(script.begin(), script.end());
  return settings;
}

}  // namespace

Recording run(const Scenario& scenario, const RunOptions& options) {
  Setup setup;
  if (scenario.adjust != nullptr) scenario.adjust(setup);
  Network network(options.seed);
  network.add_host(Side::client, kClientAddress, setup.client);
  network.add_host(Side::server, kServerAddress, setup.server);
  network.set_link(kClient, kServer, link_settings(options, setup, scenario.from_client));
  network.set_link(kServer, kClient, link_settings(options, setup, scenario.from_server));
  Actor client(network, Side::client, scenario.client, setup, options.delay);
  Actor server(network, Side::server, scenario.server, setup, options.delay);
  Actor third(network, std::nullopt, scenario.third, setup, options.delay);
  network.set_user(kClient, [&] { client.go_on(); });
  network.set_user(kServer, [&] { server.go_on(); });
  server.go_on();
  client.go_on();
  third.go_on();
  network.run(kLongest);
  return network.recording();
}

}  // namespace tcpdx::sim
