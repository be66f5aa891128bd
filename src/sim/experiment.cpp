#include "sim/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "sim/network.hpp"
#include "sim/pattern.hpp"
#include "tcp/transition.hpp"

namespace tcpdx::sim {
namespace {

constexpr Duration kLongest = 12h;
constexpr uint16_t kPort = 80;
constexpr uint16_t kClientPort = 40000;
const std::array kAddresses{ipv4(10, 0, 0, 1), ipv4(10, 0, 0, 2)};
// What an endpoint may hold beside its buffers: records come in blocks of 64.
constexpr size_t kOverhead = size_t{512} * 1024;

// Where a RST may be lost, only keep-alives find out that the other end is gone (RFC 9293 3.5.1).
tcp::ConnectionOptions options_of(const Experiment& experiment) {
  tcp::ConnectionOptions options;
  if (experiment.ending == Ending::abort) options.keep_alive = tcp::KeepAlive{};
  return options;
}

// One user: sends all it has, says so, reads to the end, closes.
class User {
 public:
  User(Network& network, HostId host, const Experiment& experiment, Sabotage sabotage)
      : network_(network),
        host_(host),
        experiment_(experiment),
        sabotage_(host == 0 ? sabotage : Sabotage::none),
        to_send_(host == 0 ? experiment.client_octets : experiment.server_octets) {}

  void open();
  void go_on();

  uint64_t received() const { return received_; }
  bool in_order() const { return in_order_; }
  bool saw_end() const { return saw_end_; }
  // A call that a user may make at that point errored.
  bool refused() const { return refused_; }
  std::optional<tcp::ConnectionId> id() const { return id_; }

 private:
  template <class What>
  auto call(What&& what) {
    return network_.call(host_, std::forward<What>(what));
  }
  void send();
  void read();
  void finish();

