// Network namespaces without a name: held by a descriptor, so that they go with the process that
// made them, however it ends. A named one (/run/netns) outlives a program that is killed.
#pragma once

#include "base/file.hpp"
#include "base/result.hpp"

namespace tcpdx::lab {

class NetSpace {
 public:
  // A new one; the calling thread stays where it is. Needs CAP_SYS_ADMIN.
  static Result<NetSpace> make();

  // Other programs get in by /proc/PID/fd/N (nsenter --net=...).
  int fd() const { return fd_.get(); }

 private:
  explicit NetSpace(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

// While it lives the calling thread is in that namespace: its new sockets belong there, and so does
// what it reads below /proc/thread-self/net and /proc/sys/net. A thread that cannot get there or
// back would act on the wrong machine, so that ends the program.
class Visit {
 public:
  explicit Visit(const NetSpace& space);
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Fd home_;
};

}  // namespace tcpdx::lab
