// How the parts of an Observation refer to each other.
#include "model/observation.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace tcpdx {

std::string_view to_string(NeighbourState state) {
  switch (state) {
    case NeighbourState::incomplete: return "INCOMPLETE";
    case NeighbourState::reachable: return "REACHABLE";
    case NeighbourState::stale: return "STALE";
    case NeighbourState::delay: return "DELAY";
    case NeighbourState::probe: return "PROBE";
    case NeighbourState::failed: return "FAILED";
    case NeighbourState::permanent: return "PERMANENT";
    case NeighbourState::noarp: return "NOARP";
    case NeighbourState::none: return "NONE";
  }
  return "NONE";
}

std::span<const Owner> owners_of(const Look& look, const Socket& socket) {
  if (socket.first_owner == kNoIndex) return {};
  return std::span(look.owners).subspan(socket.first_owner, socket.owner_count);
}

const TcpInfo* info_of(const Look& look, const Socket& socket) {
  return socket.info == kNoIndex ? nullptr : &look.infos[socket.info];
}

std::string describe(const Process& process) {
  return fmt::format("{} (pid {})", one_word(process.comm), process.pid);
}

}  // namespace tcpdx
