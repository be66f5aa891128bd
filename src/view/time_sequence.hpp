// What one end of a captured connection sent, as a picture: sequence numbers over time with
// acknowledgments and window, in the manner of tcptrace(1) and xplot(1), as SVG.
#pragma once

#include <ostream>

#include "model/connection.hpp"
#include "view/packet_log.hpp"

namespace tcpdx::view {

// Who sent more data; the originator where both sent the same.
Party busier_side(const Connection& connection);

void write_time_sequence(std::ostream& out, const Connection& connection, const PacketLog& log,
                         Party sender);

}  // namespace tcpdx::view
