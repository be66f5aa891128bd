// The records are those of bpf/records.h, as they lie in the kernel's memory.
#include "host/owner_records.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "bpf/records.h"
#include "host/owner_join.hpp"

namespace tcpdx::host {
namespace {

constexpr size_t kSize = sizeof(owner_record);

}  // namespace

void OwnerRecords::take(std::span<const std::byte> bytes) {
  if (!begun_.empty()) {
    const std::span<const std::byte> rest =
        bytes.first(std::min(kSize - begun_.size(), bytes.size()));
    begun_.insert(begun_.end(), rest.begin(), rest.end());
    bytes = bytes.subspan(rest.size());
    if (begun_.size() < kSize) return;
    take_record(begun_);
    begun_.clear();
  }
  for (; bytes.size() >= kSize; bytes = bytes.subspan(kSize)) take_record(bytes.first(kSize));
  begun_.assign(bytes.begin(), bytes.end());
}

OwnerPass OwnerRecords::finish() && {
  sort_owners(pass_.owners);
  pass_.ended = std::chrono::steady_clock::now();
  return std::move(pass_);
}

void OwnerRecords::take_record(std::span<const std::byte> bytes) {
  owner_record record{};
  std::memcpy(&record, bytes.data(), sizeof record);
  if (record.inode == 0 || record.pid == 0 || record.fd < 0) return;
  const std::string_view comm(&record.comm[0], strnlen(&record.comm[0], sizeof record.comm));
  pass_.owners.push_back({record.inode, holder_of(record.pid, record.uid, comm), record.fd});
}

uint32_t OwnerRecords::holder_of(uint32_t pid, uint32_t uid, std::string_view comm) {
  // The files of a process come one after the other.
  if (!pass_.owners.empty()) {
    const uint32_t last = pass_.owners.back().process;
    if (pass_.holders[last].pid == pid) return last;
  }
  const auto [place, fresh] = by_pid_.try_emplace(pid, static_cast<uint32_t>(pass_.holders.size()));
  if (fresh) pass_.holders.push_back({pid, uid, std::string(comm)});
  return place->second;
}

}  // namespace tcpdx::host
