// Selects, sorts and writes the table of sockets.
#include "view/socket_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/text.hpp"
#include "view/listeners.hpp"
#include "view/socket_columns.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kRowsPerPart = 4096;  // a piece of work for a Runner
constexpr size_t kPartsAtOnce = 8;
constexpr size_t kAhead = 8;  // rows, in another order than they lie in memory, fetched ahead
constexpr size_t kGap = 2;    // blanks between columns

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

std::vector<size_t> title_widths(const Columns& shown) {
  std::vector<size_t> widths;
  for (const Column* column : shown) widths.push_back(columns(column->title));
  return widths;
}

// Where a column's cells stand in a line.
struct Place {
  size_t begin;
  size_t width;
};

// The cells of some rows, made once: they are needed for the widths and again for the lines.
class Cells {
 public:
  void add(const Columns& shown, const Row& row) {
    for (const Column* column : shown) {
      column->text(*column, row, text_);
      ends_.push_back(static_cast<uint32_t>(text_.size()));
    }
  }
  // Takes the widths of what was added, and whether each byte is a column.
  void measure(const Columns& shown) {
    plain_ = std::ranges::none_of(std::span(text_.data(), text_.size()),
                                  [](char c) { return static_cast<unsigned char>(c) >= 0x80U; });
    widths_ = title_widths(shown);
    for (size_t cell = 0; cell < count(); ++cell) {
      size_t& width = widths_[cell % shown.size()];
      width = std::max(width, plain_ ? at(cell).size() : columns(at(cell)));
    }
  }
  size_t count() const { return ends_.size(); }
  const std::vector<size_t>& widths() const { return widths_; }
  bool plain() const { return plain_; }
  std::string_view at(size_t cell) const {
    const size_t begin = cell == 0 ? 0 : ends_[cell - 1];
    return {text_.data() + begin, ends_[cell] - begin};
  }

 private:
  fmt::memory_buffer text_;
  std::vector<uint32_t> ends_;  // 4 GiB are the lines of forty million sockets
  std::vector<size_t> widths_;
  bool plain_ = true;
};

// A socket lies in two lines of the cache.
void fetch(const Socket& socket) {
  const auto* bytes = static_cast<const char*>(static_cast<const void*>(&socket));
  __builtin_prefetch(bytes);
  __builtin_prefetch(bytes + sizeof socket - 1);
}

// The last column ends where its text ends when it begins at its left.
std::vector<Place> places_of(const Columns& shown, std::span<const Cells> parts) {
  std::vector<size_t> widths = title_widths(shown);
  for (const Cells& cells : parts) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], cells.widths()[i]);
  }
  if (shown.back()->align == Align::left) widths.back() = 0;
  std::vector<Place> places;
  for (size_t begin = 0; const size_t width : widths) {
    places.push_back({begin, width});
    begin += width + kGap;
  }
  return places;
}

void append_blanks(fmt::memory_buffer& into, size_t number) {
  const size_t at = into.size();
  into.resize(at + number);
  std::fill_n(into.data() + at, number, ' ');
}

// Writes one line, the cells given by text_of(column index).
void append_line(fmt::memory_buffer& into, const Style& style, const Columns& shown,
                 std::span<const Place> places, auto&& text_of) {
  size_t position = 0;
  for (size_t i = 0; i < shown.size(); ++i) {
    const std::string_view cell = text_of(i);
    const auto [begin, width] = places[i];
    const size_t taken = columns(cell);
    const size_t blanks = width > taken ? width - taken : 0;
    append_blanks(into, begin - position + (shown[i]->align == Align::right ? blanks : 0));
    if (i + 1 == shown.size() && style.width > begin && begin + taken > style.width) {
      into.append(ellipsis(cell, style.width - begin));
    } else {
      into.append(cell);
    }
    position = begin + taken + (shown[i]->align == Align::right ? blanks : 0);
  }
  into.push_back('\n');
}

// The same where each byte is a column and nothing is cut: the line is blank, then has its cells.
void append_plain_line(fmt::memory_buffer& into, const Columns& shown,
                       std::span<const Place> places, const Cells& cells, size_t first) {
  const size_t last = shown.size() - 1;
  const size_t length =
      places[last].begin + std::max(places[last].width, cells.at(first + last).size());
  const size_t at = into.size();
  into.resize(at + length + 1);
  char* line = into.data() + at;
  std::memset(line, ' ', length);
  for (size_t i = 0; i <= last; ++i) {
    const std::string_view cell = cells.at(first + i);
    const size_t shift = shown[i]->align == Align::right ? places[i].width - cell.size() : 0;
    std::memcpy(line + places[i].begin + shift, cell.data(), cell.size());
  }
  line[length] = '\n';
}

