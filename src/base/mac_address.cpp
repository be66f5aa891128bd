#include "base/mac_address.hpp"

#include <fmt/format.h>

namespace tcpdx {

std::string to_string(const MacAddress& address) {
  return fmt::format("{:02x}", fmt::join(address.bytes, ":"));
}

}  // namespace tcpdx
