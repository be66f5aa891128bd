#include "engine/look_up.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/file.hpp"
#include "base/stopwatch.hpp"
#include "engine/name_servers.hpp"
#include "engine/threads.hpp"
#include "probe/socket_address.hpp"
#include "probe/target.hpp"

namespace tcpdx::engine {
namespace {

using probe::DnsAsk;
using probe::DnsLook;
using wire::DnsType;

constexpr uint16_t kDns = 53;

std::string text_of(const std::string& path) {
  auto text = read_file(path);
  return text ? std::move(*text) : std::string{};
}

// A UDP socket that is "connected" asks the routing table and sends nothing.
bool has_route(const IpAddress& address) {
  const Fd socket(::socket(probe::system_family(address.family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const probe::SystemAddress to = probe::system_address({address, kDns});
  return socket && ::connect(socket.get(), to.get(), to.size) == 0;
}

std::vector<DnsType> types_of(const LookUpOptions& options, bool is_address) {
  if (!options.types.empty()) return options.types;
  if (is_address) return {DnsType::ptr};
  return {DnsType::a, DnsType::aaaa};
}

void ask_system(DnsLook& look) {
  const Stopwatch watch;
  auto addresses = probe::resolve(look.name, std::nullopt);
  look.system.took = watch.elapsed();
  if (addresses) {
    look.system.addresses = std::move(*addresses);
  } else {
    look.system.error = addresses.error().sentence;
  }
}

}  // namespace

probe::DnsLook look_up(const LookUpOptions& options) {
  DnsLook look;
  look.name = options.name;
  NameServers known = name_servers(options.resolv_conf);
  const auto& servers = options.servers.empty() ? known.servers : options.servers;
  look.stub = options.servers.empty() && known.stub;
  look.conf = std::move(known.conf);
  const auto address = parse_address(options.name);
  look.walk = address ? std::vector{wire::reverse_name(*address)}
                      : probe::search_walk(options.name, look.conf);
  // The servers are asked for the name itself: what the search list adds is shown, not asked.
  look.asked = address ? look.walk.front() : options.name;
  if (!address) {
    look.in_hosts = probe::addresses_in_hosts(text_of(options.hosts), options.name);
  }
  std::vector<DnsAsk> questions;
  for (const SocketAddress& server : servers) {
    for (const DnsType type : types_of(options, address.has_value())) {
      for (const auto transport : {probe::Transport::udp, probe::Transport::tcp}) {
        questions.push_back({.server = server,
                             .transport = transport,
                             .question = {look.asked, type},
                             .dnssec = options.dnssec,
                             .timeout = options.timeout});
      }
    }
  }
  look.replies.resize(questions.size());
  run_on_as_many_threads(questions.size() + 1, [&](size_t i) {
    if (i == 0) {
      if (!address) ask_system(look);
    } else {
      look.replies[i - 1] = probe::ask(questions[i - 1]);
    }
  });
  for (const IpAddress& one : look.system.addresses) {
    if (one.family == Family::v6) look.has_ipv6_route = has_route(one);
  }
  return look;
}

}  // namespace tcpdx::engine
