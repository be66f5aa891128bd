// What the network said when it was asked, on the user's word (doctor --probe): a few questions
// about destinations whose connections are in trouble, and to the host's name servers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/mac_address.hpp"
#include "base/time.hpp"

namespace tcpdx {

// One walk of the way by UDP from a constant port, so that routers which share load by flow send
// every walk alike.
struct WalkedWay {
  std::vector<std::optional<IpAddress>> hops;  // by TTL, from 1; nothing: no answer
  bool reached = false;
};

// Packets of several sizes that may not be cut; whole packets, in octets.
struct ProbedSizes {
  std::optional<uint32_t> largest;   // that came back
  std::optional<uint32_t> told_mtu;  // by an ICMP error, or by this host's own interface
  std::optional<IpAddress> told_by;
  bool large_vanish = false;  // small ones come back, larger ones do not, and nobody says why
};

// Who answered an ARP request for the next hop towards a destination.
struct ArpAnswers {
  IpAddress address;
  std::string interface;
  std::vector<MacAddress> macs;  // each once
};

struct ProbedHost {
  uint16_t netns = 0;  // index into Observation::namespaces
  IpAddress address;
  uint32_t echoes = 0;          // small ones; ICMP, or UDP where this user may send no ICMP
  std::vector<Duration> rtts;   // of those that were answered
  ProbedSizes sizes;            // nothing in it: ICMP may not be sent
  std::vector<WalkedWay> ways;  // in time order
  std::optional<ArpAnswers> arp;
  // How many packets this namespace threw away for their source (rp_filter) while it was asked;
  // other hosts of the namespace were asked at the same time.
  std::optional<uint64_t> reverse_path_filtered;
};

struct NameServerAnswer {
  bool tcp = false;
  std::optional<uint8_t> code;  // RCODE; nothing: there was no answer
  Duration took{};
  std::string error;  // why there was no answer, where someone said so
};

struct ProbedNameServer {
  SocketAddress server;
  std::vector<NameServerAnswer> answers;  // to questions for the name servers of the root
};

struct ProbeResults {
  Duration took{};
  std::vector<ProbedHost> hosts;
  std::vector<ProbedNameServer> name_servers;  // in the order of resolv.conf
  Duration resolver_timeout{};                 // how long the host's resolver waits for one of them
};

}  // namespace tcpdx
