// What both TCPs of the comparison have to do: two ends joined in memory, everything in one thread
// and in virtual time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace tcpdx::bench {

inline constexpr uint16_t kServerPort = 80;
inline constexpr size_t kMss = 1460;     // both: Ethernet's 1500 without TCP options
inline constexpr size_t kMessage = 100;  // octets of a request and of a response

class Side {
 public:
  virtual ~Side() = default;
  virtual std::string_view name() const = 0;
  // Sends so many octets from the client to the server. Returns how many segments of all kinds
  // were handed over.
  virtual uint64_t bulk(uint64_t octets) = 0;
  // One after the other: open, a request, its response, close from the client's side. After
  // every `in_time_wait` of them time passes until all have left TIME-WAIT.
  virtual void connections(size_t count, size_t in_time_wait) = 0;
  // Octets of memory that one end of an idle connection holds, after a request and its response.
  virtual double idle_octets(size_t connections) = 0;
};

struct EndpointChoice {
  std::string_view name;
  bool as_lwip = true;  // lwIP's options and buffers; otherwise our defaults
  bool bytes = true;    // through IP and TCP headers as bytes with their checksums
};

std::unique_ptr<Side> make_lwip();
std::unique_ptr<Side> make_endpoints(const EndpointChoice& choice);

// The octets that travel: their place in the stream tells what they must be.
class Stream {
 public:
  // At most `most` octets from the position on.
  static std::span<const std::byte> at(uint64_t position, size_t most);
  // Ends the program unless these octets can be those of the position: first and last are looked
  // at, so that checking costs nothing against the rest.
  static void check(uint64_t position, std::span<const std::byte> octets);
};

// What malloc(3) has handed out and not got back.
size_t octets_in_use();

[[noreturn]] void give_up(std::string_view why);

}  // namespace tcpdx::bench
