// Opening a TCP connection and seeing what comes of it: how long the handshake takes, what was
// agreed, what an optional request brings, who ends it, and, where it fails, why.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/asker.hpp"
#include "probe/verdict.hpp"

namespace tcpdx::probe {

struct ConnectOptions {
  AskOptions ask;                // target, source, interface, TTL, DSCP
  Duration timeout = 5s;         // for the handshake, and again for an answer to the request
  Duration watch = 100ms;        // how long an open connection is watched for an early end
  std::string send;              // sent when it is open; empty: nothing
  std::string expect;            // text that the answer must hold; empty: any answer does
  uint16_t largest_segment = 0;  // of both ends (TCP_MAXSEG); 0: the kernel's choice
};

// What both ends agreed on, from TCP_INFO.
struct Agreed {
  std::optional<uint32_t> snd_mss;
  std::optional<uint32_t> pmtu;
  bool timestamps = false;
  bool sack = false;
  bool ecn = false;
  std::optional<uint8_t> window_scale;  // theirs; none: they do not scale
  std::optional<uint8_t> own_window_scale;
};

enum class Ending : uint8_t { none, closed_by_us, closed_by_peer, reset_by_peer };
std::string_view to_string(Ending ending);  // "closed-by-peer"

struct Attempt {
  SocketAddress target;
  std::optional<SocketAddress> local;
  Verdict verdict;
  Duration took{};              // until connected, or until it failed or was given up
  std::optional<Duration> rtt;  // of the SYN, by the kernel; none where it was sent again
  unsigned syn_repeats = 0;
  std::optional<ErrorMessage> message;
  Agreed agreed;
  Ending ending = Ending::none;
  // Of the request: how long its first octet took, what came (at most 4 KiB), whether it was
  // expected.
  std::optional<Duration> answered_after;
  std::string answer;
  std::optional<bool> as_expected;
  // Of a request without an answer: whether the peer's TCP has it.
  std::optional<bool> request_acked{};
  // Segments of the peer that came while earlier ones were missing, and the size of its segments as
  // the kernel guesses it from what came (tcpi_rcv_ooopack, tcpi_rcv_mss).
  unsigned out_of_order = 0;
  unsigned rcv_mss = 0;
};

// One connection from the first SYN to its end. Blocks; `stop` ends a wait early.
Attempt attempt(const ConnectOptions& options, const std::function<bool()>& stop);

}  // namespace tcpdx::probe
