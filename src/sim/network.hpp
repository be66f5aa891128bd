// A network of simulated hosts in virtual time: endpoints, the links between them, users who call.
// Everything follows from the seed and the settings, so that a run replays exactly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/link.hpp"
#include "sim/random.hpp"
#include "sim/recording.hpp"
#include "tcp/endpoint.hpp"

namespace tcpdx::sim {

using HostId = size_t;

class Network {
 public:
  explicit Network(uint64_t seed) : seed_(seed) {}

  HostId add_host(Side side, const IpAddress& address, tcp::Settings settings);
  // For packets of `from` to `to`. A pair without a link uses the default settings.
  void set_link(HostId from, HostId to, LinkSettings settings);
  Link& link(HostId from, HostId to);

  Time now() const { return now_; }
  const tcp::Endpoint& endpoint(HostId host) const { return *hosts_[host]->endpoint; }

  // A user's call of a host's endpoint: call([&](tcp::Endpoint& e, Time now) { ... }). What the
  // endpoint says meanwhile is recorded and sent afterwards.
  template <class What>
  auto call(HostId host, What&& what) {
    Host& one = *hosts_[host];
    if constexpr (std::is_void_v<std::invoke_result_t<What, tcp::Endpoint&, Time>>) {
      std::forward<What>(what)(*one.endpoint, now_);
      settle(host, std::nullopt);
    } else {
      auto answer = std::forward<What>(what)(*one.endpoint, now_);
      settle(host, std::nullopt);
      return answer;
    }
  }
  // From now on a side of conversations at this port begins in LISTEN. For the recording only.
  void listens(HostId host, uint16_t port) { hosts_[host]->listening.push_back(port); }

  void at(Time when, std::function<void()> action);
  // Called after anything happened at the host: the place of its users.
  void set_user(HostId host, std::function<void()> user) { hosts_[host]->user = std::move(user); }

  // A third party's segment, in the name of whatever source it holds; it arrives at once.
  void inject(const tcp::Packet& packet);
  // The host forgets everything, without a word to anyone.
  void crash(HostId host);
  void note(std::optional<Side> side, std::string what);

  // The next event, unless it lies beyond `until`. False: there is none.
  bool step(Time until);
  void run(Time until);
  // Nothing will ever happen again: no packet, no timer, no action is waiting.
  bool silent() const;
  // A deadline that does not pass although advance() was called again and again.
  bool stuck() const { return stuck_; }

  const Recording& recording() const { return recording_; }

 private:
  // Keeps what an endpoint says until its call has returned.
  struct Mouth final : tcp::Sink {
    struct Said {
      uint64_t order = 0;
      std::vector<std::byte> datagram;
      tcp::ConnectionId id;
      std::optional<tcp::Notice> notice;
      std::optional<Move> move;
    };
    explicit Mouth(uint64_t& counter) : order(counter) {}
    void send(const tcp::Packet& packet) override;
    void notify(tcp::ConnectionId id, tcp::Notice notice) override;
    void acceptable(tcp::ListenerId) override {}
    void moved(tcp::ConnectionId id, tcp::State from, tcp::Event on, tcp::State to) override;

    uint64_t& order;
    std::vector<Said> said;
  };
  struct Known {
    tcp::ConnectionId id;
    size_t conversation = 0;
  };
  struct Host {
    Host(uint64_t& order, Side of, const IpAddress& at, tcp::Settings with)
        : side(of), address(at), settings(std::move(with)), mouth(order) {}
    Side side;
    IpAddress address;
    tcp::Settings settings;
    Mouth mouth;
    std::unique_ptr<tcp::Endpoint> endpoint;
    std::vector<uint16_t> listening;
    std::vector<Known> known;
    std::function<void()> user;
    bool user_due = false;
  };
  struct Event {
    Time at{};
    uint64_t order = 0;
    std::optional<std::pair<size_t, size_t>> arrival;  // segment and copy
    std::function<void()> action;

    bool operator>(const Event& b) const { return std::tie(at, order) > std::tie(b.at, b.order); }
  };

  tcp::Secret secret_of(HostId host) const;
  std::optional<HostId> host_at(const IpAddress& address) const;
  std::optional<Time> next_time() const;
  void arrive(size_t segment, size_t copy);
  void advance_hosts();
  void settle(HostId host, std::optional<size_t> arrived_in);
  size_t conversation_of(const SocketAddress& from, const SocketAddress& to, Side sender);
  std::optional<size_t> resolve(Host& host, tcp::ConnectionId id, std::optional<size_t> arrived_in);
  void record_move(Host& host, const Mouth::Said& said, std::optional<size_t> arrived_in);
  void transmit(uint64_t order, std::vector<std::byte> datagram, Side side,
                std::optional<HostId> from);
  void number(Segment& segment);
  void run_users();

  uint64_t seed_;
  uint64_t order_ = 0;
  Time now_{};
  std::vector<std::unique_ptr<Host>> hosts_;
  std::map<std::pair<HostId, HostId>, Link> links_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Recording recording_;
  std::map<std::pair<SocketAddress, SocketAddress>, size_t> by_ends_;
  std::vector<std::array<std::optional<Seq>, 2>> isn_;  // of each conversation's sides
  unsigned same_time_ = 0;
  bool stuck_ = false;
};

}  // namespace tcpdx::sim