  Network& network_;
  HostId host_;
  const Experiment& experiment_;
  Sabotage sabotage_;
  uint64_t to_send_;
  std::optional<tcp::ListenerId> listener_;
  std::optional<tcp::ConnectionId> id_;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  bool in_order_ = true;
  bool saw_end_ = false;
  bool shut_ = false;
  bool resting_ = false;
  bool refused_ = false;
};

void User::open() {
  const SocketAddress client{kAddresses[0], kClientPort};
  const SocketAddress server{kAddresses[1], kPort};
  if (host_ == 1 && experiment_.opening == Opening::listener) {
    network_.listens(host_, kPort);
    const auto id = call([&](tcp::Endpoint& e, Time now) {
      return e.listen(now, server, {.connection = options_of(experiment_)});
    });
    if (id) listener_ = *id;
    return;
  }
  const auto id = call([&](tcp::Endpoint& e, Time now) {
    const auto options = options_of(experiment_);
    return host_ == 0 ? e.connect(now, client, server, options)
                      : e.connect(now, server, client, options);
  });
  if (id) id_ = *id;
}

void User::send() {
  std::array<std::byte, 3000> text{};
  while (sent_ < to_send_) {
    const auto part = std::span(text).first(std::min<size_t>(text.size(), to_send_ - sent_));
    fill(part, sent_);
    if (sabotage_ == Sabotage::octet_changed && sent_ == 0) part[0] ^= std::byte{1};
    const auto taken = call([&](tcp::Endpoint& e, Time now) { return e.send(now, *id_, part); });
    if (!taken || *taken == 0) return;
    sent_ += *taken;
  }
}

void User::read() {
  std::array<std::byte, 5000> text{};
  while (!resting_) {
    const auto got = call([&](tcp::Endpoint& e, Time now) { return e.receive(now, *id_, text); });
    if (!got || *got == 0) break;
    in_order_ = in_order_ && matches(std::span(text).first(*got), received_);
    received_ += *got;
    if (experiment_.read_pause_us == 0) continue;
    resting_ = true;
    network_.at(network_.now() + Duration{experiment_.read_pause_us}, [this] {
      resting_ = false;
      go_on();
    });
  }
  if (!id_) return;
  const auto readiness = network_.endpoint(host_).readiness(*id_);
  saw_end_ = saw_end_ || (readiness && readiness->end_of_data);
}

void User::finish() {
  if (sabotage_ == Sabotage::fin_forgotten) return;
  const auto status = network_.endpoint(host_).status(*id_);
  const bool gone = !status || status->state == tcp::State::closed;
  if (host_ == 0 && experiment_.ending == Ending::abort && sent_ == to_send_ && !gone) {
    refused_ |= !call([&](tcp::Endpoint& e, Time now) { return e.abort(now, *id_); });
    id_.reset();
    return;
  }
  // CLOSE in SYN-SENT would throw away what is queued (3.10.4).
  const bool opening = status && (status->state == tcp::State::syn_sent ||
                                  status->state == tcp::State::syn_received);
  if (sent_ == to_send_ && !shut_ && !gone && !opening) {
    shut_ = true;
    refused_ |= !call([&](tcp::Endpoint& e, Time now) { return e.shutdown(now, *id_); });
  }
  // What came before the end is still there to be read.
  if (!status || (saw_end_ && (shut_ || gone))) {
    const bool known = status.has_value();
    const bool closed =
        call([&](tcp::Endpoint& e, Time now) { return e.close(now, *id_); }).has_value();
    refused_ |= known && !closed;
    id_.reset();
  }
}

void User::go_on() {
  if (!id_ && listener_) {
    id_ = call([&](tcp::Endpoint& e, Time now) { return e.accept(now, *listener_); });
    if (id_) {
      call([&](tcp::Endpoint& e, Time now) { e.stop_listening(now, *listener_); });
      listener_.reset();
    }
  }
  if (!id_) return;
  send();
  read();
  finish();
}

tcp::Settings settings_of(const Experiment& experiment) {
  tcp::Settings settings;
  settings.send_buffer = settings.receive_buffer = experiment.buffer;
  return settings;
}

LinkSettings link_of(const Experiment& experiment) {
  LinkSettings link;
  link.delay = Duration{experiment.delay_us};
  link.held_back = link.delay * 2;
  link.loss = experiment.loss / 100.0;
  link.duplication = experiment.duplication / 100.0;
  link.reordering = experiment.reordering / 100.0;
  link.corruption = experiment.corruption / 100.0;
  link.rate = experiment.rate;
  link.faults_until = experiment.faults_until;
  if (experiment.cut_ms != 0) {
    link.cuts.push_back({50ms, 50ms + std::chrono::milliseconds(experiment.cut_ms)});
  }
  return link;
}

// States that wait for a segment or a time, so that a timer must run (RFC 9293 3.8.1, 3.10.8).
bool needs_timer(const tcp::Status& status) {
  switch (status.state) {
    case tcp::State::syn_sent:
    case tcp::State::syn_received:
    case tcp::State::fin_wait_1:
    case tcp::State::closing:
    case tcp::State::last_ack:
    case tcp::State::time_wait: return true;
    case tcp::State::established:
    case tcp::State::close_wait: return status.unacknowledged != 0 || status.unsent != 0;
    case tcp::State::closed:
    case tcp::State::listen:
    case tcp::State::fin_wait_2: return false;
  }
  return false;
}

std::optional<std::string> wrong_now(const Network& network, const Experiment& experiment) {
  for (HostId host = 0; host < kAddresses.size(); ++host) {
    const tcp::Endpoint& endpoint = network.endpoint(host);
    const SocketAddress here{kAddresses[host], host == 0 ? kClientPort : kPort};
    const SocketAddress there{kAddresses[1 - host], host == 0 ? kPort : kClientPort};
    if (const auto id = endpoint.find(here, there)) {
      const auto status = endpoint.status(*id);
      if (status && needs_timer(*status) && !endpoint.next_deadline()) {
        return fmt::format("a timer was forgotten in {}", to_string(status->state));
      }
    }
    if (endpoint.memory() > kOverhead + 4 * size_t{experiment.buffer}) {
      return fmt::format("an endpoint holds {} octets", endpoint.memory());
    }
  }
  return std::nullopt;
}

std::optional<std::string> wrong_moves(const Recording& recording) {
  for (const Move& move : recording.moves) {
    const auto* row = tcp::transition(move.from, move.on);
    if (row == nullptr || row->to != move.to) {
      return fmt::format("forbidden: {} to {} on {}", to_string(move.from), to_string(move.to),
                         to_string(move.on));
    }
  }
  return std::nullopt;
}

bool ended_badly(const Recording& recording) {
  return std::ranges::any_of(recording.told, [](const Told& told) {
    return told.notice == tcp::Notice::reset || told.notice == tcp::Notice::timed_out ||
           told.notice == tcp::Notice::refused || told.notice == tcp::Notice::aborted;
  });
}

std::optional<std::string> wrong_at_the_end(const Network& network, const Experiment& experiment,
                                            const std::array<User, 2>& users) {
  if (network.stuck()) return "a deadline does not pass";
  for (HostId host = 0; host < users.size(); ++host) {
    if (network.endpoint(host).connections() != 0) {
      return fmt::format("the {} did not end in CLOSED", host == 0 ? "client" : "server");
    }
  }
  if (experiment.ending == Ending::abort || ended_badly(network.recording())) return std::nullopt;
  const std::array sent{experiment.server_octets, experiment.client_octets};
  for (HostId host = 0; host < users.size(); ++host) {
    const std::string_view name = host == 0 ? "client" : "server";
    if (users[host].received() != sent[host]) {
      return fmt::format("the {} got {} of {} octets", name, users[host].received(), sent[host]);
    }
    if (!users[host].saw_end()) return fmt::format("the {} saw no end: a FIN was lost", name);
  }
  return std::nullopt;
}

// A member of an experiment by its name in the line.
struct Field {
  std::string_view name;
  uint64_t (*get)(const Experiment&);
  void (*set)(Experiment&, uint64_t);
};

template <auto kMember>
constexpr Field field(std::string_view name) {
  return {name, [](const Experiment& e) { return static_cast<uint64_t>(e.*kMember); },
          [](Experiment& e, uint64_t value) {
            e.*kMember = static_cast<std::remove_reference_t<decltype(e.*kMember)>>(value);
          }};
}

constexpr std::array kFields{
    field<&Experiment::seed>("seed"),
    field<&Experiment::client_octets>("client_octets"),
    field<&Experiment::server_octets>("server_octets"),
    field<&Experiment::loss>("loss"),
    field<&Experiment::duplication>("duplication"),
    field<&Experiment::reordering>("reordering"),
    field<&Experiment::corruption>("corruption"),
    field<&Experiment::delay_us>("delay_us"),
    field<&Experiment::rate>("rate"),
    field<&Experiment::read_pause_us>("read_pause_us"),
    field<&Experiment::buffer>("buffer"),
    field<&Experiment::cut_ms>("cut_ms"),
    field<&Experiment::faults_until>("faults_until"),
    field<&Experiment::opening>("opening"),
    field<&Experiment::ending>("ending"),
};

// Each field at its default, and half-way there.
std::vector<Experiment> simpler(const Experiment& experiment) {
  static constexpr Experiment kPlain{};
  std::vector<Experiment> all;
  for (const Field& one : kFields) {
    const uint64_t value = one.get(experiment);
    if (one.name == "seed") continue;
    if (one.name == "faults_until") {
      for (const uint64_t fewer : {value == UINT64_MAX ? 64 : value / 2, value - 1}) {
        if (value == 0) break;
        all.push_back(experiment);
        one.set(all.back(), fewer);
      }
      continue;
    }
    const uint64_t plain = one.get(kPlain);
    if (value == plain) continue;
    all.push_back(experiment);
    one.set(all.back(), plain);
    if (value <= plain + 1) continue;
    all.push_back(experiment);
    one.set(all.back(), plain + (value - plain) / 2);
  }
  return all;
}

// The network of an experiment and its users, who have begun.
struct Stage {
  Network network;
  std::array<User, 2> users;

