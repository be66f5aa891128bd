// Lists a folder by getdents64(2) into one buffer: /proc has a folder per process with an entry per
// descriptor, and nothing may be allocated for each of them.
#pragma once

#include <dirent.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace tcpdx::host {

class FolderReader {
 public:
  // Calls on_name(const char*) for each entry of the open folder, "." and ".." too. 0 or errno.
  template <class OnName>
  int for_each(int folder, const OnName& on_name) {
    for (;;) {
      const ssize_t length = ::getdents64(folder, buffer_.data(), buffer_.size());
      if (length < 0) return errno;
      if (length == 0) return 0;
      for (size_t at = 0; at < static_cast<size_t>(length);) {
        const auto* entry = static_cast<const dirent64*>(static_cast<const void*>(&buffer_[at]));
        at += entry->d_reclen;
        on_name(&entry->d_name[0]);
      }
    }
  }

 private:
  std::vector<std::byte> buffer_ = std::vector<std::byte>(size_t{32} * 1024);
};

// The numbers among the names of an open folder: the processes of /proc.
std::vector<uint32_t> numbered_entries(int folder);

}  // namespace tcpdx::host
