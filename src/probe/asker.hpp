// Ways to ask a host "are you there": an ICMP echo, a UDP datagram to a port that nobody has, a TCP
// connection. One asker speaks to one address; none needs a capability (icmp(7), ip(7) IP_RECVERR).
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "probe/error_queue.hpp"

namespace tcpdx::probe {

enum class Method : uint8_t { icmp, udp, tcp };
std::string_view to_string(Method method);  // "icmp"

struct AskOptions {
  SocketAddress target;  // the port is nothing to ICMP
  size_t size = 56;      // octets of text; TCP has none
  bool dont_fragment = false;
  std::optional<uint8_t> ttl;  // hop limit
  std::optional<IpAddress> source;
  uint16_t source_port = 0;  // 0: the kernel's choice
  std::string interface;     // empty: what the route says
  uint8_t dscp = 0;          // six bits
};

// Something came back for the probe with that number.
struct Heard {
  enum class What : uint8_t { answer, error };

  uint64_t seq = 0;
  What what = What::answer;
  std::optional<Duration> rtt;  // by the kernel's own times, where it gave both
  std::optional<IpAddress> from;
  std::optional<uint8_t> ttl;  // of the answer, as it arrived
  bool damaged = false;        // its text is not what was sent
  std::string words;           // of an error: what, by whom; of an answer, what is remarkable
  // Of an error, and of a port that nobody has: the message as it came. A TCP probe's quotation is
  // the header of its SYN as the router saw it.
  std::optional<ErrorMessage> message;
};

class Asker {
 public:
  Asker() = default;
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  virtual ~Asker() = default;

  // Numbers rise with each call. `ttl` is for this probe alone; 0: what the options say. An error
  // is one of this host: nothing went out.
  virtual Result<void> send(uint64_t seq, uint8_t ttl) = 0;
  // Everything that has come since, in order of arrival.
  virtual void hear(std::vector<Heard>& into) = 0;
  // No answer is waited for any more: what is kept for it may go.
  virtual void forget(uint64_t seq) = 0;
  virtual void add_polls(std::vector<pollfd>& into) const = 0;
};

// Fails with a sentence where this kernel or this user may not use the method: an ICMP asker needs
// a ping socket (net.ipv4.ping_group_range).
Result<std::unique_ptr<Asker>> open_asker(Method method, const AskOptions& options);

}  // namespace tcpdx::probe
