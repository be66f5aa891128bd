// Sequence numbers against another SipHash, and cookies against forgers.
#include "tcp/isn.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>
#include <vector>

namespace tcpdx::tcp {
namespace {

// The key 00 01 .. 0f of the SipHash paper's test vectors.
constexpr Secret kSecret{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr Secret kOtherSecret{0x0706050403020101, 0x0f0e0d0c0b0a0908};
const SocketAddress kServer{ipv4(192, 0, 2, 1), 80};
const SocketAddress kClient{ipv4(198, 51, 100, 7), 40000};
constexpr Seq kIrs{0x11223344};
// As often as the clock's low 24 bits wrap: 2^24 times 4 us.
constexpr Duration kStep{(1 << 24) * 4};

SocketAddress v6(std::string_view address, uint16_t port) {
  return {parse_address(address).value_or(IpAddress{}), port};
}

// OpenSSL's siphash of 01, local address and port, remote address and port, IPv4 as ::ffff:a.b.c.d:
//   printf '01%s' ... | xxd -r -p | openssl mac -macopt hexkey:0001..0f -macopt size:8 SIPHASH
// The low 32 bits of what it prints, lowest octet first, are F.
TEST(InitialSequenceNumber, IsClockAndKeyedHash) {
  EXPECT_EQ(initial_sequence_number(kServer, kClient, kSecret, 0us), Seq{0x9b3ff528});
  EXPECT_EQ(initial_sequence_number(v6("2001:db8::1", 443), v6("2001:db8::2", 50000), kSecret, 0us),
            Seq{0xb1d72525});
}

// RFC 9293 3.4.1: one up about every 4 us, around in about 4.55 hours.
TEST(InitialSequenceNumber, CountsEveryFourMicroseconds) {
  const Seq start = initial_sequence_number(kServer, kClient, kSecret, 0us);
  const auto risen = [&](Duration now) {
    return initial_sequence_number(kServer, kClient, kSecret, now).raw - start.raw;
  };
  EXPECT_EQ(risen(3us), 0U);
  EXPECT_EQ(risen(4us), 1U);
  EXPECT_EQ(risen(1s), 250'000U);
  EXPECT_EQ(risen(Duration(4LL << 32)), 0U);
  EXPECT_EQ(risen(Duration((4LL << 32) + 4)), 1U);
}

TEST(InitialSequenceNumber, DiffersForEachPairOfEndsAndEachSecret) {
  std::set<uint32_t> numbers{initial_sequence_number(kServer, kClient, kSecret, 0us).raw};
  const auto add = [&](const SocketAddress& local, const SocketAddress& remote, Secret secret) {
    return numbers.insert(initial_sequence_number(local, remote, secret, 0us).raw).second;
  };
  EXPECT_TRUE(add(kClient, kServer, kSecret));
  EXPECT_TRUE(add(kServer, kClient, kOtherSecret));
  EXPECT_TRUE(add({kServer.addr, 81}, kClient, kSecret));
  EXPECT_TRUE(add({ipv4(192, 0, 2, 2), 80}, kClient, kSecret));
  EXPECT_TRUE(add(kServer, {kClient.addr, 40001}, kSecret));
  EXPECT_TRUE(add(kServer, {ipv4(198, 51, 100, 8), 40000}, kSecret));
  EXPECT_TRUE(add(v6("c000:201::", 80), v6("c633:6407::", 40000), kSecret));
}

TEST(InitialSequenceNumber, MappedAddressesAreIpv4) {
  EXPECT_EQ(initial_sequence_number(v6("::ffff:192.0.2.1", 80), v6("::ffff:198.51.100.7", 40000),
                                    kSecret, 0us),
            initial_sequence_number(kServer, kClient, kSecret, 0us));
}

// As above, with 02 before the ends.
TEST(TimestampOffset, IsAnotherKeyedHash) {
  EXPECT_EQ(timestamp_offset(kServer, kClient, kSecret), 0x3ac6d96bU);
  EXPECT_EQ(timestamp_offset(v6("2001:db8::1", 443), v6("2001:db8::2", 50000), kSecret),
            0xe4cb5ffeU);
}

struct Handshake {
  CookieFacts facts;
  Duration made{1'000'000s};
  uint32_t ts = 0;
  bool timestamps = false;
};

Cookie made(const Handshake& with) {
  return make_cookie(kServer, kClient, kIrs, with.facts, with.ts, kSecret, with.made);
}

std::optional<CookieFacts> checked(const Handshake& with, Duration later = 0us) {
  const Cookie cookie = made(with);
  const auto echo = with.timestamps ? std::optional(cookie.ts_value) : std::nullopt;
  return check_cookie(kServer, kClient, kIrs, cookie.iss, echo, kSecret, with.made + later);
}

CookieFacts facts(uint16_t mss, std::optional<uint8_t> scale = {}, bool sack = false) {
  return {.mss = mss, .window_scale = scale, .sack_permitted = sack};
}

// OpenSSL's siphash of 03, the ends, 11223344, 1 000 000 s in steps as eight octets (14901), and
// 0f (no scale, no SACK) or 17 (scale 7, SACK). Its low 24 bits plus the class of the MSS (536 is
// the second, 1460 the seventh), modulo 2^24, below 14901 modulo 256, plus F.
TEST(Cookie, IsClockKeyedHashAndProof) {
  EXPECT_EQ(made({.facts = facts(536)}).iss, Seq{0xd0c6bf09});
  EXPECT_EQ(made({.facts = facts(1460)}).iss, Seq{0xd0c6bf0e});
  EXPECT_EQ(made({.facts = facts(536, 7, true)}).iss, Seq{0xd085865f});
  EXPECT_EQ(made({.facts = facts(1460, 7, true)}).iss, Seq{0xd0858664});
}

TEST(Cookie, KeepsTheMssRoundedDown) {
  const std::vector<std::pair<uint16_t, uint16_t>> cases{
      {0, 64},      {64, 64},     {535, 64},    {536, 536},    {1219, 536},
      {1220, 1220}, {1400, 1360}, {1440, 1440}, {1452, 1452},  {1459, 1452},
      {1460, 1460}, {8939, 1460}, {8940, 8940}, {65535, 8940},
  };
  for (const auto& [announced, kept] : cases) {
    const auto found = checked({.facts = facts(announced)});
    ASSERT_TRUE(found.has_value()) << announced;
    EXPECT_EQ(found->mss, kept) << announced;
    EXPECT_EQ(found->window_scale, std::nullopt);
    EXPECT_FALSE(found->sack_permitted);
  }
}

TEST(Cookie, KeepsScaleAndSackInTheTimestamp) {
  for (unsigned scale = 0; scale <= 255; ++scale) {
    for (const bool sack : {false, true}) {
      const auto found = checked({.facts = facts(1460, static_cast<uint8_t>(scale), sack),
                                  .ts = 1000,
                                  .timestamps = true});
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->window_scale, std::min(scale, 14U));  // RFC 7323 2.3
      EXPECT_EQ(found->sack_permitted, sack);
    }
  }
  const auto found = checked({.facts = facts(1460, {}, true), .ts = 1000, .timestamps = true});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->window_scale, std::nullopt);
  EXPECT_TRUE(found->sack_permitted);
}

TEST(Cookie, TimestampIsNotAheadOfTheClock) {
  for (uint32_t from : {0U, 1000U, UINT32_MAX - 50}) {
    for (uint32_t ts = from; ts != from + 100; ++ts) {
      for (const CookieFacts& some : {facts(1460), facts(1460, 0), facts(1460, 14, true)}) {
        const uint32_t value = made({.facts = some, .ts = ts}).ts_value;
        ASSERT_LT(ts - value, 32U) << ts;
      }
    }
  }
}

// Otherwise one end would scale its window and the other would not.
TEST(Cookie, IsRefusedWhereItsOptionsWereLostOrChanged) {
  const Cookie cookie = made({.facts = facts(1460, 7, true), .ts = 1000});
  const auto check = [&](std::optional<uint32_t> echo) {
    return check_cookie(kServer, kClient, kIrs, cookie.iss, echo, kSecret, 1'000'000s).has_value();
  };
  EXPECT_TRUE(check(cookie.ts_value));
  EXPECT_FALSE(check(std::nullopt));
  EXPECT_FALSE(check(cookie.ts_value ^ 1));
  EXPECT_FALSE(check(cookie.ts_value ^ 16));
}

TEST(Cookie, IsGoodForItsStepAndTheNext) {
  for (const Duration begin : {0 * kStep, kStep, 255 * kStep, 256 * kStep, 100'000 * kStep}) {
    const Handshake early{.facts = facts(1460), .made = begin};
    EXPECT_TRUE(checked(early, 2 * kStep - 1us));
    EXPECT_FALSE(checked(early, 2 * kStep));
    EXPECT_FALSE(checked(early, 256 * kStep));  // the step's eight bits are the same again
    const Handshake late{.facts = facts(1460), .made = begin + kStep - 1us};
    EXPECT_TRUE(checked(late, 1min));
    EXPECT_FALSE(checked(late, kStep + 1us));
  }
}

TEST(Cookie, IsNotGoodBeforeItWasMade) {
  EXPECT_FALSE(checked({.facts = facts(1460), .made = 100 * kStep}, -kStep));
  EXPECT_FALSE(checked({.facts = facts(1460), .made = 255 * kStep}, -255 * kStep));
}

TEST(Cookie, IsGoodForItsClientAndItsSynOnly) {
  const Seq iss = made({.facts = facts(1460)}).iss;
  const auto check = [&](const SocketAddress& local, const SocketAddress& remote, Seq irs,
                         const Secret& secret) {
    return check_cookie(local, remote, irs, iss, {}, secret, 1'000'000s).has_value();
  };
  EXPECT_TRUE(check(kServer, kClient, kIrs, kSecret));
  EXPECT_FALSE(check(kServer, kClient, kIrs, kOtherSecret));
  EXPECT_FALSE(check(kServer, kClient, kIrs + 1, kSecret));
  EXPECT_FALSE(check(kServer, {kClient.addr, 40001}, kIrs, kSecret));
  EXPECT_FALSE(check(kServer, {ipv4(198, 51, 100, 8), 40000}, kIrs, kSecret));
  EXPECT_FALSE(check({kServer.addr, 443}, kClient, kIrs, kSecret));
}

// Two steps with eight classes each are 16 good numbers of 2^32. A hundred thousand guesses find
// one with a probability of 100,000 * 16 / 2^32 = 0.04 %: none, with this seed.
TEST(Cookie, IsNotFoundByGuessing) {
  std::mt19937 random(20);
  const Seq good = made({.facts = facts(1460)}).iss;
  ASSERT_TRUE(check_cookie(kServer, kClient, kIrs, good, {}, kSecret, 1'000'000s));
  size_t accepted = 0;
  for (int guess = 0; guess < 100'000; ++guess) {
    const Seq iss{static_cast<uint32_t>(random())};
    if (check_cookie(kServer, kClient, kIrs, iss, {}, kSecret, 1'000'000s)) ++accepted;
  }
  EXPECT_EQ(accepted, 0U);
}

// Who knows the step, from a cookie of his own, has to guess 24 bits: eight of 2^24 are good.
TEST(Cookie, HasNoMoreGoodNumbersThanClasses) {
  const Seq good = made({.facts = facts(1460)}).iss;
  const uint32_t ends = initial_sequence_number(kServer, kClient, kSecret, 0us).raw;
  const uint32_t step = (good.raw - ends) & 0xFF000000;
  size_t accepted = 0;
  constexpr uint32_t kTried = 1 << 18;  // around the good ones, and far from them
  for (uint32_t i = 0; i < kTried; ++i) {
    const uint32_t low = (good.raw - ends - kTried / 2 + i) & 0x00FFFFFF;
    const Seq iss{ends + (step | low)};
    if (check_cookie(kServer, kClient, kIrs, iss, {}, kSecret, 1'000'000s)) ++accepted;
  }
  EXPECT_EQ(accepted, 8U);
}

// The server's next number for the same ends lies beyond a cookie's (RFC 9293 3.4.1): one step of
// the clock later at the latest.
TEST(Cookie, TakesTurnsWithOrdinaryNumbers) {
  for (int i = 0; i < 50; ++i) {
    const Duration now = 1'000'000s + i * 7s;
    const Seq cookie = made({.facts = facts(1460), .made = now}).iss;
    const Seq ordinary = initial_sequence_number(kServer, kClient, kSecret, now);
    EXPECT_LT(std::abs(cookie - ordinary), 1 << 24);
    EXPECT_LT(cookie, initial_sequence_number(kServer, kClient, kSecret, now + kStep));
  }
}

}  // namespace
}  // namespace tcpdx::tcp
