// The doctor's report: its layout, and that nothing in it can be forged.
#include "view/report.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "view/test_observation.hpp"

namespace tcpdx::view {
namespace {

Finding leak() {
  Finding finding;
  finding.fault = "close-wait-leak";
  finding.title = "the program does not close";
  finding.severity = Severity::critical;
  finding.confidence = Confidence::confirmed;
  finding.subject.pid = 2210;
  finding.headline = "billing-api (pid 2210) holds 4 812 connections in CLOSE-WAIT on port 9502";
  finding.cause = "the peers closed first";
  finding.evidence = {
      {.fact = "CLOSE-WAIT",
       .value = uint64_t{4812},
       .limit = "5 020 sockets of this program",
       .source = "sock_diag"},
      {.fact = "growth per second", .value = 26.04, .limit = std::nullopt, .source = "sock_diag"},
      {.fact = "descriptors",
       .value = uint64_t{4903},
       .limit = uint64_t{8192},
       .source = "/proc/2210/limits"}};
  finding.confirm = {"ls -l /proc/2210/fd | grep -c socket", "strace -e close -p 2210"};
  finding.remedy = {"close the socket when read() returns 0"};
  finding.avoid = {"lowering tcp_fin_timeout: it does not touch CLOSE-WAIT"};
  finding.see = {"tcpdx sockets 'pid 2210 and state close-wait'"};
  return finding;
}

std::string text_of(const Observation& observation, const std::vector<Finding>& findings,
                    Style style = {.colour = false, .width = 0}) {
  std::ostringstream out;
  write_report(out, style, report_of(observation, findings));
  return out.str();
}

nlohmann::json json_of(const Observation& observation, const std::vector<Finding>& findings) {
  std::ostringstream out;
  write_report_json(out, report_of(observation, findings));
  return nlohmann::json::parse(out.str());
}

TEST(Report, ShowsAFindingLineByLine) {
  const std::string wanted =
      "CRITICAL  close-wait-leak                                                    confirmed\n"
      "  billing-api (pid 2210) holds 4 812 connections in CLOSE-WAIT on port 9502\n"
      "  because   the peers closed first\n"
      "  evidence  CLOSE-WAIT 4 812 of 5 020 sockets of this program  ·  growth per second 26  ·"
      "  descriptors 4 903 of 8 192\n"
      "  confirm   ls -l /proc/2210/fd | grep -c socket\n"
      "            strace -e close -p 2210\n"
      "  fix       close the socket when read() returns 0\n"
      "  not       lowering tcp_fin_timeout: it does not touch CLOSE-WAIT\n"
      "  more      tcpdx explain close-wait-leak  ·  tcpdx sockets 'pid 2210 and state "
      "close-wait'\n";
  EXPECT_TRUE(text_of(testing::small_observation(), {leak()}).starts_with(wanted))
      << text_of(testing::small_observation(), {leak()});
}

TEST(Report, TellsAThresholdFromAWhole) {
  Finding finding = leak();
  finding.evidence = {{.fact = "oldest",
                       .value = "9 s",
                       .limit = "3 s",
                       .limit_is_threshold = true,
                       .source = "sock_diag"}};
  const std::string text = text_of(testing::small_observation(), {finding});
  EXPECT_NE(text.find("oldest 9 s (threshold 3 s)\n"), std::string::npos) << text;
  const auto json = json_of(testing::small_observation(), {finding, leak()});
  EXPECT_EQ(json.at("findings").at(0).at("evidence").at(0).at("limit_is"), "threshold");
  EXPECT_EQ(json.at("findings").at(1).at("evidence").at(0).at("limit_is"), "whole");
}

TEST(Report, KeepsToTheWidth) {
  const std::string text =
      text_of(testing::small_observation(), {leak()}, {.colour = false, .width = 60});
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columns(line), 60U) << line;
  }
}

TEST(Report, SaysCalmlyThatNothingIsWrong) {
  const std::string text = text_of(testing::small_observation(), {});
  EXPECT_TRUE(text.starts_with("nothing wrong")) << text;
  EXPECT_NE(text.find("looked at 5 sockets of 1 namespace once on web-1"), std::string::npos)
      << text;
}

TEST(Report, ListsWhatWasNotSeen) {
  Observation observation = testing::small_observation();
  observation.missing = {{"owners of 3 processes", "not permitted", "CAP_SYS_PTRACE"}};
  const std::string text = text_of(observation, {});
  EXPECT_NE(text.find("not seen  owners of 3 processes: not permitted; would be shown with "
                      "CAP_SYS_PTRACE\n"),
            std::string::npos)
      << text;
}

TEST(Report, SuspicionInAShortLookAsksForALongerOne) {
  Finding finding = leak();
  finding.confidence = Confidence::suspected;
  Observation observation = testing::small_observation();
  observation.window = 5s;
  EXPECT_NE(text_of(observation, {finding}).find("tcpdx doctor --for 30s"), std::string::npos);
  observation.window = 30s;
  EXPECT_EQ(text_of(observation, {finding}).find("tcpdx doctor --for 30s"), std::string::npos);
}

