// Connections as JSON, one line each: docs/json.md, `tcpdx read --json`.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "model/connection.hpp"

namespace tcpdx::view {

// `findings`: the ids of the faults that the connection shows.
void append_connection_json(fmt::memory_buffer& into, const Connection& connection,
                            std::span<const std::string_view> findings);

// A place in a capture file that cannot be as it is.
struct DamagedPlace {
  std::string file;
  uint64_t frame = 0;
  uint64_t offset = 0;
  std::string what;
};

// The last line, where something was damaged.
void append_damage_json(fmt::memory_buffer& into, std::span<const DamagedPlace> places);

}  // namespace tcpdx::view
