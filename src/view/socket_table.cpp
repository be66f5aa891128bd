// Selects, sorts and writes the table of sockets.
#include "view/socket_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text.hpp"
#include "view/listeners.hpp"
#include "view/socket_columns.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kRowsPerPart = 4096;         // a piece of work for a Runner
constexpr size_t kBlock = size_t{64} * 1024;  // bytes written at a time

std::string column_names() {
  std::string names;
  for (const Column& column : all_columns()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
  }
  return names;
}

Result<const Column*> column_named(std::string_view name) {
  if (const Column* column = find_column(name)) return column;
  return fail("there is no column '{}'; the columns are {}", printable(name), column_names());
}

// The last column needs no width when its texts begin at its left.
bool needs_width(const Columns& shown, size_t index) {
  return index + 1 < shown.size() || shown[index]->align == Align::right;
}

std::vector<size_t> title_widths(const Columns& shown) {
  std::vector<size_t> widths;
  for (const Column* column : shown) widths.push_back(columns(column->title));
  return widths;
}

// The cells of some rows, made once: they are needed for the widths and again for the lines.
class Cells {
 public:
  void add(const Columns& shown, const Row& row) {
    for (const Column* column : shown) {
      column->text(*column, row, text_);
      ends_.push_back(static_cast<uint32_t>(text_.size()));
    }
  }
  size_t count() const { return ends_.size(); }
  std::string_view at(size_t cell) const {
    const size_t begin = cell == 0 ? 0 : ends_[cell - 1];
    return {text_.data() + begin, ends_[cell] - begin};
  }

 private:
  fmt::memory_buffer text_;
  std::vector<uint32_t> ends_;  // 4 GiB are the lines of forty million sockets
};

void widen(std::vector<size_t>& widths, const Columns& shown, const Cells& cells) {
  for (size_t cell = 0; cell < cells.count(); ++cell) {
    const size_t i = cell % shown.size();
    if (needs_width(shown, i)) widths[i] = std::max(widths[i], columns(cells.at(cell)));
  }
}

void append_blanks(fmt::memory_buffer& into, size_t number) {
  const size_t at = into.size();
  into.resize(at + number);
  std::fill_n(into.data() + at, number, ' ');
}

// Writes one line, the cells given by text_of(column index).
void append_line(fmt::memory_buffer& into, const Style& style, const Columns& shown,
                 std::span<const size_t> widths, auto&& text_of) {
  size_t position = 0;
  for (size_t i = 0; i < shown.size(); ++i) {
    const std::string_view cell = text_of(i);
    const bool last = i + 1 == shown.size();
    const size_t taken = columns(cell);
    const size_t blanks = widths[i] > taken ? widths[i] - taken : 0;
    if (i > 0) append_blanks(into, 2);
    position += i > 0 ? 2 : 0;
    if (shown[i]->align == Align::right) append_blanks(into, blanks);
    if (last && style.width > position && position + taken > style.width) {
      into.append(ellipsis(cell, style.width - position));
    } else {
      into.append(cell);
    }
    if (shown[i]->align == Align::left && !last) append_blanks(into, blanks);
    position += std::max(widths[i], taken);
  }
  into.push_back('\n');
}

void flush(std::ostream& out, fmt::memory_buffer& lines) {
  out.write(lines.data(), static_cast<std::streamsize>(lines.size()));
  lines.clear();
}

// What the usual order compares, side by side in memory: with a hundred thousand sockets, going to
// each socket for each comparison takes longer than reading them from the kernel.
struct UsualKey {
  uint32_t index;
  uint16_t netns;
  uint8_t place;  // of the state in a connection's life
  SocketAddress local;
  SocketAddress remote;
};

void sort_as_usual(const Look& look, std::vector<uint32_t>& indices) {
  std::vector<UsualKey> keys;
  keys.reserve(indices.size());
  for (const uint32_t index : indices) {
    const Socket& s = look.sockets[index];
    const auto place = std::ranges::find(tcp::kStates, s.state) - tcp::kStates.begin();
    keys.push_back({index, s.netns, static_cast<uint8_t>(place), s.local, s.remote});
  }
  std::ranges::sort(keys, {}, [](const UsualKey& key) {
    return std::tie(key.netns, key.place, key.local, key.remote, key.index);
  });
  std::ranges::transform(keys, indices.begin(), &UsualKey::index);
}

}  // namespace

