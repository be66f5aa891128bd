// For tests: two endpoints and a path between them with delay, and with losses that the test
// chooses. The simulated network in src/sim is the grown-up form; this one needs nothing but tcp.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tcp/endpoint.hpp"
#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {

class Pair {
 public:
  explicit Pair(Settings settings = {}, Duration delay = 10ms)
      : sides{Side(*this, 0, settings), Side(*this, 1, settings)}, delay_(delay) {}

  class Side final : public Sink {
   public:
    Side(Pair& pair, size_t index, const Settings& settings)
        : endpoint(settings, Secret{index + 1, 7}, *this), pair_(pair), index_(index) {}
    void send(const Packet& packet) override { pair_.carry(index_, segment_of(packet)); }
    void notify(ConnectionId /*id*/, Notice notice) override { notices.push_back(notice); }
    void acceptable(ListenerId /*id*/) override { ++acceptables; }
    void moved(ConnectionId /*id*/, State /*from*/, Event /*on*/, State to) override {
      path.push_back(to);
    }
    Endpoint endpoint;
    std::vector<Notice> notices;
    std::vector<State> path;
    int acceptables = 0;

   private:
    Pair& pair_;
    size_t index_;
  };

  // Whether the n-th segment (from 0) of a side gets through.
  std::function<bool(size_t side, size_t n, const Segment&)> passes;

  // Runs until nothing is under way and no timer is due before `until`.
  void run(Duration until) {
    for (;;) {
      Time next = Time::max();
      for (auto& side : sides) next = std::min(next, side.endpoint.next_deadline().value_or(next));
      if (!under_way_.empty()) next = std::min(next, under_way_.front().at);
      if (next > until) break;
      now = std::max(now, next);
      if (!under_way_.empty() && under_way_.front().at <= now) {
        const UnderWay arrived = std::move(under_way_.front());
        under_way_.pop_front();
        sides[arrived.to].endpoint.arrive(now, packet_of(arrived.segment));
      } else {
        for (auto& side : sides) side.endpoint.advance(now);
      }
    }
    now = until;
  }

  Time now{};
  std::array<Side, 2> sides;
  std::array<std::vector<Segment>, 2> sent;

 private:
  struct UnderWay {
    Time at{};
    size_t to = 0;
    Segment segment;
  };
  void carry(size_t from, Segment segment) {
    const size_t n = sent[from].size();
    sent[from].push_back(segment);
    if (passes && !passes(from, n, segment)) return;
    under_way_.push_back({now + delay_, 1 - from, std::move(segment)});
  }
  std::deque<UnderWay> under_way_;
  Duration delay_;
};

}  // namespace tcpdx::tcp
