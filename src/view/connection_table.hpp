// The table of `tcpdx read`: a line for each connection where the terminal is wide enough, else one
// for each of its ends.
#pragma once

#include <memory>
#include <ostream>
#include <span>

#include "base/time.hpp"
#include "model/connection.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// Times count from `origin`, the capture's first packet. `left_out`: how many are not shown.
void write_connection_table(std::ostream& out, const Style& style,
                            std::span<const std::unique_ptr<Connection>> shown, WallTime origin,
                            uint64_t left_out);

}  // namespace tcpdx::view
