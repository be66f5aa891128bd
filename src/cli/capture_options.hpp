// What the commands that read captures have in common: options for the tracker and the decoder, and
// how damage of a file is told.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/io.hpp"
#include "engine/read_capture.hpp"

namespace tcpdx::cli {

// --memory, --vantage and --no-checksums.
void add_capture_options(CLI::App& app, engine::ReadOptions& into);

// Names on standard error what was damaged, if anything. The exit code: what could be read was
// reported, but damage is a failure.
int tell_damage(const engine::ReadTotals& totals, Io& io);

}  // namespace tcpdx::cli
