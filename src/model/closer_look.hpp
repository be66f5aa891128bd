// What was found out about listeners beyond the kernel's tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "model/listener_identity.hpp"

namespace tcpdx {

// What the firewall of a namespace does with new connections to a listener, as far as its rules can
// be read and evaluated.
enum class Passage : uint8_t {
  open,
  dropped,
  rejected,
  diverted,  // DNAT, redirect, transparent proxy: another socket gets them
  depends,   // on what is not evaluated: the sender, the load, an extension
  unknown    // the rules cannot be read
};
std::string_view to_string(Passage passage);

struct FirewallAnswer {
  uint16_t netns = 0;  // index into Observation::namespaces
  SocketAddress local;
  Passage passage = Passage::unknown;
  std::string words;  // "dropped by inet filter input"
};

// A port that somebody holds although no table shows a socket on it.
struct HiddenPort {
  uint16_t netns = 0;
  uint16_t port = 0;
  bool answers = false;  // and takes connections
};

struct CloserLook {
  // Nothing was kept from us: every process with its descriptors, in the machine's first PID
  // namespace; every network namespace.
  bool every_process = false;
  bool every_namespace = false;
  std::vector<FirewallAnswer> firewall;           // empty: not asked
  std::optional<std::vector<HiddenPort>> hidden;  // nothing: not looked for
  std::optional<Baseline> baseline;               // what there should be
};

}  // namespace tcpdx
