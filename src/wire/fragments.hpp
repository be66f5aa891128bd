// IP datagrams put together from their fragments (RFC 791 3.2, RFC 8200 4.5). What a capture cut
// off a fragment is known by its length, so that a datagram whose first fragment has the TCP header
// is told of even when no fragment is there whole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"

namespace tcpdx::wire {

// What all fragments of one datagram have in common.
struct FragmentKey {
  IpAddress source;
  IpAddress destination;
  uint32_t id = 0;
  uint32_t link = 0;
  uint8_t protocol = 0;  // IPv4 only: in IPv6 the fragments may differ

  bool operator==(const FragmentKey&) const = default;
};

struct FragmentPart {
  uint32_t offset = 0;
  bool more = false;
  std::span<const std::byte> data{};  // as captured
  size_t size = 0;                    // on the wire
  uint8_t protocol = 0;               // of what the datagram carries, told by its first fragment
  uint32_t ip_octets = 0;             // of this fragment with its headers
};

struct WholeDatagram {
  std::vector<std::byte> data;  // as far as captured without a gap
  size_t size = 0;
  uint8_t protocol = 0;
  uint32_t ip_octets = 0;  // of all its fragments
};

class Fragments {
 public:
  enum class Result : uint8_t { kept, complete, refused };

  // Of `memory` octets at most.
  explicit Fragments(size_t memory);

  // `complete` fills `whole`. A fragment that is there already changes nothing; one that overlaps
  // others only in part is refused and takes them along: both as in Linux
  // (inet_frag_queue_insert() of net/ipv4/inet_fragment.c) and as RFC 5722 has it for IPv6.
  Result add(const FragmentKey& key, const FragmentPart& part, int64_t time_ns,
             WholeDatagram& whole);
  size_t memory() const { return used_; }

 private:
  struct Piece {
    size_t size = 0;
    std::vector<std::byte> data;
  };
  struct Datagram {
    FragmentKey key;
    int64_t since_ns = 0;
    std::map<size_t, Piece> pieces{};  // by offset
    std::optional<size_t> size{};      // once the last fragment is there
    size_t octets = 0;                 // of all pieces on the wire
    uint32_t ip_octets = 0;
    uint8_t protocol = 0;
    size_t memory = 0;

    size_t end() const;  // of the last piece so far
    bool overlaps(size_t from, size_t to) const;
    bool covers(size_t from, size_t to) const;  // without a gap
    void take(WholeDatagram& whole) const;
  };
  using Place = std::list<Datagram>::iterator;
  struct Hash {
    std::array<uint64_t, 2> key{};
    size_t operator()(const FragmentKey& fragment) const;
  };

  Place find(const FragmentKey& key, int64_t time_ns);
  Result insert(Datagram& datagram, const FragmentPart& part);
  void drop(Place place);
  void drop_old(int64_t time_ns);

  size_t limit_;
  size_t used_ = 0;
  std::list<Datagram> datagrams_{};  // the oldest first
  std::unordered_map<FragmentKey, Place, Hash> by_key_;
};

}  // namespace tcpdx::wire
