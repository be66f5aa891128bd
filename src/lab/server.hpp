// Small TCP servers for the hosts of a topology: what they do is told by one word. They never
// block and have no thread; whoever runs them calls turn().
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "tcp/packet.hpp"

namespace tcpdx::lab {

enum class Service : uint8_t {
  echo,     // sends back what comes
  discard,  // reads all and says nothing
  source,   // sends `octets`, then closes
  reply,    // waits for a first octet, then for `after`, sends `octets`, then closes
  hold,     // accepts, and neither reads nor writes
  deaf,     // never accepts: its queue fills
  close,    // accepts and closes
  reset     // accepts and resets
};
std::string_view to_string(Service service);
std::optional<Service> parse_service(std::string_view word);

struct Server {
  uint16_t port = 0;  // on every address, IPv4 and IPv6
  Service service = Service::echo;
  int backlog = 128;
  uint64_t octets = 0;
  Duration after{};
};

class RunningServer {
 public:
  // Listens in the network namespace of the calling thread.
  static Result<RunningServer> start(const Server& server);

  // Does all that can be done at once; returns whether there was anything.
  bool turn(tcp::Time now);
  // When a reply is due; nothing: none is.
  std::optional<tcp::Time> next() const;
  void add_polls(std::vector<pollfd>& into) const;
  uint64_t accepted() const { return accepted_; }

 private:
  struct Client {
    Fd fd;
    uint64_t to_send = 0;  // octets of `source` and `reply`
    std::optional<tcp::Time> reply_at{};
    std::vector<std::byte> echo{};  // not sent back yet
    bool ended = false;             // the client sends no more
    bool over = false;              // nothing is left to do: it is closed
  };

  RunningServer(const Server& server, Fd listener)
      : server_(server), listener_(std::move(listener)) {}
  bool accept_all();
  bool serve(Client& client, tcp::Time now) const;
  bool receive(Client& client, tcp::Time now) const;
  bool send_octets(Client& client) const;
  bool reads(const Client& client) const;
  bool writes(const Client& client) const;

  Server server_;
  Fd listener_;
  std::vector<Client> clients_;
  uint64_t accepted_ = 0;
};

}  // namespace tcpdx::lab
