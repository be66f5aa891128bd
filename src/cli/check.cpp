// `tcpdx check HOST[:PORT]`: the whole chain of a connection; where and why it fails.
#include "engine/check.hpp"

#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "probe/target.hpp"
#include "view/check_text.hpp"

namespace tcpdx::cli {
namespace {

struct Words {
  std::string target;
  bool four = false;
  bool six = false;
  std::string timeout;
  std::string source;
  engine::CheckOptions check;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("target", words.target, "HOST or HOST:PORT (443)")
      ->required()
      ->type_name("TARGET");
  app.add_flag("-4", words.four, "IPv4 only");
  app.add_flag("-6", words.six, "IPv6 only")->excludes(app.get_option("-4"));
  app.add_option("--timeout", words.timeout,
                 "for the handshake (1.2s: two SYNs), and for an answer")
      ->type_name("DUR");
  add_request_options(app, words.check.send, words.check.expect);
  app.add_option("--source", words.source, "address to connect from")->type_name("ADDRESS");
  app.add_option("-I,--interface", words.check.ask.interface, "interface to connect from")
      ->type_name("IF");
  add_show_options(app, words.show);
  app.footer(
      "Sends at most about 90 packets: a handshake, one to port 1, SYNs and echoes with rising "
      "TTLs\n"
      "(30 of each), echoes of ten sizes, two of each. Where SYNs are lost 20 more of them and 20 "
      "echoes,\n"
      "where large packets vanish another walk of about 100. Needs no rights.\n"
      "With --send the answer is timed, and asked for again in small segments where none comes.\n"
      "Exit code: 0 ok, 1 works but not well, 2 does not work, 3 could not tell.");
}

Result<engine::CheckOptions> options_of(const Words& words) {
  engine::CheckOptions options = words.check;
  const auto target = probe::parse_target(words.target);
  if (!target) return std::unexpected(target.error());
  options.host = target->host;
  options.port = target->port.value_or(options.port);
  options.send = unescaped(words.check.send);
  if (words.four) options.family = Family::v4;
  if (words.six) options.family = Family::v6;
  if (!words.timeout.empty()) {
    const auto timeout = parse_duration(words.timeout);
    if (!timeout) return fail("--timeout: {}", timeout.error().sentence);
    options.timeout = *timeout;
  }
  if (!words.source.empty()) {
    options.ask.source = parse_address(words.source);
    if (!options.ask.source) return fail("--source: '{}' is no address", printable(words.source));
  }
  return options;
}

int exit_code(view::CheckGrade grade) {
  switch (grade) {
    case view::CheckGrade::ok: return kOk;
    case view::CheckGrade::warning: return kWarning;
    case view::CheckGrade::critical: return kCritical;
    case view::CheckGrade::unknown: return kCannotLook;
  }
  return kCannotLook;
}

}  // namespace

int check(Arguments arguments, Io& io) {
  CLI::App app("The whole chain of a connection: where and why it fails.", "tcpdx check");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  auto options = options_of(words);
  if (!options) return usage_error(io, options.error().sentence);
  const auto& stop = interrupted();
  options->stop = [&] { return stop.load(); };
  const engine::CheckReport report = engine::check(*options);
  std::vector<view::CheckRow> rows;
  rows.reserve(report.steps.size());
  for (const engine::CheckStep& one : report.steps)
    rows.push_back({one.step, one.result, one.evidence, one.took});
  if (words.show.json) {
    view::write_check_json(io.out, words.target, rows, report.verdict, report.took);
  } else {
    view::write_check(io.out, style_of(io, words.show.colour), words.target, rows, report.verdict,
                      report.took);
  }
  return exit_code(view::grade_of(report.verdict));
}

}  // namespace tcpdx::cli
