// What a bad path does to datagrams, on purpose and from a seed: it loses, doubles, delays them,
// lets some be overtaken, makes them wait for their turn and throws away what is too large.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
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
  // Datagrams that may wait for their turn, beside the one that is being sent.
  size_t queue_length = SIZE_MAX;
  size_t mtu = SIZE_MAX;   // longer ones are lost
  bool tells_mtu = false;  // by an ICMP error; only a Link has somebody who could send it
  uint64_t seed = 1;
};

// Datagrams, since the line was made or changed.
struct LineCounts {
  uint64_t put = 0;
  uint64_t lost = 0;        // by chance
  uint64_t overflowed = 0;  // the queue was full
  uint64_t too_large = 0;
  uint64_t doubled = 0;
  uint64_t held_back = 0;  // so that others overtake them; copies count, too
  uint64_t released = 0;
  uint64_t octets_released = 0;

  bool operator==(const LineCounts&) const = default;
};

// One direction of a path.
class Line {
 public:
  explicit Line(const Impairment& impairment = {});

  // From now on; what is under way stays so. Counts and draws begin anew.
  void change(const Impairment& impairment);
  const Impairment& impairment() const { return impairment_; }
  const LineCounts& counts() const { return counts_; }

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
  LineCounts counts_;
  std::deque<tcp::Time> leave_at_;  // of what waits for its turn or is being sent
  tcp::Time last_arrival_{};        // of datagrams that keep their order
  std::multimap<tcp::Time, std::vector<std::byte>> under_way_;
};

}  // namespace tcpdx::lab
