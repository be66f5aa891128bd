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

// The last line stays free for the cursor, and for the shell's prompt afterwards.
constexpr size_t kFreeLines = 1;

}  // namespace

size_t Screen::room() const {
  if (!io_.out_is_terminal) return 0;
  const size_t height = io_.screen_size().height;
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
