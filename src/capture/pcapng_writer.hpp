// Packets into a pcapng file (draft-ietf-opsawg-pcapng): interfaces with their names and link
// types, times in nanoseconds, and how many packets the capture lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "capture/frame.hpp"

namespace tcpdx::capture {

class PcapngWriter {
 public:
  struct Interface {
    std::string name{};
    uint16_t link_type = 0;    // LINKTYPE_*
    uint32_t snap_length = 0;  // 0: no limit
  };
  // Not known is not written.
  struct Statistics {
    int64_t time_ns = 0;  // when they were taken
    std::optional<uint64_t> received{};
    std::optional<uint64_t> dropped{};
  };

  // Replaces what `path` had; "-" is standard output. The header of the file's one section is
  // written at once, to find out whether writing works.
  static Result<PcapngWriter> create(const std::string& path);

  // Frame::interface counts the calls, from 0.
  Result<void> add_interface(const Interface& interface);
  Result<void> write(const Frame& frame);
  Result<void> add_statistics(uint16_t interface, const Statistics& statistics);
  // Hands over what has been collected; without a last call of it the file is not whole.
  Result<void> flush();

 private:
  PcapngWriter(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  void put16(uint16_t number) { put(&number, sizeof number); }
  void put32(uint32_t number) { put(&number, sizeof number); }
  void put64(uint64_t number) { put(&number, sizeof number); }
  void put(const void* octets, size_t size);
  void put_time(int64_t time_ns);
  void put_option(uint16_t code, std::span<const std::byte> value);
  void pad();
  size_t begin_block(uint32_t type);
  Result<void> end_block(size_t begin);

  Fd fd_;
  std::string name_;
  std::vector<std::byte> collected_;
  size_t interfaces_ = 0;
};

}  // namespace tcpdx::capture
