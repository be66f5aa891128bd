#include "capture/snoop_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "capture/numbers.hpp"

namespace tcpdx::capture {
namespace {

constexpr size_t kFileHeader = 16;
constexpr size_t kRecordHeader = 24;
constexpr size_t kMaxRecord = 1024 * size_t{1024};
constexpr Numbers kNumbers{std::endian::big};
constexpr std::array<char, 8> kMagic{'s', 'n', 'o', 'o', 'p', 0, 0, 0};

// RFC 1761 section 4's data link types as LINKTYPE_ values. An IEEE 802.3 frame has the addresses
// and the length field of Ethernet.
std::optional<uint16_t> link_type_of(uint32_t data_link) {
  switch (data_link) {
    case 0:
    case 4: return uint16_t{1};   // IEEE 802.3, Ethernet
    case 2: return uint16_t{6};   // IEEE 802.5, token ring
    case 8: return uint16_t{10};  // FDDI
    default: return std::nullopt;
  }
}

class SnoopReader final : public Format {
 public:
  SnoopReader(uint16_t link_type, DamageLog& log) : Format(log), link_type_(link_type) {}

 private:
  Step step(const Piece& piece, Frame& frame) override {
    if (piece.octets.size() < kRecordHeader) return {Step::Kind::incomplete, kRecordHeader};
    const std::byte* const at = piece.octets.data();
    const uint32_t original = kNumbers.u32(at);
    const uint32_t captured = kNumbers.u32(at + 4);
    const uint32_t size = kNumbers.u32(at + 8);
    if (size > kMaxRecord || size < kRecordHeader || captured > size - kRecordHeader) {
      damaged(piece.offset,
              fmt::format("a record of {} octets with {} captured ones cannot be; what follows "
                          "cannot be read",
                          size, captured));
      return {Step::Kind::end};
    }
    if (piece.octets.size() < size) return {Step::Kind::incomplete, size};
    frame.number = next_number();
    frame.time_ns =
        int64_t{kNumbers.u32(at + 16)} * 1'000'000'000 + int64_t{kNumbers.u32(at + 20)} * 1000;
    frame.original_size = std::max(original, captured);
    frame.link_type = link_type_;
    frame.interface = 0;
    frame.data = piece.octets.subspan(kRecordHeader, captured);
    return {Step::Kind::frame, size};
  }

  uint16_t link_type_;
};

}  // namespace

bool is_snoop(std::span<const std::byte> head) {
  return head.size() >= kMagic.size() &&
         std::ranges::equal(head.first(kMagic.size()), std::as_bytes(std::span(kMagic)));
}

Result<Opened> open_snoop(std::span<const std::byte> head, DamageLog& log) {
  if (head.size() < kFileHeader) {
    return fail("its snoop header is cut short: {} of {} octets", head.size(), kFileHeader);
  }
  const uint32_t version = kNumbers.u32(head.data() + 8);
  if (version != 2) return fail("version {} of the snoop format is not known", version);
  const uint32_t data_link = kNumbers.u32(head.data() + 12);
  const std::optional<uint16_t> link_type = link_type_of(data_link);
  if (!link_type) return fail("snoop's data link type {} is not known", data_link);
  return Opened{std::make_unique<SnoopReader>(*link_type, log), kFileHeader};
}

}  // namespace tcpdx::capture
