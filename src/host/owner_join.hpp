// Joins owners to the sockets of a look by inode. Not by cookie: /proc/net/tcp has none, and the
// subflows of Multipath TCP have cookies of their own but the inode of the socket that a program
// holds. An inode number comes again only after four billion others.
#pragma once

#include <vector>

#include "model/observation.hpp"

namespace tcpdx::host {

// By inode, then process, then descriptor.
void sort_owners(std::vector<Owner>& owners);

// Sorts look.owners, leaves each descriptor there once, drops those of no socket of the look, and
// fills each socket's part.
void join_owners(Look& look);

}  // namespace tcpdx::host
