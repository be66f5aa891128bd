// Reads options with CLI11 and turns its exceptions into exit codes.
#include "cli/options.hpp"

#include <fmt/format.h>

#include <map>

#include "base/text.hpp"
#include "cli/exit_code.hpp"

namespace tcpdx::cli {

void add_show_options(CLI::App& app, ShowOptions& into) {
  static const std::map<std::string, ColourMode> kModes{{"auto", ColourMode::automatic},
                                                        {"always", ColourMode::always},
                                                        {"never", ColourMode::never}};
  app.add_flag("--json", into.json, "one JSON document (docs/json.md)");
  app.add_option("--color,--colour", into.colour, "auto, always or never")
      ->transform(CLI::CheckedTransformer(kModes).description(""))
      ->type_name("WHEN");
}

void add_source_option(CLI::App& app, std::string& into) {
  app.add_option("--source", into,
                 "auto, or by name: owners from bpf or proc, sockets from sock_diag or proc-net "
                 "(bpf,proc-net); one that cannot be used is an error")
      ->type_name("WORDS");
}

void add_request_options(CLI::App& app, std::string& send, std::string& expect) {
  app.add_option("--send", send,
                 R"(text to send when it is open; \r, \n and \\ stand for their octets)")
      ->type_name("TEXT");
  app.add_option("--expect", expect, "text that the answer must hold")->type_name("TEXT");
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] != '\\' || (next != 'r' && next != 'n' && next != '\\')) {
      plain += text[i];
      continue;
    }
    plain += next == 'r' ? '\r' : next == 'n' ? '\n' : '\\';
    ++i;
  }
  return plain;
}

CLI::Validator whole_number(uint64_t least) {
  const auto refusal = [least](const std::string& text) {
    const auto number = parse_number<uint64_t>(text);
    if (number && *number >= least) return std::string{};
    return fmt::format("'{}' is no whole number from {} on", printable(text), least);
  };
  return {refusal, ""};
}

std::optional<int> parse(CLI::App& app, Arguments arguments, Io& io) {
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    io.out << app.help();
    return kOk;
  } catch (const CLI::ParseError& error) {
    return usage_error(io, fmt::format("{}; {} --help lists what there is", printable(error.what()),
                                       app.get_name()));
  }
}

int usage_error(Io& io, std::string_view sentence) {
  io.err << "tcpdx: " << sentence << '\n';
  return kUsage;
}

int cannot_look(Io& io, std::string_view sentence) {
  io.err << "tcpdx: " << sentence << '\n';
  return kCannotLook;
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace tcpdx::cli
