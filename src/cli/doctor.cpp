// `tcpdx doctor`: looks over a window of time, or reads a saved look or a capture, and reports what
// is wrong.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "cli/capture_options.hpp"
#include "cli/doctor_capture.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "engine/ask_network.hpp"
#include "engine/observe.hpp"
#include "faults/catalogue.hpp"
#include "store/baseline_file.hpp"
#include "store/snapshot.hpp"
#include "view/report.hpp"

namespace tcpdx::cli {
namespace {

struct Words {
  std::string window = "5s";
  std::vector<std::string> read;
  std::string save;
  std::string baseline;
  std::string fail_on = "warning";
  std::string source = "auto";
  bool probe = false;
  engine::ReadOptions capture;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("--for", words.window, "how long to look (5s); longer is surer")->type_name("DUR");
  app.add_option("--read", words.read,
                 "judge a saved look, or captures as one stream, instead of this machine; - is a "
                 "capture on standard input")
      ->type_name("FILE...");
  app.add_option("--save", words.save, "save what was seen")->type_name("FILE");
  app.add_option("--baseline", words.baseline,
                 "also find listeners that were not there when FILE was learned (tcpdx listen)")
      ->type_name("FILE");
  app.add_flag("--probe", words.probe,
               fmt::format("then ask the network, too: up to {} destinations whose connections are "
                           "in trouble, and {} name servers; at most {} small packets and {:.0f} s",
                           engine::kMostProbedHosts, engine::kMostProbedServers,
                           engine::kMostProbePackets, seconds(engine::kLongestProbing)));
  app.add_option("--fail-on", words.fail_on, "warning (default) or critical: what exits non-zero")
      ->check(CLI::IsMember({"warning", "critical"}).description(""))
      ->type_name("SEVERITY");
  add_source_option(app, words.source);
  add_capture_options(app, words.capture);
  add_show_options(app, words.show);
  app.footer(
      "exit codes: 0 nothing wrong, 1 warning, 2 critical, 3 could not look, 64 wrong usage");
}

// One line on a terminal's standard error, gone when the report comes.
class Progress {
 public:
  Progress(Io& io, Duration window) : io_(io), window_(window) {}
  void show(Duration at) {
    if (!io_.err_is_terminal || window_ == Duration::zero()) return;
    io_.err << fmt::format("\rlooking: {:.1f} of {:.1f} s ", seconds(at), seconds(window_))
            << std::flush;
    shown_ = true;
  }
  void show_asking() {
    if (!io_.err_is_terminal) return;
    io_.err << "\r\x1b[Kasking the network " << std::flush;
    shown_ = true;
  }
  void clear() {
    if (shown_) io_.err << "\r\x1b[K" << std::flush;
  }

 private:
  Io& io_;
  Duration window_;
  bool shown_ = false;
};

// How this machine is looked at.
struct Plan {
  Duration window;
  host::Sources sources;
  bool probe = false;
};

Result<Plan> plan_of(const Words& words) {
  const auto window = parse_duration(words.window);
  if (!window) return fail("--for: {}", window.error().sentence);
  const auto sources = host::parse_sources(words.source);
  if (!sources) return fail("--source: {}", sources.error().sentence);
  return Plan{*window, *sources, words.probe};
}

Result<Observation> look(const Plan& plan, Io& io) {
  Progress progress(io, plan.window);
  engine::ObserveOptions options;
  options.host.sources = plan.sources;
  options.window = plan.window;
  options.ask_network = plan.probe;
  options.progress = [&progress](Duration at) { progress.show(at); };
  options.asking = [&progress] { progress.show_asking(); };
  options.stop = &interrupted();
  auto observation = engine::observe(options);
  progress.clear();
  return observation;
}

Result<Observation> observation_of(const Words& words, const Plan& plan, Io& io) {
  auto observation = words.read.empty() ? look(plan, io) : store::load(words.read.front());
  if (observation && observation->looks.empty()) return fail("no socket table was seen");
  return observation;
}

int exit_code(std::span<const Finding> findings, Severity fail_on) {
  const Severity worst = view::worst(findings);
  if (worst < fail_on) return kOk;
  return worst == Severity::critical ? kCritical : kWarning;
}

int report(const Words& words, const view::Report& report, Io& io) {
  if (words.show.json) {
    view::write_report_json(io.out, report);
  } else {
    view::write_report(io.out, style_of(io, words.show.colour), report);
  }
  return exit_code(report.findings,
                   words.fail_on == "critical" ? Severity::critical : Severity::warning);
}

// Whatever does not begin as a saved look is taken for a capture, which says what is wrong with it.
bool reads_captures(const Words& words) {
  return !words.read.empty() && std::ranges::none_of(words.read, store::is_snapshot);
}

// What was asked for and cannot be; nothing: all of it can.
std::optional<std::string> contradiction(const CLI::App& app, const Words& words) {
  if (!words.read.empty() && !words.save.empty()) {
    return "--save keeps a look at this machine; what --read names is a file already, and a "
           "capture has no sockets that could be saved";
  }
  if (words.read.size() > 1 && !reads_captures(words)) {
    return "--read takes one saved look, or captures: looks at several moments are no stream";
  }
  if (!words.baseline.empty() && reads_captures(words)) {
    return "--baseline is about listeners, and a capture has none";
  }
  for (const std::string option : {"--memory", "--vantage", "--no-checksums"}) {
    if (app.count(option) > 0 && !reads_captures(words)) {
      return option + " is for captures: name them with --read";
    }
  }
  return std::nullopt;
}

int judge_capture(const Words& words, Io& io) {
  const auto look = CaptureLook::read(words.read, words.capture, io);
  if (!look) return cannot_look(io, look.error().sentence);
  return report(words, look->report(), io);
}

int judge_look(const Words& words, const Plan& plan, Io& io) {
  Result<Baseline> baseline;
  if (!words.baseline.empty()) baseline = store::load_baseline(words.baseline);
  if (!baseline) return cannot_look(io, baseline.error().sentence);
  auto observation = observation_of(words, plan, io);
  if (!observation) return cannot_look(io, observation.error().sentence);
  if (!words.baseline.empty()) observation->closer.baseline = std::move(*baseline);
  const std::vector<Finding> findings = faults::diagnose(*observation);
  const int code = report(words, view::report_of(*observation, findings), io);
  if (!words.save.empty()) {
    const auto saved = store::save(*observation, words.save);
    if (!saved) return cannot_look(io, saved.error().sentence);
  }
  return code;
}

}  // namespace

int doctor(Arguments arguments, Io& io) {
  CLI::App app("Names what is wrong with this machine's TCP connections, worst first.",
               "tcpdx doctor");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  if (const auto wrong = contradiction(app, words)) return usage_error(io, *wrong);
  for (const char* option : {"--for", "--source", "--probe"}) {
    if (words.read.empty() || app.count(option) == 0) continue;
    io.err << fmt::format("tcpdx: {} has no effect with --read: what was saved was seen before\n",
                          option);
  }
  return reads_captures(words) ? judge_capture(words, io) : judge_look(words, *plan, io);
}

}  // namespace tcpdx::cli
