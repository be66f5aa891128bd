#include "probe/error_words.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "wire/icmp.hpp"

namespace tcpdx::probe {
namespace {

namespace icmp4 = wire::icmp4;
namespace icmp6 = wire::icmp6;

struct Said {
  uint8_t type;
  uint8_t code;
  std::string_view words;
};

// RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1.
constexpr std::array kSaid4{
    Said{icmp4::kUnreachable, icmp4::kNet, "network unreachable"},
    Said{icmp4::kUnreachable, icmp4::kHost, "host unreachable"},
    Said{icmp4::kUnreachable, icmp4::kProtocol, "protocol unreachable"},
    Said{icmp4::kUnreachable, icmp4::kPort, "port unreachable"},
    Said{icmp4::kUnreachable, icmp4::kFragmentationNeeded, "fragmentation needed"},
    Said{icmp4::kUnreachable, icmp4::kSourceRouteFailed, "source route failed"},
    Said{icmp4::kUnreachable, 6, "network unknown"},
    Said{icmp4::kUnreachable, 7, "host unknown"},
    Said{icmp4::kUnreachable, 9, "network prohibited"},
    Said{icmp4::kUnreachable, 10, "host prohibited"},
    Said{icmp4::kUnreachable, 11, "network unreachable for this type of service"},
    Said{icmp4::kUnreachable, 12, "host unreachable for this type of service"},
    Said{icmp4::kUnreachable, icmp4::kProhibited, "administratively prohibited"},
    Said{icmp4::kTimeExceeded, 0, "TTL exceeded"},
    Said{icmp4::kTimeExceeded, 1, "fragments were not complete in time"},
    Said{icmp4::kParameterProblem, 0, "parameter problem"},
};
// RFC 4443 3.
constexpr std::array kSaid6{
    Said{icmp6::kUnreachable, icmp6::kNoRoute, "no route"},
    Said{icmp6::kUnreachable, icmp6::kProhibited, "administratively prohibited"},
    Said{icmp6::kUnreachable, 2, "beyond the scope of the source address"},
    Said{icmp6::kUnreachable, icmp6::kAddress, "address unreachable"},
    Said{icmp6::kUnreachable, icmp6::kPort, "port unreachable"},
    Said{icmp6::kUnreachable, 5, "source address prohibited"},
    Said{icmp6::kUnreachable, 6, "route rejects"},
    Said{icmp6::kPacketTooBig, 0, "packet too big"},
    Said{icmp6::kTimeExceeded, 0, "hop limit exceeded"},
    Said{icmp6::kTimeExceeded, 1, "fragments were not complete in time"},
    Said{icmp6::kParameterProblem, 0, "parameter problem"},
};

std::string_view find(std::span<const Said> list, const ErrorMessage& error) {
  for (const Said& said : list) {
    if (said.type == error.type && said.code == error.code) return said.words;
  }
  return "an error";
}

bool is_v6(const ErrorMessage& error) {
  return error.offender && error.offender->family == Family::v6;
}

bool says(const ErrorMessage& error, uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6) {
  if (error.origin != Origin::icmp) return false;
  return is_v6(error) ? error.type == type6 && error.code == code6
                      : error.type == type4 && error.code == code4;
}

}  // namespace

bool says_port_unreachable(const ErrorMessage& error) {
  return says(error, icmp4::kUnreachable, icmp4::kPort, icmp6::kUnreachable, icmp6::kPort);
}

bool says_ttl_exceeded(const ErrorMessage& error) {
  return says(error, icmp4::kTimeExceeded, 0, icmp6::kTimeExceeded, 0);
}

bool says_too_big(const ErrorMessage& error) { return error.error == EMSGSIZE; }

std::string words_of_errno(int error) {
  switch (error) {
    case ENETUNREACH: return "this host has no route to the network";
    case EHOSTUNREACH: return "this host cannot reach it: its route or its neighbour says so";
    case EACCES: return "this host's route or rules forbid it (or it is a broadcast address)";
    case EPERM: return "this host's firewall drops it (EPERM)";
    case EINVAL: return "this host's route throws it away, or an option does not fit";
    case EADDRNOTAVAIL: return "no local address or port is free for it";
    case EMSGSIZE: return "it is larger than the path or this host's interface takes";
    default: return errno_text(error);
  }
}

std::string words_of(const ErrorMessage& error) {
  if (error.origin == Origin::local) {
    std::string words = words_of_errno(error.error);
    if (error.error == EMSGSIZE && error.info != 0) words += fmt::format(" (MTU {})", error.info);
    return words;
  }
  const std::string who = error.offender ? to_string(*error.offender) : "a router";
  const auto what = is_v6(error) ? find(kSaid6, error) : find(kSaid4, error);
  std::string words = fmt::format("{} says: {} (ICMP{} {}/{})", who, what, is_v6(error) ? "v6" : "",
                                  error.type, error.code);
  if (says_too_big(error) && error.info != 0) words += fmt::format(", MTU {}", error.info);
  return words;
}

}  // namespace tcpdx::probe
