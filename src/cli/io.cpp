// Decides once how text is shown.
#include "cli/io.hpp"

namespace tcpdx::cli {
namespace {

view::Style style(const Io& io, ColourMode mode, bool terminal) {
  const bool automatic = terminal && !io.no_colour;
  return {.colour = mode == ColourMode::always || (mode == ColourMode::automatic && automatic),
          .width = terminal ? io.width : 0};
}

}  // namespace

view::Style style_of(const Io& io, ColourMode mode) { return style(io, mode, io.out_is_terminal); }

view::Style style_of_messages(const Io& io, ColourMode mode) {
  return style(io, mode, io.err_is_terminal);
}

}  // namespace tcpdx::cli