  Stage(const Experiment& experiment, Sabotage sabotage)
      : network(experiment.seed),
        users{User(network, 0, experiment, sabotage), User(network, 1, experiment, sabotage)} {
    network.add_host(Side::client, kAddresses[0], settings_of(experiment));
    network.add_host(Side::server, kAddresses[1], settings_of(experiment));
    network.set_link(0, 1, link_of(experiment));
    network.set_link(1, 0, link_of(experiment));
    for (HostId host = 0; host < users.size(); ++host) {
      network.set_user(host, [this, host] { users[host].go_on(); });
    }
    users[1].open();
    users[0].open();
  }
};

}  // namespace

Experiment draw_experiment(uint64_t seed) {
  Random random(seed);
  const auto sometimes = [&](uint64_t most) {
    return static_cast<uint32_t>(random.chance(0.5) ? random.between(1, most) : 0);
  };
  Experiment made;
  made.seed = seed;
  made.client_octets = sometimes(60'000);
  made.server_octets = sometimes(60'000);
  made.loss = sometimes(15);
  made.duplication = sometimes(15);
  made.reordering = sometimes(20);
  made.corruption = sometimes(10);
  made.delay_us = static_cast<uint32_t>(random.between(50, 100'000));
  made.rate = random.chance(0.3) ? static_cast<uint32_t>(random.between(100'000, 10'000'000)) : 0;
  made.read_pause_us = random.chance(0.3) ? sometimes(300'000) : 0;
  made.buffer = static_cast<uint32_t>(random.chance(0.5) ? 131072 : random.between(3000, 20'000));
  made.cut_ms = random.chance(0.2) ? sometimes(5000) : 0;
  made.opening = random.chance(0.2) ? Opening::simultaneous : Opening::listener;
  made.ending = random.chance(0.1) ? Ending::abort : Ending::in_order;
  return made;
}

std::optional<std::string> violation(const Experiment& experiment, Sabotage sabotage) {
  Stage stage(experiment, sabotage);
  const auto& users = stage.users;
  while (stage.network.step(kLongest)) {
    if (const auto wrong = wrong_now(stage.network, experiment)) return wrong;
    if (!users[0].in_order() || !users[1].in_order()) return "an octet came twice or out of order";
    if (users[0].refused() || users[1].refused()) return "a call errored that must not";
  }
  if (const auto wrong = wrong_moves(stage.network.recording())) return wrong;
  return wrong_at_the_end(stage.network, experiment, users);
}

Recording recording_of(const Experiment& experiment) {
  Stage stage(experiment, Sabotage::none);
  stage.network.run(kLongest);
  return stage.network.recording();
}

Experiment shrink(Experiment failing, Sabotage sabotage) {
  for (bool again = true; std::exchange(again, false);) {
    for (const Experiment& candidate : simpler(failing)) {
      if (!violation(candidate, sabotage)) continue;
      failing = candidate;
      again = true;
      break;
    }
  }
  return failing;
}

std::string to_string(const Experiment& experiment) {
  static constexpr Experiment kPlain{};
  std::string line;
  for (const Field& one : kFields) {
    if (one.name != "seed" && one.get(experiment) == one.get(kPlain)) continue;
    line += fmt::format("{}{}={}", line.empty() ? "" : " ", one.name, one.get(experiment));
  }
  return line;
}

std::optional<Experiment> parse_experiment(std::string_view line) {
  Experiment made;
  for (const std::string_view word : words(line)) {
    const size_t sign = std::min(word.find('='), word.size());
    const auto one = std::ranges::find(kFields, word.substr(0, sign), &Field::name);
    if (one == kFields.end() || sign == word.size()) return std::nullopt;
    const auto value = parse_number<uint64_t>(word.substr(sign + 1));
    if (!value) return std::nullopt;
    one->set(made, *value);
  }
  return made;
}

}  // namespace tcpdx::sim
