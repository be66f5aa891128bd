// What the kernel's tracepoints tell of TCP sockets, of all namespaces, as it happens.
//
// BPF programs put records into a ring buffer; nobody is woken for them, so poll() belongs on a
// timer. Each program is there only if the running kernel has its tracepoint (BTF is asked, never
// the version).
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/event_record.hpp"
#include "model/event.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

// Addresses that begin with the same bits; IPv4-mapped ones are nets of IPv6 to the kernel.
struct Net {
  IpAddress address;
  unsigned bits = 0;
};

struct EventOptions {
  // That give records. Of connect only the failed ones do: the others are changes of state.
  std::vector<EventKind> kinds;
  bool rare_states = false;  // state: only SYN-SENT to SYN-RECEIVED
  bool lives = false;        // state: the last one has a Life
  bool accepts = false;      // tell who uses an accepted socket first
  uint32_t tallies = 0;      // destinations and callers whose active opens are counted, at most
  // Only what matches is counted and recorded; nothing given matches everything.
  std::vector<uint32_t> namespaces;  // inode numbers
  std::vector<uint16_t> ports;       // one of them at either end; at most kMostPorts
  std::vector<Net> nets;             // one of them at either end; at most kMostNets
  uint32_t most = 0;                 // records of a kind per CPU; 0: no limit
  uint32_t buffer = 1U << 20;        // bytes of the ring buffer, a power of two
};
inline constexpr size_t kMostPorts = 8;
inline constexpr size_t kMostNets = 4;

// Whether this process is in the machine's own pid namespace, and so not in a container.
bool sees_all_processes();

class Events {
 public:
  // Needs CAP_BPF and CAP_PERFMON and a kernel with BTF; otherwise says what is not seen, and why.
  static std::expected<Events, Missing> open(const EventOptions& options);

  // Hands over what happened since the last call.
  void poll(const std::function<void(KernelEvent&&)>& on_event);

  // All that happened in the watched namespaces, with a record or without.
  std::array<uint64_t, kEventKinds> counted() const;
  // Records that were lost because the ring buffer was full, and events that a program was skipped
  // for because it had just been interrupted on that CPU (counted since Linux 5.12). Some of the
  // latter may not have been asked for.
  uint64_t lost() const;
  // Of the sockets that called since open(). Empty where EventOptions::tallies is 0, or on kernels
  // before 5.12, whose sockets have no storage.
  std::vector<CallerTally> tallies() const;
  // The kernel's name of a reason: "NO_SOCKET"; of an unknown number, the number; of 0 nothing.
  std::string reason(EventKind kind, uint16_t number) const;
  // Tracepoints that this kernel lacks.
  const std::vector<std::string>& absent() const;

  Events(Events&&) noexcept;
  Events& operator=(Events&&) noexcept;
  ~Events();

 private:
  struct Parts;
  explicit Events(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tcpdx::host
