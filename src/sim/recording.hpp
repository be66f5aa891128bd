// What happened in a simulated network, as a value: each packet with its fate and the states of
// both ends, each change of state, each notice and call. The truth that observers are held against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "sim/link.hpp"
#include "tcp/endpoint.hpp"
#include "tcp/event.hpp"
#include "tcp/state.hpp"

namespace tcpdx::sim {

// The two roles of a connection. With many clients each connection has one of them.
enum class Side : uint8_t { client, server };
std::string_view to_string(Side side);
constexpr Side other(Side side) { return side == Side::client ? Side::server : Side::client; }

struct States {
  tcp::State client = tcp::State::closed;
  tcp::State server = tcp::State::closed;

  tcp::State& of(Side side) { return side == Side::client ? client : server; }
  tcp::State of(Side side) const { return side == Side::client ? client : server; }
  bool operator==(const States&) const = default;
};

// Ends that spoke with each other, in one incarnation or in several.
struct Conversation {
  SocketAddress client;
  SocketAddress server;
  States start;  // before anything was said
  States now;

  const SocketAddress& of(Side side) const { return side == Side::client ? client : server; }
};

// One copy of a segment that came out of the network.
struct Arrival {
  uint64_t order = 0;
  Time at{};
  Time middle{};
  std::optional<size_t> flipped_bit;  // of the datagram
  std::optional<States> states;       // after it was taken; absent: it is still on its way
};

struct Segment {
  uint64_t order = 0;
  Time at{};
  Time middle{};  // half-way, before the place where packets are lost
  Side from{};
  size_t conversation = 0;
  bool injected = false;  // sent by a third party in this side's name
  wire::TcpHeader header;
  uint32_t length = 0;  // octets of text
  // Relative to the SYN of each side, as tcpdump(8) shows them; negative: of an earlier time.
  int32_t seq = 0;
  std::optional<int32_t> ack;
  Fate fate{};
  States states;  // after it was sent
  std::vector<Arrival> arrivals;
  std::vector<std::byte> datagram;
};

struct Move {
  uint64_t order = 0;
  Time at{};
  Side side{};
  size_t conversation = 0;
  tcp::State from{};
  tcp::Event on{};
  tcp::State to{};
};

struct Told {
  uint64_t order = 0;
  Time at{};
  Side side{};
  size_t conversation = 0;
  tcp::Notice notice{};
};

// What a user did, in words.
struct Call {
  uint64_t order = 0;
  Time at{};
  std::optional<Side> side;  // absent: a third party, or the network itself
  std::string what;
};

// `order` counts through all of them: what caused comes before what was caused.
struct Recording {
  std::vector<Conversation> conversations;
  std::vector<Segment> segments;
  std::vector<Move> moves;
  std::vector<Told> told;
  std::vector<Call> calls;
};

// The moment of virtual time 0 in captures: 2026-01-01T00:00:00Z, so that equal runs give equal
// files.
inline constexpr Duration kEpoch = 1767225600s;

// The true states of both ends after everything that happened up to `at`.
States states_at(const Recording& recording, size_t conversation, Time at);

// Where a capture is taken. The loss happens in the middle.
enum class Vantage : uint8_t { client, before_loss, after_loss, server };

// A packet that passed there; a damaged copy has a bit of the datagram flipped.
struct Glimpse {
  Time at{};
  uint64_t order = 0;  // of what happened just before it was seen
  size_t segment = 0;
  std::optional<size_t> flipped_bit;
};

// All that passed there, in the order in which it did.
std::vector<Glimpse> seen_from(const Recording& recording, Vantage vantage);
std::vector<std::byte> datagram_of(const Recording& recording, const Glimpse& glimpse);

// What passed there, as a capture file. With many clients, `client` is all of them together.
void write_capture(std::ostream& out, const Recording& recording, Vantage vantage);

}  // namespace tcpdx::sim
