#include "base/siphash.hpp"

#include <bit>
#include <cstring>

namespace tcpdx {
namespace {

// Section 2.1: the internal state starts as the key mixed with "somepseudorandomlygeneratedbytes".
struct State {
  uint64_t v0, v1, v2, v3;

  explicit State(const std::array<uint64_t, 2>& key)
      : v0(key[0] ^ 0x736F6D6570736575U),
        v1(key[1] ^ 0x646F72616E646F6DU),
        v2(key[0] ^ 0x6C7967656E657261U),
        v3(key[1] ^ 0x7465646279746573U) {}

  // SipRound, figure 2.1: two halves that do not wait for each other, then crossed.
  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  void compress(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

uint64_t little_endian(std::span<const std::byte> octets) {
  uint64_t word = 0;
  for (size_t i = 0; i < octets.size(); ++i) {
    word |= std::to_integer<uint64_t>(octets[i]) << (8 * i);
  }
  return word;
}

uint64_t whole_word(std::span<const std::byte> octets) {
  if constexpr (std::endian::native == std::endian::little) {
    uint64_t word = 0;
    std::memcpy(&word, octets.data(), sizeof word);
    return word;
  }
  return little_endian(octets.first<8>());
}

}  // namespace

uint64_t siphash(const std::array<uint64_t, 2>& key, std::span<const std::byte> message) {
  State state(key);
  // Section 2.2: the last word ends in the message's length modulo 256.
  const uint64_t length = static_cast<uint64_t>(message.size()) << 56;
  for (; message.size() >= 8; message = message.subspan(8)) state.compress(whole_word(message));
  state.compress(length | little_endian(message));
  state.v2 ^= 0xFF;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace tcpdx
