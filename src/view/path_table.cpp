#include "view/path_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "base/order.hpp"
#include "base/text.hpp"
#include "view/ping_text.hpp"
#include "view/spark.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kHopWidth = 3;
constexpr size_t kLeastHost = 15;  // an IPv4 address
constexpr size_t kGoodHost = 24;   // beyond that the row of round trips is worth more
constexpr size_t kLeastSpark = 8;
constexpr size_t kMostSpark = 40;
constexpr size_t kSparkOfFile = 20;
constexpr Duration kFirstAnswers = 1s;  // before that nobody is said to be silent
constexpr std::string_view kLimited = "* limits its answers: nothing is lost behind it";

struct Cell {
  std::string text;
  Ink ink = Ink::plain;
};

// A hop, with what several columns ask of it.
struct Row {
  const probe::PathHop* hop = nullptr;
  std::optional<probe::RttSummary> rtt;
  std::vector<std::string> hosts;
};

std::string percent(double share) {
  const double value = share * 100;
  if (value == 0 || value >= 9.95) return fmt::format("{:.0f}", value);
  return fmt::format("{:.1f}", value);
}

std::string in_ms(double us) {
  const double ms = us / 1000;
  if (ms < 9.995) return fmt::format("{:.2f}", ms);
  if (ms < 99.95) return fmt::format("{:.1f}", ms);
  return fmt::format("{:.0f}", ms);
}

bool silent(const probe::PathHop& hop) { return hop.answered == 0; }

Ink ink_of_node(const probe::PathHop& hop) {
  if (hop.rate_limited) return Ink::dim;
  return hop.node_loss.value > 0 ? Ink::yellow : Ink::plain;
}

Ink ink_of_link(const probe::PathHop& hop) {
  return hop.link_loss.value > 0 ? Ink::red : Ink::plain;
}

Cell node_loss(const Row& row) {
  if (silent(*row.hop)) return {"silent", Ink::dim};
  return {percent(row.hop->node_loss.value) + (row.hop->rate_limited ? "*" : ""),
          ink_of_node(*row.hop)};
}

Cell link_loss(const Row& row) {
  if (silent(*row.hop)) return {"-"};
  return {percent(row.hop->link_loss.value), ink_of_link(*row.hop)};
}

Cell node_interval(const Row& row) {
  if (silent(*row.hop)) return {"silent", Ink::dim};
  return {share_text(row.hop->node_loss) + (row.hop->rate_limited ? "*" : ""),
          ink_of_node(*row.hop)};
}

Cell link_interval(const Row& row) {
  if (silent(*row.hop)) return {"-"};
  return {share_text(row.hop->link_loss), ink_of_link(*row.hop)};
}

Cell sent(const Row& row) { return {std::to_string(row.hop->sent)}; }

Cell answered(const Row& row) { return {std::to_string(row.hop->answered)}; }

Cell last(const Row& row) {
  const auto& recent = row.hop->recent;
  const std::optional<Duration> latest = recent.empty() ? std::nullopt : recent.back();
  return {latest ? in_ms(static_cast<double>(latest->count())) : "-"};
}

template <auto member>
Cell time(const Row& row) {
  if (!row.rtt) return {"-"};
  return {in_ms(static_cast<double>(((*row.rtt).*member).count()))};
}

Cell deviation(const Row& row) { return {row.rtt ? in_ms(row.rtt->stddev_us) : "-"}; }

enum Set : unsigned { usual = 1, losses = 2, times = 4 };

struct Column {
  std::string_view title;
  size_t width = 0;
  unsigned sets = 0;  // in which it is
  unsigned rank = 0;  // the greatest goes first where there is no room
  Cell (*cell)(const Row&) = nullptr;
};

using probe::RttSummary;

constexpr auto kColumns = std::to_array<Column>({
    {"node%", 6, usual, 1, node_loss},
    {"link%", 5, usual, 0, link_loss},
    {"node loss % (95 %)", 22, losses, 1, node_interval},
    {"link loss % (95 %)", 22, losses, 0, link_interval},
    {"sent", 5, usual | losses | times, 3, sent},
    {"answered", 8, losses, 4, answered},
    {"last", 6, usual | times, 4, last},
    {"median", 6, usual | times, 2, time<&RttSummary::median>},
    {"mean", 6, times, 8, time<&RttSummary::mean>},
    {"p95", 6, times, 9, time<&RttSummary::p95>},
    {"best", 6, usual | times, 5, time<&RttSummary::min>},
    {"worst", 6, usual | times, 6, time<&RttSummary::max>},
    {"dev", 6, usual | times, 7, deviation},
});

