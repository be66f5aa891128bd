#include "wire/tcp.hpp"

#include <algorithm>
#include <cstring>

#include "wire/checksum.hpp"
#include "wire/octets.hpp"

namespace tcpdx::wire {
namespace {

// Kinds and lengths: RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3.
constexpr uint8_t kEnd = 0;
constexpr uint8_t kNop = 1;
constexpr uint8_t kMss = 2;
constexpr uint8_t kWindowScale = 3;
constexpr uint8_t kSackPermitted = 4;
constexpr uint8_t kSack = 5;
constexpr uint8_t kTimestamps = 8;
constexpr uint8_t kMssSize = 4;
constexpr uint8_t kWindowScaleSize = 3;
constexpr uint8_t kSackPermittedSize = 2;
constexpr uint8_t kTimestampsSize = 10;
constexpr size_t kBlockSize = 8;
// What an established connection sends in each segment, as one number (RFC 7323 appendix A).
constexpr uint32_t kNopNopTimestamps = 0x0101080A;

Timestamps get_timestamps(const std::byte* at) { return {get32(at), get32(at + 4)}; }

void read_sack(const std::byte* body, size_t size, TcpOptions& options) {
  options.sack_blocks = {};
  options.sack_count = static_cast<uint8_t>(std::min(size / kBlockSize, kMaxSackBlocks));
  for (size_t i = 0; i < options.sack_count; ++i, body += kBlockSize) {
    options.sack_blocks[i] = {{get32(body)}, {get32(body + 4)}};
  }
}

// `body` is what follows kind and length. Of an option that comes twice the last one counts, and a
// known kind in another length than its own is passed over, both as in Linux
// (tcp_parse_options() of net/ipv4/tcp_input.c).
void read_option(uint8_t kind, std::span<const std::byte> body, TcpOptions& options) {
  const size_t size = body.size() + 2;
  if (kind == kMss && size == kMssSize) options.mss = get16(body.data());
  if (kind == kWindowScale && size == kWindowScaleSize) options.window_scale = get8(body.data());
  if (kind == kSackPermitted && size == kSackPermittedSize) options.sack_permitted = true;
  if (kind == kTimestamps && size == kTimestampsSize) {
    options.timestamps = get_timestamps(body.data());
  }
  if (kind == kSack && !body.empty() && body.size() % kBlockSize == 0) {
    read_sack(body.data(), body.size(), options);
  }
}

size_t size_without_sacks(const TcpOptions& options) {
  size_t size = options.mss ? kMssSize : 0U;
  if (options.timestamps) {
    size += 12;
  } else if (options.sack_permitted) {
    size += 4;
  }
  return size + (options.window_scale ? 4U : 0U);
}

// The blocks that have room; the first ones matter most (RFC 2018 section 4).
std::span<const SackBlock> fitting_sacks(const TcpOptions& options) {
  constexpr size_t kRoom = kMaxTcpHeaderSize - kTcpHeaderSize - 4;
  const size_t room = (kRoom - size_without_sacks(options)) / kBlockSize;
  return std::span(options.sack_blocks).first(std::min<size_t>(options.sack_count, room));
}

// Linux's order and padding (tcp_options_write() of net/ipv4/tcp_output.c): SACK-permitted stands
// where timestamps have their padding, so that a SYN's options take 20 octets.
void write_options(const TcpOptions& options, std::byte* at) {
  const auto head = [&at](uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    put32(at, uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d);
    at += 4;
  };
  const auto number = [&at](uint32_t value) {
    put32(at, value);
    at += 4;
  };
  if (options.mss) {
    head(kMss, kMssSize, static_cast<uint8_t>(*options.mss >> 8),
         static_cast<uint8_t>(*options.mss & 0xFF));
  }
  const uint8_t first = options.sack_permitted ? kSackPermitted : kNop;
  const uint8_t second = options.sack_permitted ? kSackPermittedSize : kNop;
  if (options.timestamps) {
    head(first, second, kTimestamps, kTimestampsSize);
    number(options.timestamps->value);
    number(options.timestamps->echo);
  } else if (options.sack_permitted) {
    head(kNop, kNop, kSackPermitted, kSackPermittedSize);
  }
  if (options.window_scale) head(kNop, kWindowScale, kWindowScaleSize, *options.window_scale);
  const auto blocks = fitting_sacks(options);
  if (blocks.empty()) return;
  head(kNop, kNop, kSack, static_cast<uint8_t>(2 + blocks.size() * kBlockSize));
  for (const SackBlock& block : blocks) {
    number(block.left.raw);
    number(block.right.raw);
  }
}

}  // namespace

uint8_t to_octet(TcpFlags flags) {
  return static_cast<uint8_t>(flags.fin | flags.syn << 1 | flags.rst << 2 | flags.psh << 3 |
                              flags.ack << 4 | flags.urg << 5 | flags.ece << 6 | flags.cwr << 7);
}

TcpFlags flags_from_octet(uint8_t octet) {
  const auto bit = [octet](int position) { return ((octet >> position) & 1) != 0; };
  return {.fin = bit(0),
          .syn = bit(1),
          .rst = bit(2),
          .psh = bit(3),
          .ack = bit(4),
          .urg = bit(5),
          .ece = bit(6),
          .cwr = bit(7)};
}

std::string to_string(TcpFlags flags) {
  constexpr std::string_view kLetters = "FSRP.UEW";  // bit 0 first
  const uint8_t octet = to_octet(flags);
  if (octet == 0) return "none";
  std::string text;
  for (size_t i = 0; i < kLetters.size(); ++i) {
    if ((octet >> i & 1) != 0) text += kLetters[i];
  }
  return text;
}

size_t header_size(const TcpHeader& header) {
  size_t size = kTcpHeaderSize + size_without_sacks(header.options);
  const size_t blocks = fitting_sacks(header.options).size();
  if (blocks > 0) size += 4 + blocks * kBlockSize;
  return size;
}

bool parse_tcp_options(std::span<const std::byte> options, TcpOptions& into) {
  auto left = options;
  if (left.size() == 12 && get32(left.data()) == kNopNopTimestamps) {
    into.timestamps = get_timestamps(left.data() + 4);
    return true;
  }
  while (!left.empty()) {
    const uint8_t kind = get8(left.data());
    if (kind == kEnd) return true;
    if (kind == kNop) {
      left = left.subspan(1);
      continue;
    }
    if (left.size() < 2) return false;
    const size_t size = get8(&left[1]);
    if (size < 2 || size > left.size()) return false;
    read_option(kind, left.subspan(2, size - 2), into);
    left = left.subspan(size);
  }
  return true;
}

std::optional<ParsedTcp> parse_tcp(std::span<const std::byte> datagram) {
  std::optional<ParsedTcp> parsed;  // returned on every path, so that it is never copied
  if (datagram.size() < kTcpHeaderSize) return parsed;
  const std::byte* at = datagram.data();
  const size_t size = size_t{get8(at + 12)} / 16 * 4;
  if (size < kTcpHeaderSize || size > datagram.size()) return parsed;
  parsed.emplace();
  TcpHeader& header = parsed->header;
  header.source_port = get16(at);
  header.destination_port = get16(at + 2);
  header.seq = {get32(at + 4)};
  header.ack = {get32(at + 8)};
  header.flags = flags_from_octet(get8(at + 13));
  header.window = get16(at + 14);
  header.urgent = get16(at + 18);
  parsed->text = datagram.subspan(size);
  const auto options = datagram.subspan(kTcpHeaderSize, size - kTcpHeaderSize);
  parsed->bad_options = !parse_tcp_options(options, header.options);
  return parsed;
}

size_t write_tcp(const TcpHeader& header, std::span<const std::byte> text, const IpAddress& source,
                 const IpAddress& destination, std::span<std::byte> out) {
  const size_t size = header_size(header);
  std::byte* at = out.data();
  put16(at, header.source_port);
  put16(at + 2, header.destination_port);
  put32(at + 4, header.seq.raw);
  put32(at + 8, header.ack.raw);
  put8(at + 12, static_cast<uint8_t>(size / 4 * 16));
  put8(at + 13, to_octet(header.flags));
  put16(at + 14, header.window);
  put16(at + 16, 0);
  put16(at + 18, header.urgent);
  write_options(header.options, at + kTcpHeaderSize);
  if (!text.empty()) std::memcpy(at + size, text.data(), text.size());
  const size_t total = size + text.size();
  const uint64_t pseudo = pseudo_header_sum(source, destination, kProtocolTcp, total);
  put16(at + 16, checksum(add_words(out.first(total), pseudo)));
  return total;
}

bool tcp_checksum_ok(std::span<const std::byte> datagram, const IpAddress& source,
                     const IpAddress& destination) {
  const uint64_t sum = pseudo_header_sum(source, destination, kProtocolTcp, datagram.size());
  return checksum(add_words(datagram, sum)) == 0;
}

}  // namespace tcpdx::wire
