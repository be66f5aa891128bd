// DNS messages as bytes and as values (RFC 1035, RFC 3596, RFC 6891, RFC 8914).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace tcpdx::wire {

// IANA's numbers; others are kept as they come.
enum class DnsType : uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  opt = 41
};
// "AAAA"; "TYPE65" where it has no name here (RFC 3597 5).
std::string to_string(DnsType type);
std::optional<DnsType> parse_dns_type(std::string_view text);

enum class DnsCode : uint8_t {  // RCODE
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4,
  refused = 5
};
// "NXDOMAIN"; "RCODE17".
std::string to_string(DnsCode code);

// A name as text, without its last dot; octets that are no letter, digit, '-' or '_' are \DDD
// (RFC 1035 5.1). The root is ".".
using DnsName = std::string;

struct DnsRecord {
  DnsName name;
  DnsType type{};
  uint32_t ttl = 0;                  // seconds
  std::string text;                  // of the data, as dig writes it
  std::optional<IpAddress> address;  // of A and AAAA
  DnsName target;                    // of CNAME, NS, PTR, MX, SRV
};

// Extended errors (RFC 8914): why, beyond the code.
struct DnsExtendedError {
  uint16_t code = 0;
  std::string text;  // may be empty
};
std::string_view meaning(const DnsExtendedError& error);  // of the code; empty: none known here

struct DnsQuestion {
  DnsName name;
  DnsType type = DnsType::a;
};

struct DnsMessage {
  uint16_t id = 0;
  bool is_answer = false;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_desired = true;
  bool recursion_available = false;
  bool authentic = false;            // AD: the server has validated it (RFC 4035 3.2.3)
  DnsCode code = DnsCode::no_error;  // the lower four bits of it
  std::optional<DnsQuestion> question;
  std::vector<DnsRecord> answers;
  std::vector<DnsRecord> authority;
  bool has_edns = false;
  std::vector<DnsExtendedError> extended_errors;
};

// Nothing where the bytes are no message: cut short, names that loop or are too long, counts that
// do not fit. Records of other classes than Internet are passed over.
std::optional<DnsMessage> parse_dns(std::span<const std::byte> message);

struct DnsQuery {
  uint16_t id = 0;
  DnsQuestion question;
  bool recursion_desired = true;
  std::optional<uint16_t> udp_size =
      1232;             // EDNS: the largest answer that is welcome; none: no EDNS
  bool dnssec = false;  // DO: signatures are welcome
};

// Empty where the name is none: a label above 63 octets, more than 255 in all, an empty label.
std::vector<std::byte> write_dns_query(const DnsQuery& query);

// The name under which an address is looked up: 1.2.0.192.in-addr.arpa, ....ip6.arpa.
DnsName reverse_name(const IpAddress& address);

}  // namespace tcpdx::wire
