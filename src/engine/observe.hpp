// Looks at this machine over a window of time.
#pragma once

#include <atomic>
#include <functional>

#include "base/result.hpp"
#include "base/time.hpp"
#include "host/machine.hpp"
#include "model/observation.hpp"

namespace tcpdx::engine {

struct ObserveOptions {
  host::Options host;
  host::LookOptions look;
  bool watch_events = true;    // between the looks
  bool ask_firewalls = false;  // about the listeners of the last look
  bool sweep_hidden = false;   // takes every free port for some microseconds
  // After the last look, about what it saw. Without it nothing leaves this host.
  bool ask_network = false;
  Duration window = 5s;  // 0: a single look
  // Called a few times a second with the time since the first look; may be empty.
  std::function<void(Duration)> progress;
  // Called before the network is asked; may be empty.
  std::function<void()> asking;
  // When it becomes true the window ends early; may be null.
  const std::atomic<bool>* stop = nullptr;
};

Result<Observation> observe(const ObserveOptions& options);

}  // namespace tcpdx::engine
