// What the commands have in common: options, how they are read, how a failure is told.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/cli.hpp"
#include "cli/io.hpp"

namespace tcpdx::cli {

struct ShowOptions {
  bool json = false;
  ColourMode colour = ColourMode::automatic;
};

void add_show_options(CLI::App& app, ShowOptions& into);

// --source WORDS, which host::parse_sources() reads.
void add_source_option(CLI::App& app, std::string& into);

// --send TEXT and --expect TEXT of a connection. What was typed for --send is read by unescaped():
// \r, \n and \\ stand for their octets.
void add_request_options(CLI::App& app, std::string& send, std::string& expect);
std::string unescaped(std::string_view text);

// A number without a sign. CLI11 itself takes "-1" for the largest one.
CLI::Validator whole_number(uint64_t least = 0);

// The exit code when the command has nothing more to do: help was shown, or the usage is wrong.
std::optional<int> parse(CLI::App& app, Arguments arguments, Io& io);

// Print the sentence, return the exit code.
int usage_error(Io& io, std::string_view sentence);
int cannot_look(Io& io, std::string_view sentence);

// "host ::1 and state listen", given as one argument or as several.
std::string joined(const std::vector<std::string>& words);

}  // namespace tcpdx::cli
