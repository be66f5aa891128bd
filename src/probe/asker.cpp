#include "probe/asker.hpp"

#include <utility>

#include "probe/asker_datagram.hpp"
#include "probe/asker_tcp.hpp"

namespace tcpdx::probe {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::icmp: return "icmp";
    case Method::udp: return "udp";
    case Method::tcp: return "tcp";
  }
  std::unreachable();
}

Result<std::unique_ptr<Asker>> open_asker(Method method, const AskOptions& options) {
  if (method == Method::tcp) return std::make_unique<TcpAsker>(options);
  return DatagramAsker::open(method, options);
}

}  // namespace tcpdx::probe
