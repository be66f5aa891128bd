#include "capture/pcap_reader.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "capture/numbers.hpp"

namespace tcpdx::capture {
namespace {

constexpr size_t kFileHeader = 24;

// libpcap's MAXIMUM_SNAPLEN: what claims to be longer is damage, unless the file itself says that
// longer frames were to be captured. Beyond the second bound that too is damage.
constexpr uint32_t kMaxCaptured = 262144;
constexpr uint32_t kMaxBySnapLength = 16 * 1024 * 1024;

struct Variant {
  uint32_t magic;
  uint32_t nanoseconds;  // of a unit below the second
  uint32_t record_header;
};

constexpr std::array<Variant, 3> kVariants{{
    {0xA1B2C3D4, 1000, 16},
    {0xA1B23C4D, 1, 16},
    // Kuznetzov's: interface, protocol and packet type follow the lengths.
    {0xA1B2CD34, 1000, 24},
}};

struct Kind {
  Variant variant;
  Numbers numbers;
};

std::optional<Kind> kind_of(std::span<const std::byte> head) {
  if (head.size() < 4) return std::nullopt;
  for (const std::endian order : {std::endian::little, std::endian::big}) {
    const Numbers numbers{order};
    const auto* const found =
        std::ranges::find(kVariants, numbers.u32(head.data()), &Variant::magic);
    if (found != kVariants.end()) return Kind{*found, numbers};
  }
  return std::nullopt;
}

// Version 2.3 exchanged the captured and the original length. Some programs wrote 2.3 and kept the
// order of before, as the one of DG/UX did, whose version is 543.0.
enum class Lengths { captured_first, original_first, smaller_is_captured };

std::optional<Lengths> lengths_of(uint16_t major, uint16_t minor) {
  if (major == 543 && minor == 0) return Lengths::original_first;
  if (major != 2 || minor > 4) return std::nullopt;
  if (minor == 4) return Lengths::captured_first;
  return minor == 3 ? Lengths::smaller_is_captured : Lengths::original_first;
}

uint32_t limit_of(uint32_t snap_length) {
  return snap_length <= kMaxBySnapLength ? std::max(snap_length, kMaxCaptured) : kMaxCaptured;
}

class PcapReader final : public Format {
 public:
  PcapReader(const Kind& kind, Lengths lengths, const std::byte* header, DamageLog& log)
      : Format(log),
        variant_(kind.variant),
        numbers_(kind.numbers),
        lengths_(lengths),
        limit_(limit_of(kind.numbers.u32(header + 16))),
        // The upper half of the word says how many octets of a checksum end each frame.
        link_type_(static_cast<uint16_t>(kind.numbers.u32(header + 20) & 0xFFFFU)) {}

 private:
  Step step(const Piece& piece, Frame& frame) override {
    const size_t header = variant_.record_header;
    if (piece.octets.size() < header) return {Step::Kind::incomplete, header};
    const std::byte* const at = piece.octets.data();
    uint32_t captured = numbers_.u32(at + 8);
    uint32_t original = numbers_.u32(at + 12);
    if (lengths_ == Lengths::original_first ||
        (lengths_ == Lengths::smaller_is_captured && captured > original)) {
      std::swap(captured, original);
    }
    if (captured > limit_) return too_long(piece, captured);
    const size_t size = header + captured;
    if (piece.octets.size() < size) return {Step::Kind::incomplete, size};
    frame.number = next_number();
    // A part of more than a second is carried over into the seconds.
    frame.time_ns = int64_t{numbers_.u32(at)} * 1'000'000'000 +
                    int64_t{numbers_.u32(at + 4)} * int64_t{variant_.nanoseconds};
    frame.original_size = std::max(original, captured);
    frame.link_type = link_type_;
    frame.interface = 0;
    frame.data = piece.octets.subspan(header, captured);
    return {Step::Kind::frame, size};
  }

  // Records have neither marks nor numbers, so that behind a wrong length none can be found again.
  Step too_long(const Piece& piece, uint32_t captured) {
    damaged(piece.offset,
            fmt::format("a captured length of {} octets cannot be, where at most {} were to be "
                        "captured; what follows cannot be read",
                        captured, limit_));
    return {Step::Kind::end};
  }

  Variant variant_;
  Numbers numbers_;
  Lengths lengths_;
  uint32_t limit_;
  uint16_t link_type_;
};

}  // namespace

bool is_pcap(std::span<const std::byte> head) { return kind_of(head).has_value(); }

Result<Opened> open_pcap(std::span<const std::byte> head, DamageLog& log) {
  const std::optional<Kind> kind = kind_of(head);
  if (!kind || head.size() < kFileHeader) {
    return fail("its pcap header is cut short: {} of {} octets", head.size(), kFileHeader);
  }
  const uint16_t major = kind->numbers.u16(head.data() + 4);
  const uint16_t minor = kind->numbers.u16(head.data() + 6);
  const std::optional<Lengths> lengths = lengths_of(major, minor);
  if (!lengths) return fail("version {}.{} of the pcap format is not known", major, minor);
  return Opened{std::make_unique<PcapReader>(*kind, *lengths, head.data(), log), kFileHeader};
}

}  // namespace tcpdx::capture
