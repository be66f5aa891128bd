// What a trace has seen, added up for each program and peer.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>

#include "model/trace.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// A peer is an address with the port of the service; of connections that came from outside the
// caller's address and our own port.
class TraceSummary {
 public:
  static constexpr size_t kMostRows = 10'000;  // what comes later is added up as one

  void add(const TraceEvent& event);
  void write(std::ostream& out, const Style& style) const;
  void write_json(std::ostream& out, WallTime at) const;
  bool empty() const { return rows_.empty(); }
  void clear() { rows_.clear(); }

 private:
  struct Key {
    uint32_t pid = 0;
    std::string comm;
    IpAddress peer;
    uint16_t port = 0;
    bool incoming = false;

    auto operator<=>(const Key&) const = default;
  };
  struct Row {
    uint64_t opened = 0;  // connections that became ESTABLISHED
    uint64_t failed = 0;
    uint64_t retransmits = 0;
    uint64_t resets_sent = 0;
    uint64_t resets_received = 0;
    uint64_t drops = 0;
    uint64_t others = 0;    // zero windows, accept drops, failed binds
    Duration connecting{};  // of those opened, together
    uint64_t timed = 0;     // connects that have a duration

    uint64_t weight() const;
  };

  static Key key_of(const TraceEvent& event);

  std::map<Key, Row> rows_;
};

}  // namespace tcpdx::view
