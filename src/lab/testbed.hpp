// A topology made real on this machine's kernel, for as long as the object lives or its process
// does: nothing has a name outside, and the kernel takes it down when the last descriptor is gone,
// also after kill -9.
//
//     Testbed testbed = ...bring_up(chain({"client", "router", "server"}))
//     { const Visit there(testbed.space("client"));  ... sockets made here are the client's }
//     testbed.until([&] { return ...; }, 10s)
//
// It has no thread: links in user space and servers work while turn() is called, and cables by
// themselves. What holds the kernel's side up in the meantime is only late, not lost.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "lab/link.hpp"
#include "lab/net_space.hpp"
#include "lab/server.hpp"
#include "lab/topology.hpp"

namespace tcpdx::lab {

class Testbed {
 public:
  // Needs root: CAP_SYS_ADMIN for namespaces, CAP_NET_ADMIN, and /dev/net/tun for links that do
  // something. Returns when all addresses are usable.
  static Result<Testbed> bring_up(const Topology& topology);

  // Host and link must be of the topology.
  const NetSpace& space(const std::string& host) const { return spaces_.at(host); }
  // Replaces the packet filter of a host; empty: everything passes.
  Result<void> set_rules(const std::string& host, const std::string& rules) const;
  // Of the topology's links, those that are no cables; nullptr: a cable.
  Link* link(size_t number);
  // The server of that host and port; nullptr: there is none.
  const RunningServer* server(const std::string& host, uint16_t port) const;

  // Monotonic, since it was brought up.
  tcp::Time now() const;
  // Does all that is due; returns whether there was anything.
  bool turn();
  // What wait() would wait for.
  std::optional<tcp::Time> next() const;
  void add_polls(std::vector<pollfd>& into) const;
  // Sleeps until something comes or is due, but not longer than this.
  void wait(Duration longest) const;
  // Turns until the condition holds; false: not within the limit, which is for tests that hang.
  bool until(const std::function<bool()>& condition, Duration limit);

 private:
  struct Placed {
    std::string host;
    uint16_t port = 0;
    RunningServer server;
  };

  Testbed() = default;
  Result<void> add_hosts(const Topology& topology);
  Result<void> add_cable(const LinkSettings& link);
  Result<void> add_line(const LinkSettings& link, size_t number);
  Result<void> finish(const Host& host);

  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::map<std::string, NetSpace> spaces_;
  std::map<size_t, Link> links_;
  std::vector<Placed> servers_;
};

}  // namespace tcpdx::lab
