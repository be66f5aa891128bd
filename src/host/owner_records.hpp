// What the kernel's iterator over open files says (bpf/owners.bpf.c), put together from the pieces
// in which it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "model/socket.hpp"

namespace tcpdx::host {

// A process that holds TCP sockets, as the kernel names it.
struct Holder {
  uint32_t pid = 0;
  uint32_t uid = 0;  // effective
  std::string comm;
};

// One pass over the open files. The owners are sorted (sort_owners()); Owner::process is an index
// into the holders here.
struct OwnerPass {
  std::vector<Owner> owners;
  std::vector<Holder> holders;
  std::chrono::steady_clock::time_point ended;
};

class OwnerRecords {
 public:
  // The next bytes of the stream; a record may be cut between two pieces. A record that says
  // nothing (no inode, no process, no descriptor) is passed over.
  void take(std::span<const std::byte> bytes);

  // What was read. The beginning of a record whose end never came is dropped.
  OwnerPass finish() &&;

 private:
  void take_record(std::span<const std::byte> bytes);
  uint32_t holder_of(uint32_t pid, uint32_t uid, std::string_view comm);

  OwnerPass pass_;
  std::unordered_map<uint32_t, uint32_t> by_pid_;
  std::vector<std::byte> begun_;  // a record whose end is still to come
};

}  // namespace tcpdx::host
