// The last datagrams that passed, to be told when something went wrong, one line each in the
// manner of tcpdump(8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tcp/packet.hpp"

namespace tcpdx::lab {

enum class Direction : uint8_t { in, out };  // as the endpoint sees it

class PacketLog {
 public:
  explicit PacketLog(size_t limit = 400) : limit_(limit) {}

  // `copies` is what the path makes of it; 0: it is lost.
  void add(tcp::Time at, Direction direction, std::span<const std::byte> datagram, unsigned copies);

  // How many datagrams passed, those included that are no longer kept.
  uint64_t count() const { return count_; }
  std::string text() const;

 private:
  using Flow = std::pair<SocketAddress, SocketAddress>;

  struct Entry {
    tcp::Time at{};
    Direction direction{};
    unsigned copies = 0;
    size_t size = 0;
    std::vector<std::byte> head;
  };

  std::string line(const Entry& entry) const;
  Seq first_of(const SocketAddress& from, const SocketAddress& to) const;

  size_t limit_;
  uint64_t count_ = 0;
  std::deque<Entry> entries_;
  std::map<Flow, Seq> first_;  // sequence number of each direction's last SYN
};

}  // namespace tcpdx::lab
