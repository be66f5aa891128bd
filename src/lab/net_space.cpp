#include "lab/net_space.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace tcpdx::lab {
namespace {

Fd space_of_this_thread() { return Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

void move_to(int space) {
  if (::setns(space, CLONE_NEWNET) == 0) return;
  fmt::print(stderr, "cannot enter a network namespace: {}\n", errno_text(errno));
  std::abort();
}

}  // namespace

Result<NetSpace> NetSpace::make() {
  const Fd home = space_of_this_thread();
  if (!home) return fail("cannot open /proc/thread-self/ns/net: {}", errno_text(errno));
  if (::unshare(CLONE_NEWNET) != 0) {
    return fail("cannot make a network namespace: {}; it needs root (CAP_SYS_ADMIN)",
                errno_text(errno));
  }
  Fd made = space_of_this_thread();
  const int error = errno;
  move_to(home.get());
  if (!made) return fail("cannot open the new network namespace: {}", errno_text(error));
  return NetSpace(std::move(made));
}

Visit::Visit(const NetSpace& space) : home_(space_of_this_thread()) { move_to(space.fd()); }

Visit::~Visit() { move_to(home_.get()); }

}  // namespace tcpdx::lab
