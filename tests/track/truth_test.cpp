// Random and scripted connections, seen from every place: what the tracker calls seen is never
// wrong, and at an end hardly anything is. TCPDX_TRUTH_SEEDS=N tries N random connections, each
// from one place, with TCPDX_TRUTH_ALL=1 from all; TCPDX_TRUTH_SHOW=SEED prints the ladders of one.
#include "track/truth.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <optional>

#include "base/text.hpp"
#include "sim/experiment.hpp"
#include "sim/scenario.hpp"

namespace tcpdx::truth {
namespace {

// Where a capture is taken, and what the tracker is told of it.
struct From {
  std::string_view name;
  sim::Vantage vantage;
  Vantage told;
};
constexpr std::array kPlaces{
    From{"at the client", sim::Vantage::client, Vantage::originator},
    From{"at the client, guessed", sim::Vantage::client, Vantage::unknown},
    From{"before the loss", sim::Vantage::before_loss, Vantage::unknown},
    From{"behind the loss", sim::Vantage::after_loss, Vantage::unknown},
    From{"at the server, guessed", sim::Vantage::server, Vantage::unknown},
    From{"at the server", sim::Vantage::server, Vantage::responder},
};
constexpr uint64_t kSeeds = 10'000;
constexpr double kRightShare = 0.995;

uint64_t number_of(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : parse_number<uint64_t>(text).value_or(otherwise);
}

class Scores {
 public:
  // Seen from every place, or from one.
  void add(const sim::Recording& recording, const std::string& what, bool simultaneous,
           std::optional<size_t> one = std::nullopt) {
    for (size_t i = 0; i < kPlaces.size(); ++i) {
      if (one && i != *one) continue;
      // In a simultaneous open each end sees its own SYN first.
      const bool at_end = kPlaces[i].told != Vantage::unknown;
      const Vantage told = simultaneous && at_end ? Vantage::originator : kPlaces[i].told;
      const Tracked tracked = track_from(recording, kPlaces[i].vantage, {.vantage = told});
      const Score score = compare(recording, tracked, kPlaces[i].vantage);
      scores_[i] += score;
      for (const std::string& wrong : score.wrong_proofs) {
        if (++failures_ > 5) continue;
        ADD_FAILURE() << what << ", " << kPlaces[i].name << ": " << wrong << '\n'
                      << (failures_ == 1 ? ladder(recording, tracked) : std::string());
      }
      if (score.first_wrong && ++shown_ <= 20) {
        fmt::print("{}, {}: {}\n", what, kPlaces[i].name, *score.first_wrong);
      }
    }
  }
  void judge() const {
    for (size_t i = 0; i < kPlaces.size(); ++i) {
      const Score& score = scores_[i];
      fmt::print(
          "{}: {} moments, {} right, {} undecidable, {} unknown, {} proofs, {} of them wrong\n",
          kPlaces[i].name, score.moments, score.right, score.undecidable, score.unknown,
          score.proofs, score.wrong_proofs.size());
      EXPECT_GT(score.proofs, 0U);
      const auto decidable = static_cast<double>(score.moments - score.undecidable - score.unknown);
      EXPECT_GE(static_cast<double>(score.right), kRightShare * decidable);
    }
  }

 private:
  std::array<Score, kPlaces.size()> scores_;
  unsigned failures_ = 0;
  unsigned shown_ = 0;
};

TEST(Truth, RandomConnections) {
  if (const uint64_t seed = number_of("TCPDX_TRUTH_SHOW", 0)) {
    const sim::Recording recording = sim::recording_of(sim::draw_experiment(seed));
    for (const From& from : kPlaces) {
      const Tracked tracked = track_from(recording, from.vantage, {.vantage = from.told});
      fmt::print("{}:\n{}\n", from.name, ladder(recording, tracked));
    }
  }
  Scores scores;
  const uint64_t seeds = number_of("TCPDX_TRUTH_SEEDS", kSeeds);
  const bool all = std::getenv("TCPDX_TRUTH_ALL") != nullptr;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const sim::Experiment experiment = sim::draw_experiment(seed);
    const std::optional<size_t> place =
        all ? std::nullopt : std::optional<size_t>(seed % kPlaces.size());
    scores.add(sim::recording_of(experiment), sim::to_string(experiment),
               experiment.opening == sim::Opening::simultaneous, place);
  }
  scores.judge();
}

// Seeds beyond those of RandomConnections that once had a wrong proof, from every place.
TEST(Truth, SeedsThatWereWrong) {
  constexpr uint64_t kWrongOnce[] = {
      1522,  // behind the loss: a delayed SYN-ACK in a simultaneous open, long after data
  };
  Scores scores;
  for (const uint64_t seed : kWrongOnce) {
    const sim::Experiment experiment = sim::draw_experiment(seed);
    scores.add(sim::recording_of(experiment), sim::to_string(experiment),
               experiment.opening == sim::Opening::simultaneous);
  }
}

TEST(Truth, EveryScenario) {
  Scores scores;
  for (const sim::Scenario& scenario : sim::scenarios()) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const double loss = seed % 2 == 0 ? 0.1 : 0.0;
      const sim::Recording recording = sim::run(scenario, {.loss = loss, .seed = seed});
      scores.add(recording, fmt::format("{} seed {}", scenario.name, seed),
                 scenario.name == "simultaneous-open");
    }
  }
  scores.judge();
}

}  // namespace
}  // namespace tcpdx::truth
