// Keys as they are pressed, without Enter and without an echo (termios(3)). Ctrl-Z is a key like
// any other; Ctrl-C is a signal. The terminal is as it was before when this goes.
#pragma once

#include <termios.h>

#include <string>

namespace tcpdx::cli {

class Keyboard {
 public:
  // Of standard input; it has no keys where that is no terminal.
  Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;
  ~Keyboard() { give_back(); }

  // To wait for; -1: there are no keys.
  int fd() const { return fd_; }
  // What has been pressed since; cursor keys and the like, which are sequences, are left out.
  std::string pressed();
  // Whether the terminal has gone.
  bool gone() const { return gone_; }

  // Leaves the terminal as it was before, until take().
  void give_back();
  void take();

 private:
  int fd_ = -1;
  bool gone_ = false;
  termios before_{};
};

}  // namespace tcpdx::cli
