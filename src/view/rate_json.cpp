#include "view/rate_json.hpp"

#include <cmath>
#include <string>

#include "view/json.hpp"
#include "view/rate_columns.hpp"

namespace tcpdx::view {
namespace {

// Six digits behind the point are finer than any clock here.
double rounded(double value) { return std::round(value * 1e6) / 1e6; }

Json number(const RateColumn& column, const CounterInterval& interval) {
  const auto quotient = column.of(column, interval);
  const auto value = quotient ? value_of(*quotient) : std::nullopt;
  if (!value) return nullptr;
  if (column.kind == RateKind::now) return static_cast<uint64_t>(*value);
  return rounded(*value);
}

Json columns_json(const CounterInterval& interval, RateKind kind) {
  Json object = Json::object();
  for (const RateColumn& column : rate_columns()) {
    if (column.kind != kind) continue;
    const bool counter = kind == RateKind::per_second;
    object[std::string(counter ? column.counters[0] : column.name)] = number(column, interval);
  }
  return object;
}

}  // namespace

void write_rate_json(std::ostream& out, const CounterInterval& interval, bool sar,
                     const std::vector<Missing>* missing) {
  const CounterReading& now = *interval.now;
  Json line{{"schema", kSchema},
            {"t", rfc3339(now.wall)},
            {"netns", now.netns},
            {"netns_name", now.name.empty() ? Json(nullptr) : Json(now.name)},
            {"interval_s", rounded(interval.length())},
            {"per_second", columns_json(interval, RateKind::per_second)},
            {"now", columns_json(interval, RateKind::now)},
            {"ratios", columns_json(interval, RateKind::share)}};
  if (sar) {
    Json object = Json::object();
    for (const RateColumn& column : sar_columns()) {
      object[std::string(column.title)] = number(column, interval);
    }
    line["sar"] = std::move(object);
  }
  if (missing != nullptr) line["missing"] = missing_json(*missing);
  out << dump(line) << '\n';
}

}  // namespace tcpdx::view
