#include "capture/format.hpp"

#include <utility>

#include "capture/pcap_reader.hpp"
#include "capture/pcapng_reader.hpp"
#include "capture/snoop_reader.hpp"

namespace tcpdx::capture {

void DamageLog::add(uint64_t frame, uint64_t offset, std::string what) {
  if (damage_.size() < kListed) {
    damage_.push_back({file_, frame, offset, std::move(what)});
    return;
  }
  if (more_ == 0) damage_.push_back({file_, frame, offset, {}});
  damage_.back().what =
      fmt::format("here, and {} more times behind it, the file is damaged", more_);
  ++more_;
}

Parsed Format::parse(const Piece& piece, std::span<Frame> frames) {
  Parsed parsed;
  while (parsed.frames < frames.size()) {
    const Piece rest{piece.octets.subspan(parsed.used), piece.offset + parsed.used, piece.behind};
    const Step found = step(rest, frames[parsed.frames]);
    if (found.kind == Step::Kind::incomplete) {
      parsed.need = found.size;
      if (piece.behind == Behind::more) return parsed;
      cut(rest, found.size);
    }
    parsed.ended = found.kind == Step::Kind::incomplete || found.kind == Step::Kind::end;
    if (parsed.ended) return parsed;
    parsed.used += found.size;
    if (found.kind == Step::Kind::frame) ++parsed.frames;
  }
  return parsed;
}

void Format::damaged(uint64_t offset, std::string what) {
  log_.add(count_ + 1, offset, std::move(what));
}

void Format::cut(const Piece& piece, size_t needed) {
  if (piece.octets.empty() || piece.behind == Behind::lost) return;
  damaged(piece.offset, fmt::format("the file ends within a record: {} of at least {} octets",
                                    piece.octets.size(), needed));
}

Result<Opened> open_format(std::span<const std::byte> head, DamageLog& log) {
  if (is_pcap(head)) return open_pcap(head, log);
  if (is_pcapng(head)) return open_pcapng(log);
  if (is_snoop(head)) return open_snoop(head, log);
  return fail("{}not a capture file (pcap, pcapng or snoop)", head.empty() ? "it is empty, " : "");
}

}  // namespace tcpdx::capture
