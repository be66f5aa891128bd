// Captures written octet by octet from the formats' specifications, in either byte order, and what
// a source says of them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/stream.hpp"

namespace tcpdx::capture::test_captures {

class Octets {
 public:
  explicit Octets(std::endian order = std::endian::little) : order_(order) {}

  Octets& u16(uint16_t number) { return put(number, 2); }
  Octets& u32(uint32_t number) { return put(number, 4); }
  Octets& u64(uint64_t number) { return put(number, 8); }
  Octets& text(std::string_view text) {
    for (const char letter : text) octets_.push_back(static_cast<std::byte>(letter));
    return *this;
  }
  Octets& add(const Octets& other) {
    octets_.insert(octets_.end(), other.octets_.begin(), other.octets_.end());
    return *this;
  }
  Octets& pad() {
    octets_.resize((octets_.size() + 3) / 4 * 4);
    return *this;
  }
  Octets& cut(size_t octets) {
    octets_.resize(octets_.size() - octets);
    return *this;
  }
  size_t size() const { return octets_.size(); }
  std::endian order() const { return order_; }
  const std::vector<std::byte>& all() const { return octets_; }
  std::string letters() const {
    return {static_cast<const char*>(static_cast<const void*>(octets_.data())), octets_.size()};
  }

 private:
  Octets& put(uint64_t number, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      const size_t shift = 8 * (order_ == std::endian::little ? i : size - 1 - i);
      octets_.push_back(static_cast<std::byte>(number >> shift & 0xFFU));
    }
    return *this;
  }

  std::endian order_;
  std::vector<std::byte> octets_;
};

struct Seen {
  std::string error{};
  std::vector<Frame> frames{};  // without data
  std::vector<std::string> data{};
  std::vector<Damage> damage{};
};

inline Seen drain(Source& source, size_t at_once = 3) {
  Seen seen;
  std::vector<Frame> frames(at_once);
  while (const size_t count = source.read(frames)) {
    for (size_t i = 0; i < count; ++i) {
      const std::span<const std::byte> data = frames[i].data;
      seen.data.emplace_back(static_cast<const char*>(static_cast<const void*>(data.data())),
                             data.size());
      frames[i].data = {};
      seen.frames.push_back(frames[i]);
    }
  }
  seen.damage.assign(source.damage().begin(), source.damage().end());
  return seen;
}

// `in_one_read` octets come with each read, which are kept in blocks of as many.
inline Seen see(const std::vector<std::byte>& octets, size_t in_one_read = 1 << 20) {
  auto source = open_input(memory_input(octets, in_one_read), "FILE", in_one_read);
  if (!source) return {.error = source.error().sentence};
  return drain(**source);
}
inline Seen see(const Octets& octets, size_t in_one_read = 1 << 20) {
  return see(octets.all(), in_one_read);
}

// draft-ietf-opsawg-pcap section 4.
struct PcapHeader {
  uint32_t magic = 0xA1B2C3D4;
  uint16_t major = 2;
  uint16_t minor = 4;
  uint32_t snap_length = 65535;
  uint32_t link_type = 1;
};
inline Octets pcap(std::endian order, const PcapHeader& header = {}) {
  Octets file(order);
  return file.u32(header.magic)
      .u16(header.major)
      .u16(header.minor)
      .u32(0)
      .u32(0)
      .u32(header.snap_length)
      .u32(header.link_type);
}

// Section 5.
inline void add_record(Octets& file, uint32_t seconds, uint32_t part, std::string_view data,
                       uint32_t original) {
  file.u32(seconds).u32(part).u32(static_cast<uint32_t>(data.size())).u32(original).text(data);
}

// draft-ietf-opsawg-pcapng section 3.1: a block is padded, its length stands at both ends.
inline void add_block(Octets& file, uint32_t type, Octets body) {
  body.pad();
  const auto length = static_cast<uint32_t>(body.size() + 12);
  file.u32(type).u32(length).add(body).u32(length);
}

// Section 4.1, without options and section length.
inline Octets pcapng(std::endian order, uint16_t major = 1, uint16_t minor = 0) {
  Octets file(order);
  add_block(file, 0x0A0D0D0A,
            Octets(order).u32(0x1A2B3C4D).u16(major).u16(minor).u64(~uint64_t{0}));
  return file;
}

// Section 4.2.
inline void add_interface(Octets& file, uint16_t link_type, uint32_t snap_length,
                          const Octets& options) {
  add_block(file, 1, Octets(file.order()).u16(link_type).u16(0).u32(snap_length).add(options));
}
inline void add_interface(Octets& file, uint16_t link_type = 1, uint32_t snap_length = 0) {
  add_interface(file, link_type, snap_length, Octets(file.order()));
}

// Section 4.3.
inline void add_packet(Octets& file, uint32_t interface, uint64_t time, std::string_view data,
                       uint32_t original) {
  add_block(file, 6,
            Octets(file.order())
                .u32(interface)
                .u32(static_cast<uint32_t>(time >> 32U))
                .u32(static_cast<uint32_t>(time))
                .u32(static_cast<uint32_t>(data.size()))
                .u32(original)
                .text(data));
}

}  // namespace tcpdx::capture::test_captures
