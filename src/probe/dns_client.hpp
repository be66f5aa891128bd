// One question to one name server, and what it says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "wire/dns.hpp"

namespace tcpdx::probe {

enum class Transport : uint8_t { udp, tcp };
std::string_view to_string(Transport transport);

struct DnsAsk {
  SocketAddress server;
  Transport transport = Transport::udp;
  wire::DnsQuestion question;
  bool dnssec = false;
  Duration timeout = 2s;
};

struct DnsReply {
  DnsAsk asked;
  std::optional<wire::DnsMessage> message;
  Duration took{};
  size_t octets = 0;    // of the answer
  std::string error;    // why there is no message; empty: there is one
  bool silent = false;  // nothing came in time
};

// Blocks, until `stop` says so at most. Answers to other questions, from other servers or with
// another id are passed over.
DnsReply ask(const DnsAsk& asked, const std::function<bool()>& stop = {});

}  // namespace tcpdx::probe
