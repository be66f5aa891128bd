#include "track/notes.hpp"

#include <utility>
#include <vector>

namespace tcpdx::track {
namespace {

// More changes than these come only from captures of nonsense.
constexpr uint32_t kMaxChangeChunks = 32;
constexpr uint32_t kMaxAnomalies = 64;
// No network lies between the capture and an end that answers within this time.
constexpr int64_t kAtOnceNs = 20'000;
constexpr int64_t kUs = 1'000;  // to which times of text are kept

}  // namespace

Trouble& Notes::trouble(Record& record) {
  if (record.trouble == 0) record.trouble = troubles_.take();
  return troubles_[record.trouble];
}

HoleList& Notes::holes(EndTrouble& trouble) {
  if (trouble.holes == 0) trouble.holes = holes_.take();
  return holes_[trouble.holes];
}

void Notes::release_holes(EndTrouble& trouble) {
  if (trouble.holes != 0) holes_.free(std::exchange(trouble.holes, 0));
}

IcmpList& Notes::icmp(Record& record) {
  Trouble& trouble = this->trouble(record);
  if (trouble.icmp == 0) trouble.icmp = icmp_.take();
  return icmp_[trouble.icmp];
}

std::span<const IcmpSeen> Notes::icmp_of(const Record& record) const {
  const Trouble* trouble = trouble_of(record);
  if (trouble == nullptr || trouble->icmp == 0) return {};
  const IcmpList& list = icmp_[trouble->icmp];
  return std::span(list.seen).first(list.count);
}

void Notes::append(uint32_t& first, const Note& note) {
  uint32_t last = first;
  uint32_t chunks = last == 0 ? 0 : 1;
  for (; last != 0 && chunks_[last].next != 0; ++chunks) last = chunks_[last].next;
  if (last == 0 || chunks_[last].count == chunks_[last].notes.size()) {
    if (chunks == kMaxChangeChunks) return;
    const uint32_t fresh = chunks_.take();
    (last == 0 ? first : chunks_[last].next) = fresh;
    last = fresh;
  }
  NoteChunk& chunk = chunks_[last];
  chunk.notes[chunk.count++] = note;
}

void Notes::change(Record& record, const Place& place, unsigned end, std::optional<tcp::State> from,
                   tcp::State to, Certainty certainty, Cause cause) {
  Note note;
  note.frame = place.frame & 0xffffffffffU;
  note.side = end & 1U;
  note.has_side = 1;
  note.has_from = from ? 1 : 0;
  note.from = static_cast<uint64_t>(from.value_or(to)) & 0xfU;
  note.to = static_cast<uint64_t>(to) & 0xfU;
  note.certainty = static_cast<uint64_t>(certainty) & 3U;
  note.what = static_cast<uint64_t>(cause) & 0xffU;
  note.own_frame = place.sender == end ? 1 : 0;
  note.value = place.ns;
  if (record.own_changes < kOwnChanges) {
    record.changes[record.own_changes++] = note;
  } else {
    append(record.more_changes, note);
  }
  record.end[end].state = to;
  record.end[end].certainty = certainty;
}

void Notes::confirm(Record& record, const Place& place, unsigned end, bool here) {
  End& own = record.end[end];
  if (own.certainty == Certainty::seen) return;
  own.certainty = Certainty::seen;
  Note* last = last_change(record, end);
  if (last == nullptr) return;
  last->certainty = static_cast<uint64_t>(Certainty::seen) & 3U;
  // Between the ends of the handshake hardly anything else passes by chance. Where the end had sent
  // text before much does, and what truly made the change had passed long ago.
  const tcp::State state = last->to_state();
  const bool opening = (place.text_ns == kNever || place.text_ns >= last->value - kUs) &&
                       (state == tcp::State::syn_received || state == tcp::State::established);
  const bool closing = last->what == static_cast<uint64_t>(Cause::fin_received);
  const bool at_once = last->own_frame == 0 && place.ns - last->value < kAtOnceNs;
  // A FIN may arrive and be dropped (RFC 7323 5, PAWS), so that a later copy was the one.
  if (here ? !closing || at_once : opening && at_once) return;
  last->frame = place.frame & 0xffffffffffU;
  last->value = place.ns;
}

Note* Notes::last_change(Record& record, unsigned end) {
  Note* last = nullptr;
  for_each_change(record, [&](Note& note) {
    if (note.side == end) last = &note;
  });
  return last;
}

void Notes::redate(Record& record, const Place& place, unsigned end, Cause cause) {
  Note* last = last_change(record, end);
  if (last == nullptr || last->what != static_cast<uint64_t>(cause)) return;
  last->frame = place.frame & 0xffffffffffU;
  last->value = place.ns;
}

bool Notes::take_back(Record& record, unsigned end, tcp::State state) {
  std::vector<Note*> own;
  for_each_change(record, [&](Note& note) {
    if (note.side == end) own.push_back(&note);
  });
  size_t keep = own.size();
  while (keep > 0 && own[keep - 1]->to_state() != state) --keep;
  if (keep == 0) return false;
  for (size_t i = keep; i < own.size(); ++i) {
    own[i]->has_side = 0;
    own[i]->what = kTakenBack;
  }
  record.end[end].state = state;
  record.end[end].certainty = static_cast<Certainty>(own[keep - 1]->certainty);
  return true;
}

void Notes::anomaly(Record& record, AnomalyKind kind, uint64_t frame, std::optional<unsigned> end,
                    int64_t evidence) {
  Trouble& trouble = this->trouble(record);
  trouble.anomaly_kinds |= 1U << static_cast<unsigned>(kind);
  if (++trouble.anomaly_count > kMaxAnomalies) return;
  Note note;
  note.frame = frame & 0xffffffffffU;
  note.has_side = end ? 1 : 0;
  note.side = end.value_or(0) & 1U;
  note.what = static_cast<uint64_t>(kind) & 0xffU;
  note.value = evidence;
  append(trouble.anomalies, note);
}

void Notes::anomaly_once(Record& record, AnomalyKind kind, uint64_t frame,
                         std::optional<unsigned> end, int64_t evidence) {
  const Trouble* known = trouble_of(record);
  if (known != nullptr && (known->anomaly_kinds & 1U << static_cast<unsigned>(kind)) != 0) return;
  anomaly(record, kind, frame, end, evidence);
}

void Notes::release_chunks(uint32_t first) {
  while (first != 0) {
    const uint32_t next = chunks_[first].next;
    chunks_.free(first);
    first = next;
  }
}

void Notes::release(Record& record) {
  release_chunks(record.more_changes);
  for (const End& end : record.end) rtts_.release(end.rtt);
  if (record.trouble == 0) return;
  Trouble& trouble = troubles_[record.trouble];
  for (EndTrouble& end : trouble.ends) release_holes(end);
  release_chunks(trouble.anomalies);
  if (trouble.icmp != 0) icmp_.free(trouble.icmp);
  troubles_.free(record.trouble);
}

void Notes::prefetch(const Record& record) const {
  const auto fetch = [](const auto& object) {
    const auto* at = reinterpret_cast<const char*>(&object);
    for (size_t line = 0; line < sizeof(object); line += 64) __builtin_prefetch(at + line);
  };
  if (record.more_changes != 0) fetch(chunks_[record.more_changes]);
  if (record.trouble != 0) fetch(troubles_[record.trouble]);
  for (const End& end : record.end) rtts_.prefetch(end.rtt);
}

size_t Notes::memory() const {
  return troubles_.memory() + holes_.memory() + chunks_.memory() + rtts_.memory() + icmp_.memory();
}

}  // namespace tcpdx::track
