// Whatever rules come, as the answer to every question about them: each listener gets an answer
// with words, and the same one when it is asked again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "host/nft_firewall.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tcpdx::Result;
  const std::string text(data, data + size);
  auto firewall = tcpdx::host::NftFirewall::read(
      [&](const std::string&) -> Result<std::string> { return text; });
  if (!firewall) return 0;
  const tcpdx::IpAddress any_of_v6{.bytes = {}, .family = tcpdx::Family::v6};
  for (const tcpdx::IpAddress& address :
       {tcpdx::ipv4(0, 0, 0, 0), tcpdx::ipv4(127, 0, 0, 1), tcpdx::ipv4(10, 1, 2, 3), any_of_v6}) {
    const tcpdx::SocketAddress listener{address, 80};
    const auto once = firewall->ask(listener);
    if (once.words.empty() || once.words != firewall->ask(listener).words) std::abort();
  }
  return 0;
}
