// Control sequences of ECMA-48 and of the VT100, which every terminal of today knows. Lines are
// overwritten rather than the screen cleared, so that nothing flickers.
#include "cli/screen.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tcpdx::cli {
namespace {

constexpr std::string_view kClear = "\x1b[2J";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";   // from here to its end
constexpr std::string_view kClearBelow = "\x1b[J";  // from here to the end of the screen
constexpr std::string_view kNoWrap = "\x1b[?7l";
constexpr std::string_view kWrap = "\x1b[?7h";

// Xterm's second screen, which terminals without one leave alone; the cursor would only blink
// there.
constexpr std::string_view kTake = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kGiveBack = "\x1b[?25h\x1b[?1049l";

// The last line stays free for the cursor, and for the shell's prompt afterwards.
constexpr size_t kFreeLines = 1;
constexpr size_t kUsualHeight = 24;  // of a terminal that does not tell its own

}  // namespace

Screen::Screen(Io& io, Place place) : io_(io), place_(place) { take(); }

void Screen::take() {
  if (!io_.out_is_terminal || place_ == Place::below) return;
  if (!std::exchange(taken_, true)) io_.out << kTake;
}

void Screen::give_back() {
  if (std::exchange(taken_, false)) io_.out << kGiveBack << std::flush;
}

size_t Screen::room() const {
  if (!io_.out_is_terminal) return 0;
  size_t height = io_.screen_size().height;
  if (height == 0) height = kUsualHeight;
  return std::max<size_t>(height, kFreeLines + 2) - kFreeLines - 1;
}

void Screen::show(WallTime at, std::string_view text) {
  if (!io_.out_is_terminal) {
    io_.out << rfc3339(at) << '\n' << text << std::flush;
    return;
  }
  std::string frame(kHome);
  if (!std::exchange(shown_, true)) frame += kClear;
  frame.append(kNoWrap).append(rfc3339(at)).append(kClearLine).append("\n");
  for (size_t left = room(); left > 0 && !text.empty(); --left) {
    const size_t end = std::min(text.find('\n'), text.size());
    frame.append(text.substr(0, end)).append(kClearLine).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  frame.append(kClearBelow).append(kWrap);
  io_.out << frame << std::flush;
}

}  // namespace tcpdx::cli
