// --watch: the same again and again until Ctrl-C.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/io.hpp"
#include "model/observation.hpp"

namespace tcpdx::cli {

// --watch (2 s) or --watch=DUR into words, which stay empty without it.
void add_watch_option(CLI::App& app, std::string& into);
// Nothing where it was not asked for.
Result<std::optional<Duration>> parse_watch(const std::string& words);

// What could not be seen, once, and where it does not disturb what is shown: behind the first table
// of a stream, behind the last screen of a terminal.
class MissingOnce {
 public:
  MissingOnce(Io& io, ColourMode colour) : io_(io), colour_(colour) {}
  void after_table(const Observation& seen);
  void at_end(const Observation& seen);

 private:
  void write(const Observation& seen);

  Io& io_;
  ColourMode colour_;
  bool written_ = false;
};

}  // namespace tcpdx::cli
