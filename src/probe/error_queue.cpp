#include "probe/error_queue.hpp"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/uio.h>

// These need the types of the headers above.
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "probe/socket_address.hpp"
#include "wire/checksum.hpp"
#include "wire/octets.hpp"

// linux/in.h, since 5.9; Debian 12's netinet/in.h has neither.
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif

namespace tcpdx::probe {
namespace {

constexpr size_t kMostQuoted = 1500;
constexpr size_t kControl = 512;
constexpr size_t kExtensionHeader = 4;
constexpr size_t kObjectHeader = 4;
constexpr size_t kLabelSize = 4;
constexpr unsigned kExtensionVersion = 2;
constexpr uint8_t kLabelStack = 1;     // object class, RFC 4950
constexpr uint8_t kIncomingStack = 1;  // its only type

template <class Value>
std::optional<Value> value_of(const cmsghdr* header) {
  if (header->cmsg_len < CMSG_LEN(sizeof(Value))) return std::nullopt;
  Value value{};
  std::memcpy(&value, CMSG_DATA(header), sizeof value);
  return value;
}

bool is_error(const cmsghdr* header) {
  return (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
         (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR);
}

bool is_ttl(const cmsghdr* header) {
  return (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TTL) ||
         (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT);
}

Origin origin_of(const sock_extended_err& error) {
  switch (error.ee_origin) {
    case SO_EE_ORIGIN_ICMP:
    case SO_EE_ORIGIN_ICMP6: return Origin::icmp;
    case SO_EE_ORIGIN_TIMESTAMPING: return Origin::sent;
    default: return Origin::local;
  }
}

// The offender stands behind the error, with no padding between (SO_EE_OFFENDER).
std::optional<IpAddress> offender_of(const cmsghdr* header) {
  const size_t before = CMSG_LEN(sizeof(sock_extended_err));
  if (header->cmsg_len <= before) return std::nullopt;
  sockaddr_storage storage{};
  std::memcpy(&storage, CMSG_DATA(header) + sizeof(sock_extended_err),
              std::min<size_t>(header->cmsg_len - before, sizeof storage));
  const auto address = address_of(storage);
  if (!address) return std::nullopt;
  return address->addr;
}

// Where the router quotes less than it says the kernel calls the extension invalid.
void split_extensions(const sock_extended_err& error, std::span<const std::byte> octets,
                      ErrorMessage& into) {
  const auto& found = error.ee_rfc4884;
  const bool valid = into.origin == Origin::icmp && found.len > 0 && found.len <= octets.size() &&
                     (found.flags & SO_EE_RFC4884_FLAG_INVALID) == 0;
  if (valid) into.labels = read_labels(octets.subspan(found.len));
  const auto quoted = valid ? octets.first(found.len) : octets;
  into.quoted.assign(quoted.begin(), quoted.end());
}

bool set(int socket, int level, int name, int value) {
  return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

}  // namespace

WallTime wall_of(const timespec& time) {
  return WallTime(std::chrono::seconds(time.tv_sec) +
                  std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(time.tv_nsec)));
}

std::vector<MplsLabel> read_labels(std::span<const std::byte> extensions) {
  std::vector<MplsLabel> labels;
  if (extensions.size() < kExtensionHeader) return labels;
  if (wire::get8(extensions.data()) >> 4U != kExtensionVersion) return labels;
  // RFC 4884 7: a checksum of zero says that there is none.
  if (wire::get16(&extensions[2]) != 0 && wire::checksum(wire::add_words(extensions)) != 0) {
    return labels;
  }
  auto rest = extensions.subspan(kExtensionHeader);
  while (rest.size() >= kObjectHeader) {
    const size_t length = wire::get16(rest.data());
    if (length < kObjectHeader || length > rest.size()) break;
    const bool stack =
        wire::get8(&rest[2]) == kLabelStack && wire::get8(&rest[3]) == kIncomingStack;
    for (size_t at = kObjectHeader; stack && at + kLabelSize <= length; at += kLabelSize) {
      const uint32_t entry = wire::get32(&rest[at]);
      labels.push_back({.label = entry >> 12U,
                        .traffic_class = static_cast<uint8_t>(entry >> 9U & 7U),
                        .ttl = static_cast<uint8_t>(entry)});
    }
    rest = rest.subspan(length);
  }
  return labels;
}

std::optional<ErrorMessage> read_error_message(msghdr& message, std::span<const std::byte> octets) {
  ErrorMessage found;
  bool any = false;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (is_error(header)) {
      const auto error = value_of<sock_extended_err>(header);
      if (!error) continue;
      any = true;
      found.origin = origin_of(*error);
      found.error = static_cast<int>(error->ee_errno);
      found.type = error->ee_type;
      found.code = error->ee_code;
      found.info = error->ee_info;
      if (found.origin == Origin::sent) found.stamp_id = error->ee_data;
      found.offender = offender_of(header);
      split_extensions(*error, octets, found);
    } else if (is_ttl(header)) {
      if (const auto ttl = value_of<int>(header)) found.ttl = static_cast<uint8_t>(*ttl);
    } else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPING) {
      const auto stamps = value_of<std::array<timespec, 3>>(header);
      if (stamps && stamps->front().tv_sec != 0) found.at = wall_of(stamps->front());
    }
  }
  if (!any) return std::nullopt;
  return found;
}

std::optional<ErrorMessage> next_error(int socket) {
  std::array<std::byte, kMostQuoted> octets{};
  alignas(cmsghdr) std::array<std::byte, kControl> control{};
  iovec piece{.iov_base = octets.data(), .iov_len = octets.size()};
  for (;;) {
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    auto found = read_error_message(message, std::span(octets).first(static_cast<size_t>(size)));
    if (found) return found;
  }
}

bool ask_for_errors(int socket, Family family) {
  const bool v4 = family == Family::v4;
  const int level = v4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
  if (!set(socket, level, v4 ? IP_RECVERR : IPV6_RECVERR, 1)) return false;
  // What older kernels or some kinds of sockets do not have is done without.
  set(socket, level, v4 ? IP_RECVERR_RFC4884 : IPV6_RECVERR_RFC4884, 1);
  set(socket, level, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
  set(socket, SOL_SOCKET, SO_TIMESTAMPING,
      SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
          SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY);
  return true;
}

}  // namespace tcpdx::probe
