#include "kernel/exchange.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace tcpdx::kernel_test {
namespace {

constexpr size_t kPiece = 65536;

const Pattern& pattern_to_kernel() {
  static const Pattern pattern(1);
  return pattern;
}

const Pattern& pattern_to_us() {
  static const Pattern pattern(2);
  return pattern;
}

std::span<std::byte> buffer() {
  static std::array<std::byte, kPiece> octets;
  return octets;
}

void take(Flow& flow, const Pattern& pattern, std::span<const std::byte> octets) {
  flow.intact = flow.intact && pattern.matches(flow.received, octets);
  flow.received += octets.size();
}

std::span<const std::byte> rest(const Flow& flow, const Pattern& pattern) {
  return pattern.at(flow.sent, std::min<uint64_t>(kPiece, flow.total - flow.sent));
}

}  // namespace

Pattern::Pattern(uint64_t seed) : octets_(kPeriod) {
  std::mt19937_64 random(seed);
  std::ranges::generate(octets_, [&] { return static_cast<std::byte>(random() & 0xff); });
}

std::span<const std::byte> Pattern::at(uint64_t position, size_t size) const {
  const auto from = std::span(octets_).subspan(position % kPeriod);
  return from.first(std::min(size, from.size()));
}

bool Pattern::matches(uint64_t position, std::span<const std::byte> octets) const {
  while (!octets.empty()) {
    const auto wanted = at(position, octets.size());
    if (!std::ranges::equal(wanted, octets.first(wanted.size()))) return false;
    position += wanted.size();
    octets = octets.subspan(wanted.size());
  }
  return true;
}

void Exchange::kernel_sends(const Pair& pair) {
  const auto octets = rest(to_us_, pattern_to_us());
  if (!octets.empty()) to_us_.sent += pair.linux.send(octets);
}

void Exchange::kernel_reads(const Pair& pair) {
  for (;;) {
    const auto read = pair.linux.receive(buffer());
    take(to_kernel_, pattern_to_kernel(), buffer().first(read.size));
    if (read.size == 0) return;
  }
}

void Exchange::we_send(Pair& pair, tcp::Endpoint& endpoint, tcp::Time now) {
  const auto octets = rest(to_kernel_, pattern_to_kernel());
  if (octets.empty()) return;
  const auto taken = endpoint.send(now, pair.ours, octets);
  EXPECT_TRUE(taken) << taken.error().sentence;
  to_kernel_.sent += taken.value_or(0);
}

void Exchange::we_read(Pair& pair, tcp::Endpoint& endpoint, tcp::Time now) {
  const auto size = endpoint.receive(now, pair.ours, buffer());
  EXPECT_TRUE(size) << size.error().sentence;
  take(to_us_, pattern_to_us(), buffer().first(size.value_or(0)));
}

void Exchange::all(Pair& pair, tcp::Endpoint& endpoint, tcp::Time now) {
  kernel_sends(pair);
  kernel_reads(pair);
  we_send(pair, endpoint, now);
  we_read(pair, endpoint, now);
}

}  // namespace tcpdx::kernel_test
