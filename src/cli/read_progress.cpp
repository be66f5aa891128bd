#include "cli/read_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "cli/interrupt.hpp"
#include "view/connection_text.hpp"

namespace tcpdx::cli {
namespace {

constexpr auto kPatience = std::chrono::seconds(1);  // shorter work needs no bar
constexpr auto kPause = std::chrono::milliseconds(100);
constexpr size_t kBar = 30;  // columns

std::string bar(const capture::Progress& now) {
  const double share = std::min(
      1.0, static_cast<double>(now.done) / static_cast<double>(std::max<uint64_t>(now.of, 1)));
  const auto full = static_cast<size_t>(share * kBar);
  return fmt::format("[{}{}] {:3.0f} % of {}", std::string(full, '#'),
                     std::string(kBar - full, '.'), 100 * share, view::amount_of_bytes(now.of));
}

}  // namespace

ReadProgress::ReadProgress(Io& io) : io_(io), next_(Clock::now() + kPatience) {
  static_cast<void>(interrupted());  // from here on Ctrl-C ends the reading, not the program
}

bool ReadProgress::show(const capture::Progress& now) {
  stopped_ = stopped_ || interrupted();
  if (stopped_ || !io_.out) return false;
  if (!io_.err_is_terminal || Clock::now() < next_) return true;
  next_ = Clock::now() + kPause;
  shown_ = true;
  io_.err << "\rreading " << (now.of > 0 ? bar(now) : view::amount_of_bytes(now.done) + " so far")
          << "\x1b[K" << std::flush;
  return true;
}

void ReadProgress::clear() {
  if (shown_) io_.err << "\r\x1b[K" << std::flush;
  shown_ = false;
}

}  // namespace tcpdx::cli