Needs needs_of(const Columns& columns) {
  Needs needs;
  for (const Column* column : columns) {
    needs.infos = needs.infos || column->needs.infos;
    needs.owners = needs.owners || column->needs.owners;
  }
  return needs;
}

Result<Columns> parse_columns(std::string_view names) {
  Columns columns;
  for (const std::string_view name : split(names, ',')) {
    const auto column = column_named(trim(name));
    if (!column) return std::unexpected(column.error());
    columns.push_back(*column);
  }
  return columns;
}

Columns default_columns(bool several_namespaces) {
  Columns columns;
  if (several_namespaces) columns.push_back(find_column("netns"));
  for (const std::string_view name :
       {"state", "recv_q", "send_q", "local", "remote", "timer", "owner"}) {
    columns.push_back(find_column(name));
  }
  return columns;
}

Result<std::vector<SortKey>> parse_sort(std::string_view names) {
  std::vector<SortKey> keys;
  for (std::string_view name : split(names, ',')) {
    name = trim(name);
    const bool descending = name.starts_with('-');
    if (descending) name.remove_prefix(1);
    const auto column = column_named(name);
    if (!column) return std::unexpected(column.error());
    keys.push_back({*column, descending});
  }
  return keys;
}

void sort_sockets(const Observation& observation, std::span<const SortKey> keys,
                  std::vector<uint32_t>& indices) {
  const Look& look = observation.now();
  if (keys.empty()) return sort_as_usual(look, indices);
  const Listeners none(Look{});
  const auto row = [&](uint32_t index) {
    return Row{observation, look, none, look.sockets[index]};
  };
  std::ranges::sort(indices, [&](uint32_t a, uint32_t b) {
    for (const auto& [column, descending] : keys) {
      const std::weak_ordering order = column->order(*column, row(a), row(b));
      if (order != 0) return descending ? order > 0 : order < 0;
    }
    return a < b;  // equals stay in the order of the look
  });
}

std::string describe_columns() {
  std::string text;
  for (const Column& column : all_columns()) {
    if (column.field == nullptr) text += fmt::format("  {:<12} {}\n", column.name, column.about);
  }
  std::string fields;
  for (const Column& column : all_columns()) {
    if (column.field != nullptr) fields += fmt::format("{} ", column.name);
  }
  return text + "  and the fields of tcp_info: " + wrapped(Style{}, 4, trim(fields)) + "\n";
}

void write_socket_table(std::ostream& out, const Style& style, const Observation& observation,
                        const Columns& columns, std::span<const uint32_t> shown,
                        const Runner& run) {
  const Look& look = observation.now();
  const Listeners listeners(look);
  std::vector<Cells> parts((shown.size() + kRowsPerPart - 1) / kRowsPerPart);
  run(parts.size(), [&](size_t part) {
    const size_t first = part * kRowsPerPart;
    for (const uint32_t index :
         shown.subspan(first, std::min(kRowsPerPart, shown.size() - first))) {
      parts[part].add(columns, Row{observation, look, listeners, look.sockets[index]});
    }
  });
  std::vector<size_t> widths = title_widths(columns);
  for (const Cells& cells : parts) widen(widths, columns, cells);
  fmt::memory_buffer lines;
  append_line(lines, style, columns, widths, [&](size_t i) { return columns[i]->title; });
  for (Cells& cells : parts) {
    for (size_t first = 0; first < cells.count(); first += columns.size()) {
      append_line(lines, style, columns, widths, [&](size_t i) { return cells.at(first + i); });
      if (lines.size() >= kBlock) flush(out, lines);
    }
    cells = {};  // given back as soon as it is written
  }
  flush(out, lines);
}

}  // namespace tcpdx::view
