// Exit codes and messages of the command line, without a look at the machine.
#include "cli/cli.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "cli/exit_code.hpp"
#include "cli/suggest.hpp"
#include "faults/catalogue.hpp"
#include "tcp/state.hpp"
#include "view/counter_texts.hpp"
#include "view/topic_texts.hpp"

namespace tcpdx::cli {
namespace {

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome outcome_of(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  Io io{.out = out, .err = err};
  const int code = run(arguments, io);
  return {code, out.str(), err.str()};
}

struct BadUsage {
  std::vector<std::string> arguments;
  std::string_view named;  // in the message
};

TEST(Usage, WrongWordsExit64WithAMessageThatNamesThem) {
  const BadUsage kCases[] = {
      {{"doktor"}, "doctor"},
      {{"--frobnicate"}, "frobnicate"},
      {{"--for", "soon"}, "soon"},
      {{"doctor", "--for"}, "--for"},
      {{"doctor", "stray"}, "stray"},
      {{"doctor", "--fail-on", "sneeze"}, "sneeze"},
      {{"doctor", "--read", "a", "--save", "b"}, "--read"},
      {{"doctor", "--color", "pink"}, "pink"},
      {{"capture", "--count", "-1"}, "-1"},
      {{"ping", "-c", "-1", "localhost"}, "-1"},
      {{"read", "--limit", "-3", "a"}, "-3"},
      {{"show", "a", "-1"}, "-1"},
      {{"sim", "--seed", "-1"}, "-1"},
      {{"connect", "::1"}, "[::1]:PORT"},
      {{"sockets", "--columns", "local,colour"}, "colour"},
      {{"sockets", "--columns", "local", "--json"}, "--json"},
      {{"sockets", "--sort", "-colour"}, "colour"},
      {{"sockets", "prot", "80"}, "prot"},
      {{"sockets", "udp port 53"}, "udp"},
      {{"sockets", "--no-owners", "pid", "7"}, "pid 7"},
      {{"sockets", "--no-owners", "--columns", "comm"}, "--no-owners"},
      {{"states", "--by", "colour"}, "colour"},
      {{"states", "--watch=soon"}, "soon"},
      {{"states", "--watch=1ms"}, "--watch"},
      {{"explain", "close-wiat-leak"}, "close-wait-leak"},
      {{"explain", "ESTABLISHT"}, "ESTABLISHED"},
      {{"listen", "--for", "soon"}, "soon"},
      {{"listen", "prot", "80"}, "prot"},
      {{"listen", "port 80", "--learn", "/nonexistent/file"}, "leave the filter out"},
      {{"listen", "port 80", "--baseline", "/nonexistent/file"}, "leave the filter out"},
      {{"explain", ""}, "no state"},
      {{"explain", "accept-qeue"}, "accept-queue"},
      {{"explain", "LisenOverflows"}, "ListenOverflows"},
      {{"rates", "--interval", "soon"}, "soon"},
      {{"rates", "--interval", "1ms"}, "100ms"},
      {{"rates", "--count", "0"}, "--count"},
      {{"rates", "--columns", "sock,colour"}, "colour"},
      {{"rates", "--columns", "sock", "--sar"}, "--columns"},
      {{"rates", "--json", "--all"}, "--json"},
      {{"rates", "stray"}, "stray"},
      {{"diagram", "--format", "pgn"}, "formats are text, dot, svg, mermaid"},
      {{"diagram", "--path", "clinet"}, "client"},
      {{"diagram", "--path", ""}, "--path"},
      {{"diagram", "--json", "--format", "dot"}, "--json"},
      {{"read"}, "read FILE... [FILTER]"},
      {{"read", "port 80"}, "needs a capture file"},
      {{"read", "--", "port", "80"}, "needs a capture file"},
      {{"read", "-", "prot", "80"}, "there is no file 'prot'"},
      {{"read", "-", "--", "prot", "80"}, "'prot'"},
      {{"read", "-", "comm", "nginx"}, "packets cannot answer 'comm'"},
      {{"read", "-", "--sort", "colour"}, "colour"},
      {{"read", "-", "--format", "xml"}, "xml"},
      {{"read", "-", "--json", "--summary"}, "--json"},
      {{"read", "-", "--memory", "much"}, "much"},
      {{"read", "-", "--vantage", "moon"}, "moon"},
  };
  for (const auto& [arguments, named] : kCases) {
    const Outcome outcome = outcome_of(arguments);
    EXPECT_EQ(outcome.code, 64) << arguments.front() << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(named), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(Usage, AForgedWordCannotBreakTheMessage) {
  EXPECT_EQ(outcome_of({"do\x1b[2Jctor"}).err.find('\x1b'), std::string::npos);
  EXPECT_EQ(outcome_of({"explain", "a\x1b[2J"}).err.find('\x1b'), std::string::npos);
  EXPECT_EQ(outcome_of({"doctor", "--color", "a\x1b[2J"}).err.find('\x1b'), std::string::npos);
}

TEST(Usage, HelpAndVersionGoToStandardOutput) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"-h"},
                                                    {"--version"},
                                                    {"doctor", "--help"},
                                                    {"states", "--help"},
                                                    {"sockets", "--help"},
                                                    {"listen", "--help"},
                                                    {"explain", "--help"},
                                                    {"rates", "--help"},
                                                    {"diagram", "--help"},
                                                    {"read", "--help"}}) {
    const Outcome outcome = outcome_of(arguments);
    EXPECT_EQ(outcome.code, 0) << arguments.front();
    EXPECT_NE(outcome.out, "");
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Doctor, AFileThatIsNoSnapshotExits3) {
  const Outcome missing = outcome_of({"doctor", "--read", "/nonexistent/look"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_NE(missing.err.find("/nonexistent/look"), std::string::npos);
  const Outcome other = outcome_of({"--read", TCPDX_SOURCE_DIR "/CMakeLists.txt", "--for", "9s"});
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.err.find("--for has no effect"), std::string::npos);
}

TEST(Read, AFileThatIsNotThereOrNoCaptureExits3) {
  const Outcome missing = outcome_of({"read", "/nonexistent/file.pcap", "--json"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_EQ(missing.out, "");
  EXPECT_NE(missing.err.find("/nonexistent/file.pcap"), std::string::npos);
  const Outcome other = outcome_of({"read", TCPDX_SOURCE_DIR "/CMakeLists.txt"});
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.err.find("CMakeLists.txt"), std::string::npos);
}

TEST(Explain, ReadsStatesInAnyUsualSpelling) {
  for (const std::string word : {"close-wait", "CLOSE_WAIT", "CloseWait"}) {
    const Outcome outcome = outcome_of({"explain", word});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(outcome.out.starts_with("CLOSE-WAIT")) << outcome.out;
    EXPECT_NE(outcome.out.find("close-wait-leak"), std::string::npos);
  }
}

TEST(Explain, ListsStatesAndFaultsAndTellsOfEach) {
  const Outcome list = outcome_of({"explain"});
  EXPECT_EQ(list.code, 0);
  for (const tcp::State state : tcp::kStates) {
    EXPECT_NE(list.out.find(tcp::to_string(state)), std::string::npos);
  }
  EXPECT_EQ(outcome_of({"explain", "syn-flood"}).code, 0);
}

// "close" is a topic although netstat calls CLOSED so; TIME-WAIT is a state although it is a topic.
TEST(Explain, TellsOfTopicsAndNamesOnlyFaultsThatExist) {
  for (const view::TopicText& topic : view::topics()) {
    const Outcome outcome = outcome_of({"explain", std::string(topic.name)});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(outcome.out.starts_with(topic.name)) << outcome.out;
    for (const std::string_view fault : topic.faults) {
      EXPECT_NE(faults::find_fault(fault), nullptr) << fault;
    }
  }
  EXPECT_TRUE(outcome_of({"explain", "time-wait"}).out.starts_with("TIME-WAIT"));
  EXPECT_TRUE(outcome_of({"explain", "TCP_CLOSE"}).out.starts_with("CLOSED"));
}

TEST(Diagram, IsWrittenInEachFormat) {
  EXPECT_NE(outcome_of({"diagram"}).out.find("│   CLOSED   ├"), std::string::npos);
  EXPECT_NE(outcome_of({"diagram", "--format", "dot"}).out.find("digraph"), std::string::npos);
  EXPECT_TRUE(outcome_of({"diagram", "--format", "svg"}).out.starts_with("<svg"));
  EXPECT_TRUE(outcome_of({"diagram", "--format", "mermaid"}).out.starts_with("stateDiagram-v2"));
  EXPECT_NE(outcome_of({"diagram", "--path", "Close_Wait"}).out.find("into CLOSE-WAIT"),
            std::string::npos);
}

TEST(Suggest, FindsWhatWasMeant) {
  const std::vector<std::string_view> known{"CLOSE-WAIT", "close-wait-leak", "CLOSING", "LISTEN"};
  EXPECT_EQ(near_matches("clsoe-wait", known).front(), "CLOSE-WAIT");
  EXPECT_EQ(near_matches("leak", known), std::vector<std::string_view>{"close-wait-leak"});
  EXPECT_TRUE(near_matches("banana", known).empty());
  EXPECT_EQ(did_you_mean("banana", known), "");
}

TEST(Rates, AnUnknownNamespaceExits3) {
  const Outcome outcome = outcome_of({"rates", "--netns", "no\x1bsuch"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("no network namespace 'no\\x1bsuch'"), std::string::npos)
      << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST(Rates, CountEndsIt) {
  const Outcome outcome = outcome_of({"rates", "--count", "2", "--interval", "100ms", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_GE(std::ranges::count(outcome.out, '\n'), 2) << outcome.out;
}

// Whoever adds a fault adds the texts of the counters that it asks for (view/counter_texts.cpp).
TEST(Explain, TellsEveryCounterThatAFaultAsksFor) {
  for (const faults::Fault& fault : faults::catalogue()) {
    for (const std::string_view counter : fault.info->counters) {
      EXPECT_NE(view::find_counter_text(counter), nullptr) << fault.info->id << ": " << counter;
      const Outcome outcome = outcome_of({"explain", std::string(counter)});
      EXPECT_NE(outcome.out.find(fault.info->id), std::string::npos) << outcome.out;
    }
  }
}

}  // namespace
}  // namespace tcpdx::cli
