// The TCP header and its options as bytes and as values (RFC 9293 3.1 and 3.2, RFC 7323, RFC 2018).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/address.hpp"
#include "base/seq.hpp"

namespace tcpdx::wire {

// The control bits as they stand in the header's fourteenth octet.
struct TcpFlags {
  bool fin : 1 = false;
  bool syn : 1 = false;
  bool rst : 1 = false;
  bool psh : 1 = false;
  bool ack : 1 = false;
  bool urg : 1 = false;
  bool ece : 1 = false;
  bool cwr : 1 = false;

  bool operator==(const TcpFlags&) const = default;
};

uint8_t to_octet(TcpFlags flags);
TcpFlags flags_from_octet(uint8_t octet);
// As tcpdump writes them: "S", "S.", "P.", "F.", "R", "." and "none".
std::string to_string(TcpFlags flags);

struct SackBlock {
  Seq left;   // first octet of the block
  Seq right;  // the octet after its last

  bool operator==(const SackBlock&) const = default;
};

struct Timestamps {
  uint32_t value = 0;
  uint32_t echo = 0;

  bool operator==(const Timestamps&) const = default;
};

// A header has room for 40 octets of options: at most four SACK blocks, three beside timestamps.
inline constexpr size_t kMaxSackBlocks = 4;

struct TcpOptions {
  std::optional<uint16_t> mss{};
  std::optional<uint8_t> window_scale{};  // as sent; RFC 7323 2.3 takes values above 14 as 14
  bool sack_permitted = false;
  std::optional<Timestamps> timestamps{};
  uint8_t sack_count = 0;
  std::array<SackBlock, kMaxSackBlocks> sack_blocks{};

  std::span<const SackBlock> sacks() const { return std::span(sack_blocks).first(sack_count); }
  bool operator==(const TcpOptions&) const = default;
};

struct TcpHeader {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  Seq seq;
  Seq ack;  // means something only where flags.ack is set
  TcpFlags flags;
  uint16_t window = 0;  // as on the wire: not scaled
  uint16_t urgent = 0;  // means something only where flags.urg is set
  TcpOptions options;

  bool operator==(const TcpHeader&) const = default;
};

inline constexpr size_t kTcpHeaderSize = 20;
inline constexpr size_t kMaxTcpHeaderSize = 60;

// Octets that the header takes with its options, padded to 32 bits.
size_t header_size(const TcpHeader& header);

// A segment as it was found in a datagram. `text` points into the bytes that were parsed.
struct ParsedTcp {
  TcpHeader header;
  std::span<const std::byte> text;
  // An option with an illegal length ended the reading of options; those before it count
  // (RFC 9293 MUST-7).
  bool bad_options = false;
};

// Reads a header's options into `into`, which a fresh TcpOptions should be. False where an illegal
// length ended the reading; the options before it count (RFC 9293 MUST-7).
bool parse_tcp_options(std::span<const std::byte> options, TcpOptions& into);

// Nothing where the bytes cannot hold the header that they announce. Unknown options are passed
// over (MUST-6); a SYN's options elsewhere are read and left to the reader to ignore.
std::optional<ParsedTcp> parse_tcp(std::span<const std::byte> datagram);

// Writes header and text with the checksum over the pseudo header of source and destination
// (RFC 9293 3.1, RFC 8200 8.1). `out` must hold header_size() + text. Returns the octets written.
size_t write_tcp(const TcpHeader& header, std::span<const std::byte> text, const IpAddress& source,
                 const IpAddress& destination, std::span<std::byte> out);

// Whether the checksum of a whole segment, pseudo header included, is right.
bool tcp_checksum_ok(std::span<const std::byte> datagram, const IpAddress& source,
                     const IpAddress& destination);

}  // namespace tcpdx::wire
