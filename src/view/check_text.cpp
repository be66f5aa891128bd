#include "view/check_text.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "view/json.hpp"
#include "view/ping_text.hpp"
#include "view/probe_json.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kIndent = 18;  // "small segments" is the longest

std::string_view word_of(CheckGrade grade) {
  switch (grade) {
    case CheckGrade::ok: return "ok";
    case CheckGrade::warning: return "warning";
    case CheckGrade::critical: return "critical";
    case CheckGrade::unknown: return "unknown";
  }
  std::unreachable();
}

Ink ink_of(CheckGrade grade) {
  switch (grade) {
    case CheckGrade::ok: return Ink::green;
    case CheckGrade::warning: return Ink::yellow;
    case CheckGrade::critical: return Ink::red;
    case CheckGrade::unknown: return Ink::yellow;
  }
  std::unreachable();
}

void write_row(std::ostream& out, const Style& style, std::string_view head,
               const std::string& text) {
  out << fmt::format("  {:<{}}", head, kIndent - 2) << wrapped(style, kIndent, printable(text))
      << '\n';
}

}  // namespace

CheckGrade grade_of(const probe::CheckVerdict& verdict) {
  if (verdict.why == "ok") return CheckGrade::ok;
  if (verdict.why == "slow" || verdict.why == "syn-limited") return CheckGrade::warning;
  if (verdict.why == "mtu-black-hole" && verdict.confidence != Confidence::confirmed) {
    return CheckGrade::warning;  // until data has hung in it
  }
  return verdict.why == "other" ? CheckGrade::unknown : CheckGrade::critical;
}

void write_check(std::ostream& out, const Style& style, const std::string& target,
                 std::span<const CheckRow> steps, const probe::CheckVerdict& verdict,
                 Duration took) {
  const CheckGrade grade = grade_of(verdict);
  out << paint(style, ink_of(grade),
               fmt::format("{} {} {}", grade == CheckGrade::ok ? "OK" : lower(word_of(grade)),
                           printable(target), verdict.why))
      << fmt::format("  ({}, {})\n", to_string(verdict.confidence), rtt_text(took));
  out << "  " << wrapped(style, 2, printable(verdict.sentence)) << '\n';
  if (!verdict.advice.empty()) write_row(out, style, "do", verdict.advice);
  for (const CheckRow& row : steps) {
    write_row(out, style, row.step, fmt::format("{}  ({})", row.result, rtt_text(row.took)));
  }
}

void write_check_json(std::ostream& out, const std::string& target, std::span<const CheckRow> steps,
                      const probe::CheckVerdict& verdict, Duration took) {
  Json list = Json::array();
  for (const CheckRow& row : steps) {
    list.push_back({{"step", row.step},
                    {"result", row.result},
                    {"evidence", facts_json(row.evidence)},
                    {"duration_us", row.took.count()}});
  }
  const Json document{
      {"schema", kSchema},
      {"target", target},
      {"verdict", word_of(grade_of(verdict))},
      {"why", verdict.why},
      {"where",
       {{"kind", to_string(verdict.place)},
        {"hop", or_null(verdict.hop)},
        {"address", verdict.address ? Json(to_string(*verdict.address)) : Json(nullptr)}}},
      {"sentence", verdict.sentence},
      {"advice", verdict.advice.empty() ? Json(nullptr) : Json(verdict.advice)},
      {"confidence", to_string(verdict.confidence)},
      {"duration_us", took.count()},
      {"steps", std::move(list)}};
  out << dump(document) << '\n';
}

}  // namespace tcpdx::view
