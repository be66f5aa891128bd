// The members of a line of `tcpdx rates --json`; docs/schema/rates.json holds the rest.
#include "view/rate_json.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

#include "view/test_readings.hpp"

namespace tcpdx::view {
namespace {

nlohmann::json line_of(const CounterInterval& interval, bool sar = false,
                       const std::vector<Missing>* missing = nullptr) {
  std::ostringstream out;
  write_rate_json(out, interval, sar, missing);
  return nlohmann::json::parse(out.str());
}

TEST(RateJson, TellsRatesLevelsAndShares) {
  CounterReading before = reading(4026531840, 0s,
                                  {{"Tcp.ActiveOpens", 10},
                                   {"Tcp.RetransSegs", 0},
                                   {"TcpExt.TCPSynRetrans", 0},
                                   {"TcpExt.TCPOrigDataSent", 0}});
  CounterReading now = reading(4026531840, 2s,
                               {{"Tcp.ActiveOpens", 13},
                                {"Tcp.RetransSegs", 2},
                                {"TcpExt.TCPSynRetrans", 1},
                                {"TcpExt.TCPOrigDataSent", 3},
                                {"sockstat.TCP.inuse", 5}});
  now.name = "blue";
  const auto line = line_of({&before, &now});
  EXPECT_EQ(line.at("schema"), "tcpdx/1");
  EXPECT_EQ(line.at("t"), "2023-11-14T22:13:22.000000Z");
  EXPECT_EQ(line.at("netns"), 4026531840);
  EXPECT_EQ(line.at("netns_name"), "blue");
  EXPECT_EQ(line.at("interval_s"), 2.0);
  EXPECT_EQ(line.at("per_second").at("Tcp.ActiveOpens"), 1.5);
  EXPECT_EQ(line.at("now").at("sockets"), 5);
  EXPECT_EQ(line.at("ratios").at("retransmission"), 0.333333);
  EXPECT_FALSE(line.contains("sar"));
  EXPECT_FALSE(line.contains("missing"));
}

TEST(RateJson, WhatIsNotKnownIsNullAndNeverZero) {
  const CounterReading before = reading(7, 0s, {{"Tcp.OutRsts", 9}});
  const CounterReading now = reading(7, 1s, {{"Tcp.OutRsts", 2}});
  const auto line = line_of({&before, &now}, true);
  EXPECT_TRUE(line.at("netns_name").is_null());
  for (const std::string_view part : {"per_second", "now", "ratios", "sar"}) {
    for (const auto& [name, value] : line.at(std::string(part)).items()) {
      EXPECT_TRUE(value.is_null()) << name;
    }
  }
}

TEST(RateJson, SarsNamesAndWhatIsMissing) {
  const CounterReading before = reading(7, 0s, {{"Tcp.PassiveOpens", 1}});
  const CounterReading now =
      reading(7, 1s, {{"Tcp.PassiveOpens", 4}, {"sockstat.sockets.used", 30}});
  const std::vector<Missing> missing{{"network namespaces of 3 processes", "refused", "CAP_X"}};
  const auto line = line_of({&before, &now}, true, &missing);
  EXPECT_EQ(line.at("sar").at("passive/s"), 3.0);
  EXPECT_EQ(line.at("sar").at("totsck"), 30);
  EXPECT_EQ(line.at("missing").at(0).at("needs"), "CAP_X");
}

}  // namespace
}  // namespace tcpdx::view
