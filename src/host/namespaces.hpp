// The network namespaces of the machine: found through its processes and through the names that
// ip-netns(8) keeps, entered and left again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace tcpdx::host {

struct NamespaceHandle {
  uint64_t inode = 0;
  std::string name;  // as in /run/netns; empty: nameless
  Fd handle;         // of its nsfs file; keeps the namespace alive while it is held
};

struct FoundNamespaces {
  std::vector<NamespaceHandle> others;  // by inode, without `home`
  std::string home_name;
  uint32_t hidden = 0;  // processes whose namespace may not be read
};

// The namespace the calling thread is in.
Result<NamespaceHandle> home_namespace();

// Those of the processes under `proc` and those named in `run_netns`. One that is found both ways
// is one.
FoundNamespaces find_namespaces(const std::string& proc, const std::string& run_netns,
                                const NamespaceHandle& home);

// While it lives the calling thread is in another network namespace. If the way back fails the
// program ends with a message: every later answer would be about the wrong machine.
class NamespaceVisit {
 public:
  // 0 or the errno of setns(2); EPERM wants CAP_SYS_ADMIN. The descriptor in
  // `home` must stay open during the visit.
  int enter(const NamespaceHandle& target, const NamespaceHandle& home);

  NamespaceVisit() = default;
  NamespaceVisit(const NamespaceVisit&) = delete;
  NamespaceVisit& operator=(const NamespaceVisit&) = delete;
  ~NamespaceVisit();

 private:
  int home_ = -1;  // descriptor of the way back; -1: not away
};

}  // namespace tcpdx::host
