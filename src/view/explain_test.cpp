// Explanations: every state and every field of a fault is told.
#include "view/explain.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "view/state_texts.hpp"

namespace tcpdx::view {
namespace {

constexpr std::array kStatesOfFault{tcp::State::close_wait};
constexpr std::array<LookAlike, 2> kLookAlikes{
    {{"a pool", "it does not grow"}, {"a passage", "milliseconds only"}}};
constexpr auto kCountersOfFault = std::to_array<std::string_view>({"TcpExt.ListenOverflows"});
constexpr FaultInfo kFault{.id = "close-wait-leak",
                           .title = "the program does not close",
                           .states = kStatesOfFault,
                           .signature = "many in CLOSE-WAIT",
                           .look_alikes = kLookAlikes,
                           .trigger = "older than 60 s",
                           .severity = "by share",
                           .remedy = "close it",
                           .avoid = "tcp_fin_timeout",
                           .silent_on = "half-close",
                           .counters = kCountersOfFault};
constexpr std::array kFaults{&kFault};

std::string state_text_of(tcp::State state, size_t width = 0) {
  std::ostringstream out;
  explain_state(out, {.colour = false, .width = width}, state, kFaults);
  return out.str();
}

TEST(Explain, TellsOfEachState) {
  for (const tcp::State state : tcp::kStates) {
    const StateText& text = view::state_text(state);
    EXPECT_EQ(text.state, state);
    for (const std::string_view part :
         {text.summary, text.who, text.waits, text.lasts, text.healthy, text.trouble}) {
      EXPECT_FALSE(part.empty()) << tcp::to_string(state);
      EXPECT_NE(state_text_of(state).find(part), std::string::npos);
    }
  }
}

// RFC 9293 Figure 5: CLOSE-WAIT is entered from ESTABLISHED on a FIN and left by CLOSE.
TEST(Explain, ShowsTheWaysIntoAndOutOfAState) {
  const std::string text = state_text_of(tcp::State::close_wait);
  EXPECT_NE(text.find("ESTABLISHED: "), std::string::npos) << text;
  EXPECT_NE(text.find("LAST-ACK: "), std::string::npos) << text;
}

TEST(Explain, NamesTheFaultsOfAState) {
  EXPECT_NE(state_text_of(tcp::State::close_wait).find("close-wait-leak"), std::string::npos);
  EXPECT_EQ(state_text_of(tcp::State::listen).find("close-wait-leak"), std::string::npos);
}

TEST(Explain, KeepsToTheWidth) {
  for (const tcp::State state : tcp::kStates) {
    std::istringstream lines(state_text_of(state, 72));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 72U) << line;
  }
}

std::string topic_text_of(const TopicText& topic, size_t width = 0) {
  std::ostringstream out;
  explain_topic(out, {.colour = false, .width = width}, topic, kFaults);
  return out.str();
}

TEST(Explain, TellsAllOfEachTopicWithinTheWidth) {
  for (const TopicText& topic : topics()) {
    const std::string text = topic_text_of(topic);
    EXPECT_TRUE(text.starts_with(topic.name)) << text;
    for (const TopicPart& part : topic.parts) {
      EXPECT_LE(part.label.size(), 9U) << part.label;
      EXPECT_NE(text.find(part.text), std::string::npos) << part.text;
    }
    for (const tcp::State state : topic.states) {
      EXPECT_NE(state_text_of(state).find(fmt::format("tcpdx explain {}", topic.name)),
                std::string::npos);
    }
    EXPECT_NE(text.find(topic.look), std::string::npos);
    std::istringstream lines(topic_text_of(topic, 80));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 80U) << line;
  }
}

TEST(Explain, FindsTopicsByTheirNames) {
  for (const std::string_view word : {"accept-queue", "ACCEPT_QUEUE", "accept queue", "backlog"}) {
    const TopicText* const topic = find_topic(word);
    ASSERT_NE(topic, nullptr) << word;
    EXPECT_EQ(topic->name, "accept-queue");
  }
  EXPECT_EQ(find_topic("time-wait"), nullptr);  // the state tells it
  EXPECT_EQ(find_topic(""), nullptr);
}

TEST(Explain, TellsAllOfAFault) {
  std::ostringstream out;
  explain_fault(out, {.colour = false, .width = 0}, kFault);
  for (const std::string_view part :
       {kFault.id, kFault.title, kFault.signature, kLookAlikes[0].what, kLookAlikes[1].decided_by,
        kFault.trigger, kFault.severity, kFault.remedy, kFault.avoid, kFault.silent_on,
        kFault.counters[0]}) {
    EXPECT_NE(out.str().find(part), std::string::npos) << part;
  }
}

std::string counter_text_of(const CounterSubject& counter, size_t width = 0) {
  std::ostringstream out;
  explain_counter(out, {.colour = false, .width = width}, counter, kFaults);
  return out.str();
}