void append_lines(fmt::memory_buffer& into, const Style& style, const Columns& shown,
                  std::span<const Place> places, const Cells& cells) {
  const bool plain = cells.plain() && style.width == 0;
  for (size_t first = 0; first < cells.count(); first += shown.size()) {
    if (plain) {
      append_plain_line(into, shown, places, cells, first);
    } else {
      append_line(into, style, shown, places, [&](size_t i) { return cells.at(first + i); });
    }
  }
}

void flush(std::ostream& out, fmt::memory_buffer& lines) {
  out.write(lines.data(), static_cast<std::streamsize>(lines.size()));
  lines.clear();
}

// Makes the lines of a few parts at a time and writes them, so that cells and lines never stand
// beside each other in full.
void write_lines(std::ostream& out, const Style& style, const Columns& shown,
                 std::span<const Place> places, std::span<Cells> parts, const Runner& run) {
  std::array<fmt::memory_buffer, kPartsAtOnce> lines;
  for (size_t begin = 0; begin < parts.size(); begin += lines.size()) {
    const size_t count = std::min(lines.size(), parts.size() - begin);
    run(count, [&](size_t i) {
      append_lines(lines[i], style, shown, places, parts[begin + i]);
      parts[begin + i] = {};
    });
    for (size_t i = 0; i < count; ++i) flush(out, lines[i]);
  }
}

// What the usual order compares, side by side in memory: with a hundred thousand sockets, going to
// each socket for each comparison takes longer than reading them from the kernel. IPv4 comes before
// IPv6, and is compared by this key alone; of IPv6 the key is a beginning.
struct UsualKey {
  uint64_t high;  // namespace 16 bits, state 4, family 1, then the first 43 bits of what follows
  uint64_t low;   // IPv4: the rest of both ends; IPv6: the next bits of the local address
  uint32_t index;
};

uint64_t number_at(const IpAddress& address, size_t first, size_t octets) {
  uint64_t number = 0;
  for (size_t i = first; i < first + octets; ++i) number = number << 8U | address.bytes[i];
  return number;
}

UsualKey key_of(const Socket& s, uint32_t index) {
  const auto place =
      static_cast<uint64_t>(std::ranges::find(tcp::kStates, s.state) - tcp::kStates.begin());
  const uint64_t six = s.local.addr.family == Family::v6 ? 1 : 0;
  const uint64_t head = uint64_t{s.netns} << 48U | place << 44U | six << 43U;
  if (six != 0) {
    const uint64_t first = number_at(s.local.addr, 0, 8);
    const uint64_t rest = number_at(s.local.addr, 8, 8);
    return {head | first >> 21U, first << 43U | rest >> 21U, index};
  }
  const uint64_t local = number_at(s.local.addr, 0, 4) << 16U | s.local.port;
  const uint64_t remote = number_at(s.remote.addr, 0, 4) << 16U | s.remote.port;
  return {head | local >> 5U, local << 59U | remote << 11U, index};
}

void sort_as_usual(const Look& look, std::vector<uint32_t>& indices) {
  std::vector<UsualKey> keys;
  keys.reserve(indices.size());
  for (const uint32_t index : indices) keys.push_back(key_of(look.sockets[index], index));
  std::ranges::sort(keys, [&](const UsualKey& a, const UsualKey& b) {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    const Socket& left = look.sockets[a.index];
    const Socket& right = look.sockets[b.index];
    return std::tie(left.local, left.remote, a.index) <
           std::tie(right.local, right.remote, b.index);
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
    const size_t end = std::min((part + 1) * kRowsPerPart, shown.size());
    for (size_t i = part * kRowsPerPart; i < end; ++i) {
      if (i + kAhead < end) fetch(look.sockets[shown[i + kAhead]]);
      parts[part].add(columns, Row{observation, look, listeners, look.sockets[shown[i]]});
    }
    parts[part].measure(columns);
  });
  const std::vector<Place> places = places_of(columns, parts);
  fmt::memory_buffer heading;
  append_line(heading, style, columns, places, [&](size_t i) { return columns[i]->title; });
  flush(out, heading);
  write_lines(out, style, columns, places, parts, run);
}

}  // namespace tcpdx::view
