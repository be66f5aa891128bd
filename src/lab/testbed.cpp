#include "lab/testbed.hpp"

#include <fcntl.h>
#include <nftables/libnftables.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "lab/rtnetlink.hpp"

namespace tcpdx::lab {
namespace {

// Nobody else can have an address here: the kernel need not look for duplicates, nor for routers.
const std::vector<Sysctl> kQuiet{
    {"net.ipv6.conf.all.accept_dad", "0"},
    {"net.ipv6.conf.default.accept_dad", "0"},
    {"net.ipv6.conf.default.accept_ra", "0"},
    {"net.ipv6.conf.default.router_solicitations", "0"},
};
const std::vector<Sysctl> kForwarding{
    {"net.ipv4.ip_forward", "1"},
    {"net.ipv6.conf.all.forwarding", "1"},
};
constexpr unsigned kTentative = 0x40;  // IFA_F_TENTATIVE, linux/if_addr.h
constexpr size_t kFlagsColumn = 4;     // of /proc/net/if_inet6

// sysctl(8): dots part the names of folders, a slash stands for a dot.
Result<void> set(const Sysctl& sysctl) {
  std::string path = "/proc/sys/";
  for (const char c : sysctl.name) path += c == '.' ? '/' : c == '/' ? '.' : c;
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), sysctl.value.data(), sysctl.value.size()) < 0) {
    return fail("cannot set {} to '{}': {}", sysctl.name, printable(sysctl.value),
                errno_text(errno));
  }
  return {};
}

Result<void> set_all(std::span<const Sysctl> sysctls) {
  for (const Sysctl& one : sysctls) {
    if (auto done = set(one); !done) return done;
  }
  return {};
}

struct FreeContext {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

// In the namespace of the calling thread, as a whole or not at all.
Result<void> load_rules(const std::string& rules) {
  const std::unique_ptr<nft_ctx, FreeContext> context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return fail("libnftables has no memory");
  nft_ctx_buffer_error(context.get());
  nft_ctx_buffer_output(context.get());
  const std::string all = "flush ruleset\n" + rules + "\n";
  if (nft_run_cmd_from_buffer(context.get(), all.c_str()) == 0) return {};
  const char* error = nft_ctx_get_error_buffer(context.get());
  return fail("the packet filter is refused: {}", trim(error == nullptr ? "" : error));
}

// IPv6 addresses are put to use by a task of the kernel's own.
bool all_addresses_usable() {
  const auto table = read_file("/proc/thread-self/net/if_inet6");
  if (!table) return true;  // no IPv6 here
  return std::ranges::none_of(split(*table, '\n'), [](std::string_view line) {
    const auto columns = words(line);
    if (columns.size() <= kFlagsColumn) return false;
    return (parse_number<unsigned>(columns[kFlagsColumn], 16).value_or(0) & kTentative) != 0;
  });
}

Result<void> wait_for_addresses(const std::string& host) {
  constexpr int kTries = 5000;
  for (int tries = 0; tries < kTries; ++tries) {
    if (all_addresses_usable()) return {};
    std::this_thread::sleep_for(1ms);
  }
  return fail("{}: its IPv6 addresses do not become usable", host);
}

Error at_host(const std::string& host, const Error& error) {
  return {fmt::format("{}: {}", host, error.sentence)};
}

}  // namespace

Result<Testbed> Testbed::bring_up(const Topology& topology) {
  if (auto good = check(topology); !good) return std::unexpected(good.error());
  Testbed made;
  if (auto done = made.add_hosts(topology); !done) return std::unexpected(done.error());
  for (size_t i = 0; i < topology.links.size(); ++i) {
    const LinkSettings& link = topology.links[i];
    auto done = link.is_cable() ? made.add_cable(link) : made.add_line(link, i);
    if (!done) return std::unexpected(done.error());
  }
  for (const Host& host : topology.hosts) {
    if (auto done = made.finish(host); !done) {
      return std::unexpected(at_host(host.name, done.error()));
    }
  }
  return made;
}

Result<void> Testbed::add_hosts(const Topology& topology) {
  for (const Host& host : topology.hosts) {
    auto space = NetSpace::make();
    if (!space) return std::unexpected(space.error());
    const Visit there(spaces_.emplace(host.name, std::move(*space)).first->second);
    auto done = set_all(kQuiet);
    if (done && host.forwards) done = set_all(kForwarding);
    auto netlink = RtNetlink::open();
    if (done && !netlink) done = std::unexpected(netlink.error());
    if (done) done = netlink->take_up("lo", 0);
    if (!done) return std::unexpected(at_host(host.name, done.error()));
  }
  return {};
}

