// A check as text and as JSON. The steps are shown as rows that the caller made.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "probe/check.hpp"
#include "probe/facts.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

struct CheckRow {
  std::string_view step;
  std::string result;
  std::vector<probe::Fact> evidence;
  Duration took{};
};

// How bad it is, by the convention of monitoring plugins: ok; warning where it works but not well;
// critical where it does not.
enum class CheckGrade : unsigned char { ok, warning, critical, unknown };
CheckGrade grade_of(const probe::CheckVerdict& verdict);

void write_check(std::ostream& out, const Style& style, const std::string& target,
                 std::span<const CheckRow> steps, const probe::CheckVerdict& verdict,
                 Duration took);
// docs/json.md, `tcpdx check --json`.
void write_check_json(std::ostream& out, const std::string& target, std::span<const CheckRow> steps,
                      const probe::CheckVerdict& verdict, Duration took);

}  // namespace tcpdx::view
