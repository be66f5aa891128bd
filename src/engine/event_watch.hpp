// Fills Observation::events within a window: the rare things that happen to sockets between looks.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.hpp"
#include "host/events.hpp"
#include "model/observation.hpp"

namespace tcpdx::engine {

class EventWatch {
 public:
  // Sees nothing.
  EventWatch() = default;
  // Begins, in the namespaces of `into`. Where events may not be seen, `into.missing` says so and
  // the rest does nothing.
  explicit EventWatch(Observation& into);

  // Takes what has happened so far; `since_first_look` is now.
  void poll(Duration since_first_look, Observation& into);
  // Sums up, after the last look: owners and namespaces point into it.
  void finish(Observation& into);

 private:
  struct Pending {
    uint32_t pid = 0;
    uint32_t netns = 0;
    std::string comm;
  };

  void keep(const host::KernelEvent& event, const std::string& reason, Duration at, EventLog& log);
  uint16_t reason_index(const std::string& name, EventLog& log);

  std::optional<host::Events> events_;
  std::vector<Pending> pending_;  // beside EventLog::events
  std::array<size_t, kEventKinds> kept_{};
  std::unordered_map<std::string, uint16_t> reasons_;
};

}  // namespace tcpdx::engine
