// The program's only signal handler.
#include "cli/interrupt.hpp"

#include <algorithm>
#include <csignal>
#include <thread>

namespace tcpdx::cli {
namespace {

std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may set nothing else");

constexpr Duration kSlice = 50ms;  // how long Ctrl-C may go unnoticed

bool install(int number) {
  struct sigaction action{};
  action.sa_handler = [](int) { flag = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  return sigaction(number, &action, nullptr) == 0;
}

}  // namespace

const std::atomic<bool>& interrupted() {
  static const bool installed = install(SIGINT);
  static_cast<void>(installed);
  return flag;
}

void interrupt_at_any_end() {
  interrupted();
  install(SIGTERM);
  install(SIGHUP);
}

bool sleep_for(Duration duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (!interrupted()) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, kSlice));
  }
  return false;
}

}  // namespace tcpdx::cli
