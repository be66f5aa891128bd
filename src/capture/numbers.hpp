// Numbers of capture files, which are in the byte order of the machine that wrote them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tcpdx::capture {

struct Numbers {
  std::endian order = std::endian::little;

  uint16_t u16(const std::byte* at) const { return get<uint16_t>(at); }
  uint32_t u32(const std::byte* at) const { return get<uint32_t>(at); }
  uint64_t u64(const std::byte* at) const { return get<uint64_t>(at); }

 private:
  template <class Number>
  Number get(const std::byte* at) const {
    Number number{};
    std::memcpy(&number, at, sizeof number);
    return order == std::endian::native ? number : std::byteswap(number);
  }
};

}  // namespace tcpdx::capture
