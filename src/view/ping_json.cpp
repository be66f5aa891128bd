// The pings' JSON: one object per probe, then one per host with the summary.
#include "view/json.hpp"
#include "view/ping_text.hpp"
#include "view/probe_json.hpp"

namespace tcpdx::view {
namespace {

Json whole(const std::optional<Duration>& time) {
  return time ? Json(time->count()) : Json(nullptr);
}

}  // namespace

Json rtt_json(const std::optional<probe::RttSummary>& rtt) {
  if (!rtt) return nullptr;
  return {{"min", rtt->min.count()},  {"median", rtt->median.count()}, {"mean", rtt->mean.count()},
          {"p95", rtt->p95.count()},  {"p99", rtt->p99.count()},       {"max", rtt->max.count()},
          {"stddev", rtt->stddev_us}, {"samples", rtt->samples}};
}

Json facts_json(std::span<const probe::Fact> facts) {
  Json list = Json::array();
  for (const probe::Fact& one : facts) {
    Json value = std::visit(
        [](const auto& known) {
          if constexpr (std::is_same_v<std::decay_t<decltype(known)>, std::monostate>) {
            return Json(nullptr);
          } else {
            return Json(known);
          }
        },
        one.value);
    list.push_back({{"fact", one.fact}, {"value", std::move(value)}});
  }
  return list;
}

Json share_json(const probe::Share& share) {
  return {{"value", share.value}, {"low", share.low}, {"high", share.high}};
}

void write_probe_json(std::ostream& out, const PingHost& host, probe::Method method,
                      const probe::ProbeReport& report, bool first) {
  Json line;
  if (first) line["schema"] = kSchema;
  line["host"] = host.name;
  line["address"] = to_string(host.address);
  line["method"] = to_string(method);
  line["seq"] = report.seq + 1;
  line["t"] = rfc3339(report.sent);
  line["status"] = to_string(report.status);
  line["rtt_us"] = whole(report.rtt);
  line["from"] = report.from ? Json(to_string(*report.from)) : Json(nullptr);
  line["ttl"] = or_null(report.ttl);
  if (report.reordered) line["reordered"] = true;
  if (report.damaged) line["damaged"] = true;
  if (!report.words.empty()) line["words"] = report.words;
  out << dump(line) << '\n';
}

void write_ping_summary_json(std::ostream& out, const PingHost& host, probe::Method method,
                             const probe::PingSummary& summary) {
  const Json hops = summary.hops ? Json{{"value", summary.hops->hops},
                                        {"assumed_start_ttl", summary.hops->assumed_start}}
                                 : Json(nullptr);
  const Json line{{"summary",
                   {{"host", host.name},
                    {"address", to_string(host.address)},
                    {"method", to_string(method)},
                    {"sent", summary.sent},
                    {"received", summary.received},
                    {"loss", summary.loss.value},
                    {"loss_low", summary.loss.low},
                    {"loss_high", summary.loss.high},
                    {"late", summary.late},
                    {"duplicates", summary.duplicates},
                    {"reordered", summary.reordered},
                    {"damaged", summary.damaged},
                    {"errors", summary.errors},
                    {"rtt_us", rtt_json(summary.rtt)},
                    {"jitter_us", whole(summary.jitter)},
                    {"hops", hops}}}};
  out << dump(line) << '\n';
}

}  // namespace tcpdx::view
