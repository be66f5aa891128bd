#include "engine/name_servers.hpp"

#include <string_view>
#include <utility>

#include "base/file.hpp"

namespace tcpdx::engine {
namespace {

constexpr uint16_t kDns = 53;
// What systemd-resolved's own address stands for.
constexpr const char* kResolvedServers = "/run/systemd/resolve/resolv.conf";

std::string text_of(const std::string& path) {
  auto text = read_file(path);
  return text ? std::move(*text) : std::string{};
}

}  // namespace

NameServers name_servers(const std::string& resolv_conf) {
  NameServers found;
  found.conf = probe::parse_resolv_conf(text_of(resolv_conf));
  found.servers.reserve(found.conf.servers.size());
  for (const IpAddress& one : found.conf.servers) found.servers.push_back({one, kDns});
  found.stub = found.servers.size() == 1 && found.servers.front().addr == ipv4(127, 0, 0, 53);
  if (!found.stub) return found;
  const auto behind = probe::parse_resolv_conf(text_of(kResolvedServers));
  for (const IpAddress& one : behind.servers) {
    if (!one.is_loopback()) found.servers.push_back({one, kDns});
  }
  return found;
}

}  // namespace tcpdx::engine
