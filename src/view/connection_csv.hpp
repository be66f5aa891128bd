// Connections as comma-separated values (RFC 4180): a header, then one line each.
#pragma once

#include <fmt/format.h>

#include "model/connection.hpp"

namespace tcpdx::view {

void append_csv_head(fmt::memory_buffer& into);
// What is not known is an empty field.
void append_csv_line(fmt::memory_buffer& into, const Connection& connection);

}  // namespace tcpdx::view
