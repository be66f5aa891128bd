// Initial sequence numbers (RFC 6528) and SYN cookies: what a keyed hash makes of the addresses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/seq.hpp"
#include "base/time.hpp"

namespace tcpdx::tcp {

// Known to this endpoint alone (RFC 9293 MUST-9). The caller draws it at random, or from a seed.
using Secret = std::array<uint64_t, 2>;

// M + F(localip, localport, remoteip, remoteport, secretkey): M counts every 4 microseconds
// (RFC 9293 3.4.1, MUST-8), F is SipHash-2-4 (SHLD-1).
Seq initial_sequence_number(const SocketAddress& local, const SocketAddress& remote,
                            const Secret& secret, Duration now);
// A different offset of the timestamp clock for each pair of ends (RFC 7323 7.1, RFC 9293 3.4.1).
uint32_t timestamp_offset(const SocketAddress& local, const SocketAddress& remote,
                          const Secret& secret);

// What a server can keep of a client's SYN without keeping state.
struct CookieFacts {
  uint16_t mss = 0;                     // rounded down to one of eight; 64 is the least of them
  std::optional<uint8_t> window_scale;  // these two need the client's timestamps: else leave out
  bool sack_permitted = false;
};

struct Cookie {
  Seq iss;
  // The timestamp value whose low bits carry window scale and SACK; `ts` with them put in.
  uint32_t ts_value = 0;
};

// The number for a SYN,ACK (RFC 4987 3.6 tells the idea). It is good for this step of the clock and
// the next, 67 s each: for a minute at least, and a little over two at the most.
Cookie make_cookie(const SocketAddress& local, const SocketAddress& remote, Seq irs,
                   const CookieFacts& facts, uint32_t ts, const Secret& secret, Duration now);
// What the third segment of a handshake proves: its acknowledgment number less one is a number that
// we made for this client, its SYN and those options while that number is good. Nothing otherwise.
// `ts_echo` is absent where the segment has no timestamps.
std::optional<CookieFacts> check_cookie(const SocketAddress& local, const SocketAddress& remote,
                                        Seq irs, Seq iss, std::optional<uint32_t> ts_echo,
                                        const Secret& secret, Duration now);

}  // namespace tcpdx::tcp
