// How the parts of a connection are said in few words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/connection.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// "0 B", "532 B", "1.4 kB", "12 MB": units of a thousand.
std::string amount_of_bytes(uint64_t bytes);

// "CLOSE-WAIT"; inferred ones with a tilde behind: "CLOSED~"; "?" where it is not known.
std::string state_of(const ConnectionSide& side);

// SYN to third segment, as far as it was seen.
std::optional<Duration> handshake_time(const Connection& connection);

// "open", "timed out", "FIN by originator", "FIN by responder, RST by originator".
std::string how_closed(const Connection& connection);

// "vlan 10,20 vxlan 42"; empty for most.
std::string link_of(const Connection& connection);

// "refused RST", for people.
std::string_view in_words(AnomalyKind kind);
// Whether it tells of the capture, not of the connection.
bool is_of_capture(AnomalyKind kind);

struct Note {
  std::string text;
  Ink ink = Ink::plain;
};
// What is unusual, each kind once: "SYN sent 3 times", "RST refused ×2". Empty for most.
std::vector<Note> notes_of(const Connection& connection);

}  // namespace tcpdx::view
