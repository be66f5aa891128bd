// Readers of the values in a filter, one for each keyword.
#include "model/filter_value.hpp"

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>

#include "base/text.hpp"

namespace tcpdx {
namespace {

using Read = Result<FilterTest> (*)(std::string_view value);

FilterTest test_of(FilterWord word) {
  FilterTest test;
  test.word = word;
  return test;
}

std::optional<uint16_t> port_of(std::string_view value) {
  if (const auto number = parse_number<uint16_t>(value)) return number;
  if (value.empty() || value.contains('\0')) return std::nullopt;
  const servent* const service = ::getservbyname(std::string(value).c_str(), "tcp");
  if (service == nullptr) return std::nullopt;
  return ntohs(static_cast<uint16_t>(service->s_port));
}

// "[::1]" as "::1".
std::string_view unbracketed(std::string_view value) {
  const bool bracketed = value.size() > 2 && value.front() == '[' && value.back() == ']';
  return bracketed ? value.substr(1, value.size() - 2) : value;
}

Result<FilterTest> read_host(std::string_view value) {
  const auto address = parse_address(unbracketed(value));
  if (!address && value.contains('/')) return fail("a prefix is a net: write 'net' before it");
  if (!address) return fail("expected an IPv4 or IPv6 address (names are not looked up)");
  FilterTest test = test_of(FilterWord::host);
  test.address = address->unmapped();
  return test;
}

struct Prefix {
  IpAddress address;
  unsigned bits = 0;
};

// "10", "10.0" and "10.0.0" are networks of 8, 16 and 24 bits, as in pcap-filter(7).
std::optional<Prefix> short_prefix(std::string_view value) {
  const auto parts = split(value, '.');
  if (parts.size() > 3) return std::nullopt;
  Prefix prefix;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto byte = parse_number<uint8_t>(parts[i]);
    if (!byte) return std::nullopt;
    prefix.address.bytes[i] = *byte;
  }
  prefix.bits = static_cast<unsigned>(8 * parts.size());
  return prefix;
}

std::optional<Prefix> whole_prefix(std::string_view value) {
  const auto address = parse_address(unbracketed(value));
  if (!address) return short_prefix(value);
  return Prefix{*address, address->family == Family::v4 ? 32U : 128U};
}

Result<FilterTest> read_net(std::string_view value) {
  const size_t slash = value.find('/');
  auto prefix = whole_prefix(value.substr(0, slash));
  if (!prefix) return fail("expected a network such as 10.0.0.0/8, 10.0 or 2001:db8::/32");
  const unsigned longest = prefix->address.family == Family::v4 ? 32 : 128;
  if (slash != std::string_view::npos) {
    const auto bits = parse_number<unsigned>(value.substr(slash + 1));
    if (!bits || *bits > longest) {
      return fail("the length of this prefix must be a number from 0 to {}", longest);
    }
    prefix->bits = *bits;
  }
  const IpAddress network = prefix->address.prefix(prefix->bits);
  if (network != prefix->address) {
    return fail("the address has bits beyond its prefix: the network is {}/{}", to_string(network),
                prefix->bits);
  }
  // A mapped prefix is longer than 96 bits: a shorter one would have had bits beyond it.
  if (network.is_v4_mapped()) prefix->bits -= 96;
  FilterTest test = test_of(FilterWord::net);
  test.address = network.unmapped();
  test.prefix_bits = prefix->bits;
  return test;
}

Result<FilterTest> read_port(std::string_view value) {
  const auto port = port_of(value);
  if (!port && value.contains('-'))
    return fail("expected a port (a range is written portrange A-B)");
  if (!port) return fail("expected a port from 0 to 65535 or the name of a TCP service");
  FilterTest test = test_of(FilterWord::port);
  test.low = *port;
  test.high = *port;
  return test;
}

Result<FilterTest> read_portrange(std::string_view value) {
  const size_t dash = value.find('-');
  const auto low = parse_number<uint16_t>(value.substr(0, dash));
  const auto high = dash == std::string_view::npos ? std::nullopt
                                                   : parse_number<uint16_t>(value.substr(dash + 1));
  if (!low || !high) return fail("expected two ports as in 6000-6008");
  if (*low > *high) return fail("the range ends before it starts");
  FilterTest test = test_of(FilterWord::port);
  test.low = *low;
  test.high = *high;
  return test;
}

Result<FilterTest> read_state(std::string_view value) {
  const auto state = tcp::parse_state(value);
  if (!state) {
    std::array<std::string_view, tcp::kStates.size()> names;
    std::ranges::transform(tcp::kStates, names.begin(),
                           [](tcp::State s) { return tcp::to_string(s); });
    return fail("expected a state: {}", fmt::join(names, ", "));
  }
  FilterTest test = test_of(FilterWord::state);
  test.state = *state;
  return test;
}

Result<FilterTest> read_id(FilterWord word, std::string_view value, std::string_view what) {
  const auto number = parse_number<uint32_t>(value);
  if (!number) return fail("expected the number of a {}", what);
  FilterTest test = test_of(word);
  test.low = *number;
  return test;
}

Result<FilterTest> read_pid(std::string_view value) {
  return read_id(FilterWord::pid, value, "process");
}
Result<FilterTest> read_uid(std::string_view value) {
  return read_id(FilterWord::uid, value, "user");
}

Result<FilterTest> read_name(FilterWord word, std::string_view value) {
  if (value.empty()) return fail("expected a name");
  FilterTest test = test_of(word);
  test.text = value;
  return test;
}

Result<FilterTest> read_comm(std::string_view value) { return read_name(FilterWord::comm, value); }

Result<FilterTest> read_netns(std::string_view value) {
  auto test = read_name(FilterWord::netns, value);
  if (test) test->low = parse_number<uint64_t>(value).value_or(0);
  return test;
}

Result<FilterTest> read_cgroup(std::string_view value) {
  while (value.size() > 1 && value.ends_with('/')) value.remove_suffix(1);
  return read_name(FilterWord::cgroup, value);
}

Read reader_of(FilterKeyword keyword) {
  switch (keyword) {
    case FilterKeyword::host: return read_host;
    case FilterKeyword::net: return read_net;
    case FilterKeyword::port: return read_port;
    case FilterKeyword::portrange: return read_portrange;
    case FilterKeyword::state: return read_state;
    case FilterKeyword::pid: return read_pid;
    case FilterKeyword::comm: return read_comm;
    case FilterKeyword::uid: return read_uid;
    case FilterKeyword::netns: return read_netns;
    case FilterKeyword::cgroup: return read_cgroup;
  }
  return read_host;
}

}  // namespace

Result<FilterTest> filter_value(FilterKeyword keyword, std::string_view value) {
  return reader_of(keyword)(value);
}

Result<unsigned> netmask_bits(std::string_view mask) {
  const auto address = parse_address(mask);
  if (address && address->family == Family::v4) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; ++i) bits = (bits << 8) | address->bytes[i];
    const int ones = std::countl_one(bits);
    if (ones == std::popcount(bits)) return static_cast<unsigned>(ones);
  }
  return fail("expected a netmask such as 255.255.0.0");
}

}  // namespace tcpdx
