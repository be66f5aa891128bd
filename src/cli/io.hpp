// Where a command writes, and what it knows of the terminal.
#pragma once

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "view/style.hpp"

namespace tcpdx::cli {

struct TerminalSize {
  size_t width = 0;
  size_t height = 0;
};

struct Io {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  size_t width = 0;  // of the terminal; 0: no terminal
  // Of the terminal on standard output at this moment; it may change.
  std::function<TerminalSize()> screen_size = [] { return TerminalSize{}; };
  bool no_colour = false;  // NO_COLOR is set (no-color.org), or TERM is dumb
};

enum class ColourMode : unsigned char { automatic, always, never };

// An explicit always or never wins over NO_COLOR.
view::Style style_of(const Io& io, ColourMode mode);
// The same for standard error.
view::Style style_of_messages(const Io& io, ColourMode mode);

}  // namespace tcpdx::cli
