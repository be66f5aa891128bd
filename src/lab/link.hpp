// A link in user space between two TUN devices, usually of two network namespaces: each direction
// is a Line of its own. Like a line between routers it has no neighbours and takes no hop.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "lab/impairment.hpp"
#include "lab/tun.hpp"

namespace tcpdx::lab {

// What is too large for a direction's MTU is cut where it may be (IPv4 without DF); otherwise it is
// lost, and its sender is told so or not (Impairment::tells_mtu). The ICMP error comes from the far
// end's address: that of this end is the sender's own, which the kernel would not believe.
//
// Multicast goes no further: the kernel's own talk about the link (MLD, router solicitations) would
// take its share of the draws, and no test could tell which datagram is lost.
class Link {
 public:
  struct End {
    Tun tun;
    std::vector<IpAddress> addresses;
    Impairment sends{};
  };

  Link(End first, End second);

  // Does all that is due, reading at most 64 datagrams of each end; returns whether any came.
  bool turn(tcp::Time now);
  std::optional<tcp::Time> next() const;
  void add_polls(std::vector<pollfd>& into) const;

  // Of the direction that begins at end 0 or 1.
  void impair(size_t end, const Impairment& impairment) { ends_.at(end).line.change(impairment); }
  const LineCounts& counts(size_t end) const { return ends_.at(end).line.counts(); }

 private:
  struct Side {
    Tun tun;
    std::vector<IpAddress> addresses;
    Line line;
  };

  bool read(size_t end, tcp::Time now);
  void pass(size_t end, tcp::Time now, std::span<const std::byte> datagram);
  void tell_mtu(size_t end, std::span<const std::byte> datagram);

  std::array<Side, 2> ends_;
  std::vector<std::byte> buffer_;
};

}  // namespace tcpdx::lab
