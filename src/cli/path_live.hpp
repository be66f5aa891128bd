// `tcpdx path --live`: all hops asked again and again, the table drawn in place, keys.
#pragma once

#include <string>

#include "cli/io.hpp"
#include "probe/path.hpp"

namespace tcpdx::cli {

struct PathLive {
  std::string name;         // of the target, as it was given
  probe::PathOptions path;  // without end, and with the time between rounds
  bool names = true;        // look up those of the routers
  ColourMode colour = ColourMode::automatic;
};

// On a terminal, until a key or a signal ends it. The exit code.
int path_live(const PathLive& live, Io& io);

}  // namespace tcpdx::cli
