// A packet of a capture as one line in tcpdump's manner, with the states of both ends behind it and
// what it did; the same as JSON.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "track/report.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// "ESTABLISHED~": inferred; "?": not known.
std::string state_text(const track::StateNow& state);
// Client and server: "ESTABLISHED / CLOSE-WAIT~".
std::string states_text(const track::StateNow& originator, const track::StateNow& responder);

// HH:MM:SS and microseconds by the local clock, as tcpdump shows them.
std::string clock_time(int64_t time_ns);

// 13:02:11.123456 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [S.], seq 0, ack 1, win 65160, length 0
// then states and words; where they do not fit beside it, on a second row. `interface` may be
// empty. Sequence numbers count from each end's SYN, windows are scaled.
void write_packet_line(std::ostream& out, const Style& style, const track::PacketReport& report,
                       std::string_view interface);

// docs/json.md, `tcpdx capture --json`.
void write_packet_json(std::ostream& out, const track::PacketReport& report,
                       std::string_view interface);

}  // namespace tcpdx::view
