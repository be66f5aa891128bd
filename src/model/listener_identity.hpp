// What a listener is known by when its program, and the machine, have been restarted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tcpdx {

struct ListenerIdentity {
  std::string netns;  // lasting_name() of model/listener.hpp
  SocketAddress local;
  // Nothing: not known. Empty: there is none.
  std::optional<std::string> exe;
  std::optional<std::string> unit;  // of systemd, or else the container
  std::optional<uint32_t> uid;
  std::vector<std::string> signs;  // what was odd about it
};

// The listeners that were there when they were declared to be right.
struct Baseline {
  std::string host;
  WallTime learned_at{};
  std::vector<ListenerIdentity> listeners;
};

}  // namespace tcpdx
