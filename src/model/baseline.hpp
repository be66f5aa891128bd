// The listeners that a machine is meant to have, and what differs from them now.
//
// A listener is known by what outlives a restart of its program and of the machine: namespace,
// address, port, program file, unit or container, user. Never by its pid.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "model/listener.hpp"
#include "model/observation.hpp"

namespace tcpdx {

ListenerIdentity identity_of(const Observation& observation, const ListeningSocket& listener);

// Of the last look. The same program on the same port counts once, however many workers it
// has.
std::vector<ListenerIdentity> identities(const Observation& observation);

// What `--learn` writes.
Baseline learn(const Observation& observation);

enum class ChangeKind : uint8_t { fresh, gone, changed };
std::string_view to_string(ChangeKind kind);  // "new", "gone", "changed"

struct Change {
  ChangeKind kind = ChangeKind::fresh;
  ListenerIdentity now;  // of what is gone: as it was learned
  ListenerIdentity was;  // of what changed
};

struct Comparison {
  std::vector<Change> changes;            // by namespace, port and address
  std::vector<std::string> not_compared;  // what one side does not know, each as a sentence
};

// A member that either side does not know is not compared, and said so.
Comparison compare(const Baseline& baseline, const Observation& observation);

// A sign that was there when the baseline was learned is accepted with it.
bool accepted(const Baseline& baseline, const ListenerIdentity& listener, std::string_view sign);

// "uid 0, /usr/sbin/sshd, ssh.service".
std::string describe(const ListenerIdentity& listener);

}  // namespace tcpdx
