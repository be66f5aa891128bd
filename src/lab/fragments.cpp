#include "lab/fragments.hpp"

#include <algorithm>
#include <vector>

#include "wire/ip.hpp"
#include "wire/octets.hpp"

namespace tcpdx::lab {
namespace {

constexpr uint8_t kEndOfOptions = 0;
constexpr uint8_t kNoOperation = 1;
constexpr uint8_t kCopied = 0x80;  // RFC 791 3.1: in every fragment
constexpr size_t kUnit = 8;        // in which offsets are counted

// Options that belong into the first fragment alone are overwritten, so that all headers are
// equally long.
std::vector<std::byte> later_options(std::span<const std::byte> options) {
  std::vector<std::byte> later(options.begin(), options.end());
  for (size_t at = 0; at < later.size();) {
    const uint8_t kind = wire::get8(&later[at]);
    if (kind == kEndOfOptions) break;
    size_t length = 1;
    if (kind != kNoOperation) length = at + 1 < later.size() ? wire::get8(&later[at + 1]) : 0;
    if (length == 0 || at + length > later.size()) break;
    if ((kind & kCopied) == 0) {
      std::fill_n(later.begin() + static_cast<ptrdiff_t>(at), length, std::byte{kNoOperation});
    }
    at += length;
  }
  return later;
}

}  // namespace

bool fragment(std::span<const std::byte> datagram, size_t mtu,
              const std::function<void(std::span<const std::byte>)>& out) {
  if (datagram.size() <= mtu) return out(datagram), true;
  const auto parsed = wire::parse_ip(datagram);
  if (!parsed || parsed->missing > 0 || parsed->header.source.family != Family::v4 ||
      parsed->header.dont_fragment) {
    return false;
  }
  const size_t header = datagram.size() - parsed->payload.size();
  if (mtu < header + kUnit) return false;
  const size_t most = (mtu - header) / kUnit * kUnit;
  const std::vector<std::byte> options = later_options(parsed->header.options);
  std::vector<std::byte> piece;
  for (size_t at = 0; at < parsed->payload.size(); at += most) {
    const auto text = parsed->payload.subspan(at, std::min(most, parsed->payload.size() - at));
    wire::IpHeader ip = parsed->header;
    if (at > 0) ip.options = options;
    ip.fragment_offset = static_cast<uint16_t>(parsed->header.fragment_offset + at);
    ip.more_fragments = parsed->header.more_fragments || at + most < parsed->payload.size();
    piece.resize(wire::header_size(ip) + text.size());
    const size_t start = wire::write_ip(ip, text.size(), piece);
    std::ranges::copy(text, piece.begin() + static_cast<ptrdiff_t>(start));
    out(piece);
  }
  return true;
}

}  // namespace tcpdx::lab
