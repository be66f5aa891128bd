// The kernel's iterator over all open files (BPF iter/task_file): one pass finds the owners of the
// sockets of every network namespace, without a system call per descriptor.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "host/owner_records.hpp"

namespace tcpdx::host {

class OwnerIterator {
 public:
  // Loads the program, once for any number of passes. Fails with a sentence where rights, the
  // kernel or its BTF are not there, and where `proc` shows the processes of another pid namespace
  // than the one we are in: the iterator knows only ours.
  static Result<OwnerIterator> open(const std::string& proc);

  Result<OwnerPass> pass() const;

  OwnerIterator(OwnerIterator&&) noexcept;
  OwnerIterator& operator=(OwnerIterator&&) noexcept;
  ~OwnerIterator();

 private:
  struct Program;
  explicit OwnerIterator(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program_;
};

}  // namespace tcpdx::host
