// The sockets of this machine again and again: full looks, and in between only some of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "host/machine.hpp"
#include "model/observation.hpp"

namespace tcpdx::engine {

class SocketWatch {
 public:
  // Makes the first full look.
  static Result<SocketWatch> open(const host::Options& host, const host::LookOptions& look);

  // The next full look, with the namespaces there are now.
  Result<void> look();
  // Asks again for these sockets of the last look. Returns those that are gone.
  Result<std::vector<uint32_t>> refresh(std::span<const uint32_t> which);
  bool can_refresh() const { return machine_.can_refresh(); }

  const Observation& seen() const { return seen_; }
  // How long to leave the machine alone after the last full look: ten times what that took.
  Duration rest() const { return took_ * 10; }

 private:
  SocketWatch(host::Machine machine, Observation seen, host::LookOptions look)
      : machine_(std::move(machine)), seen_(std::move(seen)), look_(std::move(look)) {}
  Result<void> look_now(Observation& into);

  host::Machine machine_;
  Observation seen_;
  host::LookOptions look_;
  Duration took_{};
};

}  // namespace tcpdx::engine
