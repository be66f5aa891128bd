#include "model/closer_look.hpp"

#include <utility>

namespace tcpdx {

std::string_view to_string(Passage passage) {
  switch (passage) {
    case Passage::open: return "open";
    case Passage::dropped: return "dropped";
    case Passage::rejected: return "rejected";
    case Passage::diverted: return "diverted";
    case Passage::depends: return "depends";
    case Passage::unknown: return "unknown";
  }
  std::unreachable();
}

}  // namespace tcpdx
