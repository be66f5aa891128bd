#include "track_kernel/road.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace tcpdx::track_kernel {
namespace {

size_t index(Host host) { return static_cast<size_t>(host); }

Fd own_space() { return Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

}  // namespace

std::string device_of(Host host) { return host == Host::router ? "toclient" : "toroad"; }

IpAddress Road::address(uint8_t last) const {
  const auto pid = static_cast<unsigned>(::getpid());
  return ipv4(10, static_cast<uint8_t>(pid >> 8U), static_cast<uint8_t>(pid), last);
}

void Road::enter(Host host) const {
  if (::setns(spaces_[index(host)].get(), CLONE_NEWNET) != 0) std::abort();
}

bool Road::run(Host host, const std::string& command) const {
  const Fd home = own_space();
  enter(host);
  const int status = std::system(command.c_str());
  if (::setns(home.get(), CLONE_NEWNET) != 0) std::abort();
  return status == 0;
}

Result<Road> Road::build() {
  Road road;
  const Fd home = own_space();
  for (const Host host : kHosts) {
    if (::unshare(CLONE_NEWNET) != 0) {
      return fail("may not make a network namespace: {}", errno_text(errno));
    }
    road.spaces_[index(host)] = own_space();
  }
  if (::setns(home.get(), CLONE_NEWNET) != 0) {
    return fail("cannot go back to the first namespace: {}", errno_text(errno));
  }
  const auto pid = static_cast<unsigned>(::getpid());
  road.first_port_ = static_cast<uint16_t>(10000 + pid % 300 * kPorts);
  const auto path = [&](Host host) {
    return fmt::format("/proc/{}/fd/{}", pid, road.spaces_[index(host)].get());
  };
  const auto net = [&](int last) { return to_string(road.address(static_cast<uint8_t>(last))); };
  const auto join = [&](Host host, const char* device, int near, int far) {
    return road.run(Host::router,
                    fmt::format("ip link set lo up && ip link add {0} type veth peer name toroad "
                                "netns {1} && ip addr add {2}/30 dev {0} && ip link set {0} up",
                                device, path(host), net(near))) &&
           road.run(host, fmt::format("ip link set lo up && ip addr add {0}/30 dev toroad && "
                                      "ip link set toroad up && ip route add default via {1}",
                                      net(far), net(near)));
  };
  const bool made = join(Host::client, "toclient", 2, 1) && join(Host::server, "toserver", 6, 5) &&
                    road.run(Host::router,
                             "echo 1 > /proc/sys/net/ipv4/ip_forward && nft add table inet t && "
                             "nft add chain inet t stop '{ type filter hook forward priority -1; }'"
                             " && nft add chain inet t lose '{ type filter hook forward priority 0;"
                             " }'");
  if (!made) return fail("cannot build the road: ip(8) or nft(8) failed");
  return road;
}

void Road::lose(int percent) const {
  run(Host::router, fmt::format("nft add rule inet t lose meta l4proto tcp "
                                "numgen random mod 100 '<' {} drop",
                                percent));
}

void Road::lose_in_hosts(int percent) const {
  for (const Host host : {Host::client, Host::server}) {
    run(host, fmt::format("nft add table inet t && nft add chain inet t in '{{ type filter hook "
                          "input priority 0; }}' && nft add rule inet t in meta l4proto tcp "
                          "numgen random mod 100 '<' {} drop",
                          percent));
  }
}

void Road::stop(const std::string& match) const {
  run(Host::router, fmt::format("nft add rule inet t stop {} drop", match));
}

void Road::pass_all() const { run(Host::router, "nft flush chain inet t stop"); }

}  // namespace tcpdx::track_kernel
