// What a bad path does to datagrams, on purpose and from a seed: it loses, doubles, delays them,
// lets some be overtaken, makes them wait for their turn and throws away what is too large.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "lab/chance.hpp"
#include "tcp/packet.hpp"

namespace tcpdx::lab {

struct Impairment {
  double loss = 0;  // probabilities, of each datagram
  double duplication = 0;
  double reordering = 0;
  Duration delay{};          // of every datagram
  Duration jitter{};         // up to this much is added to the delay; the order stays
  Duration held_back = 1ms;  // of one that others shall overtake, in addition
  uint64_t rate = 0;         // octets a second; 0: no limit
  size_t queue = 100'000;    // octets that may wait for their turn; one more is lost
  size_t mtu = SIZE_MAX;     // longer ones are lost without a word
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
  std::optional<tcp::Time> leaves_queue(tcp::Time now, size_t octets);

  Impairment impairment_;
  Chance chance_;
  tcp::Time free_at_{};       // when what waits for its turn has left
  tcp::Time last_arrival_{};  // of datagrams that keep their order
  std::multimap<tcp::Time, std::vector<std::byte>> under_way_;
};

}  // namespace tcpdx::lab
