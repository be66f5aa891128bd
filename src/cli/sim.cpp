// `tcpdx sim SCENARIO`: a connection between two simulated ends, as a ladder, JSON and a capture.
#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/suggest.hpp"
#include "sim/scenario.hpp"
#include "view/ladder.hpp"

namespace tcpdx::cli {
namespace {

constexpr Duration kLongestDelay = 60s;

struct Words {
  std::string scenario;
  bool list = false;
  double loss = 0;
  std::string delay = "10ms";
  uint64_t seed = 1;
  std::string pcap;
  sim::Vantage vantage = sim::Vantage::before_loss;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  static const std::map<std::string, sim::Vantage> kVantages{
      {"client", sim::Vantage::client},
      {"before-loss", sim::Vantage::before_loss},
      {"after-loss", sim::Vantage::after_loss},
      {"server", sim::Vantage::server}};
  app.add_option("scenario", words.scenario, "which story; --list names them")
      ->type_name("SCENARIO");
  app.add_flag("--list", words.list, "the scenarios, a sentence each");
  app.add_option("--loss", words.loss, "probability that a segment is lost, besides the story's")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  app.add_option("--delay", words.delay, "one way, for example 10ms")->type_name("DUR");
  app.add_option("--seed", words.seed, "equal seeds give equal runs")
      ->check(whole_number())
      ->type_name("N");
  app.add_option("--pcap", words.pcap, "write what passed as a capture file")->type_name("FILE");
  app.add_option("--at", words.vantage,
                 "where the capture is taken: client, before-loss, after-loss or server")
      ->transform(CLI::CheckedTransformer(kVantages).description(""))
      ->type_name("PLACE");
  add_show_options(app, words.show);
}

Result<sim::RunOptions> options_of(const Words& words) {
  const auto delay = parse_duration(words.delay);
  if (!delay) return fail("--delay: {}", delay.error().sentence);
  if (*delay > kLongestDelay) return fail("--delay: at most {}", human(kLongestDelay));
  return sim::RunOptions{.loss = words.loss, .delay = *delay, .seed = words.seed};
}

Result<const sim::Scenario*> scenario_of(const Words& words) {
  if (words.scenario.empty()) return fail("sim needs a scenario; tcpdx sim --list names them");
  if (const sim::Scenario* found = sim::find_scenario(lower(words.scenario))) return found;
  std::vector<std::string_view> known;
  known.reserve(sim::scenarios().size());
  for (const sim::Scenario& one : sim::scenarios()) known.push_back(one.name);
  return fail("there is no scenario '{}'{}; tcpdx sim --list names them", printable(words.scenario),
              did_you_mean(words.scenario, known));
}

Result<void> save_capture(const Words& words, const sim::Recording& recording) {
  std::ofstream file(words.pcap, std::ios::binary | std::ios::trunc);
  if (file) sim::write_capture(file, recording, words.vantage);
  file.close();
  if (!file) return fail("cannot write {}: {}", printable(words.pcap), errno_text(errno));
  return {};
}

int list(const Words& words, Io& io) {
  words.show.json ? view::list_scenarios_json(io.out)
                  : view::list_scenarios(io.out, style_of(io, words.show.colour));
  return kOk;
}

}  // namespace

int sim(Arguments arguments, Io& io) {
  CLI::App app("A connection between two simulated ends, segment by segment.", "tcpdx sim");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  if (words.list) return list(words, io);
  const auto scenario = scenario_of(words);
  if (!scenario) return usage_error(io, scenario.error().sentence);
  const auto options = options_of(words);
  if (!options) return usage_error(io, options.error().sentence);

  const sim::Recording recording = sim::run(**scenario, *options);
  if (!words.pcap.empty()) {
    const auto saved = save_capture(words, recording);
    if (!saved) return cannot_look(io, saved.error().sentence);
  }
  if (words.show.json) {
    view::write_ladder_json(io.out, **scenario, words.seed, recording);
  } else {
    view::write_ladder(io.out, style_of(io, words.show.colour), **scenario, recording);
  }
  return kOk;
}

}  // namespace tcpdx::cli
