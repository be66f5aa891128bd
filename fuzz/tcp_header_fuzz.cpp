// Any bytes as a TCP segment: what was read, written and read again is the same.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "wire/tcp.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// A foreign header may pack its options more tightly than ours, so that ours has no room for the
// last SACK blocks.
tcpdx::wire::TcpHeader with_room(tcpdx::wire::TcpHeader header) {
  auto& options = header.options;
  while (options.sack_count > 0) {
    auto fewer = header;
    --fewer.options.sack_count;
    if (header_size(fewer) != header_size(header)) break;
    options.sack_blocks[--options.sack_count] = {};
  }
  return header;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto first = tcpdx::wire::parse_tcp(bytes);
  if (!first) return 0;
  const auto source = tcpdx::ipv4(192, 0, 2, 1);
  const auto destination = tcpdx::ipv4(192, 0, 2, 2);
  tcpdx::wire::tcp_checksum_ok(bytes, source, destination);
  check(!tcpdx::wire::to_string(first->header.flags).empty());

  const size_t header_size = tcpdx::wire::header_size(first->header);
  check(header_size <= tcpdx::wire::kMaxTcpHeaderSize);
  std::vector<std::byte> out(header_size + first->text.size());
  check(write_tcp(first->header, first->text, source, destination, out) == out.size());
  check(tcpdx::wire::tcp_checksum_ok(out, source, destination));
  const auto second = tcpdx::wire::parse_tcp(out);
  if (!second) std::abort();
  check(!second->bad_options && second->header == with_room(first->header));
  check(second->text.size() == first->text.size());
  return 0;
}
