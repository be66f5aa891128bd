// The payload keeps every member, and refuses whatever would lead a rule or a view astray.
#include "store/payload.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <utility>

#include "store/archive.hpp"
#include "store/test_observation.hpp"

namespace tcpdx::store {
namespace {

std::string error_of(std::span<const char> payload) {
  const auto observation = read_payload(payload, kSnapshotVersion);
  return observation ? "" : observation.error().sentence;
}

void expect_tables_kept(const Observation& wanted, const Observation& got) {
  EXPECT_EQ(got.host, wanted.host);
  EXPECT_EQ(got.kernel, wanted.kernel);
  EXPECT_EQ(got.at, wanted.at);
  EXPECT_EQ(got.window, 5s);
  ASSERT_EQ(got.namespaces.size(), 2U);
  EXPECT_TRUE(got.namespaces[0].ours);
  EXPECT_EQ(got.namespaces[1].name, "blue");
  EXPECT_EQ(got.namespaces[0].sysctls.all(), wanted.namespaces[0].sysctls.all());
  ASSERT_EQ(got.processes.size(), 3U);
  EXPECT_EQ(got.processes[1].comm, wanted.processes[1].comm);
  EXPECT_EQ(got.processes[0].age, 3h + 12min);
  EXPECT_EQ(got.processes[0].fd_limit, 8192U);
  EXPECT_EQ(got.processes[2].fds, std::nullopt);
  EXPECT_EQ(got.congestion_names, wanted.congestion_names);
  EXPECT_EQ(got.sources, wanted.sources);
  ASSERT_EQ(got.missing.size(), 1U);
  EXPECT_EQ(got.missing[0].needs, "CAP_SYS_PTRACE");
  ASSERT_EQ(got.softnet.size(), 2U);
  EXPECT_EQ(got.softnet[1].processed, ~uint64_t{0});
  ASSERT_EQ(got.routes.size(), 2U);
  EXPECT_EQ(got.routes[0].error, 113);
  EXPECT_EQ(got.routes[0].gateway, wanted.routes[0].gateway);
  EXPECT_EQ(got.routes[0].neighbour, NeighbourState::none);
  EXPECT_EQ(got.routes[1].gateway, std::nullopt);
}

void expect_look_kept(const Look& wanted, const Look& got) {
  EXPECT_EQ(got.at, wanted.at);
  ASSERT_EQ(got.sockets.size(), 3U);
  const Socket& shared = got.sockets[1];
  EXPECT_EQ(shared.local, endpoint4(1, 9502));
  EXPECT_EQ(shared.remote, endpoint4(255, 65'535));
  EXPECT_EQ(shared.cookie, ~uint64_t{0} - 1);
  EXPECT_EQ(shared.mark, 0xFFFF'FFFF);
  EXPECT_EQ(shared.timer.kind, TimerKind::persist);
  EXPECT_EQ(shared.timer.retransmits, 255);
  EXPECT_EQ(shared.state, tcp::State::close_wait);
  EXPECT_EQ(shared.shutdown, 1);
  EXPECT_EQ(got.sockets[0].info, kNoIndex);
  EXPECT_EQ(got.sockets[2].first_owner, kNoIndex);
  ASSERT_EQ(got.infos.size(), 2U);
  EXPECT_EQ(got.infos[0].backoff, 200);
  EXPECT_EQ(got.infos[0].delivery_rate, ~uint64_t{0});
  EXPECT_EQ(got.infos[0].drops, 7U);
  ASSERT_EQ(got.owners.size(), 3U);
  EXPECT_EQ(got.owners[2].fd, -1);
}

TEST(Payload, KeepsARichObservation) {
  const Observation wanted = rich_observation();
  const std::vector<char> payload = write_payload(wanted);
  const auto got = read_payload(payload, kSnapshotVersion);
  ASSERT_TRUE(got) << got.error().sentence;
  expect_tables_kept(wanted, *got);
  ASSERT_EQ(got->looks.size(), 2U);
  expect_look_kept(wanted.looks[1], got->looks[1]);
  ASSERT_EQ(got->samples.size(), 3U);
  EXPECT_EQ(got->samples[1].at, 2500ms);
  ASSERT_EQ(got->samples[1].listeners.size(), 2U);
  EXPECT_EQ(got->samples[1].listeners[0].drops, 0U);
  EXPECT_EQ(got->samples[1].listeners[1].drops, std::nullopt);
  EXPECT_EQ(got->samples[2].counters[0].get("TcpExt.ListenOverflows"), 12'345'678'901U);
  EXPECT_EQ(got->samples[2].counters[1].get("TcpExt.ListenOverflows"), std::nullopt);
  // Whatever was not looked at above: written again, every byte is the same.
  EXPECT_EQ(write_payload(*got), payload);
}

TEST(Payload, KeepsAnEmptyObservation) {
  const std::vector<char> payload = write_payload(empty_observation());
  const auto got = read_payload(payload, kSnapshotVersion);
  ASSERT_TRUE(got) << got.error().sentence;
  EXPECT_EQ(got->looks.size(), 1U);
  EXPECT_TRUE(got->now().sockets.empty());
  EXPECT_EQ(got->congestion_names, std::vector<std::string>{""});
  EXPECT_EQ(write_payload(*got), payload);
}

// What an error says, and what must be spoilt for it.
using Unsound = std::pair<const char*, void (*)(Observation&)>;

TEST(Payload, RefusesWhatPointsOutsideItsTables) {
  const Unsound cases[] = {
      {"one look or two", [](Observation& o) { o.looks.clear(); }},
      {"one look or two",
       [](Observation& o) {
         o.looks.emplace_back();
         o.looks.emplace_back();
       }},
      {"times run backwards", [](Observation& o) { o.looks[1].at = -1s; }},
      {"times run backwards", [](Observation& o) { o.samples[0].at = 3s; }},
      {"times run backwards", [](Observation& o) { o.window = -1us; }},
      {"time is out of range", [](Observation& o) { o.window = Duration::max(); }},
      {"time is out of range", [](Observation& o) { o.at = WallTime(Duration::min()); }},
      {"socket's namespace", [](Observation& o) { o.looks[0].sockets[2].netns = 2; }},
      {"congestion control", [](Observation& o) { o.looks[0].sockets[2].congestion = 3; }},
      {"TCP_INFO", [](Observation& o) { o.looks[1].sockets[0].info = 2; }},
      {"socket's owners", [](Observation& o) { o.looks[1].sockets[1].first_owner = 2; }},
      {"socket's owners", [](Observation& o) { o.looks[1].sockets[1].first_owner = kNoIndex; }},
      {"socket's owners", [](Observation& o) { o.looks[1].sockets[1].owner_count = 65'535; }},
      {"owner's process", [](Observation& o) { o.looks[0].owners[0].process = 3; }},
      {"owners are not in order", [](Observation& o) { o.looks[0].owners[0].inode = 99; }},
      {"listener's namespace", [](Observation& o) { o.samples[2].listeners[0].netns = 2; }},
      {"lacks a namespace", [](Observation& o) { o.samples[2].counters.pop_back(); }},
      {"route's namespace", [](Observation& o) { o.routes[0].netns = 2; }},
      {"event's namespace", [](Observation& o) { o.events.connects[0].netns = 2; }},
      {"event's process", [](Observation& o) { o.events.connects[1].process = 3; }},
      {"firewall's namespace", [](Observation& o) { o.closer.firewall[0].netns = 2; }},
      {"hidden port's namespace", [](Observation& o) { o.closer.hidden->at(0).netns = 2; }},
      {"neighbour's namespace", [](Observation& o) { o.neighbour_moves[0].netns = 2; }},
      {"probed host's namespace", [](Observation& o) { o.probes->hosts[0].netns = 2; }},
      {"answered more than", [](Observation& o) { o.probes->hosts[0].echoes = 2; }},
      {"not one of those",
       [](Observation& o) { o.processes[0].program.file = std::bit_cast<ExeFile>(uint8_t{5}); }},
      {"not in order",
       [](Observation& o) {
         o.samples[0].counters[1].set("B", 1);
         o.samples[0].counters[1].set("A", 1);
       }},
      {"not one of those",
       [](Observation& o) { o.routes[0].neighbour = std::bit_cast<NeighbourState>(uint8_t{9}); }},
      {"not one of those",
       [](Observation& o) {
         o.looks[0].sockets[0].state = std::bit_cast<tcp::State>(uint8_t{11});
       }},
      {"not one of those",
       [](Observation& o) {
         o.looks[0].sockets[0].timer.kind = std::bit_cast<TimerKind>(uint8_t{5});
       }},
  };
  for (const auto& [sentence, spoil] : cases) {
    Observation observation = rich_observation();
    spoil(observation);
    const std::string error = error_of(write_payload(observation));
    EXPECT_NE(error.find("its content is inconsistent: "), std::string::npos) << sentence;
    EXPECT_NE(error.find(sentence), std::string::npos) << error;
  }
}

TEST(Payload, RefusesEveryTruncationAndAnythingBehindIt) {
  std::vector<char> payload = write_payload(rich_observation());
  for (size_t size = 0; size < payload.size(); ++size) {
    EXPECT_NE(error_of(std::span(payload).first(size)), "") << size;
  }
  payload.push_back(0);
  EXPECT_NE(error_of(payload).find("something follows"), std::string::npos);
}

TEST(Payload, RefusesForgedCountsBeforeItAsksForMemory) {
  // Empty host and kernel, time 0, window 0, then 2^62 namespaces.
  std::vector<char> payload{0, 0, 0, 0};
  for (int i = 0; i < 8; ++i) payload.push_back('\x80');
  payload.push_back('\x40');
  EXPECT_NE(error_of(payload).find("a count is larger"), std::string::npos);
  // A host's name that is one byte longer than everything that follows.
  EXPECT_NE(error_of(std::vector<char>{4, 'a', 'b', 'c'}).find("a count is larger"),
            std::string::npos);
  // Eleven bytes of a number, and one of ten bytes that needs 65 bits.
  std::vector<char> endless(11, '\x80');
  EXPECT_NE(error_of(endless).find("a number is too large"), std::string::npos);
  endless.assign(9, '\xFF');
  endless.push_back(2);
  EXPECT_NE(error_of(endless).find("a number is too large"), std::string::npos);
}

}  // namespace
}  // namespace tcpdx::store
