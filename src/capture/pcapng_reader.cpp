#include "capture/pcapng_reader.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "capture/numbers.hpp"
#include "capture/pcapng_interface.hpp"

namespace tcpdx::capture {
namespace {

// draft-ietf-opsawg-pcapng section 4; the obsolete Packet Block is in its appendix.
enum class BlockType : uint32_t {
  section = 0x0A0D0D0A,  // reads the same in both byte orders
  interface = 1,
  packet = 2,
  simple_packet = 3,
  enhanced_packet = 6,
};

constexpr uint32_t kOrderMagic = 0x1A2B3C4D;
constexpr size_t kSmallestBlock = 12;
// libpcap's bound. Behind a length beyond it only the next section can be found again.
constexpr uint32_t kLargestBlock = 16 * 1024 * 1024;
constexpr size_t kPacketHeader = 20;

// Of a section's header that begins here.
std::optional<Numbers> section_order(std::span<const std::byte> octets) {
  if (octets.size() < kSmallestBlock) return std::nullopt;
  if (Numbers{}.u32(octets.data()) != static_cast<uint32_t>(BlockType::section)) return {};
  for (const std::endian order : {std::endian::little, std::endian::big}) {
    if (Numbers{order}.u32(octets.data() + 8) == kOrderMagic) return Numbers{order};
  }
  return std::nullopt;
}

struct Block {
  BlockType type;
  std::span<const std::byte> body;
  uint64_t offset = 0;
};

class PcapngReader final : public Format {
 public:
  explicit PcapngReader(DamageLog& log) : Format(log) {}

 private:
  Step step(const Piece& piece, Frame& frame) override;
  Step broken_length(const Piece& piece, uint32_t length);
  Step find_section(const Piece& piece);
  bool deliver(const Block& block, Frame& frame);
  void begin_section(const Block& block);
  void add_interface(const Block& block);
  bool packet(const Block& block, Frame& frame);
  bool simple_packet(const Block& block, Frame& frame);
  bool fill(Frame& frame, const Interface& interface, std::span<const std::byte> data,
            uint32_t original);
  // A packet's block that cannot be read has a number all the same.
  bool unreadable(const Block& block, std::string what);

