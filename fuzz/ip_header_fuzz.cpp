// Any bytes as an IP packet: what was read, written and read again is the same; so is the way back
// over its source route.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "wire/ip.hpp"

namespace {

using tcpdx::wire::IpHeader;

void check(bool holds) {
  if (!holds) std::abort();
}

bool same(const IpHeader& a, const IpHeader& b) {
  // An IPv6 packet that is in one piece has its fragment header left out.
  const bool whole_v6 = a.source.family == tcpdx::Family::v6 && !a.is_fragment();
  const bool ids = whole_v6 || a.id == b.id;
  return ids && a.source == b.source && a.destination == b.destination &&
         a.protocol == b.protocol && a.ttl == b.ttl && a.traffic_class == b.traffic_class &&
         a.dont_fragment == b.dont_fragment && a.more_fragments == b.more_fragments &&
         a.fragment_offset == b.fragment_offset && std::ranges::equal(a.options, b.options);
}

void check_route(const IpHeader& header) {
  const auto recorded = recorded_route(header);
  if (!recorded) return;
  const auto back = return_route(*recorded, header.source);
  check(back.count <= recorded->count);
  if (back.count == 0) return;
  std::vector<std::byte> option(source_route_size(back));
  check(write_source_route(back, header.source, option) == option.size());
  IpHeader answer = header;
  answer.options = option;
  check(!recorded_route(answer));                         // still to be followed
  option[2] = static_cast<std::byte>(option.size() + 1);  // and now it is used up
  const auto followed = recorded_route(answer);
  if (!followed) std::abort();
  check(followed->count == back.count && followed->strict == back.strict);
  check(
      std::ranges::equal(followed->gateways().first(back.count - 1U), back.gateways().subspan(1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto first = tcpdx::wire::parse_ip(std::as_bytes(std::span(data, size)));
  if (!first) return 0;
  std::vector<std::byte> out(header_size(first->header));
  check(write_ip(first->header, first->payload.size(), out) == out.size());
  out.insert(out.end(), first->payload.begin(), first->payload.end());
  const auto second = tcpdx::wire::parse_ip(out);
  if (!second) std::abort();
  check(second->checksum_ok && second->missing == 0 && !second->length_unknown);
  check(same(first->header, second->header));
  check(std::ranges::equal(first->payload, second->payload));
  if (first->header.source.family == tcpdx::Family::v4) check_route(first->header);
  return 0;
}
