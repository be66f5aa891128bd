// Every way of a connection between two Linux hosts, captured at both and in between. A capture at
// an end must tell the states that the kernel had there.
//
// TCPDX_TRACK_KEEP=FOLDER keeps the captures; TCPDX_TRACK_AT_ONCE=N (at most 60) has so many
// connections of each kind side by side.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "track_kernel/judge.hpp"
#include "track_kernel/plays.hpp"

namespace tcpdx::track_kernel {
namespace {

using tcp::State;

enum class Loss : uint8_t { none, between, in_hosts };
constexpr int kLossPercent = 5;
constexpr double kShareRight = 0.995;
constexpr int kMostTakes = 3;

std::string_view name_of(Loss loss) {
  switch (loss) {
    case Loss::none: return "quiet";
    case Loss::between: return "loss";
    case Loss::in_hosts: return "loss_in_hosts";
  }
  return {};
}

// What all plays of one test left.
struct Recorded {
  std::array<std::vector<Seen>, 3> seen;  // by Host
  std::vector<std::pair<Ends, std::vector<Moment>>> clients;
  std::vector<std::pair<Ends, std::vector<Moment>>> servers;
  std::vector<std::string> holes;  // in the kernel's record
};

void save_all(const Recorded& recorded, const std::string& name) {
  const char* folder = std::getenv("TCPDX_TRACK_KEEP");
  if (folder == nullptr) return;
  for (const auto& [host, word] :
       {std::pair{Host::client, "client"}, {Host::router, "router"}, {Host::server, "server"}}) {
    save(fmt::format("{}/{}_{}.pcap", folder, name, word),
         recorded.seen[static_cast<size_t>(host)]);
  }
}

class TrackKernel : public ::testing::TestWithParam<std::tuple<size_t, Loss>> {
 protected:
  static const Play& play() {
    static const std::vector<Play> plays = all_plays();
    return plays[std::get<0>(GetParam())];
  }
  static int at_once() {
    const char* wanted = std::getenv("TCPDX_TRACK_AT_ONCE");
    return wanted == nullptr ? play().at_once : std::clamp(std::atoi(wanted), 1, 60);
  }
  static Loss loss() { return std::get<1>(GetParam()); }

  void record(Recorded& into) {
    auto road = Road::build();
    ASSERT_TRUE(road) << road.error().sentence;
    if (loss() == Loss::between) road->lose(kLossPercent);
    if (loss() == Loss::in_hosts) road->lose_in_hosts(kLossPercent);
    if (play().before != nullptr) play().before(*road);
    auto watch = Watch::start(*road);
    ASSERT_TRUE(watch) << watch.error().sentence;
    std::array<Tap, 3> taps{Tap(*road, Host::client), Tap(*road, Host::router),
                            Tap(*road, Host::server)};
    // The kernel begins to stamp packets a while after it was asked to.
    std::this_thread::sleep_for(300ms);
    std::vector<Scene> scenes;
    for (int i = 0; i < at_once(); ++i) {
      scenes.emplace_back(*road, **watch, static_cast<uint16_t>(i));
    }
    act(*road, scenes);
    // What was lost comes again; those who still wait then are compared as they are.
    for (int i = 0; i < (loss() == Loss::none ? 4 : 30); ++i) {
      std::this_thread::sleep_for(100ms);
    }
    (*watch)->stop();
    for (size_t i = 0; i < taps.size(); ++i) {
      into.seen[i] = taps[i].stop();
      EXPECT_EQ(taps[i].dropped(), 0U) << "packets were not captured";
    }
    into.holes = (*watch)->holes();
    for (const Ends& ends : (*watch)->followed()) {
      const bool client = ends.local.addr == road->client();
      (client ? into.clients : into.servers).emplace_back(ends, (*watch)->states(ends));
    }
  }

  // A record with a hole is no truth: the play is given again.
  Recorded record_whole() {
    Recorded recorded;
    for (int left = kMostTakes; left > 0; --left) {
      recorded = {};
      record(recorded);
      if (HasFatalFailure() || recorded.holes.empty()) break;
      fmt::print("the kernel's record has holes: {}\n", fmt::join(recorded.holes, "; "));
    }
    return recorded;
  }

  Score score_at(const Recorded& recorded, Host host, Vantage vantage) {
    Score score;
    const Tracked tracked = track(recorded.seen[static_cast<size_t>(host)], vantage);
    if (host != Host::server) {
      for (const auto& [ends, truth] : recorded.clients) {
        score += compare(tracked, ends, truth);
      }
    }
    if (host != Host::client) {
      for (const auto& [ends, truth] : recorded.servers) {
        score += compare(tracked, ends, truth);
      }
    }
    return score;
  }

 private:
  static void act(const Road& road, std::vector<Scene>& scenes) {
    std::vector<std::jthread> threads;
    for (Scene& scene : scenes) threads.emplace_back([&scene] { play().act(scene); });
    if (play().during != nullptr) play().during(road);
  }
};

std::string all_of(const std::vector<std::string>& texts) {
  std::string all = "the kernel's states beside the tracked ones\n";
  for (const std::string& text : texts) all += text;
  return all;
}

TEST_P(TrackKernel, the_kernels_states_are_told) {
  const Recorded recorded = record_whole();
  if (HasFatalFailure()) return;
  ASSERT_TRUE(recorded.holes.empty()) << "no record of the kernel's states without holes";
  Score ends;
  // Where hosts drop after the capture, it is as if it had been taken in the middle.
  const bool passed_means_arrived = loss() != Loss::in_hosts;
  for (const auto& [host, vantage] : {std::pair{Host::client, Vantage::originator},
                                      {Host::client, Vantage::unknown},
                                      {Host::server, Vantage::responder},
                                      {Host::server, Vantage::unknown}}) {
    if (!passed_means_arrived) continue;
    const Score score = score_at(recorded, host, vantage);
    EXPECT_TRUE(score.wrong.empty()) << "at the " << device_of(host) << ", " << to_string(vantage)
                                     << ": " << all_of(score.wrong);
    ends += score;
  }
  if (passed_means_arrived) {
    EXPECT_GT(ends.changes, 0U);
    EXPECT_GE(static_cast<double>(ends.right), static_cast<double>(ends.changes) * kShareRight)
        << all_of(ends.differences);
  }
  for (const Host host : kHosts) {
    const Score score = score_at(recorded, host, Vantage::middle);
    EXPECT_TRUE(score.wrong.empty()) << "in the middle: " << all_of(score.wrong);
  }
  save_all(recorded, fmt::format("{}_{}", play().name, name_of(loss())));
  fmt::print("{} changes, {} right, {} proofs, {} ends undecidable\n", ends.changes, ends.right,
             ends.proofs, ends.undecidable);
}

INSTANTIATE_TEST_SUITE_P(plays, TrackKernel,
                         ::testing::Combine(::testing::Range<size_t>(0, all_plays().size()),
                                            ::testing::Values(Loss::none, Loss::between,
                                                              Loss::in_hosts)),
                         [](const auto& test) {
                           return fmt::format("{}_{}", all_plays()[std::get<0>(test.param)].name,
                                              name_of(std::get<1>(test.param)));
                         });

}  // namespace
}  // namespace tcpdx::track_kernel
