// Active opens within the window: which failed, which succeeded, which needed a second SYN, by
// program and destination. Told by the kernel's events where they were followed, else by what both
// looks show. Shared by the faults of the calling side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

struct Opens {
  uint16_t netns = 0;
  uint32_t process = kNoIndex;  // of several programs one; kNoIndex: not known
  size_t programs = 1;
  SocketAddress destination;            // IPv4-mapped addresses as IPv4 ones
  std::vector<const TcpEvent*> failed;  // in time order; those that were kept
  uint64_t failures = 0;                // all
  uint64_t succeeded = 0;               // as far as seen
  uint64_t judged = 0;                  // of those, known whether their SYN was repeated
  uint64_t repeated = 0;                // of those, it was
  unsigned most_repeats = 0;            // of one SYN, as far as seen
  Sockets waiting;                      // SYN-SENT in the last look

  uint64_t ended() const { return failures + succeeded; }
};

// By namespace, program and destination.
std::vector<Opens> opens_by_program(const Facts& facts);
// All programs of a namespace together.
std::vector<Opens> opens_by_destination(const Facts& facts);

// Connects of the machine that succeeded and of which nothing else is known: events count them, and
// where there are no tallies only those that left a socket can be given a place. They may have gone
// anywhere.
uint64_t unplaced(const Facts& facts, const std::vector<Opens>& all);

// Whether the other side or the way to it failed: not this machine's own ports, and not a program
// that gave up before an answer could come, as the loser of a race between two addresses does.
bool is_failure(const TcpEvent& connect);
// "billing (pid 41)", or "3 programs, one of them billing (pid 41)".
std::string callers(const Facts& facts, const Opens& opens);

}  // namespace tcpdx::faults
