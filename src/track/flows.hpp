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
  // `guess` is what prefetch_record() said of the hash.
  Found find(uint32_t hash, const wire::Packet& packet, Ref guess = {}) const;

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

  // Ahead of the caches: where the hash leads to, what stands there, and what else the end of a
  // record looks at.
  void prefetch_place(uint32_t hash) const { table_.prefetch(hash); }
  Ref prefetch_record(uint32_t hash) const;
  void prefetch(uint32_t index) const;
  void prefetch_end(uint32_t index) const;

  // The oldest SYN without an answer, as far as the order of places tells; nothing: there is none.
  std::optional<Ref> oldest_half_open();
  // The record that was silent for longest among the next few in turn.
  Record* longest_silent();
  // Takes everything out of the table: nothing is found by its addresses any more. In the order of
  // the ids, which stand where the hashes were.
  FlowTable::Taken take_all_by_id();
  uint32_t hash_of(Ref half_open) const;
  uint32_t hash_of(const Record& record) const {
    return table_.hash(record.address[0], record.port[0], record.address[1], record.port[1],
                       record.link);
  }

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
