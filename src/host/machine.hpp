// The live Linux machine: fills an Observation from the kernel's tables.
//
// Sockets come from sock_diag(7) in every network namespace that can be entered, or, where that is
// refused, from /proc/net/tcp{,6}; owners from the kernel's iterator over open files, or, where
// that is refused, from an own walk of /proc/PID/fd. Whatever could not be seen is added to
// Observation::missing once, with the capability that would show it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/runner.hpp"
#include "base/time.hpp"
#include "host/sources.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

struct Options {
  bool all_namespaces = true;  // false: only the one we run in
  bool counters_only = false;  // no socket table will be asked for; then open() cannot fail
  Sources sources;             // those that are named are used or the look fails
  std::string proc = "/proc";  // for tests
  std::string run_netns = "/run/netns";
};

struct LookOptions {
  bool infos = true;   // TCP_INFO, memory, congestion control
  bool owners = true;  // which programs hold the sockets
  bool listeners_only = false;
  Runner run = run_in_turn;  // tables beside owners, and a piece of work per process
};

class Machine {
 public:
  // Finds the namespaces and opens what is needed in each. Writes host, kernel, namespaces with
  // their sysctls, sources and missing. Fails only if no socket table at all can be read, or a
  // source that was asked for by name cannot be used.
  static Result<Machine> open(const Options& options, Observation& into);

  // Appends a full look. A dump that the kernel marks as interrupted is repeated a bounded number
  // of times; if it stays so, `missing` says that sockets may be absent from it.
  Result<void> look(const LookOptions& options, Duration at, Observation& into);

  // Begins another Observation: as open(), with the namespaces as they are now. What was loaded
  // stays loaded.
  Result<void> begin_again(Observation& into);

  // Asks again for some sockets of the last look, one request each, for listeners one dump of
  // theirs alone, and puts the answers in their places. Returns those that are gone. Owners stay as
  // they were; of a socket that has been accepted or closed meanwhile they are not known. Only
  // where can_refresh() says so: /proc/net/tcp cannot be asked for one socket.
  Result<std::vector<uint32_t>> refresh(std::span<const uint32_t> which, bool infos,
                                        Observation& into);
  bool can_refresh() const;

  // Appends listeners and counters of every namespace.
  Result<void> sample(Duration at, Observation& into);

  // The counters of the namespace at this place in Observation::namespaces; nothing, and a note in
  // `missing`, where it can no longer be entered.
  std::optional<Counters> counters(uint16_t netns, Observation& into);

  // Routes and neighbours of the destinations that are in SYN-SENT in any look, at most 256.
  void find_routes(Observation& into);

  // Calls `work` in each namespace in turn, its index in Observation::namespaces given. One that
  // cannot be entered is noted and left out.
  void in_each_namespace(Observation& into, const std::function<void(uint16_t netns)>& work);

  // Appends the host-wide softnet counters.
  void sample_softnet(Observation& into);

  // Appends how full the host-wide tables of neighbours are.
  void sample_neighbour_tables(Duration at, Observation& into);
  // Notes which IPv4 neighbours have moved to another link-layer address since the last call. Only
  // while that is cheap: not on a machine with very many namespaces and neighbours.
  void watch_neighbours(Duration at, Observation& into);

  Machine(Machine&&) noexcept;
  Machine& operator=(Machine&&) noexcept;
  ~Machine();

 private:
  struct Parts;
  explicit Machine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tcpdx::host
