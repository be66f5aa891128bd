// A cookie has the form of every other initial sequence number, M + F, so that the two may take
// turns on one pair of ends: only the low 24 bits of M give way to a proof.
#include "tcp/isn.hpp"

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <span>

#include "base/siphash.hpp"

namespace tcpdx::tcp {
namespace {

// One secret serves three purposes; the first octet of what is hashed keeps them apart.
enum class Purpose : uint8_t { sequence_number = 1, timestamp = 2, cookie = 3 };

// IPv4 addresses are written as mapped ones (RFC 4291 2.5.5.2): an IPv6 socket may hold either.
constexpr size_t kEndSize = 16 + 2;
constexpr size_t kEndsSize = 1 + 2 * kEndSize;
constexpr size_t kCookieSize = kEndsSize + 4 + 8 + 1;

// Numbers go in with their highest octet first.
void put(std::span<std::byte> out, uint64_t value) {
  for (std::byte& octet : std::views::reverse(out)) {
    octet = static_cast<std::byte>(value & 0xFF);
    value >>= 8;
  }
}

void put(std::span<std::byte, kEndSize> out, const SocketAddress& end) {
  const IpAddress address = end.addr.unmapped();
  size_t at = 0;
  if (address.family == Family::v4) {
    at = 12;
    put(out.subspan(10, 2), 0xFFFF);
  }
  for (size_t i = 0; at < 16; ++i, ++at) out[at] = static_cast<std::byte>(address.bytes[i]);
  put(out.subspan(16), end.port);
}

template <size_t kSize>
std::array<std::byte, kSize> message(Purpose purpose, const SocketAddress& local,
                                     const SocketAddress& remote) {
  std::array<std::byte, kSize> octets{};
  octets[0] = static_cast<std::byte>(purpose);
  put(std::span(octets).template subspan<1, kEndSize>(), local);
  put(std::span(octets).template subspan<1 + kEndSize, kEndSize>(), remote);
  return octets;
}

uint32_t hash_of_ends(Purpose purpose, const SocketAddress& local, const SocketAddress& remote,
                      const Secret& secret) {
  return static_cast<uint32_t>(siphash(secret, message<kEndsSize>(purpose, local, remote)));
}

// M of RFC 9293 3.4.1.
uint64_t ticks(Duration now) { return static_cast<uint64_t>(now.count()) / 4; }

// A step is what the clock's low 24 bits count: 67 seconds.
constexpr unsigned kProofBits = 24;
constexpr uint32_t kProofMask = (1U << kProofBits) - 1;
constexpr uint64_t kStepsGood = 2;  // this one and the one before

// What the timestamp's low bits say: four of window scale, one of SACK.
constexpr uint32_t kFactBits = 0x1F;
constexpr uint32_t kNoWindowScale = 0xF;  // RFC 7323 2.3: 14 is the largest shift
constexpr uint32_t kSackBit = 0x10;

// Those of IPv4 and IPv6 hosts that announce none (RFC 9293 3.7.1: 536 and 1220), those of
// Ethernet's 1500 octets for IPv6, PPPoE and IPv4, of tunnels with 1400 octets, of jumbo frames
// with 9000 for IPv6, and one for whatever is smaller.
constexpr std::array<uint16_t, 8> kMssClasses{64, 536, 1220, 1360, 1440, 1452, 1460, 8940};

uint32_t mss_class(uint16_t mss) {
  const auto above = std::ranges::upper_bound(kMssClasses, mss);
  return static_cast<uint32_t>(std::max<ptrdiff_t>(above - kMssClasses.begin() - 1, 0));
}

uint32_t fact_bits(const CookieFacts& facts) {
  const uint32_t scale =
      facts.window_scale ? std::min<uint32_t>(*facts.window_scale, 14) : kNoWindowScale;
  return scale | (facts.sack_permitted ? kSackBit : 0);
}

// 24 bits that only the secret's owner can know for this client, this SYN, this step and these
// options.
uint32_t proof(const SocketAddress& local, const SocketAddress& remote, Seq irs, uint64_t step,
               uint32_t fact_bits, const Secret& secret) {
  auto octets = message<kCookieSize>(Purpose::cookie, local, remote);
  const auto rest = std::span(octets).subspan<kEndsSize>();
  put(rest.subspan(0, 4), irs.raw);
  put(rest.subspan(4, 8), step);
  put(rest.subspan(12, 1), fact_bits);
  return static_cast<uint32_t>(siphash(secret, octets)) & kProofMask;
}

}  // namespace

Seq initial_sequence_number(const SocketAddress& local, const SocketAddress& remote,
                            const Secret& secret, Duration now) {
  return Seq{static_cast<uint32_t>(ticks(now))} +
         hash_of_ends(Purpose::sequence_number, local, remote, secret);
}

uint32_t timestamp_offset(const SocketAddress& local, const SocketAddress& remote,
                          const Secret& secret) {
  return hash_of_ends(Purpose::timestamp, local, remote, secret);
}

Cookie make_cookie(const SocketAddress& local, const SocketAddress& remote, Seq irs,
                   const CookieFacts& facts, uint32_t ts, const Secret& secret, Duration now) {
  const uint64_t step = ticks(now) >> kProofBits;
  const uint32_t bits = fact_bits(facts);
  const uint32_t low =
      (proof(local, remote, irs, step, bits, secret) + mss_class(facts.mss)) & kProofMask;
  Cookie cookie;
  cookie.iss = Seq{static_cast<uint32_t>(step << kProofBits) | low} +
               hash_of_ends(Purpose::sequence_number, local, remote, secret);
  // Never ahead of the clock: the next segment's timestamp must not be smaller (RFC 7323 5.3).
  cookie.ts_value = (ts & ~kFactBits) | bits;
  if ((ts & kFactBits) < bits) cookie.ts_value -= kFactBits + 1;
  return cookie;
}

std::optional<CookieFacts> check_cookie(const SocketAddress& local, const SocketAddress& remote,
                                        Seq irs, Seq iss, std::optional<uint32_t> ts_echo,
                                        const Secret& secret, Duration now) {
  const uint32_t without_ends =
      iss.raw - hash_of_ends(Purpose::sequence_number, local, remote, secret);
  const uint64_t step_now = ticks(now) >> kProofBits;
  const uint64_t age = (step_now - (without_ends >> kProofBits)) & 0xFF;
  if (age >= kStepsGood || age > step_now) return std::nullopt;

  const uint32_t bits = ts_echo ? *ts_echo & kFactBits : kNoWindowScale;
  const uint32_t mss =
      (without_ends - proof(local, remote, irs, step_now - age, bits, secret)) & kProofMask;
  if (mss >= kMssClasses.size()) return std::nullopt;
  CookieFacts facts;
  facts.mss = kMssClasses[mss];
  facts.sack_permitted = (bits & kSackBit) != 0;
  const uint32_t scale = bits & kNoWindowScale;
  if (scale != kNoWindowScale) facts.window_scale = static_cast<uint8_t>(scale);
  return facts;
}

}  // namespace tcpdx::tcp
