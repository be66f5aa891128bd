// All connections that are being followed: their records, the SYNs without an answer, and the way
// to them from a packet's addresses.
#pragma once

#include <cstdint>
#include <optional>

#include "track/flow_table.hpp"
#include "track/half_open.hpp"
#include "track/notes.hpp"
#include "track/pool.hpp"
#include "track/record.hpp"

namespace tcpdx::track {

class Flows {
 public:
  struct Found {
    Ref ref;
    unsigned from = 0;  // which end of the record the packet's source is
  };

  uint32_t hash(const wire::Packet& packet) const {
    return table_.hash(packet.source, packet.source_port, packet.destination,
                       packet.destination_port, packet.link);
  }
  Found find(uint32_t hash, const wire::Packet& packet) const;

  // A new record for the packet's addresses; end 0 is its source.
  Record& add(uint32_t hash, const Sighting& first, uint32_t id);
  void add_half_open(uint32_t hash, const Sighting& syn, int64_t stream_start_ns, uint32_t id);
  // Takes a SYN out of its small form; what it says is to be replayed on the new record.
  Sighting take_half_open(uint32_t hash, Ref ref, int64_t stream_start_ns, OptionBytes& options,
                          uint32_t& id);
  void erase(Record& record);

  Record& record(Ref ref) { return records_[ref.index()]; }
  Notes& notes() { return notes_; }
  const Notes& notes() const { return notes_; }

  void prefetch_place(uint32_t hash) const { table_.prefetch(hash); }
  void prefetch_record(uint32_t hash) const;
  void prefetch(uint32_t index) const;

  // The oldest SYN without an answer, as far as the order of places tells; nothing: there is none.
  std::optional<Ref> oldest_half_open();
  // The record that was silent for longest among the next few in turn.
  Record* longest_silent();
  // Calls what(record) or what(half-open ref) for everything there is.
  template <class What>
  void for_each_record(What&& what) {
    for (uint32_t i = 1; i <= records_.made(); ++i) {
      if (records_[i].id != 0) what(records_[i]);
    }
  }
  template <class What>
  void for_each_half_open(What&& what) {
    for (uint32_t i = 1; i <= half4_.made(); ++i) {
      if (half4_[i].id != 0) what(Ref(Kind::half4, i), half4_[i].id);
    }
    for (uint32_t i = 1; i <= half6_.made(); ++i) {
      if (half6_[i].id != 0) what(Ref(Kind::half6, i), half6_[i].id);
    }
  }
  uint32_t hash_of(Ref half_open) const;

  uint64_t records() const { return records_.used(); }
  uint64_t half_open() const { return uint64_t{half4_.used()} + half6_.used(); }
  size_t memory() const;

 private:
  bool matches(Ref ref, const wire::Packet& packet, unsigned& from) const;

  FlowTable table_;
  Pool<Record> records_;
  Pool<HalfOpen4> half4_;
  Pool<HalfOpen6> half6_;
  Notes notes_;
  uint32_t hand4_ = 0;
  uint32_t hand6_ = 0;
  uint32_t hand_ = 0;
};

}  // namespace tcpdx::track
