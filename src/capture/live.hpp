// Frames from a network interface as they pass, by libpcap.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "capture/frame.hpp"

namespace tcpdx::capture {

// All interfaces at once (packet(7) without bind), as cooked frames without their link headers.
inline constexpr std::string_view kAnyInterface = "any";

// How long a packet may wait in the kernel's buffer, and how long the stream may not ask go_on.
inline constexpr int kLiveWaitMs = 100;

struct LiveOptions {
  std::string interface{kAnyInterface};
  // Of pcap-filter(7), applied by the kernel, to frames with one or two VLAN tags too; may be
  // empty.
  std::string filter;
  bool promiscuous = true;
  size_t buffer = size_t{16} << 20U;  // octets in the kernel
  // Asked before each wait, at least every kLiveWaitMs; false ends the stream. May be empty.
  std::function<bool()> go_on;
  // Told in a sentence when the interface goes down. May be empty.
  std::function<void(const std::string&)> tell;
};

// Counted by the kernel from the beginning of the capture; 32 bits wide, as libpcap counts.
struct LiveStats {
  uint64_t received = 0;              // passed the filter
  uint64_t dropped = 0;               // for lack of room in the buffer
  uint64_t dropped_by_interface = 0;  // by the device or its driver
};

// On "any" the kernel shows a packet over the loopback device twice, as it leaves and as it
// arrives. libpcap keeps the second only, there and on "lo" itself.
class Live : public Source {
 public:
  virtual uint16_t link_type() const = 0;  // LINKTYPE_*
  virtual bool nanoseconds() const = 0;    // whether times are that fine
  // The name of a frame's interface; of a long gone one its number.
  virtual const std::string& interface_name(uint16_t interface) const = 0;
  virtual LiveStats stats() const = 0;
  // Why the stream ended although go_on did not ask for it, in a sentence; else empty.
  virtual const std::string& failure() const = 0;
};

Result<std::unique_ptr<Live>> open_live(LiveOptions options);

}  // namespace tcpdx::capture