TEST(Report, NamesFoldedConsequences) {
  Finding cause = leak();
  Finding folded = leak();
  folded.fault = "accept-queue-overflow";
  folded.headline = "*:9502 is full";
  cause.explains = {folded};
  const std::string text = text_of(testing::small_observation(), {cause});
  EXPECT_NE(text.find("  also      accept-queue-overflow: *:9502 is full\n"), std::string::npos);
}

TEST(Report, TextOfAnotherProgramCannotForgeLinesOrColours) {
  Finding finding = leak();
  finding.headline = "evil\nCRITICAL  forged\x1b[31m (pid 1) holds 3 connections";
  const std::string text = text_of(testing::small_observation(), {finding});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\nCRITICAL  forged"), std::string::npos);
}

TEST(Verdict, IsTheWorstEvenWhenItIsFolded) {
  EXPECT_EQ(verdict({}), "ok");
  Finding note = leak();
  note.severity = Severity::notice;
  EXPECT_EQ(verdict(std::vector{note}), "ok");
  Finding folded = leak();
  folded.severity = Severity::warning;
  note.explains = {folded};
  EXPECT_EQ(verdict(std::vector{note}), "warning");
  EXPECT_EQ(verdict(std::vector{note, leak()}), "critical");
}

TEST(ReportJson, HasTheFieldsOfTheContract) {
  Finding finding = leak();
  finding.subject.listener = SocketAddress{testing::kAny, 9502};
  const auto json = json_of(testing::small_observation(), {finding});
  EXPECT_EQ(json.at("schema"), "tcpdx/1");
  EXPECT_EQ(json.at("host"), "web-1");
  EXPECT_EQ(json.at("at"), "2023-11-14T22:13:20.000000Z");  // date -u -d @1700000000
  EXPECT_EQ(json.at("duration_s"), 0.0);
  EXPECT_EQ(json.at("verdict"), "critical");
  const auto& first = json.at("findings").at(0);
  EXPECT_EQ(first.at("fault"), "close-wait-leak");
  EXPECT_EQ(first.at("severity"), "critical");
  EXPECT_EQ(first.at("confidence"), "confirmed");
  EXPECT_EQ(first.at("subject").at("pid"), 2210);
  EXPECT_EQ(first.at("subject").at("listener").at("port"), 9502);
  EXPECT_FALSE(first.at("subject").contains("remote"));
  EXPECT_EQ(first.at("evidence").at(0).at("value"), 4812);
  EXPECT_FALSE(first.at("evidence").at(1).contains("limit"));
  EXPECT_EQ(first.at("explains").size(), 0U);
  EXPECT_TRUE(json.at("not_seen").empty());
}

TEST(ReportJson, SurvivesBytesThatAreNoText) {
  Finding finding = leak();
  finding.subject.comm = "a\xff\xfe\n\"b";
  const auto json = json_of(testing::small_observation(), {finding});
  EXPECT_EQ(json.at("findings").at(0).at("subject").at("comm"), "a\uFFFD\uFFFD\n\"b");
}

// What only asking would settle is said in one line, and not once it was asked.
TEST(Report, SaysWhereAskingWouldTellMore) {
  Observation seen = testing::small_observation();
  Finding finding = leak();
  finding.gains_from_probing = true;
  constexpr std::string_view kLine = "its answers would tell more: tcpdx doctor --probe";
  EXPECT_EQ(text_of(seen, {finding}).find(kLine), std::string::npos) << "it is confirmed";
  finding.confidence = Confidence::likely;
  EXPECT_NE(text_of(seen, {finding}).find(kLine), std::string::npos);
  seen.probes = ProbeResults{};
  EXPECT_EQ(text_of(seen, {finding}).find(kLine), std::string::npos);
  EXPECT_NE(text_of(seen, {finding}).find("; nobody had to be asked"), std::string::npos);
}

TEST(Report, TellsInJsonWhatWasAnswered) {
  Observation seen = testing::small_observation();
  EXPECT_TRUE(json_of(seen, {})["probes"].is_null());
  ProbeResults& probes = seen.probes.emplace();
  ProbedHost& host = probes.hosts.emplace_back();
  host.address = ipv4(192, 0, 2, 7);
  host.echoes = 8;
  host.rtts = {20ms};
  host.sizes.largest = 1400;
  host.ways = {{.hops = {ipv4(192, 0, 2, 1), std::nullopt}, .reached = false}};
  probes.name_servers = {{.server = {.addr = ipv4(192, 0, 2, 53), .port = 53},
                          .answers = {{.tcp = true, .code = 2, .took = 1ms, .error = {}}, {}}}};
  const auto json = json_of(seen, {})["probes"];
  const auto& one = json["hosts"][0];
  EXPECT_EQ(one["rtts_us"], nlohmann::json::array({20'000}));
  EXPECT_EQ(one["largest"], 1400);
  EXPECT_TRUE(one["told_mtu"].is_null());
  EXPECT_EQ(one["ways"][0]["hops"], nlohmann::json::array({"192.0.2.1", nullptr}));
  EXPECT_FALSE(one.contains("arp"));
  const auto& server = json["name_servers"][0];
  EXPECT_EQ(server["server"]["port"], 53);
  EXPECT_EQ(server["answers"][0]["code"], 2);
  EXPECT_TRUE(server["answers"][1]["code"].is_null());
}

}  // namespace
}  // namespace tcpdx::view
