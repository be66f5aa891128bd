// The parts from which faults build their findings about a capture.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "faults/build.hpp"
#include "faults/capture_facts.hpp"

namespace tcpdx::faults {

inline constexpr std::string_view kCapture = "capture";

// Connections with one sign and one culprit.
struct Group {
  SocketAddress place;
  End end;             // all of that place
  uint64_t count = 0;  // with the sign, those included that were not kept
  std::vector<Kept> kept;

  double share_of(uint64_t whole) const;
};
std::vector<Group> groups_of(const CaptureFacts& facts, Sign sign);

// "10.0.0.2:80", or "10.0.0.7" for the calls of a host.
std::string name_of(const SocketAddress& place);
// Listener of the subject, or its local address for the calls of a host.
void set_place(const SocketAddress& place, Finding& finding);
// From the first start to the last of those kept.
Duration spread_of(const std::vector<Kept>& kept);
// The most of them within any stretch of that length; `at` in any order.
size_t most_within(std::vector<WallTime> at, Duration stretch);
std::vector<WallTime> starts_of(const std::vector<Kept>& kept);

// "10.0.1.0/24", or the address itself where it is all that is known.
std::string network_name(const IpAddress& address);
// "capture.pcap", or FILE where the name is not one plain word of a shell.
std::string file_word(const CaptureFacts& facts);
// Names a connection as example and how it is looked at.
void add_example(const CaptureFacts& facts, uint64_t connection, Finding& finding);
void add_example(const CaptureFacts& facts, const Group& group, Finding& finding);

// What a capture without decisive sign may claim: `suspected` when it is short.
Confidence at_most_for(const CaptureFacts& facts, Confidence wanted);

}  // namespace tcpdx::faults
