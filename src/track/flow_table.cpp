#include "track/flow_table.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <random>

#include "base/mix.hpp"

namespace tcpdx::track {
namespace {

constexpr size_t kFirstPlaces = 1024;

}  // namespace

FlowTable::FlowTable() : key_{} {
  make(kFirstPlaces);
  std::random_device random;
  for (uint64_t& word : key_) word = (uint64_t{random()} << 32U | random()) | 1U;
}

uint32_t FlowTable::hash(const IpAddress& a, uint16_t a_port, const IpAddress& b, uint16_t b_port,
                         uint32_t link) const {
  const auto end = [this](const IpAddress& address, uint16_t port) {
    const auto words = std::bit_cast<IpAddress::Words>(address.bytes);
    return mixed(words[0] ^ key_[0], (words[1] + port * 0x9e3779b97f4a7c15U) ^ key_[1]);
  };
  const uint64_t one = end(a, a_port);
  const uint64_t two = end(b, b_port);
  const uint64_t both = mixed((one + two) ^ key_[1], (one ^ two) + link + key_[0]);
  return static_cast<uint32_t>(both ^ both >> 32U);
}

void FlowTable::insert(uint32_t hash, Ref ref) {
  if ((used_ + 1) * 4 > places_.size() * 3) grow();
  size_t at = hash & mask_;
  while (places_[at].ref) at = (at + 1) & mask_;
  places_[at] = {hash, ref};
  ++used_;
}

size_t FlowTable::place_of(uint32_t hash, Ref ref) const {
  size_t at = hash & mask_;
  while (places_[at].ref && !(places_[at].ref == ref)) at = (at + 1) & mask_;
  return at;
}

void FlowTable::replace(uint32_t hash, Ref old, Ref now) { places_[place_of(hash, old)].ref = now; }

// Moves later places of the same run forward, so that no gap cuts a search short.
void FlowTable::erase(uint32_t hash, Ref ref) {
  size_t gap = place_of(hash, ref);
  if (!places_[gap].ref) return;
  for (size_t at = (gap + 1) & mask_; places_[at].ref; at = (at + 1) & mask_) {
    const size_t home = places_[at].hash & mask_;
    if (((at - home) & mask_) < ((at - gap) & mask_)) continue;
    places_[gap] = places_[at];
    gap = at;
  }
  places_[gap] = {};
  --used_;
}

void FlowTable::make(size_t places) {
  memory_ = make_pages(places * sizeof(Place));
  places_ = {reinterpret_cast<Place*>(memory_.get()), places};
  std::uninitialized_value_construct(places_.begin(), places_.end());
  mask_ = places - 1;
}

void FlowTable::grow() {
  const Pages memory = std::move(memory_);
  const std::span<const Place> old = places_;
  make(old.size() * 2);
  for (const Place& place : old) {
    if (!place.ref) continue;
    size_t at = place.hash & mask_;
    while (places_[at].ref) at = (at + 1) & mask_;
    places_[at] = place;
  }
}

FlowTable::Taken FlowTable::take_all() {
  const auto unused = std::ranges::remove_if(places_, [](const Place& one) { return !one.ref; });
  Taken all{std::move(memory_), {places_.begin(), unused.begin()}};
  used_ = 0;
  make(kFirstPlaces);
  return all;
}

}  // namespace tcpdx::track
