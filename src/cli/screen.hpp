// What a command shows again and again: in place on a terminal, one after the other elsewhere.
#pragma once

#include <string_view>

#include "base/time.hpp"
#include "cli/io.hpp"

namespace tcpdx::cli {

class Screen {
 public:
  // Below what stands there, which scrolls away; or instead of it, until the screen is given back.
  enum class Place : unsigned char { below, instead };

  explicit Screen(Io& io, Place place = Place::below);
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() { give_back(); }

  // Lines that fit below the line of the time; 0: any number.
  size_t room() const;

  // The time, then the text. On a terminal it stands where the last one stood; lines that do not
  // fit are left out and long ones end at the edge.
  void show(WallTime at, std::string_view text);

  // Shows what stood there before, until take().
  void give_back();
  void take();

 private:
  Io& io_;
  Place place_;
  bool taken_ = false;
  bool shown_ = false;
};

}  // namespace tcpdx::cli