Result<void> Testbed::add_cable(const LinkSettings& link) {
  for (const size_t end : {size_t{0}, size_t{1}}) {
    const LinkEnd& one = link.ends.at(end);
    const LinkEnd& other = link.ends.at(1 - end);
    const Visit there(space(one.host));
    auto netlink = RtNetlink::open();
    if (!netlink) return std::unexpected(netlink.error());
    Result<void> done;
    if (end == 0) done = netlink->add_cable(one.device, other.device, space(other.host).fd());
    if (done) done = netlink->take_up(one.device, one.mtu);
    for (const Prefix& address : one.addresses) {
      if (done) done = netlink->add_address(one.device, address);
    }
    if (!done) return std::unexpected(at_host(one.host, done.error()));
  }
  return {};
}

Result<void> Testbed::add_line(const LinkSettings& link, size_t number) {
  std::vector<Link::End> ends;
  for (const LinkEnd& one : link.ends) {
    TunSettings settings{.name = one.device, .addresses = {}, .mtu = one.mtu};
    std::vector<IpAddress> addresses;
    for (const Prefix& prefix : one.addresses) {
      settings.addresses.push_back({.address = prefix.address, .prefix = prefix.length});
      addresses.push_back(prefix.address);
    }
    const Visit there(space(one.host));
    auto tun = Tun::open(settings);
    if (!tun) return std::unexpected(at_host(one.host, tun.error()));
    ends.push_back({.tun = std::move(*tun),
                    .addresses = std::move(addresses),
                    .sends = one.sends.value_or(Impairment{})});
  }
  links_.emplace(number, Link(std::move(ends[0]), std::move(ends[1])));
  return {};
}

// What needs the devices of all links.
Result<void> Testbed::finish(const Host& host) {
  const Visit there(space(host.name));
  if (auto done = set_all(host.sysctls); !done) return done;
  if (auto done = wait_for_addresses(host.name); !done) return done;
  auto netlink = RtNetlink::open();
  if (!netlink) return std::unexpected(netlink.error());
  for (const Route& route : host.routes) {
    if (auto done = netlink->add_route(route); !done) return done;
  }
  if (!host.rules.empty()) {
    if (auto done = load_rules(host.rules); !done) return done;
  }
  for (const Server& one : host.servers) {
    auto server = RunningServer::start(one);
    if (!server) return std::unexpected(server.error());
    servers_.push_back({.host = host.name, .port = one.port, .server = std::move(*server)});
  }
  return {};
}

Result<void> Testbed::set_rules(const std::string& host, const std::string& rules) const {
  const Visit there(space(host));
  auto done = load_rules(rules);
  if (!done) return std::unexpected(at_host(host, done.error()));
  return done;
}

Link* Testbed::link(size_t number) {
  const auto at = links_.find(number);
  return at == links_.end() ? nullptr : &at->second;
}

const RunningServer* Testbed::server(const std::string& host, uint16_t port) const {
  const auto at = std::ranges::find_if(
      servers_, [&](const Placed& one) { return one.host == host && one.port == port; });
  return at == servers_.end() ? nullptr : &at->server;
}

tcp::Time Testbed::now() const {
  return std::chrono::duration_cast<tcp::Time>(std::chrono::steady_clock::now() - start_);
}

bool Testbed::turn() {
  bool any = false;
  for (auto& [number, link] : links_) any = link.turn(now()) || any;
  for (Placed& one : servers_) any = one.server.turn(now()) || any;
  return any;
}

std::optional<tcp::Time> Testbed::next() const {
  std::optional<tcp::Time> next;
  const auto sooner = [&](const std::optional<tcp::Time>& one) {
    if (one) next = std::min(next.value_or(*one), *one);
  };
  for (const auto& [number, link] : links_) sooner(link.next());
  for (const Placed& one : servers_) sooner(one.server.next());
  return next;
}

void Testbed::add_polls(std::vector<pollfd>& into) const {
  for (const auto& [number, link] : links_) link.add_polls(into);
  for (const Placed& one : servers_) one.server.add_polls(into);
}

void Testbed::wait(Duration longest) const {
  std::vector<pollfd> polls;
  add_polls(polls);
  Duration sleep = longest;
  if (const auto due = next()) sleep = std::clamp(*due - now(), Duration{}, sleep);
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(sleep);
  const timespec timeout{whole.count(), std::chrono::nanoseconds(sleep - whole).count()};
  ::ppoll(polls.data(), polls.size(), &timeout, nullptr);
}

bool Testbed::until(const std::function<bool()>& condition, Duration limit) {
  constexpr Duration kBetween = 5ms;  // what the condition looks at may change unseen
  const tcp::Time end = now() + limit;
  while (!condition()) {
    if (now() > end) return false;
    if (!turn()) wait(kBetween);
  }
  return true;
}

}  // namespace tcpdx::lab
