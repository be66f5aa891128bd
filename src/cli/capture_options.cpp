#include "cli/capture_options.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>

#include "base/text.hpp"
#include "cli/exit_code.hpp"

namespace tcpdx::cli {
namespace {

constexpr uint64_t kLeastMemory = uint64_t{1} << 20U;  // below it hardly anything is kept
constexpr uint64_t kMostMemory = uint64_t{1} << 46U;   // more than machines have
constexpr size_t kDamageShown = 10;

}  // namespace

void add_capture_options(CLI::App& app, engine::ReadOptions& into) {
  static const std::map<std::string, Vantage> kVantages{{"auto", Vantage::unknown},
                                                        {"originator", Vantage::originator},
                                                        {"responder", Vantage::responder},
                                                        {"middle", Vantage::middle}};
  app.add_option("--memory", into.track.memory,
                 "what connections may take together, for example 512M; default 1G")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->check(CLI::Range(kLeastMemory, kMostMemory).description(""))
      ->type_name("SIZE");
  app.add_option_function<std::string>(
         "--vantage", [&into](const std::string& word) { into.track.vantage = kVantages.at(word); },
         "where the capture was taken: originator, responder, middle, or auto, by its times")
      ->check(CLI::IsMember(kVantages).description(""))
      ->type_name("PLACE");
  app.add_flag_callback(
      "--no-checksums", [&into] { into.decode.checksums = false; }, "do not look at checksums");
}

int tell_damage(const engine::ReadTotals& totals, Io& io) {
  size_t shown = 0;
  for (const capture::Damage& damage : totals.damage) {
    if (++shown > kDamageShown) break;
    io.err << fmt::format("tcpdx: {}: frame {}, octet {}: {}\n", printable(damage.file),
                          damage.frame, damage.offset, printable(damage.what));
  }
  if (totals.damage.size() > kDamageShown) {
    io.err << fmt::format("tcpdx: and {} more damaged places\n",
                          grouped(totals.damage.size() - kDamageShown));
  }
  return totals.damage.empty() ? kOk : kCannotLook;
}

}  // namespace tcpdx::cli
