// Packets into a capture file that every tool reads: classic pcap with microseconds
// (draft-ietf-opsawg-pcap), link type RAW, so that each packet begins with its IP header.
#pragma once

#include <cstddef>
#include <ostream>
#include <span>

#include "base/time.hpp"

namespace tcpdx::capture {

class PcapWriter {
 public:
  // Writes the file's header. The stream must outlive the writer; whether writing worked is in its
  // state.
  explicit PcapWriter(std::ostream& out);

  // `since_epoch` is not negative, and ends in 2106: the format has 32 bits for the seconds.
  void write(Duration since_epoch, std::span<const std::byte> packet);

 private:
  std::ostream& out_;
};

}  // namespace tcpdx::capture
