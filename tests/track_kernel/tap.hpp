// What passed a host's device, as tcpdump(8) would have it: packet(7) with the kernel's times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "track_kernel/road.hpp"

namespace tcpdx::track_kernel {

struct Seen {
  int64_t time_ns = 0;            // since 1970
  std::vector<std::byte> octets;  // from the Ethernet header
};

class Tap {
 public:
  Tap(const Road& road, Host host);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // Ends the capture and returns it.
  std::vector<Seen> stop();
  // Packets that the kernel had no room for.
  uint32_t dropped() const { return dropped_; }

 private:
  void take();

  Fd socket_;
  std::vector<Seen> seen_;
  uint32_t dropped_ = 0;
  std::jthread thread_;
};

// As a pcap file with nanoseconds.
void save(const std::string& path, const std::vector<Seen>& seen);

}  // namespace tcpdx::track_kernel
