// The two machines of a connection: what a segment proves of its sender, and what it does to its
// receiver. States move along the rows of RFC 9293's transition table.
#pragma once

#include <optional>

#include "track/notes.hpp"
#include "track/step.hpp"

namespace tcpdx::track {

// A segment without RST that is no copy and whose checksum is believed.
void run_machines(Notes& notes, Step& step);
// A RST (reset.cpp): RFC 9293 3.10.7, RFC 5961 3.
void run_reset(Notes& notes, Step& step);

// What is unusual of a segment that was measured, before the machines take it (oddities.cpp).
void note_oddities(Notes& notes, Step& step);
// A RST in answer to data that its sender never acknowledged: nobody was there to read it.
void note_refused_data(Notes& notes, Step& step);
// An ICMP error that quotes a segment of end `about` (icmp.cpp); its sequence number must fit
// (RFC 5927 4.1).
void take_icmp_error(Notes& notes, Record& record, unsigned about, const wire::IcmpError& error,
                     const Place& place);

// Takes one end to a state, through those that lie between on the way; these are inferred.
void move(Notes& notes, Record& record, const Place& place, unsigned end, tcp::State to,
          Certainty certainty, Cause cause);

// The next state on the shortest way that the transition table knows; nothing where there is none.
std::optional<tcp::State> next_on_way(tcp::State from, tcp::State to);

// An end that was believed to be gone sends on: back to what it was before.
void revive(Notes& notes, Step& step);

}  // namespace tcpdx::track
