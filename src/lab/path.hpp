// A path of many routers in one process: datagrams go in with their TTL, and what comes back is
// what real routers and a real target would send, after the time that it would take. No clock, no
// device: whoever runs it hands in the time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "lab/chance.hpp"
#include "tcp/packet.hpp"
#include "wire/ip.hpp"

namespace tcpdx::lab {

// A router, and the link behind it, which leads away from the sender.
struct Hop {
  std::vector<IpAddress> addresses;  // at most one of each family; errors come from there
  Duration away{};                   // one way, from the sender
  bool silent = false;               // forwards, but never sends an ICMP error
  // ICMP errors a second, after a burst of six, as Linux limits them for each peer
  // (net.ipv4.icmp_ratelimit); 0: as many as are asked for.
  unsigned rate = 0;
  size_t quote = SIZE_MAX;  // octets behind the IP header that its errors quote; 8 is RFC 792's
  std::vector<uint32_t> labels;  // MPLS: the stack that its errors tell of (RFC 4950)
  size_t mtu = SIZE_MAX;         // of the link
  bool hides_mtu = false;        // throws too large datagrams away without a word
  uint16_t clamp_mss = 0;        // lowers the MSS of SYNs that pass; 0: leaves it
  double loss = 0;               // of the link, for each datagram and direction
};

struct Target {
  std::vector<IpAddress> addresses;
  Duration away{};
  bool silent = false;               // answers nothing at all
  bool echoes = true;                // answers echo requests
  std::vector<uint16_t> open_ports;  // TCP: SYN,ACK; all others: RST
};

struct PathSettings {
  std::vector<Hop> hops;
  Target target;
  uint64_t seed = 1;
};

class Path {
 public:
  explicit Path(PathSettings settings);

  // A whole IP datagram of the sender.
  void put(tcp::Time now, std::span<const std::byte> datagram);
  // Hands out the answers that have arrived at the sender, in the order of arrival.
  void release(tcp::Time now, const std::function<void(std::span<const std::byte>)>& out);
  // When the next answer arrives; nothing: none is under way.
  std::optional<tcp::Time> next() const;
  // Datagrams that came as far as the target, for tests of manners.
  uint64_t reached_target() const { return reached_; }
  // Those that ask for a connection.
  uint64_t syns_at_target() const { return syns_; }

 private:
  struct Bucket {
    double tokens = 0;
    tcp::Time filled{};
  };
  struct Travel;

  bool passes(const Hop& hop, size_t at, Travel& travel);
  bool lost_on_the_way_back(size_t hops);
  bool may_send(size_t hop, tcp::Time now);
  void report(size_t hop, const Travel& travel, uint8_t type, uint8_t code, uint32_t info);
  void answer_of_target(Travel& travel);
  void echo(const Travel& travel, const wire::ParsedIp& parsed);
  void segment(const Travel& travel, const wire::ParsedIp& parsed);
  void unreachable_port(const Travel& travel);
  void arrive(tcp::Time when, std::vector<std::byte> datagram);

  PathSettings settings_;
  Chance chance_;
  std::vector<Bucket> buckets_;
  std::multimap<tcp::Time, std::vector<std::byte>> under_way_;
  uint64_t reached_ = 0;
  uint64_t syns_ = 0;
};

}  // namespace tcpdx::lab
