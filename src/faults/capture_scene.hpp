// Connections made by hand for the tests of what captures show.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "faults/capture_findings.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {

inline constexpr WallTime kStart = WallTime(std::chrono::hours(500000));

inline SocketAddress place(std::string_view address, unsigned port) {
  return {.addr = parse_address(address).value(), .port = static_cast<uint16_t>(port)};
}

inline void move(Connection& c, Duration at, Party side, tcp::State to, Cause cause) {
  c.timeline.push_back({.at = at,
                        .frame = c.first_frame,
                        .side = side,
                        .from = std::nullopt,
                        .to = to,
                        .certainty = Certainty::seen,
                        .cause = cause});
  c.side(side).state = to;
  c.side(side).since = at;
  c.side(side).certainty = Certainty::seen;
}

// A SYN of client `n` at `at` seconds, with nothing after it.
inline Connection syn(unsigned n, double at = 0) {
  Connection c;
  c.id = n + 1;
  c.first_frame = n * 10 + 1;
  c.start = kStart + Duration(static_cast<int64_t>(at * 1e6));
  c.observed = 100s;
  c.originator = place("10.0.1." + std::to_string(n % 200 + 1), 40000 + n);
  c.responder = place("10.0.2.1", 80);
  c.role_seen = true;
  c.side(Party::originator).packets = 1;
  c.history = "S";
  return c;
}

// A request and its reply, both 500 octets, over a path of 20 ms.
inline Connection open(unsigned n, double at = 0) {
  Connection c = syn(n, at);
  c.handshake = {.complete = true,
                 .syn_retransmits = 0,
                 .syn_ack_retransmits = 0,
                 .client_rtt = 5ms,
                 .server_rtt = 15ms};
  c.history = "ShADad";
  for (const Party party : {Party::originator, Party::responder}) {
    ConnectionSide& side = c.side(party);
    side.packets = 4;
    side.data_packets = 1;
    side.bytes = side.unique_bytes = 500;
    side.largest_acked = side.max_length = 500;
    side.last_window = 65535;
    side.last_data_at = party == Party::originator ? 20ms : 45ms;
    side.last_at = 60ms;
    move(c, 20ms, party, tcp::State::established, Cause::handshake_ack);
  }
  c.duration = 60ms;
  return c;
}

// Closed by `first` after that long, by FINs on both sides.
inline Connection closed(unsigned n, double at = 0, Duration after = 100ms) {
  Connection c = open(n, at);
  move(c, after, Party::originator, tcp::State::fin_wait_1, Cause::fin_sent);
  move(c, after + 10ms, Party::responder, tcp::State::close_wait, Cause::fin_received);
  move(c, after + 10ms, Party::responder, tcp::State::last_ack, Cause::fin_sent);
  move(c, after + 20ms, Party::originator, tcp::State::time_wait, Cause::fin_received);
  c.close = {.how = CloseHow::fin,
             .first = CloseFirst::originator,
             .reset_by = ResetBy::nobody,
             .reset_acks = std::nullopt};
  c.duration = after + 30ms;
  return c;
}

// Ended by a reset of `by` after that long.
inline Connection reset(Connection c, Party by, Duration after, bool acks) {
  move(c, after, by, tcp::State::closed, Cause::reset_sent);
  c.side(by).resets = 1;
  c.side(by).last_at = after;
  c.duration = after;
  c.close = {.how = CloseHow::reset,
             .first = CloseFirst::nobody,
             .reset_by = by == Party::originator ? ResetBy::originator : ResetBy::responder,
             .reset_acks = acks};
  return c;
}

class Captured {
 public:
  explicit Captured(Duration span = 120s) : span_(span) {}

  void add(const Connection& connection) { facts_.add(connection); }
  void add_healthy(unsigned count, unsigned from = 1000) {
    for (unsigned i = 0; i < count; ++i) add(closed(from + i, i * 0.05));
  }
  const Finding* find(std::string_view fault) {
    facts_.finish(span_);
    found_ = diagnose(facts_);
    const auto hit = std::ranges::find(found_, fault, &Finding::fault);
    return hit == found_.end() ? nullptr : &*hit;
  }
  const std::vector<Finding>& found() const { return found_; }

 private:
  Duration span_;
  CaptureFacts facts_{"some.pcap"};
  std::vector<Finding> found_;
};

}  // namespace tcpdx::faults
