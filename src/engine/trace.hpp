// Follows the TCP sockets of this machine: events from the kernel, joined with looks.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/filter.hpp"
#include "model/observation.hpp"
#include "model/trace.hpp"

namespace tcpdx::engine {

struct TraceOptions {
  std::vector<EventKind> kinds;  // to be told
  Filter filter;
  bool lives = false;              // tell lives instead of events
  std::optional<Duration> window;  // how long; nothing: until `stop`
  const std::atomic<bool>* stop = nullptr;
};

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  // Before the first event: what the trace cannot see, and the namespaces there are, ours first.
  virtual void begin(const Observation& seen) = 0;
  virtual void event(const TraceEvent& event) = 0;
  virtual void life(const TraceLife& life) = 0;
  // Several times a second; false ends the trace.
  virtual bool round(Duration elapsed) = 0;
  // Records that were lost since the last call: they came faster than they could be read.
  virtual void lost(uint64_t records) = 0;
};

// Needs CAP_BPF and CAP_PERFMON; the error says so. Lives need no rights at all: without BPF the
// kernel's own notices of sockets that end are read, and TraceSink::begin() tells what they lack.
Result<void> trace(const TraceOptions& options, TraceSink& sink);

}  // namespace tcpdx::engine
