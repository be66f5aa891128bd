#include "wire/fragments.hpp"

#include <bit>
#include <random>

#include "base/siphash.hpp"

namespace tcpdx::wire {
namespace {

// Linux's (IP_FRAG_TIME of include/net/ip.h, IPV6_FRAG_TIMEOUT of include/net/ipv6.h); RFC 8200 4.5
// says 60 s as well.
constexpr uint64_t kTimeout4Ns = 30'000'000'000;
constexpr uint64_t kTimeout6Ns = 60'000'000'000;
constexpr size_t kMaxDatagramSize = 65535;
// What a datagram and a piece cost beside their octets, roughly.
constexpr size_t kDatagramCost = 384;
constexpr size_t kPieceCost = 128;

bool is_over(const IpAddress& address, int64_t since_ns, int64_t now_ns) {
  const uint64_t limit = address.family == Family::v4 ? kTimeout4Ns : kTimeout6Ns;
  // Captures' clocks go back sometimes, and a damaged file has any time.
  return now_ns > since_ns &&
         static_cast<uint64_t>(now_ns) - static_cast<uint64_t>(since_ns) > limit;
}

std::array<uint64_t, 2> random_key() {
  std::random_device random;
  std::array<uint64_t, 2> key{};
  for (uint64_t& word : key) word = uint64_t{random()} << 32U | random();
  return key;
}

}  // namespace

size_t Fragments::Hash::operator()(const FragmentKey& fragment) const {
  const auto source = std::bit_cast<IpAddress::Words>(fragment.source.bytes);
  const auto destination = std::bit_cast<IpAddress::Words>(fragment.destination.bytes);
  const std::array<uint64_t, 6> words{
      source[0],      source[1],   destination[0],
      destination[1], fragment.id, uint64_t{fragment.link} << 8U | fragment.protocol};
  return siphash(key, std::as_bytes(std::span(words)));
}

Fragments::Fragments(size_t memory) : limit_(memory), by_key_(0, Hash{random_key()}) {}

Fragments::Result Fragments::add(const FragmentKey& key, const FragmentPart& part, int64_t time_ns,
                                 WholeDatagram& whole) {
  if (part.size == 0 || part.offset + part.size > kMaxDatagramSize) return Result::refused;
  drop_old(time_ns);
  const Place place = find(key, time_ns);
  const size_t before = place->memory;
  const Result result = insert(*place, part);
  used_ += place->memory - before;
  if (result == Result::complete) place->take(whole);
  if (result != Result::kept) drop(place);
  while (used_ > limit_) drop(datagrams_.begin());
  return result;
}

Fragments::Place Fragments::find(const FragmentKey& key, int64_t time_ns) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    if (!is_over(key.source, found->second->since_ns, time_ns)) return found->second;
    drop(found->second);
  }
  datagrams_.push_back({.key = key, .since_ns = time_ns, .memory = kDatagramCost});
  used_ += kDatagramCost;
  const Place place = std::prev(datagrams_.end());
  by_key_.emplace(key, place);
  return place;
}

Fragments::Result Fragments::insert(Datagram& datagram, const FragmentPart& part) {
  const size_t end = part.offset + part.size;
  // Nothing may lie behind the last fragment, which there is once.
  if (datagram.size && (end > *datagram.size || (!part.more && end != *datagram.size))) {
    return Result::refused;
  }
  if (!part.more && datagram.end() > end) return Result::refused;
  if (datagram.overlaps(part.offset, end)) {
    return datagram.covers(part.offset, end) ? Result::kept : Result::refused;
  }
  datagram.pieces.emplace(part.offset, Piece{part.size, {part.data.begin(), part.data.end()}});
  datagram.octets += part.size;
  datagram.ip_octets += part.ip_octets;
  datagram.memory += kPieceCost + part.data.size();
  if (part.offset == 0) datagram.protocol = part.protocol;
  if (!part.more) datagram.size = end;
  return datagram.size && datagram.octets == *datagram.size ? Result::complete : Result::kept;
}

size_t Fragments::Datagram::end() const {
  return pieces.empty() ? 0 : pieces.rbegin()->first + pieces.rbegin()->second.size;
}

bool Fragments::Datagram::overlaps(size_t from, size_t to) const {
  const auto after = pieces.lower_bound(to);  // the first that begins behind it
  if (after == pieces.begin()) return false;
  const auto before = std::prev(after);
  return before->first + before->second.size > from;
}

bool Fragments::Datagram::covers(size_t from, size_t to) const {
  auto at = pieces.upper_bound(from);
  if (at == pieces.begin()) return false;
  for (--at; at != pieces.end() && at->first <= from; ++at) {
    from = at->first + at->second.size;
    if (from >= to) return true;
  }
  return false;
}

void Fragments::Datagram::take(WholeDatagram& whole) const {
  whole.data.clear();
  for (const auto& [offset, piece] : pieces) {
    whole.data.insert(whole.data.end(), piece.data.begin(), piece.data.end());
    if (piece.data.size() < piece.size) break;
  }
  whole.size = octets;
  whole.protocol = protocol;
  whole.ip_octets = ip_octets;
}

void Fragments::drop(Place place) {
  used_ -= place->memory;
  by_key_.erase(place->key);
  datagrams_.erase(place);
}

void Fragments::drop_old(int64_t time_ns) {
  while (!datagrams_.empty()) {
    const Datagram& oldest = datagrams_.front();
    if (!is_over(oldest.key.source, oldest.since_ns, time_ns)) return;
    drop(datagrams_.begin());
  }
}

}  // namespace tcpdx::wire
