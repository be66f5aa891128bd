// Any bytes as a netlink answer and as notices, and its payloads as sockets, routes,
// neighbours and their tables.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "host/deaths.hpp"
#include "host/neighbours.hpp"
#include "host/netlink.hpp"
#include "host/routes.hpp"
#include "host/sock_diag.hpp"

namespace {

void check(std::span<const std::byte> payload, std::vector<tcpdx::Socket>& sockets) {
  tcpdx::host::DiagMessage message;
  if (tcpdx::host::read_diag_message(payload, message)) {
    if (message.congestion.size() > payload.size()) std::abort();
    if (message.socket.local.addr.family != message.socket.remote.addr.family) std::abort();
    sockets.push_back(message.socket);
  }
  tcpdx::host::parse_route_message(payload);
  tcpdx::host::parse_neighbour_message(payload);
  tcpdx::host::parse_neighbour_table(payload);
  tcpdx::host::parse_link_neighbour(payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  std::vector<tcpdx::Socket> sockets;
  check(bytes, sockets);
  tcpdx::host::Answer answer;
  const auto on_message = [&](std::span<const std::byte> payload) { check(payload, sockets); };
  tcpdx::host::read_messages(bytes, 0, true, on_message, answer);
  tcpdx::host::read_deaths(
      bytes, [&](const tcpdx::host::DiagMessage& message) { sockets.push_back(message.socket); });
  if (answer.refusal.error != 0 && answer.refusal.sentence().empty()) std::abort();
  tcpdx::host::drop_duplicates(sockets, 0);
  if (tcpdx::host::drop_duplicates(sockets, 0) != 0) std::abort();
  return 0;
}
