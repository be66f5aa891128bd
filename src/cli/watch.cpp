// See watch.hpp.
#include "cli/watch.hpp"

#include <utility>

#include "view/report.hpp"

namespace tcpdx::cli {
namespace {

constexpr Duration kShortestWatch = 100ms;

}  // namespace

void add_watch_option(CLI::App& app, std::string& into) {
  app.add_flag("--watch{2s}", into, "again every DUR (--watch=DUR), until Ctrl-C");
}

Result<std::optional<Duration>> parse_watch(const std::string& words) {
  if (words.empty()) return std::nullopt;
  const auto every = parse_duration(words);
  if (!every) return fail("--watch: {}", every.error().sentence);
  if (*every < kShortestWatch) return fail("--watch: at least 100ms");
  return *every;
}

void MissingOnce::after_table(const Observation& seen) {
  if (!io_.out_is_terminal) write(seen);
}

void MissingOnce::at_end(const Observation& seen) { write(seen); }

void MissingOnce::write(const Observation& seen) {
  if (std::exchange(written_, true)) return;
  view::write_missing(io_.err, style_of_messages(io_, colour_), seen.missing);
}

}  // namespace tcpdx::cli