TEST(Explain, TellsAllOfEachCounterWithinTheWidth) {
  for (const CounterText& text : counter_texts()) {
    const std::string told = counter_text_of({text.name, &text, 12345});
    EXPECT_TRUE(told.starts_with(text.name)) << told;
    for (const std::string_view part : {text.counts, text.not_this, text.where, text.advice}) {
      EXPECT_FALSE(part.empty()) << text.name;
      EXPECT_NE(told.find(part), std::string::npos) << text.name;
    }
    EXPECT_NE(told.find("12 345"), std::string::npos) << told;
    EXPECT_EQ(told.find("in this namespace") == std::string::npos, text.machine) << told;
    std::istringstream lines(counter_text_of({text.name, &text, std::nullopt}, 80));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 80U) << line;
  }
}

TEST(Explain, NamesTheFaultsThatAskForACounter) {
  const CounterText* const text = find_counter_text("listenoverflows");
  ASSERT_NE(text, nullptr);
  EXPECT_NE(counter_text_of({text->name, text, 0}).find("close-wait-leak"), std::string::npos);
  const CounterText* const other = find_counter_text("ListenDrops");
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(counter_text_of({other->name, other, 0}).find("close-wait-leak"), std::string::npos);
}

TEST(Explain, SaysWhereItHasNoText) {
  const std::string told = counter_text_of({"TcpExt.Something", nullptr, std::nullopt});
  EXPECT_NE(told.find("no text"), std::string::npos) << told;
  EXPECT_NE(told.find("not known"), std::string::npos) << told;
}

TEST(CounterTexts, AreFoundInAnyCaseWithOrWithoutGroup) {
  for (const std::string_view word :
       {"TcpExt.ListenOverflows", "ListenOverflows", "LISTENOVERFLOWS", "tcpext.listenoverflows"}) {
    ASSERT_NE(find_counter_text(word), nullptr) << word;
    EXPECT_EQ(find_counter_text(word)->name, "TcpExt.ListenOverflows");
  }
  EXPECT_EQ(find_counter_text("TW")->name, "TcpExt.TW");
  EXPECT_EQ(find_counter_text("tw")->name, "sockstat.TCP.tw");
  EXPECT_EQ(find_counter_text("inuse"), nullptr) << "several have it";
  EXPECT_EQ(find_counter_text("Overflows"), nullptr) << "a part of a name is no name";
  EXPECT_EQ(find_counter_text(""), nullptr);
}

TEST(CounterTexts, EachIsThereOnce) {
  for (const CounterText& text : counter_texts()) {
    EXPECT_EQ(std::ranges::count(counter_texts(), text.name, &CounterText::name), 1) << text.name;
    EXPECT_FALSE(counter_group(text.name).empty()) << text.name;
  }
  EXPECT_EQ(counter_group("sockstat.TCP.tw"), "sockstat.TCP");
  EXPECT_EQ(counter_group("Ip6OutNoRoutes"), "Ip6");
}

TEST(ExplainJson, HasNamesOfStatesAndFaults) {
  std::ostringstream out;
  list_explained_json(out, kFaults);
  const auto list = nlohmann::json::parse(out.str());
  EXPECT_EQ(list.at("states").size(), 11U);
  EXPECT_EQ(list.at("topics").size(), topics().size());
  EXPECT_EQ(list.at("faults").at(0).at("name"), "close-wait-leak");
  EXPECT_EQ(list.at("counters").size(), counter_texts().size());

  std::ostringstream one;
  explain_state_json(one, tcp::State::close_wait, kFaults);
  const auto state = nlohmann::json::parse(one.str());
  EXPECT_EQ(state.at("name"), "CLOSE-WAIT");
  EXPECT_EQ(state.at("faults"), nlohmann::json{"close-wait-leak"});
  EXPECT_FALSE(state.at("ways_in").empty());
}

TEST(ExplainJson, TellsACounter) {
  std::ostringstream out;
  const CounterText* const text = find_counter_text("ListenOverflows");
  explain_counter_json(out, {text->name, text, 7}, kFaults);
  const auto counter = nlohmann::json::parse(out.str());
  EXPECT_EQ(counter.at("name"), "TcpExt.ListenOverflows");
  EXPECT_EQ(counter.at("group"), "TcpExt");
  EXPECT_EQ(counter.at("scope"), "namespace");
  EXPECT_EQ(counter.at("value"), 7);
  EXPECT_EQ(counter.at("faults"), nlohmann::json{"close-wait-leak"});
  out.str("");
  explain_counter_json(out, {"Udp.InErrors", nullptr, std::nullopt}, kFaults);
  const auto bare = nlohmann::json::parse(out.str());
  EXPECT_TRUE(bare.at("counts").is_null());
  EXPECT_TRUE(bare.at("value").is_null());
}

}  // namespace
}  // namespace tcpdx::view
