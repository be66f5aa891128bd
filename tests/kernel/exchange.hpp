// Octets both ways over one connection, each compared with what belongs at its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernel/stage.hpp"

namespace tcpdx::kernel_test {

// The octets of a stream, from its first one on. The period is a prime, so that an octet at a
// wrong place of the stream differs from the right one.
class Pattern {
 public:
  static constexpr size_t kPeriod = 1'048'573;

  explicit Pattern(uint64_t seed);
  // What follows from `position` on, at most `size` octets and at most up to the period's end.
  std::span<const std::byte> at(uint64_t position, size_t size) const;
  bool matches(uint64_t position, std::span<const std::byte> octets) const;

 private:
  std::vector<std::byte> octets_;
};

// One direction.
struct Flow {
  uint64_t total = 0;
  uint64_t sent = 0;
  uint64_t received = 0;
  bool intact = true;

  bool done() const { return received == total; }
};

class Exchange {
 public:
  Exchange(uint64_t to_kernel, uint64_t to_us) : to_kernel_{to_kernel}, to_us_{to_us} {}

  // Whatever the programs of both ends can do now. They read only where they are told to.
  void kernel_sends(const Pair& pair);
  void kernel_reads(const Pair& pair);
  void we_send(Pair& pair, tcp::Endpoint& endpoint, tcp::Time now);
  void we_read(Pair& pair, tcp::Endpoint& endpoint, tcp::Time now);
  void all(Pair& pair, tcp::Endpoint& endpoint, tcp::Time now);

  bool done() const { return to_kernel_.done() && to_us_.done(); }
  bool intact() const { return to_kernel_.intact && to_us_.intact; }
  const Flow& to_kernel() const { return to_kernel_; }
  const Flow& to_us() const { return to_us_; }

 private:
  Flow to_kernel_;
  Flow to_us_;
};

}  // namespace tcpdx::kernel_test
