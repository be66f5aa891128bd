// What several trackers share of a stream: who follows a connection, and what all must know.
#include <bit>

#include "base/mix.hpp"
#include "track/tracker.hpp"

namespace tcpdx::track {
namespace {

// Not keyed: who prepares addresses can at most make one tracker do all the work.
uint64_t key_of(const IpAddress& address, uint16_t port) {
  const auto words = std::bit_cast<IpAddress::Words>(address.bytes);
  return mixed(words[0] ^ 0x9e3779b97f4a7c15U, (words[1] + port) ^ 0xbf58476d1ce4e5b9U);
}

uint32_t key_of(uint64_t one, uint64_t other, uint32_t link) {
  const uint64_t both = mixed((one + other) ^ 0x9e3779b97f4a7c15U, (one ^ other) + link + 1);
  return static_cast<uint32_t>(both ^ both >> 32U);
}

}  // namespace

void Stream::take(std::span<const Sighting> batch) {
  if (seen_ == 0 && !batch.empty()) start_ns = batch.front().time_ns;
  segments = seen_;
  seen_ += batch.size();
  for (const Sighting& one : batch) {
    take(one.time_ns);
    right_sums += one.packet.checksum == wire::Checksum::right ? 1U : 0U;
    wrong_sums += one.packet.checksum == wire::Checksum::wrong ? 1U : 0U;
  }
}

uint32_t shard_key(const wire::Packet& packet) {
  return key_of(key_of(packet.source, packet.source_port),
                key_of(packet.destination, packet.destination_port), packet.link);
}

uint32_t shard_key(const wire::IcmpError& error, uint32_t link) {
  return key_of(key_of(error.quoted.source, error.source_port),
                key_of(error.quoted.destination, error.destination_port), link);
}

}  // namespace tcpdx::track
