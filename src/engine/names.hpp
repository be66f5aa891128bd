// Names of addresses, looked up beside the work: whoever shows them waits for them only so long.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tcpdx::engine {

class Names {
 public:
  Names();

  // Begins to look them up (getnameinfo(3)), a few at a time. Look-ups that hang are left behind.
  void ask(std::span<const IpAddress> addresses);
  // Until all are known, but no longer.
  void wait(Duration longest) const;
  // Empty: it has none, or it is not known yet.
  std::string of(const IpAddress& address) const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the threads, which may outlive us
};

}  // namespace tcpdx::engine
