// What the kernel's error queue of a socket tells: ICMP errors with the router that sent them and
// what it quotes, errors of this host, and the time at which a packet left (ip(7) IP_RECVERR,
// ipv6(7), Documentation/networking/timestamping.rst, linux/errqueue.h). No capability is needed.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tcpdx::probe {

enum class Origin : uint8_t {
  local,  // this host: no route, no neighbour, a message larger than the known path MTU
  icmp,   // an ICMP or ICMPv6 error arrived
  sent    // no error: the time at which a packet left
};

// One entry of an MPLS label stack (RFC 4950).
struct MplsLabel {
  uint32_t label = 0;
  uint8_t traffic_class = 0;
  uint8_t ttl = 0;

  bool operator==(const MplsLabel&) const = default;
};

struct ErrorMessage {
  Origin origin = Origin::local;
  int error = 0;  // errno, as the socket would report it
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t info = 0;                  // the path MTU where the error is EMSGSIZE
  std::optional<IpAddress> offender;  // who sent the ICMP error, or this host's own address
  std::optional<uint8_t> ttl;         // of the ICMP error, as it arrived
  std::optional<WallTime> at;         // when it arrived, or when the packet left
  uint32_t stamp_id = 0;              // sent: counts the packets of the socket from 0
  std::vector<std::byte> quoted;      // of our packet, behind its IP header
  std::vector<MplsLabel> labels;      // the outermost first
};

// Takes a received message apart: its control messages and its octets. Nothing where no control
// message tells of an error.
std::optional<ErrorMessage> read_error_message(msghdr& message, std::span<const std::byte> octets);

// The MPLS labels of ICMP extensions (RFC 4884 7), which begin at their version. Empty where the
// octets are no extensions, their checksum is wrong, or they have no labels.
std::vector<MplsLabel> read_labels(std::span<const std::byte> extensions);

// The next message of the socket's error queue; nothing when there is none (or no such socket).
std::optional<ErrorMessage> next_error(int socket);

// A kernel's time stamp as the rest of the program tells times.
WallTime wall_of(const timespec& time);

// Asks for error messages (with extensions where the kernel has them), the TTL of what arrives and
// the kernel's times of packets, sent and received. False where the socket takes no error queue.
bool ask_for_errors(int socket, Family family);

}  // namespace tcpdx::probe
