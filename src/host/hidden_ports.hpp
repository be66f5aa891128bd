// Ports that somebody holds although the kernel's tables show no socket on them, as a rootkit
// leaves them that takes its listener out of the tables.
//
// Every port that no socket is shown on is bound for some microseconds, without listen(2). The
// sweep is made on request only: meanwhile a program that wants such a port, and does not set
// SO_REUSEADDR, finds it in use.
#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

using PortSet = std::bitset<65536>;

// What the machine says of the ports of one namespace. A seam: in a test its tables may lie.
class Ports {
 public:
  Ports() = default;
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;
  virtual ~Ports() = default;

  // Those that any socket in the tables is bound to, whatever its state.
  virtual Result<PortSet> listed() = 0;
  // Do the tables show sockets that are bound but neither listen nor connect (Linux 6.8)?
  virtual bool lists_bound() = 0;
  // Takes the port for any address and gives it back: 0 or errno. EADDRINUSE: a listener has it,
  // or another socket that did not set SO_REUSEADDR.
  virtual int take(uint16_t port) = 0;
  // Does a connection to it from here succeed, at any address of the machine?
  virtual bool answers(uint16_t port) = 0;
  // Lets time pass between two questions about the same port.
  virtual void pause() = 0;
};

struct Sweep {
  std::vector<HiddenPort> found;  // HiddenPort::netns is left 0
  uint32_t refused = 0;           // ports that may not be bound
  uint32_t undecided = 0;         // held, silent, and perhaps only bound: this kernel cannot tell
};

// A port counts when it is held and not shown in each of three rounds, so that a connection that
// begins or ends meanwhile does not.
Result<Sweep> find_hidden(Ports& ports);

// Of the namespace in which the calling thread is.
Result<Sweep> sweep_hidden(const std::string& proc);

}  // namespace tcpdx::host
