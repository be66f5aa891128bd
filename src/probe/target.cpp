#include "probe/target.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.hpp"
#include "probe/socket_address.hpp"
#include "wire/octets.hpp"

namespace tcpdx::probe {
namespace {

std::optional<uint16_t> port_of(const std::string& text) {
  if (const auto number = parse_number<uint16_t>(text); number && *number != 0) return number;
  const servent* const service = ::getservbyname(text.c_str(), "tcp");
  if (service == nullptr) return std::nullopt;
  return wire::big_endian(static_cast<uint16_t>(service->s_port));
}

// Where the host ends: before the last colon, if what stands before has no other.
size_t end_of_host(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return text.size();
  if (text.starts_with('[')) return text.find(']') == colon - 1 ? colon : text.size();
  return text.find(':') == colon ? colon : text.size();
}

struct Free {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::string sentence_of(int code) {
  switch (code) {
    case EAI_NONAME: return "there is no such name";
    case EAI_NODATA: return "the name has no address of the wanted kind";
    case EAI_AGAIN: return "no name server answered";
    case EAI_FAIL: return "a name server refused or failed";
    case EAI_SYSTEM: return errno_text(errno);
    default: return ::gai_strerror(code);
  }
}

}  // namespace

Result<TargetName> parse_target(std::string_view text) {
  const size_t end = end_of_host(text);
  std::string_view host = text.substr(0, end);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("[] \t/") != std::string_view::npos) {
    return fail("'{}' names no host: give NAME, ADDRESS or HOST:PORT ([ADDRESS]:PORT for IPv6)",
                printable(text));
  }
  TargetName target{.host = std::string(host), .port = {}};
  if (end == text.size()) return target;
  target.port = port_of(std::string(text.substr(end + 1)));
  if (!target.port) {
    return fail("'{}' is no port: it is a number from 1 to 65535 or the name of a TCP service",
                printable(text.substr(end + 1)));
  }
  return target;
}

Result<std::vector<IpAddress>> resolve(const std::string& host, std::optional<Family> family) {
  if (host.empty()) return fail("'' names no host");
  if (const auto given = parse_address(host)) {
    const IpAddress address = given->unmapped();
    if (family && address.family != *family) {
      return fail("{} is not an IPv{} address", host, *family == Family::v4 ? 4 : 6);
    }
    return std::vector{address};
  }
  addrinfo wanted{};
  wanted.ai_family = family ? system_family(*family) : AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;  // each address once
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list);
  const std::unique_ptr<addrinfo, Free> owned(list);
  if (code != 0) return fail("cannot look up {}: {}", printable(host), sentence_of(code));
  std::vector<IpAddress> addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, one->ai_addr, std::min<size_t>(one->ai_addrlen, sizeof storage));
    const auto address = address_of(storage);
    if (address && std::ranges::find(addresses, address->addr) == addresses.end()) {
      addresses.push_back(address->addr);
    }
  }
  if (addresses.empty()) return fail("cannot look up {}: it has no address", printable(host));
  return addresses;
}

std::vector<IpAddress> racing_order(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> order = addresses;
  for (size_t i = 1; i < order.size(); ++i) {
    const auto from = order.begin() + static_cast<std::ptrdiff_t>(i);
    const Family last = order[i - 1].family;
    const auto next =
        std::find_if(from, order.end(), [&](const IpAddress& one) { return one.family != last; });
    if (next != order.end()) std::rotate(from, next, next + 1);
  }
  return order;
}

}  // namespace tcpdx::probe
