// Ctrl-C ends a wait early, so that what was seen is still reported.
#pragma once

#include <atomic>

#include "base/time.hpp"

namespace tcpdx::cli {

// From the first call on, SIGINT sets the flag; a second SIGINT ends the program at once.
const std::atomic<bool>& interrupted();

// SIGTERM and SIGHUP set it, too: for whoever has a terminal to restore.
void interrupt_at_any_end();

// False when it was cut short by Ctrl-C.
bool sleep_for(Duration duration);

}  // namespace tcpdx::cli
