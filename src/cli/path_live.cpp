#include "cli/path_live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/time.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/keyboard.hpp"
#include "cli/options.hpp"
#include "cli/screen.hpp"
#include "engine/names.hpp"
#include "view/path_table.hpp"

namespace tcpdx::cli {
namespace {

constexpr Duration kRedraw = 200ms;
constexpr size_t kLongestName = 80;  // of a host in a file's name

std::string text_of(const std::vector<std::string>& lines) {
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

// "tcpdx-path-192.0.2.1-20260131T030405.123Z"
std::string file_name(const std::string& host, WallTime at) {
  std::string name = host.substr(0, kLongestName);
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '-'; }, '_');
  std::string time = rfc3339(at);
  time = time.substr(0, time.find('.') + 4);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("tcpdx-path-{}-{}Z", name, time);
}

template <class Enum>
Enum next_of(Enum value, Enum last) {
  return value == last ? Enum{} : static_cast<Enum>(std::to_underlying(value) + 1);
}

class Live {
 public:
  Live(const PathLive& live, probe::PathWalk walk, Io& io)
      : colour_(live.colour), walk_(std::move(walk)), io_(io) {
    table_.name = live.name;
    table_.every = live.path.spacing;
    if (!live.names) table_.hosts = view::PathHosts::addresses;
  }

  int run();

 private:
  struct Key {
    std::string_view keys;  // each of these
    std::string_view called;
    std::string_view does;
    void (Live::*press)();
  };
  static const std::array<Key, 8> kKeys;

  void turned(Duration now);
  void press(char pressed);
  void look(Duration now);
  void draw();
  std::vector<std::string> lines(const view::Style& style, size_t height) const;
  view::NameOf name_of() const;

  void freeze();
  void sort();
  void switch_hosts();
  void switch_columns();
  void reset();
  void save();
  void suspend();
  void quit() { quit_ = true; }

  ColourMode colour_;
  probe::PathWalk walk_;
  Io& io_;
  view::PathTable table_;
  engine::Names names_;
  probe::PathResult seen_;
  WallTime seen_at_{};
  std::optional<Duration> drawn_;
  bool changed_ = false;  // by a key
  bool quit_ = false;
  Screen* screen_ = nullptr;  // while it runs
  Keyboard* keyboard_ = nullptr;
};

// clang-format off
const std::array<Live::Key, 8> Live::kKeys{{
    {"q\x03", "q", "quit", &Live::quit},
    {" p", "space", "freeze", &Live::freeze},
    {"s", "s", "sort", &Live::sort},
    {"n", "n", "names", &Live::switch_hosts},
    {"c", "c", "columns", &Live::switch_columns},
    {"r", "r", "reset", &Live::reset},
    {"e", "e", "export", &Live::save},
    {"\x1a", "^Z", "suspend", &Live::suspend},
}};
// clang-format on

void Live::freeze() {
  table_.frozen = !table_.frozen;
  walk_.pause(table_.frozen);
  table_.note = table_.frozen ? "frozen: nothing is sent until the next space" : "";
}

void Live::sort() {
  table_.order = next_of(table_.order, view::PathOrder::rtt);
  table_.note = fmt::format("sorted by {}", to_string(table_.order));
}

void Live::switch_hosts() {
  table_.hosts = next_of(table_.hosts, view::PathHosts::addresses);
  table_.note = fmt::format("hosts by {}", to_string(table_.hosts));
}

void Live::switch_columns() {
  table_.columns = next_of(table_.columns, view::PathColumns::times);
  table_.note = fmt::format("columns: {}", to_string(table_.columns));
}

void Live::reset() {
  walk_.reset();
  walk_.pause(false);
  table_.frozen = false;
  table_.note = "counts begin anew";
}

// What stands on the screen, in full width, beside the JSON of it.
void Live::save() {
  const std::string name = file_name(table_.name, seen_at_);
  std::ostringstream json;
  view::write_path_json(json, table_.name, seen_, name_of());
  table_.note.clear();
  const std::string keys = std::exchange(table_.keys, {});
  const std::string text =
      fmt::format("{}\n{}", rfc3339(seen_at_), text_of(lines({.colour = false, .width = 0}, 0)));
  table_.keys = keys;
  auto written = write_file(name + ".txt", text);
  if (written) written = write_file(name + ".json", json.str());
  table_.note =
      written ? fmt::format("written: {0}.txt and {0}.json", name) : written.error().sentence;
}

// To the shell and back. Without one that could take over, the signal does nothing (setpgid(2)).
void Live::suspend() {
  screen_->give_back();
  keyboard_->give_back();
  std::raise(SIGTSTP);
  keyboard_->take();
  screen_->take();
}

void Live::press(char pressed) {
  for (const Key& key : kKeys) {
    if (!key.keys.contains(pressed)) continue;
    changed_ = true;
    (this->*key.press)();
  }
}

view::NameOf Live::name_of() const {
  return [this](const IpAddress& address) { return names_.of(address); };
}

void Live::look(Duration now) {
  seen_ = walk_.result(now);
  seen_at_ = wall_now();
}

std::vector<std::string> Live::lines(const view::Style& style, size_t height) const {
  return view::path_lines(style, table_, seen_, name_of(), height);
}

void Live::draw() {
  if (table_.hosts != view::PathHosts::addresses) {
    std::vector<IpAddress> addresses;
    for (const auto& hop : seen_.hops) {
      for (const auto& one : hop.responders) addresses.push_back(one.address);
    }
    names_.ask(addresses);
  }
  view::Style style = style_of(io_, colour_);
  style.width = io_.screen_size().width;
  screen_->show(seen_at_, text_of(lines(style, screen_->room())));
}

void Live::turned(Duration now) {
  for (const char key : keyboard_->pressed()) press(key);
  if (keyboard_->gone()) quit_ = true;
  if (!changed_ && drawn_ && now < *drawn_ + kRedraw) return;
  if (!table_.frozen || !drawn_) look(now);
  changed_ = false;
  drawn_ = now;
  draw();
}

int Live::run() {
  {
    Keyboard keyboard;
    Screen screen(io_, Screen::Place::instead);
    keyboard_ = &keyboard;
    screen_ = &screen;
    std::vector<std::string> keys;
    keys.reserve(kKeys.size());
    for (const Key& key : kKeys) keys.push_back(fmt::format("{} {}", key.called, key.does));
    table_.keys = keyboard.fd() < 0 ? "Ctrl-C ends it" : fmt::format("{}", fmt::join(keys, " · "));
    run_walks(std::span(&walk_, 1),
              {.stop = [this] { return quit_ || interrupted() || !io_.out.good(); },
               .turned = [this](Duration now) { turned(now); },
               .wake = keyboard.fd()});
  }
  table_.note.clear();
  table_.keys.clear();
  view::Style style = style_of(io_, colour_);
  style.width = io_.screen_size().width;
  io_.out << text_of(lines(style, 0)) << std::flush;
  return seen_.reached ? kOk : kCannotLook;
}

}  // namespace

int path_live(const PathLive& live, Io& io) {
  interrupt_at_any_end();
  auto walk = probe::open_walk(live.path);
  if (!walk) return cannot_look(io, walk.error().sentence);
  return Live(live, std::move(*walk), io).run();
}

}  // namespace tcpdx::cli
