// A TCP of our own that the kernel talks with: an endpoint behind a TUN device, run by the
// monotonic clock, with a path in between that can be made bad.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "lab/datagram.hpp"
#include "lab/impairment.hpp"
#include "lab/packet_log.hpp"
#include "lab/tun.hpp"
#include "tcp/endpoint.hpp"

namespace tcpdx::lab {

// What the program of an endpoint does about what it is told, and what a test looks at. Empty
// functions are not called.
struct PeerHooks {
  // These two come from turn(), so that they may call the endpoint.
  std::function<void(tcp::ConnectionId, tcp::Notice)> notice;
  std::function<void(tcp::ListenerId)> acceptable;
  // Called at once, in the middle of the endpoint's work: only to look.
  std::function<void(tcp::ConnectionId, tcp::State from, tcp::Event on, tcp::State to)> moved;
  // False: the datagram is lost.
  std::function<bool(Direction, std::span<const std::byte>)> pass;
};

class Peer final : private tcp::Sink {
 public:
  Peer(Tun tun, const tcp::Settings& settings, const tcp::Secret& secret);

  tcp::Endpoint& endpoint() { return endpoint_; }
  // Monotonic, since the peer was made: what the endpoint's calls take as their time.
  tcp::Time now() const;
  PeerHooks& hooks() { return hooks_; }
  const PacketLog& log() const { return log_; }
  void impair(Direction direction, const Impairment& impairment);

  // Does all that is due now: datagrams that wait, timers, hooks. At most `limit` datagrams are
  // read. Returns whether anything came.
  bool turn(size_t limit = 64);
  // Sleeps until a datagram comes or something is due, but not longer than this.
  void wait(Duration longest) const;
  // Gives the kernel a datagram of another's making; the path does nothing to it.
  void inject(std::span<const std::byte> datagram);

 private:
  struct Noticed {
    tcp::ConnectionId id;
    tcp::Notice notice{};
  };
  using Told = std::variant<Noticed, tcp::ListenerId>;

  void send(const tcp::Packet& packet) override;
  void notify(tcp::ConnectionId id, tcp::Notice notice) override;
  void acceptable(tcp::ListenerId id) override;
  void moved(tcp::ConnectionId id, tcp::State from, tcp::Event on, tcp::State to) override;

  void onto(Line& line, Direction direction, std::span<const std::byte> datagram);
  void arrive(std::span<const std::byte> datagram);
  void release();
  bool tell();

  Tun tun_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  PeerHooks hooks_;
  PacketLog log_;
  Line in_;
  Line out_;
  std::vector<Told> told_;
  uint16_t id_ = 0;
  std::array<std::byte, kMaxDatagramSize> incoming_{};
  std::array<std::byte, kMaxDatagramSize> outgoing_{};
  tcp::Endpoint endpoint_;
};

}  // namespace tcpdx::lab
