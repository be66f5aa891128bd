// Closing connections whose FIN is not acknowledged, held against all that close; shared by
// fin-wait1-stuck, last-ack-stuck and closing-stuck, and by those that hold resets against closes.
#pragma once

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

// Three repeats: about seven times the base RTO without an answer. One lost FIN is normal.
inline constexpr unsigned kFinRepeats = 3;
// A share needs a sample, and a few per cent of mobile clients vanish while closing.
inline constexpr uint64_t kLeastCloses = 20;
inline constexpr double kShareOfCloses = 0.05;

struct Closing {
  uint16_t netns = 0;
  Sockets silent;       // FIN repeated without answer
  Sockets not_reading;  // the peer answers, with a window of zero (persist timer)
  uint64_t closes = 0;  // in the window, the stuck ones included, as far as can be counted
  double share() const;
};

// Connections that ended by FIN within the window, as far as can be counted.
uint64_t closes_in_window(const Facts& facts, size_t netns);

// One per namespace that has sockets in `state` with repeated FINs.
std::vector<Closing> stuck_in(const Facts& facts, tcp::State state);

// suspected below the least sample, likely in a short look, else confirmed.
Confidence closing_confidence(const Facts& facts, const Closing& closing);

// "12 connections to 192.0.2.1" or "... to 31 hosts", for a headline.
std::string peers_of(const Facts& facts, const Sockets& sockets);

}  // namespace tcpdx::faults
