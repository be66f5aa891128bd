// From a packed record to the Connection that everybody reads.
#pragma once

#include <cstdint>
#include <vector>

#include "model/connection.hpp"
#include "track/notes.hpp"
#include "track/tracker.hpp"
#include "wire/decode.hpp"

namespace tcpdx::track {

// What timers did until `now_ns` without a packet to show it: TIME-WAIT ends, attempts give up.
void run_timers(Notes& notes, const Options& options, Record& record, int64_t now_ns);

// What stood in `into` is gone; the room of its lists is used again.
void to_connection(Notes& notes, const Record& record, const std::vector<wire::LinkPath>& links,
                   int64_t now_ns, Connection& into);

}  // namespace tcpdx::track
