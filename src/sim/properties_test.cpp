// What must hold of every connection, tried on many seeds. TCPDX_SIM_SEEDS=N tries N of them,
// TCPDX_SIM_REPLAY="seed=... loss=..." runs the one line that a failure printed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/text.hpp"
#include "sim/experiment.hpp"

namespace tcpdx::sim {
namespace {

constexpr uint64_t kSeeds = 2000;

TEST(Properties, HoldForEverySeed) {
  const char* replay = std::getenv("TCPDX_SIM_REPLAY");
  if (replay != nullptr) {
    const auto experiment = parse_experiment(replay);
    ASSERT_TRUE(experiment.has_value()) << replay;
    EXPECT_EQ(violation(*experiment).value_or(""), "");
    return;
  }
  const char* wanted = std::getenv("TCPDX_SIM_SEEDS");
  const uint64_t seeds = parse_number<uint64_t>(wanted ? wanted : "").value_or(kSeeds);
  size_t failures = 0;
  for (uint64_t seed = 1; seed <= seeds && failures < 5; ++seed) {
    const Experiment experiment = draw_experiment(seed);
    const auto wrong = violation(experiment);
    if (!wrong) continue;
    ++failures;
    const Experiment least = shrink(experiment);
    ADD_FAILURE() << *wrong << "\n  TCPDX_SIM_REPLAY=\"" << to_string(least)
                  << "\": " << violation(least).value_or("");
  }
}

TEST(Properties, TheChecksNoticeAChangedOctet) {
  const Experiment experiment{.client_octets = 5000, .loss = 5};
  EXPECT_EQ(violation(experiment), std::nullopt);
  EXPECT_EQ(violation(experiment, Sabotage::octet_changed), "an octet came twice or out of order");
}

TEST(Properties, TheChecksNoticeAMissingFin) {
  EXPECT_EQ(violation({}), std::nullopt);
  EXPECT_EQ(violation({}, Sabotage::fin_forgotten), "the client did not end in CLOSED");
}

TEST(Properties, AFailureShrinksToItsCause) {
  // All that the changed octet needs is one octet.
  const Experiment experiment{.seed = 9,
                              .client_octets = 40'000,
                              .server_octets = 9000,
                              .loss = 10,
                              .reordering = 10,
                              .cut_ms = 300};
  const Experiment least = shrink(experiment, Sabotage::octet_changed);
  EXPECT_EQ(least.client_octets, 1U);
  EXPECT_EQ(least.loss + least.reordering + least.server_octets + least.cut_ms, 0U);
}

TEST(Properties, AnExperimentIsOneLine) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const Experiment experiment = draw_experiment(seed);
    EXPECT_EQ(parse_experiment(to_string(experiment)), experiment);
  }
  EXPECT_EQ(parse_experiment("seed=1 nonsense=2"), std::nullopt);
  EXPECT_EQ(parse_experiment("loss"), std::nullopt);
}

}  // namespace
}  // namespace tcpdx::sim
