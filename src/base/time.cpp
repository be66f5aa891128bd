// Durations and times as text, in exact integer arithmetic: no rounding surprises.
#include "base/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace tcpdx {
namespace {

struct Unit {
  std::string_view name;
  int64_t microseconds;
};
constexpr std::array kUnits{
    Unit{"us", 1},         Unit{"ms", 1'000},        Unit{"s", 1'000'000},
    Unit{"", 1'000'000},  // a bare number
    Unit{"m", 60'000'000}, Unit{"h", 3'600'000'000}, Unit{"d", 86'400'000'000},
};
constexpr int64_t kLongest = 7 * 86'400'000'000;

// Digits after the point, as microseconds of the unit; finer digits are cut off.
int64_t fraction_of(std::string_view digits, int64_t unit) {
  int64_t sum = 0;
  for (const char digit : digits) {
    unit /= 10;
    sum += (digit - '0') * unit;
  }
  return sum;
}

}  // namespace

WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

Result<Duration> parse_duration(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  const auto wrong = [&] {
    return fail(
        "cannot read '{}' as a duration: write a number and ms, s, m, h or d, as in 250ms, "
        "5s or 1.5h",
        printable(text));
  };
  std::string_view rest = text;
  const size_t whole_end = std::min(rest.find_first_not_of(kDigits), rest.size());
  const std::string_view whole_digits = rest.substr(0, whole_end);
  if (whole_digits.empty()) return wrong();
  rest.remove_prefix(whole_end);
  std::string_view fraction_digits;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find_first_not_of(kDigits), rest.size());
    fraction_digits = rest.substr(0, end);
    if (fraction_digits.empty()) return wrong();
    rest.remove_prefix(end);
  }
  const auto* const unit = std::ranges::find(kUnits, rest, &Unit::name);
  if (unit == kUnits.end()) return wrong();
  const auto whole = parse_number<int64_t>(whole_digits);
  const int64_t fraction = fraction_of(fraction_digits, unit->microseconds);
  if (!whole || *whole > kLongest / unit->microseconds ||
      *whole * unit->microseconds + fraction > kLongest) {
    return fail("'{}' is longer than the longest duration, 7 days", printable(text));
  }
  return Duration(*whole * unit->microseconds + fraction);
}

std::string rfc3339(WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss<Duration> time{t - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000000Z";
  if (text.size() != kForm.size()) return std::nullopt;
  const auto part = [&](size_t from, size_t length) {
    return parse_number<unsigned>(text.substr(from, length)).value_or(0);
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(part(0, 4))),
                                         std::chrono::month(part(5, 2)),
                                         std::chrono::day(part(8, 2))};
  if (!date.ok() || text < "1970" || text >= "3000") return std::nullopt;
  const WallTime time = std::chrono::sys_days(date) + std::chrono::hours(part(11, 2)) +
                        std::chrono::minutes(part(14, 2)) + std::chrono::seconds(part(17, 2)) +
                        Duration(part(20, 6));
  return rfc3339(time) == text ? std::optional(time) : std::nullopt;
}

std::string human(Duration d) {
  if (d < Duration::zero()) return "-" + human(-d);
  const int64_t us = d.count();
  const int64_t s = us / 1'000'000;
  if (us == 0) return "0 s";
  if (us < 1'000) return fmt::format("{} µs", us);
  if (s < 1) return fmt::format("{} ms", us / 1'000);
  if (s < 10) return fmt::format("{}.{} s", s, us / 100'000 % 10);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3'600) return fmt::format("{} m {:02} s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{} h {:02} m", s / 3'600, s / 60 % 60);
  return fmt::format("{} d {} h", s / 86'400, s / 3'600 % 24);
}

}  // namespace tcpdx