  Numbers numbers_;
  bool lost_ = false;     // the next section is searched for
  bool foreign_ = false;  // the section is of a version that is not known
  std::vector<Interface> interfaces_;
  uint16_t interface_count_ = 0;  // of all sections
  int64_t last_time_ = 0;
};

Format::Step PcapngReader::step(const Piece& piece, Frame& frame) {
  if (lost_) return find_section(piece);
  if (piece.octets.size() < kSmallestBlock) return {Step::Kind::incomplete, kSmallestBlock};
  const std::byte* const at = piece.octets.data();
  const BlockType type{numbers_.u32(at)};
  // Without a byte order that can be, a section's length is read in that of the section before.
  if (type == BlockType::section) numbers_ = section_order(piece.octets).value_or(numbers_);
  const uint32_t length = numbers_.u32(at + 4);
  if (length < kSmallestBlock || length > kLargestBlock) return broken_length(piece, length);
  const size_t size = (size_t{length} + 3) / 4 * 4;
  if (piece.octets.size() < size) return {Step::Kind::incomplete, size};
  if (const uint32_t again = numbers_.u32(at + size - 4); again != length) {
    damaged(piece.offset, fmt::format("a block's length is {} at its beginning and {} at its end",
                                      length, again));
  }
  const std::span<const std::byte> body = piece.octets.subspan(8, size - kSmallestBlock);
  const bool found = deliver({type, body, piece.offset}, frame);
  return {found ? Step::Kind::frame : Step::Kind::nothing, size};
}

Format::Step PcapngReader::broken_length(const Piece& piece, uint32_t length) {
  damaged(piece.offset,
          fmt::format("a block's length of {} octets cannot be; what follows cannot be read until "
                      "the next section begins",
                      length));
  lost_ = true;
  return {Step::Kind::nothing, 4};
}

Format::Step PcapngReader::find_section(const Piece& piece) {
  static constexpr std::array<char, 4> kMark{'\n', '\r', '\r', '\n'};
  const std::span<const std::byte> octets = piece.octets;
  auto at = octets.begin();
  for (;; ++at) {
    at = std::search(at, octets.end(), std::as_bytes(std::span(kMark)).begin(),
                     std::as_bytes(std::span(kMark)).end());
    const auto rest = octets.subspan(static_cast<size_t>(at - octets.begin()));
    if (section_order(rest)) break;
    if (rest.size() >= kSmallestBlock) continue;
    if (piece.behind != Behind::more) return {Step::Kind::end};
    if (octets.size() < kSmallestBlock) return {Step::Kind::incomplete, kSmallestBlock};
    // The mark may begin in the last octets.
    return {Step::Kind::nothing, octets.size() - (kSmallestBlock - 1)};
  }
  lost_ = false;
  return {Step::Kind::nothing, static_cast<size_t>(at - octets.begin())};
}

// Whether the block held a packet, which is in `frame` then.
bool PcapngReader::deliver(const Block& block, Frame& frame) {
  if (foreign_ && block.type != BlockType::section) return false;
  switch (block.type) {
    case BlockType::section: begin_section(block); return false;
    case BlockType::interface: add_interface(block); return false;
    case BlockType::packet:
    case BlockType::enhanced_packet: return packet(block, frame);
    case BlockType::simple_packet: return simple_packet(block, frame);
  }
  return false;  // names, statistics, secrets, custom blocks and those to come
}

void PcapngReader::begin_section(const Block& block) {
  interfaces_.clear();
  foreign_ = true;
  if (block.body.size() < 16 || numbers_.u32(block.body.data()) != kOrderMagic) {
    damaged(block.offset, "a section's header is broken; the section cannot be read");
    return;
  }
  const uint16_t major = numbers_.u16(block.body.data() + 4);
  const uint16_t minor = numbers_.u16(block.body.data() + 6);
  foreign_ = major != 1;  // what a minor version adds must not change what was there (section 4.1)
  if (foreign_) {
    damaged(block.offset,
            fmt::format("version {}.{} of the pcapng format is not known; the section "
                        "cannot be read",
                        major, minor));
  }
}

void PcapngReader::add_interface(const Block& block) {
  std::optional<Description> found = parse_interface(block.body, numbers_);
  if (!found || !found->whole) {
    damaged(block.offset, found ? "an option reaches beyond the end of an interface's block"
                                : "an interface's block is too short");
  }
  // Its number must be taken all the same: packets name interfaces by counting blocks.
  Interface interface = found ? found->interface : Interface{};
  interface.number = interface_count_;
  if (interface_count_ < std::numeric_limits<uint16_t>::max()) ++interface_count_;
  interfaces_.push_back(interface);
}

bool PcapngReader::packet(const Block& block, Frame& frame) {
  if (block.body.size() < kPacketHeader) return unreadable(block, "a packet's block is too short");
  const std::byte* const at = block.body.data();
  const uint32_t id =
      block.type == BlockType::enhanced_packet ? numbers_.u32(at) : uint32_t{numbers_.u16(at)};
  const uint32_t captured = numbers_.u32(at + 12);
  if (id >= interfaces_.size()) {
    return unreadable(block, fmt::format("a packet of interface {}, which the section does not "
                                         "describe, cannot be read",
                                         id));
  }
  const std::span<const std::byte> room = block.body.subspan(kPacketHeader);
  if (captured > room.size()) {
    return unreadable(block, fmt::format("{} captured octets do not fit into a block with room for "
                                         "{}",
                                         captured, room.size()));
  }
  const uint64_t units = uint64_t{numbers_.u32(at + 4)} << 32U | numbers_.u32(at + 8);
  if (const std::optional<int64_t> time = interfaces_[id].time.nanoseconds(units)) {
    last_time_ = *time;
  } else {
    damaged(block.offset,
            "a packet's time is after the year 2262; that of the one before is taken");
  }
  return fill(frame, interfaces_[id], room.first(captured), numbers_.u32(at + 16));
}

bool PcapngReader::simple_packet(const Block& block, Frame& frame) {
  if (interfaces_.empty() || block.body.size() < 4) {
    return unreadable(block, interfaces_.empty()
                                 ? "a packet in a section without interfaces cannot "
                                   "be read"
                                 : "a packet's block is too short");
  }
  // How much was captured is not said: all, or what the interface's limit left (section 4.4).
  const uint32_t original = numbers_.u32(block.body.data());
  const uint32_t limit = interfaces_.front().snap_length;
  const uint32_t captured = limit == 0 ? original : std::min(original, limit);
  const std::span<const std::byte> room = block.body.subspan(4);
  if (captured > room.size()) {
    return unreadable(block, fmt::format("{} captured octets do not fit into a block with room for "
                                         "{}",
                                         captured, room.size()));
  }
  return fill(frame, interfaces_.front(), room.first(captured), original);
}

bool PcapngReader::fill(Frame& frame, const Interface& interface, std::span<const std::byte> data,
                        uint32_t original) {
  frame.number = next_number();
  frame.time_ns = last_time_;
  frame.original_size = std::max(original, static_cast<uint32_t>(data.size()));
  frame.link_type = interface.link_type;
  frame.interface = interface.number;
  frame.data = data;
  return true;
}

bool PcapngReader::unreadable(const Block& block, std::string what) {
  damaged(block.offset, std::move(what));
  next_number();
  return false;
}

}  // namespace

bool is_pcapng(std::span<const std::byte> head) { return section_order(head).has_value(); }

Opened open_pcapng(DamageLog& log) { return {std::make_unique<PcapngReader>(log), 0}; }

}  // namespace tcpdx::capture
