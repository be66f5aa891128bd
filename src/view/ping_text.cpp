#include "view/ping_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "view/spark.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kPulse = 40;  // round trips that the line shows

std::string percent(double share) {
  const double value = share * 100;
  if (value == 0 || value >= 10) return fmt::format("{:.0f} %", value);
  return fmt::format("{:.2g} %", value);
}

std::string method_text(probe::Method method, const SocketAddress& target) {
  switch (method) {
    case probe::Method::icmp: return "ICMP echo";
    case probe::Method::udp: return fmt::format("UDP port {}", target.port);
    case probe::Method::tcp: return fmt::format("TCP port {}", target.port);
  }
  return {};
}

std::string remarks_of(const probe::ProbeReport& report) {
  std::vector<std::string> remarks;
  if (!report.words.empty()) remarks.push_back(report.words);
  if (report.status == probe::ProbeStatus::late) remarks.emplace_back("late: was called lost");
  if (report.status == probe::ProbeStatus::duplicate) remarks.emplace_back("duplicate");
  if (report.reordered) remarks.emplace_back("out of order");
  if (report.damaged) remarks.emplace_back("damaged: its text is not what was sent");
  return fmt::format("{}", fmt::join(remarks, " · "));
}

Ink ink_of(probe::ProbeStatus status) {
  switch (status) {
    case probe::ProbeStatus::reply: return Ink::plain;
    case probe::ProbeStatus::lost:
    case probe::ProbeStatus::error: return Ink::red;
    case probe::ProbeStatus::late:
    case probe::ProbeStatus::duplicate: return Ink::yellow;
  }
  return Ink::plain;
}

// "2 late, 1 duplicate": only what there was.
std::string oddities_of(const probe::PingSummary& summary) {
  std::string text;
  const auto add = [&](uint64_t count, std::string_view what) {
    if (count > 0) text += fmt::format(" · {} {}", grouped(count), what);
  };
  add(summary.errors, "answered by errors or not sent");
  add(summary.late, "late");
  add(summary.duplicates, "duplicate");
  add(summary.reordered, "out of order");
  add(summary.damaged, "damaged");
  return text;
}

}  // namespace

std::string rtt_text(Duration rtt) {
  const auto us = static_cast<double>(rtt.count());
  if (us < 1000) return fmt::format("{:.0f} µs", us);
  if (us < 10'000) return fmt::format("{:.2f} ms", us / 1000);
  if (us < 100'000) return fmt::format("{:.1f} ms", us / 1000);
  if (us < 1'000'000) return fmt::format("{:.0f} ms", us / 1000);
  return fmt::format("{:.2f} s", us / 1'000'000);
}

std::string share_text(const probe::Share& share) {
  return fmt::format("{} ({} to {})", percent(share.value), percent(share.low),
                     percent(share.high));
}

void write_ping_head(std::ostream& out, const PingHost& host, const probe::Ping& ping,
                     size_t size) {
  const std::string address = to_string(host.address);
  const std::string name = printable(host.name);
  out << fmt::format("PING {}: {}",
                     name == address ? address : fmt::format("{} ({})", name, address),
                     method_text(ping.method(), ping.target()));
  if (ping.method() != probe::Method::tcp) out << fmt::format(", {} octets", size);
  out << '\n';
}

void write_probe(std::ostream& out, const Style& style, const std::string& name,
                 const probe::ProbeReport& report) {
  const bool answered =
      report.status != probe::ProbeStatus::lost && report.status != probe::ProbeStatus::error;
  std::string line = name.empty() ? std::string{} : fmt::format("{:<24} ", printable(name));
  line += fmt::format("{:>5}  {:>9}", report.seq + 1,
                      answered && report.rtt ? rtt_text(*report.rtt) : to_string(report.status));
  if (answered && report.from) line += fmt::format("  {}", to_string(*report.from));
  if (answered && report.ttl) line += fmt::format("  ttl {}", *report.ttl);
  const std::string remarks = remarks_of(report);
  if (!remarks.empty()) line += "  " + remarks;
  out << paint(style, ink_of(report.status), line) << '\n';
}

void PingPulse::add(const probe::ProbeReport& report) {
  if (report.status == probe::ProbeStatus::duplicate) return;
  const bool answered = report.status == probe::ProbeStatus::reply && report.rtt;
  last_.push_back(answered ? std::optional(static_cast<double>(report.rtt->count()))
                           : std::nullopt);
  if (last_.size() > kPulse) last_.pop_front();
}

std::string PingPulse::line(const Style& style, const std::string& name,
                            const probe::PingSummary& summary) const {
  std::string text = fmt::format("{}  {} of {} answered", spark_line(last_),
                                 grouped(summary.received), grouped(summary.sent));
  if (summary.rtt) {
    text += fmt::format("  median {}  max {}", rtt_text(summary.rtt->median),
                        rtt_text(summary.rtt->max));
  }
  if (summary.received < summary.sent) text += fmt::format("  loss {}", share_text(summary.loss));
  if (!name.empty()) text = fmt::format("{:<24} {}", printable(name), text);
  return style.width == 0 ? text : ellipsis(text, style.width - 1);
}

void write_ping_summary(std::ostream& out, const Style& style, const PingHost& host,
                        const probe::PingSummary& summary) {
  out << paint(style, Ink::bold, printable(host.name))
      << fmt::format(": {} sent, {} answered, loss {}{}\n", grouped(summary.sent),
                     grouped(summary.received), share_text(summary.loss), oddities_of(summary));
  if (summary.rtt) {
    const probe::RttSummary& rtt = *summary.rtt;
    out << fmt::format(
               "  round trip  min {}  median {}  mean {}  95 % within {}  99 % within {}  max {}\n",
               rtt_text(rtt.min), rtt_text(rtt.median), rtt_text(rtt.mean), rtt_text(rtt.p95),
               rtt_text(rtt.p99), rtt_text(rtt.max))
        << fmt::format("  deviation {}", rtt_text(Duration(static_cast<int64_t>(rtt.stddev_us))));
    if (summary.jitter) out << fmt::format("  jitter {} (RFC 3550)", rtt_text(*summary.jitter));
    out << '\n';
  }
  if (summary.hops) {
    out << fmt::format("  {} router{} away, if its answers began with TTL {}\n", summary.hops->hops,
                       summary.hops->hops == 1 ? "" : "s", summary.hops->assumed_start);
  }
}

}  // namespace tcpdx::view
