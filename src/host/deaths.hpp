// The kernel's notices of TCP sockets that end (SKNLGRP_INET_TCP_DESTROY, linux/sock_diag.h): last
// addresses, cookie and TCP_INFO, without any right, of the namespaces that can be entered.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "host/sock_diag.hpp"

namespace tcpdx::host {

class Deaths {
 public:
  using OnDeath = std::function<void(uint64_t netns, const DiagMessage&)>;

  static Result<Deaths> open(const std::string& proc, const std::string& run_netns);

  // Hands over what has come since the last call.
  void poll(const OnDeath& on_death);
  // How often notices were thrown away since they were not read in time.
  uint64_t overruns() const { return overruns_; }

 private:
  struct Ear {
    uint64_t netns = 0;
    Fd socket;
  };

  static Result<Ear> listen(uint64_t netns);

  std::vector<Ear> ears_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(size_t{64} << 10U);
  uint64_t overruns_ = 0;
};

// Takes one datagram of notices apart.
void read_deaths(std::span<const std::byte> bytes,
                 const std::function<void(const DiagMessage&)>& on_death);

}  // namespace tcpdx::host
