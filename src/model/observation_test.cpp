// References inside an Observation, and the words for people.
#include "model/observation.hpp"

#include <gtest/gtest.h>

#include "model/finding.hpp"

namespace tcpdx {
namespace {

TEST(Observation, FindsWhatBelongsToASocket) {
  Look look;
  look.owners = {{5, 0, 3}, {7, 0, 4}, {7, 1, 9}};
  look.infos.resize(2);
  look.infos[1].snd_mss = 1460;
  Socket alone;
  EXPECT_TRUE(owners_of(look, alone).empty());
  EXPECT_EQ(info_of(look, alone), nullptr);
  Socket shared;
  shared.first_owner = 1;
  shared.owner_count = 2;
  shared.info = 1;
  ASSERT_EQ(owners_of(look, shared).size(), 2U);
  EXPECT_EQ(owners_of(look, shared)[1].fd, 9);
  ASSERT_NE(info_of(look, shared), nullptr);
  EXPECT_EQ(info_of(look, shared)->snd_mss, 1460U);
}

TEST(Observation, ProcessNamesCannotForgeAReport) {
  Process process;
  process.pid = 2210;
  process.comm = "billing-api";
  EXPECT_EQ(describe(process), "billing-api (pid 2210)");
  process.comm = "a\n\x1b[2J";
  EXPECT_EQ(describe(process), "\"a\\x0a\\x1b[2J\" (pid 2210)");
  process.comm = "x (pid 1), y";
  EXPECT_EQ(describe(process), "\"x (pid 1), y\" (pid 2210)") << "one program, not two";
}

TEST(Observation, NeighbourWordsAreThoseOfIp) {
  EXPECT_EQ(to_string(NeighbourState::incomplete), "INCOMPLETE");
  EXPECT_EQ(to_string(NeighbourState::failed), "FAILED");
}

TEST(Finding, WordsOfSeverityAndConfidence) {
  EXPECT_EQ(to_string(Severity::critical), "critical");
  EXPECT_EQ(to_string(Severity::info), "info");
  EXPECT_EQ(to_string(Confidence::confirmed), "confirmed");
  EXPECT_EQ(to_string(Confidence::likely), "likely");
}

}  // namespace
}  // namespace tcpdx
