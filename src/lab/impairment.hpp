// What a bad path does to datagrams, on purpose and from a seed: it loses, doubles, delays them and
// lets some be overtaken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "tcp/packet.hpp"

namespace tcpdx::lab {

struct Impairment {
  double loss = 0;  // probabilities, of each datagram
  double duplication = 0;
  double reordering = 0;
  Duration delay{};          // of every datagram
  Duration held_back = 1ms;  // of one that others shall overtake, in addition
  uint64_t seed = 1;
};

// One direction of a path.
class Line {
 public:
  explicit Line(const Impairment& impairment = {});

  // Returns how many copies will come out: 0, 1 or 2.
  unsigned put(tcp::Time now, std::span<const std::byte> datagram);
  // Hands out what has come to its end, in the order of arrival there.
  void release(tcp::Time now, const std::function<void(std::span<const std::byte>)>& out);
  // When the next datagram comes out; nothing: none is under way.
  std::optional<tcp::Time> next() const;

 private:
  bool chance(double probability);

  Impairment impairment_;
  std::mt19937_64 random_;
  std::multimap<tcp::Time, std::vector<std::byte>> under_way_;
};

}  // namespace tcpdx::lab
