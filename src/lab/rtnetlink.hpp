// Devices, addresses and routes of one network namespace, by rtnetlink(7).
//
// netlink and not ip(8): four kinds of messages are about as much code as running a program without
// a shell and reading its complaints, and they need no program in the PATH, name the peer's
// namespace by its descriptor, and fail with the kernel's own errno and sentence.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "lab/topology.hpp"

struct mnl_socket;

namespace tcpdx::lab {

class RtNetlink {
 public:
  // Of the namespace in which the calling thread is; it stays there.
  static Result<RtNetlink> open();

  // The other end, `peer`, comes into the namespace of that descriptor.
  Result<void> add_cable(const std::string& device, const std::string& peer, int peer_space);
  // Sets the MTU, 0: leaves it, and takes the device up.
  Result<void> take_up(const std::string& device, unsigned mtu);
  // Needs no look for duplicates in IPv6.
  Result<void> add_address(const std::string& device, const Prefix& address);
  // Replaces a route to the same network.
  Result<void> add_route(const Route& route);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  struct Request;

  Result<void> ask(Request& request, const std::string& what);

  std::unique_ptr<mnl_socket, Close> socket_;
  uint32_t sequence_ = 0;
};

}  // namespace tcpdx::lab