Set set_of(PathColumns columns) {
  switch (columns) {
    case PathColumns::usual: return usual;
    case PathColumns::losses: return losses;
    case PathColumns::times: return times;
  }
  std::unreachable();
}

// What a table has room for.
struct Layout {
  std::vector<Column> columns;
  size_t host = 0;
  size_t spark = 0;  // 0: none
};

size_t width_of(const std::vector<Column>& columns) {
  size_t width = kHopWidth;
  for (const Column& column : columns) width += 1 + column.width;
  return width;
}

Layout layout_of(const Style& style, PathColumns wanted, size_t widest) {
  Layout layout{.columns = {}, .host = widest, .spark = kSparkOfFile};
  std::ranges::copy_if(kColumns, std::back_inserter(layout.columns),
                       [&](const Column& one) { return (one.sets & set_of(wanted)) != 0; });
  if (style.width == 0) return layout;
  auto& columns = layout.columns;
  const size_t least = std::min(widest, kLeastHost) + 1;
  while (!columns.empty() && width_of(columns) + least > style.width) {
    columns.erase(std::ranges::max_element(columns, {}, &Column::rank));
  }
  const size_t room = style.width - std::min(style.width, width_of(columns) + 1);
  constexpr size_t kSpark = 2 + kLeastSpark;
  const size_t for_host = room >= kGoodHost + kSpark ? room - kSpark : room;
  layout.host = std::clamp<size_t>(for_host, 1, widest);
  const size_t left = room - std::min(room, layout.host + 2);
  layout.spark = left < kLeastSpark ? 0 : std::min(left, kMostSpark);
  return layout;
}

std::string padded(std::string text, size_t width) {
  text.resize(text.size() + width - std::min(width, columns(text)), ' ');
  return text;
}

std::string host_of(const IpAddress& address, PathHosts hosts, const NameOf& name_of) {
  if (hosts == PathHosts::addresses) return to_string(address);
  const std::string name = printable(name_of(address));
  if (name.empty()) return to_string(address);
  return hosts == PathHosts::names ? name : fmt::format("{} ({})", name, to_string(address));
}

std::vector<std::string> hosts_of(const probe::PathHop& hop, PathHosts hosts,
                                  const NameOf& name_of) {
  std::vector<std::string> texts;
  texts.reserve(hop.responders.size());
  for (const probe::Responder& one : hop.responders) {
    std::string text = host_of(one.address, hosts, name_of);
    if (!one.words.empty()) text += fmt::format(" {}", printable(one.words));
    texts.push_back(std::move(text));
  }
  if (texts.empty()) texts.emplace_back("*");
  return texts;
}

std::string spark_of(const probe::PathHop& hop, size_t width) {
  std::deque<std::optional<double>> values;
  const auto from =
      hop.recent.end() - static_cast<std::ptrdiff_t>(std::min<size_t>(width, hop.recent.size()));
  for (auto one = from; one != hop.recent.end(); ++one) {
    const std::optional<Duration> rtt = *one;
    values.push_back(rtt ? std::optional(static_cast<double>(rtt->count())) : std::nullopt);
  }
  return spark_line(values);
}

std::string heading(const Style& style, const Layout& layout) {
  std::string line = fmt::format("{:>{}} {}", "hop", kHopWidth, padded("host", layout.host));
  for (const Column& column : layout.columns) {
    line += fmt::format(" {:>{}}", column.title, column.width);
  }
  if (layout.spark > 0) line += "  recent";
  return paint(style, Ink::dim, line);
}

// One line for the hop, and one more for each further host that answered there.
void add_lines(const Style& style, const Layout& layout, const Row& row,
               std::vector<std::string>& into) {
  Ink ink = row.hop->is_target ? Ink::bold : Ink::plain;
  if (silent(*row.hop)) ink = Ink::dim;
  std::string line = fmt::format("{:>{}} ", row.hop->ttl, kHopWidth);
  line += paint(style, ink, padded(ellipsis(row.hosts.front(), layout.host), layout.host));
  for (const Column& column : layout.columns) {
    const Cell cell = column.cell(row);
    line += ' ' + paint(style, cell.ink, fmt::format("{:>{}}", cell.text, column.width));
  }
  if (layout.spark > 0) line += "  " + spark_of(*row.hop, layout.spark);
  into.push_back(std::move(line));
  for (const std::string& host : std::span(row.hosts).subspan(1)) {
    into.push_back(std::string(kHopWidth + 1, ' ') + ellipsis(host, layout.host));
  }
}

