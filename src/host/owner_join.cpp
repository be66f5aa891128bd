// One hash table over the sockets' inodes answers for both sides.
#include "host/owner_join.hpp"

#include <algorithm>
#include <limits>

#include "host/number_table.hpp"

namespace tcpdx::host {
namespace {

bool precedes(const Owner& a, const Owner& b) {
  if (a.inode != b.inode) return a.inode < b.inode;
  return a.process != b.process ? a.process < b.process : a.fd < b.fd;
}

bool same_place(const Owner& a, const Owner& b) {
  return a.inode == b.inode && a.process == b.process && a.fd == b.fd;
}

}  // namespace

void sort_owners(std::vector<Owner>& owners) {
  if (!std::ranges::is_sorted(owners, precedes)) std::ranges::sort(owners, precedes);
}

void join_owners(Look& look) {
  NumberTable<uint32_t, uint32_t> first_of(inodes_in(look.sockets));
  for (const Socket& socket : look.sockets) {
    if (socket.inode != 0) first_of[socket.inode] = kNoIndex;
  }
  std::vector<Owner>& owners = look.owners;
  std::erase_if(owners, [&](const Owner& owner) { return first_of.find(owner.inode) == nullptr; });
  sort_owners(owners);
  owners.erase(std::unique(owners.begin(), owners.end(), same_place), owners.end());
  for (size_t i = owners.size(); i-- > 0;) first_of[owners[i].inode] = static_cast<uint32_t>(i);
  for (Socket& socket : look.sockets) {
    socket.first_owner = kNoIndex;
    socket.owner_count = 0;
    const uint32_t* first = socket.inode == 0 ? nullptr : first_of.find(socket.inode);
    if (first == nullptr || *first == kNoIndex) continue;
    size_t end = *first + size_t{1};
    while (end < owners.size() && owners[end].inode == socket.inode) ++end;
    socket.first_owner = *first;
    socket.owner_count =
        static_cast<uint16_t>(std::min<size_t>(end - *first, std::numeric_limits<uint16_t>::max()));
  }
}

}  // namespace tcpdx::host
