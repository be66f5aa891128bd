// What a command shows again and again: in place on a terminal, one after the other elsewhere.
#pragma once

#include <string_view>

#include "base/time.hpp"
#include "cli/io.hpp"

namespace tcpdx::cli {

class Screen {
 public:
  explicit Screen(Io& io) : io_(io) {}

  // Lines that fit below the line of the time; 0: any number.
  size_t room() const;

  // The time, then the text. On a terminal it stands where the last one stood; lines that do not
  // fit are left out and long ones end at the edge.
  void show(WallTime at, std::string_view text);

 private:
  Io& io_;
  bool shown_ = false;
};

}  // namespace tcpdx::cli
