// Changes of state and anomalies of a record, and what else most connections never have.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "track/pool.hpp"
#include "track/record.hpp"
#include "track/rtt.hpp"

namespace tcpdx::track {

// Where a note belongs.
struct Place {
  uint64_t frame = 0;
  int64_t ns = 0;
  unsigned sender = 2;       // the end that sent the frame; 2: neither
  int64_t text_ns = kNever;  // when the sender last sent text before
};

class Notes {
 public:
  Trouble& trouble(Record& record);
  EndTrouble& trouble(Record& record, unsigned end) { return trouble(record).ends[end]; }
  // Null where there was none yet.
  const Trouble* trouble_of(const Record& record) const {
    return record.trouble == 0 ? nullptr : &troubles_[record.trouble];
  }
  Trouble* trouble_of(Record& record) {
    return record.trouble == 0 ? nullptr : &troubles_[record.trouble];
  }
  // What of the end's stream has not been captured.
  bool has_holes(const Record& record, unsigned end) const {
    return record.trouble != 0 && troubles_[record.trouble].ends[end].holes != 0;
  }
  HoleList& holes(EndTrouble& trouble);
  void release_holes(EndTrouble& trouble);
  IcmpList& icmp(Record& record);
  std::span<const IcmpSeen> icmp_of(const Record& record) const;

  // `from` is absent where the state before is not known.
  void change(Record& record, const Place& place, unsigned end, std::optional<tcp::State> from,
              tcp::State to, Certainty certainty, Cause cause);
  // The end's own segment proves its present state. Unless the capture was taken `here`, at that
  // end, what made it change passed before it arrived: then the change is dated by its proof.
  void confirm(Record& record, const Place& place, unsigned end, bool here);
  // The end's last change, if it has this cause, may as well have come here.
  void redate(Record& record, const Place& place, unsigned end, Cause cause);
  // Takes changes of the end that were only inferred back until one led into `state`, which is then
  // its state again. False, and nothing is changed, where there is none.
  bool take_back(Record& record, unsigned end, tcp::State state);

  // Evidence is a number that result.cpp puts into words.
  void anomaly(Record& record, AnomalyKind kind, uint64_t frame, std::optional<unsigned> end,
               int64_t evidence = 0);
  // The same, but not again for a kind that was noted before.
  void anomaly_once(Record& record, AnomalyKind kind, uint64_t frame, std::optional<unsigned> end,
                    int64_t evidence = 0);

  // Calls what(note) for each change in the order in which they were noted, taken back ones left
  // out.
  template <class What>
  void for_each_change(Record& record, What&& what) {
    for (unsigned i = 0; i < record.own_changes; ++i) {
      if (record.changes[i].has_side) what(record.changes[i]);
    }
    for_each(record.more_changes, what);
  }
  template <class What>
  void for_each_anomaly(Record& record, What&& what) {
    if (const Trouble* trouble = trouble_of(record)) for_each(trouble->anomalies, what);
  }

  Rtts& rtts() { return rtts_; }

  // Fetches what release() and the result will look at.
  void prefetch(const Record& record) const;
  // Gives everything back that belongs to the record.
  void release(Record& record);
  size_t memory() const;

 private:
  template <class What>
  void for_each(uint32_t chunk, What&& what) {
    for (; chunk != 0; chunk = chunks_[chunk].next) {
      NoteChunk& one = chunks_[chunk];
      for (unsigned i = 0; i < one.count; ++i) {
        if (one.notes[i].has_side || one.notes[i].what != kTakenBack) what(one.notes[i]);
      }
    }
  }
  Note* last_change(Record& record, unsigned end);
  void append(uint32_t& first, const Note& note);
  void release_chunks(uint32_t first);

  static constexpr uint64_t kTakenBack = 0xff;

  Pool<Trouble> troubles_;
  Pool<HoleList> holes_;
  Pool<NoteChunk> chunks_;
  Rtts rtts_;
  Pool<IcmpList> icmp_;
};

}  // namespace tcpdx::track
