// Events of `trace` as lines: a table that grows as they come, and JSON.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string>

#include "model/trace.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// What happened, in words: "refused after 312 us".
std::string event_words(const TraceEvent& event);

// Columns widen when something longer comes, and stay so.
class TraceTable {
 public:
  TraceTable(std::ostream& out, const Style& style) : out_(out), style_(style) {}

  // The namespace that is not named at each line: ours.
  void set_home(uint64_t netns) { home_ = netns; }

  void write_heading();
  void write(const TraceEvent& event);
  void write_life_heading();
  void write(const TraceLife& life);

 private:
  std::string padded(size_t column, const std::string& text);
  std::string where(const TraceSubject& who) const;

  std::ostream& out_;
  const Style& style_;
  uint64_t home_ = 0;
  std::array<size_t, 4> widths_{20, 21, 21,
                                12};  // process, local, remote, of lives: what was moved
};

// One object per line (docs/json.md, `tcpdx trace --json`).
class TraceJson {
 public:
  explicit TraceJson(std::ostream& out) : out_(out) {}

  void write(const TraceEvent& event);
  void write(const TraceLife& life);
  void write_lost(WallTime at, uint64_t count);

 private:
  void begin(WallTime at, std::string_view event);

  std::ostream& out_;
  std::string line_;
  bool first_ = true;
};

}  // namespace tcpdx::view
