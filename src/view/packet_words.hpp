// What a packet of a capture did, in words.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "track/report.hpp"
#include "view/style.hpp"
#include "wire/icmp.hpp"

namespace tcpdx::view {

// The originator is the client, the responder the server.
std::string_view role_name(Party party);

struct PacketWords {
  std::string text;  // empty where it did what packets of an open connection do
  Ink ink = Ink::plain;
};

// "third ACK: handshake complete, 1.2 ms"; "retransmission; fills the window".
PacketWords packet_words(const track::PacketReport& report);

// "host unreachable"; "fragmentation needed, MTU 1400".
std::string icmp_words(const wire::IcmpError& error);

// kebab-case: "fast-retransmission".
std::string_view remark_id(track::Remark remark);

// A short time with the digits that matter: "340 µs", "1.2 ms", "34 ms", "2.1 s".
std::string short_time(Duration duration);

}  // namespace tcpdx::view
