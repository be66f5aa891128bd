#include "track/flows.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tcpdx::track {
namespace {

constexpr unsigned kLookAt = 32;
constexpr size_t kCacheLine = 64;

template <Family family>
bool same_half(const HalfOpen<family>& half, const wire::Packet& packet, unsigned& from) {
  if (packet.source.family != family || half.link != packet.link) return false;
  const auto is = [](const auto& octets, const IpAddress& address) {
    return std::memcmp(octets.data(), address.bytes.data(), octets.size()) == 0;
  };
  if (half.source_port == packet.source_port && half.destination_port == packet.destination_port &&
      is(half.source, packet.source) && is(half.destination, packet.destination)) {
    from = 0;
    return true;
  }
  from = 1;
  return half.source_port == packet.destination_port &&
         half.destination_port == packet.source_port && is(half.source, packet.destination) &&
         is(half.destination, packet.source);
}

// Without branches: which way a segment goes is as good as random.
bool same_record(const Record& record, const wire::Packet& packet, unsigned& from) {
  const auto differ = [](const IpAddress& a, const IpAddress& b) {
    const auto one = std::bit_cast<IpAddress::Words>(a.bytes);
    const auto two = std::bit_cast<IpAddress::Words>(b.bytes);
    return (one[0] ^ two[0]) | (one[1] ^ two[1]) |
           (static_cast<uint64_t>(a.family) ^ static_cast<uint64_t>(b.family));
  };
  const auto other_ports = [&](unsigned source) {
    return static_cast<uint64_t>(record.port[source] ^ packet.source_port) |
           static_cast<uint64_t>(record.port[source ^ 1U] ^ packet.destination_port);
  };
  const uint64_t forward = differ(record.address[0], packet.source) |
                           differ(record.address[1], packet.destination) | other_ports(0);
  const uint64_t backward = differ(record.address[1], packet.source) |
                            differ(record.address[0], packet.destination) | other_ports(1);
  from = forward == 0 ? 0 : 1;
  return (forward == 0 || backward == 0) && record.link == packet.link;
}

// Goes round the places, so that the one found is about the oldest: places are given in order.
template <class Half>
uint32_t next_used(const Pool<Half>& pool, uint32_t& hand) {
  for (uint32_t tried = 0; tried < pool.made(); ++tried) {
    hand = hand >= pool.made() ? 1 : hand + 1;
    if (pool[hand].id != 0) return hand;
  }
  return 0;
}

}  // namespace

bool Flows::matches(Ref ref, const wire::Packet& packet, unsigned& from) const {
  switch (ref.kind()) {
    case Kind::record: return same_record(records_[ref.index()], packet, from);
    case Kind::half4: return same_half(half4_[ref.index()], packet, from);
    case Kind::half6: return same_half(half6_[ref.index()], packet, from);
    case Kind::none: return false;
  }
  return false;
}

Flows::Found Flows::find(uint32_t hash, const wire::Packet& packet, Ref guess) const {
  Found found;
  if (guess.kind() == Kind::record && same_record(records_[guess.index()], packet, found.from)) {
    found.ref = guess;
    return found;
  }
  found.ref = table_.find(hash, [&](Ref ref) { return matches(ref, packet, found.from); });
  if (!found.ref) found.from = 0;  // another connection with the same hash may have been asked
  return found;
}

void Flows::prefetch(uint32_t index) const {
  const auto* at = reinterpret_cast<const char*>(&records_[index]);
  for (size_t line = 0; line < sizeof(Record); line += kCacheLine) __builtin_prefetch(at + line);
}

Ref Flows::prefetch_record(uint32_t hash) const {
  const Ref ref = table_.guess(hash);
  if (ref.kind() != Kind::record) return {};
  prefetch(ref.index());
  return ref;
}

void Flows::prefetch_end(uint32_t index) const {
  const Record& record = records_[index];
  notes_.prefetch(record);
  table_.prefetch(hash_of(record));
}

Record& Flows::add(uint32_t hash, const Sighting& first, uint32_t id) {
  const uint32_t index = records_.take();
  Record& record = records_[index];
  record.address = {first.packet.source, first.packet.destination};
  record.port = {first.packet.source_port, first.packet.destination_port};
  record.link = first.packet.link & kNoLink;
  record.index = index;
  record.id = id;
  record.start_ns = first.time_ns;
  record.first_frame = first.frame;
  table_.insert(hash, Ref(Kind::record, index));
  return record;
}

void Flows::add_half_open(uint32_t hash, const Sighting& syn, int64_t stream_start_ns,
                          uint32_t id) {
  if (syn.packet.source.family == Family::v4) {
    const uint32_t index = half4_.take();
    pack(syn, stream_start_ns, half4_[index]);
    half4_[index].id = id;
    table_.insert(hash, Ref(Kind::half4, index));
  } else {
    const uint32_t index = half6_.take();
    pack(syn, stream_start_ns, half6_[index]);
    half6_[index].id = id;
    table_.insert(hash, Ref(Kind::half6, index));
  }
}

Sighting Flows::take_half_open(uint32_t hash, Ref ref, int64_t stream_start_ns,
                               OptionBytes& options, uint32_t& id) {
  table_.erase(hash, ref);
  const auto take = [&](auto& pool) {
    auto& half = pool[ref.index()];
    id = half.id;
    const Sighting syn = unpack(half, stream_start_ns, options);
    half.id = 0;
    pool.free(ref.index());
    return syn;
  };
  return ref.kind() == Kind::half4 ? take(half4_) : take(half6_);
}

void Flows::erase(Record& record) {
  notes_.release(record);
  table_.erase(hash_of(record), Ref(Kind::record, record.index));
  record.id = 0;
  record.link = kNoLink;
  records_.free(record.index);
}

std::optional<Ref> Flows::oldest_half_open() {
  if (half4_.used() > 0 && half4_.used() >= half6_.used()) {
    return Ref(Kind::half4, next_used(half4_, hand4_));
  }
  if (half6_.used() > 0) return Ref(Kind::half6, next_used(half6_, hand6_));
  return std::nullopt;
}

Record* Flows::longest_silent() {
  Record* oldest = nullptr;
  unsigned seen = 0;
  for (uint32_t tried = 0; tried < records_.made() && seen < kLookAt; ++tried) {
    hand_ = hand_ >= records_.made() ? 1 : hand_ + 1;
    Record& record = records_[hand_];
    if (record.id == 0) continue;
    ++seen;
    if (oldest == nullptr || record.last_ns() < oldest->last_ns()) oldest = &record;
  }
  return oldest;
}

FlowTable::Taken Flows::take_all_by_id() {
  FlowTable::Taken all = table_.take_all();
  for (auto& [number, ref] : all.places) {
    switch (ref.kind()) {
      case Kind::record: number = records_[ref.index()].id; break;
      case Kind::half4: number = half4_[ref.index()].id; break;
      case Kind::half6: number = half6_[ref.index()].id; break;
      case Kind::none: break;
    }
  }
  std::ranges::sort(all.places, {}, &FlowTable::Place::hash);
  return all;
}

uint32_t Flows::hash_of(Ref half_open) const {
  OptionBytes options{};
  return hash(half_open.kind() == Kind::half4
                  ? unpack(half4_[half_open.index()], 0, options).packet
                  : unpack(half6_[half_open.index()], 0, options).packet);
}

size_t Flows::memory() const {
  return records_.memory() + half4_.memory() + half6_.memory() + table_.memory() + notes_.memory();
}

}  // namespace tcpdx::track
