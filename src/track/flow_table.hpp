// From a connection's addresses to its record: a hash table of 8 octets per place, keyed so that
// nobody can prepare addresses that collide.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "base/pages.hpp"
#include "wire/decode.hpp"

namespace tcpdx::track {

// Which pool a number belongs to.
enum class Kind : uint8_t { none, record, half4, half6 };

struct Ref {
  uint32_t raw = 0;

  Ref() = default;
  Ref(Kind kind, uint32_t index) : raw(static_cast<uint32_t>(kind) << 30U | index) {}
  Kind kind() const { return static_cast<Kind>(raw >> 30U); }
  uint32_t index() const { return raw & 0x3fffffffU; }
  explicit operator bool() const { return raw != 0; }
  bool operator==(const Ref&) const = default;
};

class FlowTable {
 public:
  struct Place {
    uint32_t hash = 0;
    Ref ref;
  };

  FlowTable();

  // The same for both directions.
  uint32_t hash(const IpAddress& a, uint16_t a_port, const IpAddress& b, uint16_t b_port,
                uint32_t link) const;

  // The first place whose hash matches and of which same(ref) is true.
  template <class Same>
  Ref find(uint32_t hash, Same&& same) const {
    for (size_t at = hash & mask_; places_[at].ref; at = (at + 1) & mask_) {
      if (places_[at].hash == hash && same(places_[at].ref)) return places_[at].ref;
    }
    return {};
  }
  void insert(uint32_t hash, Ref ref);
  void replace(uint32_t hash, Ref old, Ref now);
  void erase(uint32_t hash, Ref ref);  // one that is not there is none

  void prefetch(uint32_t hash) const { __builtin_prefetch(&places_[hash & mask_]); }
  // What stands at the hash's own place or right behind it; for prefetching only.
  Ref guess(uint32_t hash) const {
    for (size_t at = hash & mask_; places_[at].ref; at = (at + 1) & mask_) {
      if (places_[at].hash == hash) return places_[at].ref;
    }
    return {};
  }
  size_t memory() const { return places_.size() * sizeof(Place); }

  // All places in use, in no order, and the memory where they stand. Afterwards the table is empty.
  struct Taken {
    Pages memory;
    std::span<Place> places;
  };
  Taken take_all();

 private:
  size_t place_of(uint32_t hash, Ref ref) const;
  void make(size_t places);
  void grow();

  Pages memory_;
  std::span<Place> places_;
  size_t mask_ = 0;
  size_t used_ = 0;
  std::array<uint64_t, 2> key_;
};

}  // namespace tcpdx::track
