// A socket for probes: made with the options that all ways of asking share, and read with the time
// and the TTL of what arrives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/file.hpp"
#include "base/result.hpp"
#include "probe/asker.hpp"

namespace tcpdx::probe {

// `kind` and `protocol` as socket(2) has them. Does not block.
Result<Fd> open_socket(int kind, int protocol, const AskOptions& options);

// Of the packets that leave from now on.
bool set_ttl(int socket, Family family, uint8_t ttl);

struct Received {
  std::span<const std::byte> octets;  // in the caller's buffer
  SocketAddress from;
  std::optional<uint8_t> ttl;
  std::optional<WallTime> at;  // by the kernel's clock
};

// The next datagram; nothing when none waits. A pending ICMP error, which the error queue tells in
// full, is passed over.
std::optional<Received> next_datagram(int socket, std::span<std::byte> buffer);

// Sends, and once more where an earlier probe's ICMP error was pending and took the call's place
// (udp(7)). Returns 0 or errno.
int send_datagram(int socket, std::span<const std::byte> octets, const SocketAddress& target);

// Waits for one of the events of poll(2); false when the time is up or someone says stop.
bool wait_for(int socket, int16_t events, Duration longest, const std::function<bool()>& stop);

}  // namespace tcpdx::probe
