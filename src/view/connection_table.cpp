#include "view/connection_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "view/connection_text.hpp"

namespace tcpdx::view {
namespace {

struct Cell {
  std::string text;
  Ink ink = Ink::plain;
};
enum class Align : uint8_t { left, right };
struct Title {
  std::string_view text;
  Align align = Align::left;
  std::string_view second{};  // over the second line of an entry
};
// Cells of one line, as many as there are titles.
using Line = std::vector<Cell>;

// The line of a connection, or those of its ends, and what is unusual about it.
struct Entry {
  std::vector<Line> lines;
  std::vector<Note> notes;
};

struct Layout {
  std::span<const Title> titles;
  std::vector<Entry> entries;
  std::vector<size_t> widths;  // of the columns
  size_t notes_at = 0;         // the column at which notes begin on a line of their own
};

constexpr size_t kGap = 2;  // blanks between columns
// Room for how nearly all connections close; what takes more can stand among the notes.
constexpr size_t kUsualClosed = std::string_view("RST by originator").size();

Ink ink_of(const ConnectionSide& side) {
  return side.certainty == Certainty::seen ? Ink::plain : Ink::dim;
}

Ink ink_of(CloseHow how) {
  switch (how) {
    case CloseHow::reset: return Ink::red;
    case CloseHow::timeout: return Ink::yellow;
    case CloseHow::open:
    case CloseHow::fin: return Ink::plain;
  }
  return Ink::plain;
}

std::string since(WallTime origin, WallTime start) {
  return fmt::format("{:.3f}", seconds(start - origin));
}

std::string arrow_to_responder(const Connection& c) {
  return fmt::format("{} {}", c.role_seen ? "→" : "↔", to_string(c.responder));
}

Cell retransmissions(const ConnectionSide& side) {
  return {grouped(side.retransmissions), side.retransmissions == 0 ? Ink::dim : Ink::yellow};
}

std::vector<Note> all_notes(const Connection& c) {
  std::vector<Note> notes = notes_of(c);
  if (const std::string link = link_of(c); !link.empty()) notes.insert(notes.begin(), {link});
  return notes;
}

constexpr std::array kWideTitles{
    Title{"id", Align::right},
    Title{"start s", Align::right},
    Title{"originator"},
    Title{"→ responder"},
    Title{"originator is"},
    Title{"responder is"},
    Title{"time", Align::right},
    Title{"bytes →", Align::right},
    Title{"← bytes", Align::right},
    Title{"handshake", Align::right},
    Title{"retr →", Align::right},
    Title{"← retr", Align::right},
    Title{"closed"},
};

Entry wide_entry(const Connection& c, WallTime origin) {
  const ConnectionSide& originator = c.side(Party::originator);
  const ConnectionSide& responder = c.side(Party::responder);
  const std::optional<Duration> handshake = handshake_time(c);
  Line line{{fmt::to_string(c.id)},
            {since(origin, c.start)},
            {to_string(c.originator)},
            {arrow_to_responder(c)},
            {state_of(originator), ink_of(originator)},
            {state_of(responder), ink_of(responder)},
            {human(c.duration)},
            {amount_of_bytes(originator.bytes)},
            {amount_of_bytes(responder.bytes)},
            {handshake ? human(*handshake) : "-"},
            retransmissions(originator),
            retransmissions(responder),
            {how_closed(c), ink_of(c.close.how)}};
  return {{std::move(line)}, all_notes(c)};
}

constexpr std::array kNarrowTitles{
    Title{"id", Align::right, "start s"},
    Title{"originator", Align::left, "→ responder"},
    Title{"state"},
    Title{"bytes", Align::right},
    Title{"retr", Align::right},
    Title{"time, handshake", Align::left, "closed"},
};

Cell times_cell(const Connection& c) {
  const std::optional<Duration> handshake = handshake_time(c);
  return {handshake ? fmt::format("{}, {}", human(c.duration), human(*handshake))
                    : human(c.duration)};
}

Entry narrow_entry(const Connection& c, WallTime origin) {
  const ConnectionSide& originator = c.side(Party::originator);
  const ConnectionSide& responder = c.side(Party::responder);
  Line first{{fmt::to_string(c.id)},
             {to_string(c.originator)},
             {state_of(originator), ink_of(originator)},
             {amount_of_bytes(originator.bytes)},
             retransmissions(originator),
             times_cell(c)};
  Line second{{since(origin, c.start), Ink::dim},
              {arrow_to_responder(c)},
              {state_of(responder), ink_of(responder)},
              {amount_of_bytes(responder.bytes)},
              retransmissions(responder),
              {how_closed(c), ink_of(c.close.how)}};
  return {{std::move(first), std::move(second)}, all_notes(c)};
}

Layout laid_out(std::span<const Title> titles, std::vector<Entry> entries) {
  Layout layout{titles, std::move(entries), {}, 0};
  layout.widths.reserve(titles.size());
  for (const Title& title : titles) {
    layout.widths.push_back(std::max(columns(title.text), columns(title.second)));
  }
  for (const Entry& entry : layout.entries) {
    for (const Line& line : entry.lines) {
      for (size_t i = 0; i < line.size(); ++i) {
        layout.widths[i] = std::max(layout.widths[i], columns(line[i].text));
      }
    }
  }
  layout.notes_at = layout.widths[0] + kGap;
  return layout;
}

size_t width_of(const Layout& layout) {
  size_t width = kGap * (layout.widths.size() - 1);
  for (const size_t column : layout.widths) width += column;
  return width;
}

// Returns how many columns it took.
size_t append_line(std::string& into, const Style& style, const Layout& layout, const Line& line) {
  size_t position = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool last = i + 1 == line.size();
    const bool right = layout.titles[i].align == Align::right;
    const size_t taken = columns(line[i].text);
    const size_t blanks = layout.widths[i] - std::min(layout.widths[i], taken);
    if (i > 0) into.append(kGap, ' ');
    if (right) into.append(blanks, ' ');
    into += paint(style, line[i].ink, line[i].text);
    if (!right && !last) into.append(blanks, ' ');
    position += (i > 0 ? kGap : 0) + taken + (right || !last ? blanks : 0);
  }
  return position;
}

size_t width_of(std::span<const Note> notes) {
  size_t width = notes.empty() ? 0 : 3 * (notes.size() - 1);
  for (const Note& note : notes) width += columns(note.text);
  return width;
}

// Broken between two notes into lines that begin at `indent`.
void append_notes(std::string& into, const Style& style, size_t position, size_t indent,
                  std::span<const Note> notes) {
  bool first = true;
  for (const Note& note : notes) {
    const size_t width = columns(note.text);
    if (!first && style.width != 0 && position + 3 + width > style.width) {
      into.append("\n").append(indent, ' ');
      position = indent;
    } else if (!first) {
      into += " · ";
      position += 3;
    }
    into += paint(style, note.ink, note.text);
    position += width;
    first = false;
  }
}

void append_titles(std::string& into, const Style& style, const Layout& layout,
                   std::string_view Title::* text) {
  Line line;
  line.reserve(layout.titles.size());
  for (const Title& title : layout.titles) line.push_back({std::string(title.*text), Ink::bold});
  append_line(into, style, layout, line);
  into += '\n';
}

// How it closed may be long; where there is no room for it, it becomes the first note.
void spill_last_cell(const Style& style, const Layout& layout, Line& line,
                     std::vector<Note>& notes) {
  Cell& last = line.back();
  const size_t before = width_of(layout) - layout.widths.back();
  if (style.width == 0 || before + columns(last.text) <= style.width) return;
  notes.insert(notes.begin(), {std::exchange(last.text, ""), last.ink});
}

void write_narrow(std::ostream& out, const Style& style, Layout& layout) {
  std::string text;
  append_titles(text, style, layout, &Title::text);
  append_titles(text, style, layout, &Title::second);
  for (Entry& entry : layout.entries) {
    spill_last_cell(style, layout, entry.lines.back(), entry.notes);
    for (const Line& line : entry.lines) {
      append_line(text, style, layout, line);
      text += '\n';
    }
    if (entry.notes.empty()) continue;
    text.append(layout.notes_at, ' ');
    append_notes(text, style, layout.notes_at, layout.notes_at, entry.notes);
    text += '\n';
  }
  out << text;
}

void write_wide(std::ostream& out, const Style& style, Layout& layout) {
  std::string text;
  append_titles(text, style, layout, &Title::text);
  for (Entry& entry : layout.entries) {
    spill_last_cell(style, layout, entry.lines.front(), entry.notes);
    const size_t position = append_line(text, style, layout, entry.lines.front());
    if (!entry.notes.empty()) {
      const size_t needed = position + kGap + width_of(entry.notes);
      const bool fits = style.width == 0 || needed <= style.width;
      text += fits ? std::string(kGap, ' ') : '\n' + std::string(layout.notes_at, ' ');
      append_notes(text, style, fits ? position + kGap : layout.notes_at, layout.notes_at,
                   entry.notes);
    }
    text += '\n';
  }
  out << text;
}

// Explains the signs that were used, and no others.
void write_legend(std::ostream& out, const Style& style,
                  std::span<const std::unique_ptr<Connection>> shown) {
  bool inferred = false;
  bool unknown = false;
  bool unsure_roles = false;
  bool repeats = false;
  for (const auto& c : shown) {
    unsure_roles = unsure_roles || !c->role_seen;
    for (const ConnectionSide& side : c->sides) {
      unknown = unknown || !side.state || side.certainty == Certainty::unknown;
      inferred = inferred || (side.state && side.certainty == Certainty::inferred);
      repeats = repeats || side.retransmissions > 0;
    }
  }
  std::string text;
  const auto add = [&](bool used, std::string_view words) {
    if (used) text += fmt::format("{}{}", text.empty() ? "" : " · ", words);
  };
  add(inferred, "~ inferred: no segment of that end shows it");
  add(unknown, "? not known");
  add(unsure_roles, "↔ who opened it was not seen");
  add(repeats, "retr: segments sent again");
  if (!text.empty()) out << '\n' << paint(style, Ink::dim, wrapped(style, 0, text)) << '\n';
}

std::vector<Entry> entries_of(std::span<const std::unique_ptr<Connection>> shown, WallTime origin,
                              Entry (*entry)(const Connection&, WallTime)) {
  std::vector<Entry> entries;
  entries.reserve(shown.size());
  for (const auto& connection : shown) entries.push_back(entry(*connection, origin));
  return entries;
}

}  // namespace

void write_connection_table(std::ostream& out, const Style& style,
                            std::span<const std::unique_ptr<Connection>> shown, WallTime origin,
                            uint64_t left_out) {
  if (shown.empty()) return;
  Layout layout = laid_out(kWideTitles, entries_of(shown, origin, wide_entry));
  const size_t spared = layout.widths.back() - std::min(layout.widths.back(), kUsualClosed);
  if (style.width == 0 || width_of(layout) - spared <= style.width) {
    write_wide(out, style, layout);
  } else {
    layout = laid_out(kNarrowTitles, entries_of(shown, origin, narrow_entry));
    write_narrow(out, style, layout);
  }
  write_legend(out, style, shown);
  if (left_out > 0) {
    out << fmt::format("{} more {} not shown; --limit 0 shows all, --sort KEY others first\n",
                       grouped(left_out), left_out == 1 ? "connection is" : "connections are");
  }
}

}  // namespace tcpdx::view