std::vector<Row> rows_of(const PathTable& table, const probe::PathResult& path,
                         const NameOf& name_of) {
  std::vector<Row> rows;
  rows.reserve(path.hops.size());
  for (const probe::PathHop& hop : path.hops) {
    rows.push_back({.hop = &hop, .rtt = hop.rtt(), .hosts = hosts_of(hop, table.hosts, name_of)});
  }
  if (table.order == PathOrder::hop) return rows;
  const bool by_loss = table.order == PathOrder::loss;
  sort_keeping_order(rows, std::ranges::greater{}, [by_loss](const Row& row) {
    const double median = row.rtt ? static_cast<double>(row.rtt->median.count()) : 0;
    return std::tuple(!silent(*row.hop), by_loss ? row.hop->link_loss.value : median,
                      by_loss ? row.hop->node_loss.value : 0.0);
  });
  return rows;
}

// The first rows and the last, which is the target where they are in order.
void shorten(std::vector<std::string>& rows, size_t room) {
  if (rows.size() <= room || room < 3) {
    rows.resize(std::min(rows.size(), room));
    return;
  }
  const size_t hidden = rows.size() - (room - 1);
  const auto first = rows.begin() + static_cast<std::ptrdiff_t>(room - 2);
  rows.erase(first, rows.end() - 1);
  rows.insert(rows.end() - 1, fmt::format("{:>{}} {} more lines", "…", kHopWidth, hidden));
}

std::string title_of(const PathTable& table, const probe::PathResult& path) {
  return fmt::format(
      "{} · {} · sorted by {} · times in ms", path_title(table.name, path),
      table.frozen ? std::string("frozen") : fmt::format("every {}", human(table.every)),
      to_string(table.order));
}

// The heading and the hops.
std::vector<std::string> body_of(const Style& style, const PathTable& table,
                                 const probe::PathResult& path, const NameOf& name_of) {
  const std::vector<Row> rows = rows_of(table, path, name_of);
  size_t widest = std::string_view("host").size();
  for (const Row& row : rows) {
    for (const std::string& host : row.hosts) widest = std::max(widest, columns(host));
  }
  const Layout layout = layout_of(style, table.columns, widest);
  std::vector<std::string> lines{heading(style, layout)};
  for (const Row& row : rows) add_lines(style, layout, row, lines);
  return lines;
}

std::vector<std::string> foot_of(const Style& style, const PathTable& table,
                                 const probe::PathResult& path) {
  std::vector<std::string> lines;
  const auto add = [&](Ink ink, std::string_view text) {
    const std::string fitting = style.width == 0 ? std::string(text) : ellipsis(text, style.width);
    if (!text.empty()) lines.push_back(paint(style, ink, fitting));
  };
  if (std::ranges::any_of(path.hops, &probe::PathHop::rate_limited)) add(Ink::dim, kLimited);
  if (!path.reached && path.duration >= kFirstAnswers) add(Ink::red, path_end(path));
  add(Ink::cyan, table.note);
  add(Ink::dim, table.keys);
  return lines;
}

}  // namespace

std::string_view to_string(PathOrder order) {
  switch (order) {
    case PathOrder::hop: return "hop";
    case PathOrder::loss: return "loss";
    case PathOrder::rtt: return "round trip";
  }
  std::unreachable();
}

std::string_view to_string(PathColumns columns) {
  switch (columns) {
    case PathColumns::usual: return "usual";
    case PathColumns::losses: return "losses";
    case PathColumns::times: return "times";
  }
  std::unreachable();
}

std::string_view to_string(PathHosts hosts) {
  switch (hosts) {
    case PathHosts::both: return "names and addresses";
    case PathHosts::names: return "names";
    case PathHosts::addresses: return "addresses";
  }
  std::unreachable();
}

std::vector<std::string> path_lines(const Style& style, const PathTable& table,
                                    const probe::PathResult& path, const NameOf& name_of,
                                    size_t height) {
  const std::string title = title_of(table, path);
  std::vector<std::string> lines{style.width == 0 ? title : ellipsis(title, style.width)};
  auto rows = body_of(style, table, path, name_of);
  const auto foot = foot_of(style, table, path);
  if (height > 0) shorten(rows, height - std::min(height, foot.size() + 1));
  lines.insert(lines.end(), rows.begin(), rows.end());
  lines.insert(lines.end(), foot.begin(), foot.end());
  if (height > 0) lines.resize(std::min(lines.size(), height));
  return lines;
}

}  // namespace tcpdx::view
