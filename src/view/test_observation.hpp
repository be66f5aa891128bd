// A small hand-made Observation for the tests of this folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/observation.hpp"

namespace tcpdx::view::testing {

using tcp::State;

inline Process process(uint32_t pid, std::string comm, std::string cgroup = "") {
  Process made;
  made.pid = pid;
  made.comm = std::move(comm);
  made.cgroup = std::move(cgroup);
  return made;
}

inline Socket socket(State state, SocketAddress local, SocketAddress remote, uint32_t inode) {
  Socket made;
  made.state = state;
  made.local = local;
  made.remote = remote;
  made.inode = inode;
  return made;
}

// Gives the socket owners; Look::owners stays sorted when inodes are given in rising order.
inline void own(Look& look, size_t index, std::vector<Owner> owners) {
  Socket& made = look.sockets[index];
  made.first_owner = static_cast<uint32_t>(look.owners.size());
  made.owner_count = static_cast<uint16_t>(owners.size());
  for (Owner& owner : owners) {
    owner.inode = made.inode;
    look.owners.push_back(owner);
  }
}

inline const IpAddress kAny = ipv4(0, 0, 0, 0);
inline const IpAddress kHere = ipv4(192, 0, 2, 1);
inline const IpAddress kThere = ipv4(198, 51, 100, 7);

// One namespace, two processes. In this order: a listener on *:9502 of billing-api and its forked
// worker, a connection accepted by billing-api, one not accepted yet, one from here to port 443
// whose owner was not seen, and one in TIME-WAIT.
inline Observation small_observation() {
  Observation made;
  made.host = "web-1";
  made.kernel = "6.18.0";
  made.at = WallTime(1'700'000'000s);
  made.namespaces.push_back({.inode = 4026531840, .name = "", .ours = true, .sysctls = {}});
  made.processes = {process(2210, "billing-api", "/system.slice/billing.service"),
                    process(2211, "worker", "/system.slice/billing.service")};
  made.sources = {"sock_diag"};
  Look look;
  look.sockets = {
      socket(State::listen, {kAny, 9502}, {kAny, 0}, 100),
      socket(State::close_wait, {kHere, 9502}, {kThere, 40001}, 101),
      socket(State::established, {kHere, 9502}, {kThere, 40002}, 0),
      socket(State::established, {kHere, 50000}, {kThere, 443}, 103),
      socket(State::time_wait, {kHere, 50001}, {kThere, 443}, 0),
  };
  own(look, 0, {{0, 0, 3}, {0, 1, 3}});
  own(look, 1, {{0, 0, 14}});
  made.looks.push_back(std::move(look));
  return made;
}

}  // namespace tcpdx::view::testing
