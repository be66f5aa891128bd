#include "cli/keyboard.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>

namespace tcpdx::cli {
namespace {

constexpr char kEscape = '\x1b';  // begins a sequence (ECMA-48 5.3)
constexpr tcflag_t kLineMode = ICANON | ECHO;

}  // namespace

Keyboard::Keyboard() {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  fd_ = STDIN_FILENO;
  take();
}

void Keyboard::give_back() {
  if (fd_ >= 0) ::tcsetattr(fd_, TCSANOW, &before_);
}

void Keyboard::take() {
  termios now{};
  if (fd_ < 0 || ::tcgetattr(fd_, &now) != 0) return;
  now.c_lflag &= ~kLineMode;
  now.c_cc[VMIN] = 0;
  now.c_cc[VTIME] = 0;
  now.c_cc[VSUSP] = _POSIX_VDISABLE;
  ::tcsetattr(fd_, TCSANOW, &now);
}

std::string Keyboard::pressed() {
  std::string keys;
  if (fd_ < 0 || gone_) return keys;
  pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, 0) > 0) {
    std::array<char, 64> buffer{};
    const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
    gone_ = size <= 0;
    if (gone_) break;
    if (buffer[0] != kEscape) keys.append(buffer.data(), static_cast<size_t>(size));
  }
  return keys;
}

}  // namespace tcpdx::cli
