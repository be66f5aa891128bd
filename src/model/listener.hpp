// The listening sockets of an Observation, each with what is known of its program and its queue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/observation.hpp"

namespace tcpdx {

// From where a listener can be reached, by its address alone: firewalls and routes are not in it.
enum class Exposure : uint8_t {
  loopback,     // 127/8, ::1
  private_net,  // RFC 1918, RFC 6598, link-local, unique local (RFC 4193)
  public_net,   // any other address
  any           // 0.0.0.0, ::
};
std::string_view to_string(Exposure exposure);
Exposure exposure_of(const IpAddress& address);

// What is odd about a listener.
enum class Sign : uint8_t {
  exe_deleted,      // its program file is gone and none has taken its place
  exe_in_memory,    // it never had a file (memfd_create)
  exe_writable,     // anybody may replace its program file
  name_unlike_exe,  // it bears the name of another program or of a kernel thread
  no_owner          // no process holds it although all were seen
};
std::string_view to_string(Sign sign);  // "exe-deleted"

struct OddSign {
  Sign sign;
  std::string text;       // a sentence without its end
  bool critical = false;  // reachable from outside and run from where no service belongs
};

struct ListeningSocket {
  const Socket* socket = nullptr;  // of the last look
  // The process that stands for it: the service manager that opened it, or else its oldest owner,
  // so that a master stands for its workers. Null: none was seen.
  const Process* holder = nullptr;
  size_t group = 1;           // SO_REUSEPORT: listeners on this address and port
  bool drains_least = false;  // of such a group: the one whose queue was never shorter than this
  size_t samples = 0;         // in which its queue was seen
  double full_share = 0;      // of them
  // Its limit equals net.core.somaxconn, which cuts what listen() asks for. Nothing: not known.
  std::optional<bool> clamped;
  const FirewallAnswer* firewall = nullptr;  // null: not asked
  std::vector<OddSign> signs;
};

// By namespace, port, address and cookie.
std::vector<ListeningSocket> listening_sockets(const Observation& observation);

// A name of the socket's namespace that outlives a reboot: its name in /run/netns; "host" for ours;
// else the container or unit of the program; empty where there is none of these.
std::string lasting_name(const Namespace& space, const Process* holder);

// The path without the " (deleted)" that the kernel adds to a file that is gone.
std::string program_path(const Process& process);

}  // namespace tcpdx
