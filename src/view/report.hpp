// The doctor's report: findings as text for people and as JSON for programs. Shows, never judges.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "model/finding.hpp"
#include "model/observation.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// How much was looked at: {"socket", 12}. JSON names it with an s.
struct Amount {
  std::string_view noun;
  uint64_t count = 0;
};

struct Report {
  std::string_view host;                   // or the capture file
  std::optional<std::string_view> kernel;  // absent: a capture
  WallTime at;
  Duration window{};
  Amount what;
  Amount among;
  std::span<const std::string> sources;
  std::span<const Missing> missing;
  std::span<const Finding> findings;  // worst first
  // What the network said; null: it was not asked.
  const ProbeResults* probes = nullptr;
  std::span<const Namespace> namespaces = {};  // ProbedHost::netns points here
};
Report report_of(const Observation& observation, std::span<const Finding> findings);

// The greatest severity among the findings and what is folded under them; info if there are none.
Severity worst(std::span<const Finding> findings);
// "ok", "warning" or "critical".
std::string_view verdict(std::span<const Finding> findings);

void write_report(std::ostream& out, const Style& style, const Report& report);
void write_report_json(std::ostream& out, const Report& report);

// "not seen  WHAT: WHY (needs NEEDS)", one line each.
void write_missing(std::ostream& out, const Style& style, std::span<const Missing> missing);

}  // namespace tcpdx::view
