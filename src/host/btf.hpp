// What the running kernel says of its own types (BTF): which tracepoints it has, with how many
// arguments, and the names of its enumerations, which are numbered anew from kernel to kernel.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct btf;

namespace tcpdx::host {

class KernelTypes {
 public:
  static Result<KernelTypes> open();

  // How many arguments its programs get; 0: the kernel has no such tracepoint.
  unsigned tracepoint_arguments(std::string_view name) const;
  // Number and name of each value, without `prefix`; empty: there is no such enumeration.
  std::map<uint32_t, std::string> enumeration(std::string_view name, std::string_view prefix) const;

 private:
  struct Free {
    void operator()(btf* types) const;
  };

  std::unique_ptr<btf, Free> types_;
};

}  // namespace tcpdx::host
