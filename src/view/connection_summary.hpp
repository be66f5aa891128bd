// What many connections have in common, at a glance and in bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/connection.hpp"
#include "view/connection_json.hpp"
#include "view/style.hpp"
#include "view/tally.hpp"

namespace tcpdx::view {

// What was in a capture besides its connections.
struct CaptureFacts {
  uint64_t frames = 0;
  uint64_t octets = 0;  // on the wire
  uint64_t segments = 0;
  uint64_t other = 0;      // frames without TCP
  uint64_t broken = 0;     // frames whose headers cannot be, or were cut off
  uint64_t fragments = 0;  // of datagrams
  uint64_t icmp_errors = 0;
  uint64_t dropped_half_open = 0;  // connections forgotten for lack of memory
  uint64_t dropped_early = 0;      // connections reported before their end for lack of memory
  std::optional<WallTime> first;
  std::optional<WallTime> last;
  std::vector<std::pair<std::string, uint64_t>> unknown_link_types;  // name and frames
  std::vector<DamagedPlace> damage;
};

struct AddressHash {
  size_t operator()(const IpAddress& address) const { return SocketAddressHash{}({address, 0}); }
};

class ConnectionSummary {
 public:
  void add(const Connection& connection);
  void write(std::ostream& out, const Style& style, const CaptureFacts& facts) const;

 private:
  static constexpr size_t kStates = 12;  // the eleven, and not known
  static constexpr size_t kAnomalies = static_cast<size_t>(AnomalyKind::stray_segment) + 1;

  // One that lost much.
  struct Loss {
    uint64_t id = 0;
    SocketAddress originator;
    SocketAddress responder;
    uint64_t retransmissions = 0;
    uint64_t packets = 0;
  };

  void add_loss(const Connection& connection);

  std::string states_text() const;
  std::string closed_text() const;
  std::string handshake_text() const;
  std::string losses_text() const;
  std::string anomalies_text() const;

  uint64_t count_ = 0;
  uint64_t syn_alone_ = 0;
  std::array<uint64_t, kStates * kStates> states_{};  // by the originator's, then the responder's
  std::array<std::array<uint64_t, 4>, 4> closed_{};   // by CloseHow, then CloseFirst or ResetBy
  std::array<uint64_t, kAnomalies> anomalies_{};      // connections that have the kind
  Quantiles handshakes_;                              // microseconds
  uint64_t refused_ = 0;
  Heaviest<SocketAddress, SocketAddressHash> refused_by_;
  Heaviest<IpAddress, AddressHash> talkers_;  // octets of text, sent
  Heaviest<IpAddress, AddressHash> resets_;   // by sender
  uint64_t retransmissions_ = 0;
  uint64_t packets_ = 0;
  std::vector<Loss> losses_;  // the greatest few, in order
};

}  // namespace tcpdx::view
