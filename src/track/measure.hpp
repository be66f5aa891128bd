// What sequence numbers, times and windows say of a segment: repeats, gaps, round trips. The
// definitions stand in docs/metrics.md.
#pragma once

#include "track/notes.hpp"
#include "track/step.hpp"

namespace tcpdx::track {

// Whether the segment is a copy that the capture made of the one before it.
bool is_copy(const Step& step);
void count_copy(Notes& notes, Step& step);

// Updates both ends by a segment that is no copy.
void measure(Notes& notes, Step& step);
// The part of it that a RST allows: it has no data and its window says nothing.
void measure_reset(Step& step);

// Takes the letter into the history (Zeek's, upper case for the originator) where it is not yet.
void add_to_history(Record& record, unsigned end, char letter);

}  // namespace tcpdx::track
