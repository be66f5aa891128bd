// Two hosts and a router between them, each a network namespace of this process alone:
//
//     client  10.A.B.1 --- 10.A.B.2  router  10.A.B.6 --- 10.A.B.5  server
//
// The namespaces have no names and go with the process, however it ends. A and B come from the
// process number, because the kernel's tracepoints show every namespace at once.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/address.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace tcpdx::track_kernel {

enum class Host : uint8_t { client, router, server };
inline constexpr std::array kHosts{Host::client, Host::router, Host::server};

// Ports of this process's servers; no other process that runs at once has them.
inline constexpr uint16_t kPorts = 64;

class Road {
 public:
  static Result<Road> build();

  // Puts the calling thread there; its sockets and children stay.
  void enter(Host host) const;
  // Runs a command there; false: it failed.
  bool run(Host host, const std::string& command) const;

  // Of a hundred packets each way, so many are lost: between the captures, where networks lose, or
  // behind them, as a host's own packet filter does.
  void lose(int percent) const;
  void lose_in_hosts(int percent) const;
  // Drops in the router what matches (nft), until pass_all().
  void stop(const std::string& match) const;
  void pass_all() const;

  IpAddress client() const { return address(1); }
  IpAddress server() const { return address(5); }
  uint16_t first_port() const { return first_port_; }

 private:
  Road() = default;
  IpAddress address(uint8_t last) const;

  std::array<Fd, 3> spaces_;
  uint16_t first_port_ = 0;
};

// Of the device that leads to the road; in the router of that to the client.
std::string device_of(Host host);

}  // namespace tcpdx::track_kernel
