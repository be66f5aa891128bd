// Any bytes as what the kernel's iterator over open files says: cut into pieces of any length they
// mean the same, and owners joined to sockets stay in order and within bounds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

#include "host/owner_join.hpp"
#include "host/owner_records.hpp"
#include "model/observation.hpp"

namespace {

using tcpdx::host::OwnerPass;

OwnerPass taken(std::span<const std::byte> bytes, size_t piece) {
  tcpdx::host::OwnerRecords records;
  while (!bytes.empty()) {
    const size_t length = std::min(piece, bytes.size());
    records.take(bytes.first(length));
    bytes = bytes.subspan(length);
  }
  return std::move(records).finish();
}

void check_join(OwnerPass pass) {
  tcpdx::Look look;
  // Every other inode is that of a socket, every third of two.
  for (size_t i = 0; i < pass.owners.size(); i += 2) {
    look.sockets.emplace_back().inode = pass.owners[i].inode;
    if (i % 3 == 0) look.sockets.emplace_back().inode = pass.owners[i].inode;
  }
  look.owners = std::move(pass.owners);
  tcpdx::host::join_owners(look);
  if (!std::ranges::is_sorted(look.owners, {}, &tcpdx::Owner::inode)) std::abort();
  for (const tcpdx::Socket& socket : look.sockets) {
    const auto owners = tcpdx::owners_of(look, socket);
    if (owners.empty()) std::abort();
    for (const tcpdx::Owner& owner : owners) {
      if (owner.inode != socket.inode || owner.process >= pass.holders.size()) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  OwnerPass whole = taken(bytes, bytes.size() + 1);
  const OwnerPass pieces = taken(bytes, data[0] + size_t{1});
  if (whole.owners.size() != pieces.owners.size()) std::abort();
  if (whole.holders.size() != pieces.holders.size()) std::abort();
  check_join(std::move(whole));
  return 0;
}
