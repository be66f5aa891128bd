// Connections as Zeek's conn.log, its TSV layout. docs/deviations.md tells where its contents
// differ.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "model/connection.hpp"

namespace tcpdx::view {

void append_zeek_head(fmt::memory_buffer& into, WallTime opened);
void append_zeek_line(fmt::memory_buffer& into, const Connection& connection);
// A comment among the lines.
void append_zeek_note(fmt::memory_buffer& into, std::string_view name, std::string_view text);
void append_zeek_foot(fmt::memory_buffer& into, WallTime closed);

// S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR or OTH.
std::string_view zeek_conn_state(const Connection& connection);

}  // namespace tcpdx::view
