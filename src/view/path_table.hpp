// The way as a table that is drawn again and again: `tcpdx path --live`. What was found and how it
// is to be shown become lines; nothing is remembered between two tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "probe/path.hpp"
#include "view/path_text.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// By hop; the greatest loss on the way first; the longest round trip first. Hops that never
// answered come last.
enum class PathOrder : uint8_t { hop, loss, rtt };
// The usual ones; losses with their intervals; more of the times.
enum class PathColumns : uint8_t { usual, losses, times };
enum class PathHosts : uint8_t { both, names, addresses };
std::string_view to_string(PathOrder order);      // "loss"
std::string_view to_string(PathColumns columns);  // "losses"
std::string_view to_string(PathHosts hosts);      // "names"

struct PathTable {
  std::string name;  // of the target, as it was given
  PathOrder order = PathOrder::hop;
  PathColumns columns = PathColumns::usual;
  PathHosts hosts = PathHosts::both;
  Duration every{};     // between rounds
  bool frozen = false;  // shows a moment that has passed
  std::string note;     // what the last key did, or why it could not; may be empty
  std::string keys;     // the last line: which keys there are; may be empty
};

// At most `height` lines of at most style.width columns; 0: as many as it takes. Where it is too
// narrow the less important columns go, where it is too low hops in the middle.
std::vector<std::string> path_lines(const Style& style, const PathTable& table,
                                    const probe::PathResult& path, const NameOf& name_of,
                                    size_t height);

}  // namespace tcpdx::view
