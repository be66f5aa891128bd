#include "model/listener.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "base/text.hpp"

namespace tcpdx {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

bool within(const IpAddress& address, const IpAddress& network, unsigned bits) {
  return address.family == network.family && address.prefix(bits) == network;
}

IpAddress v6_network(uint8_t first, uint8_t second) {
  IpAddress network{.bytes = {first, second}, .family = Family::v6};
  return network;
}

bool is_private(const IpAddress& address) {
  if (address.family == Family::v6) {
    return within(address, v6_network(0xFC, 0), 7) || within(address, v6_network(0xFE, 0x80), 10);
  }
  return within(address, ipv4(10, 0, 0, 0), 8) || within(address, ipv4(172, 16, 0, 0), 12) ||
         within(address, ipv4(192, 168, 0, 0), 16) || within(address, ipv4(100, 64, 0, 0), 10) ||
         within(address, ipv4(169, 254, 0, 0), 16);
}

// Process 1 stands for what it holds: a service comes and goes behind the socket of its unit.
const Process* holder_of(const Observation& observation, const Socket& socket) {
  const Process* best = nullptr;
  for (const Owner& owner : owners_of(observation.now(), socket)) {
    const Process& one = observation.processes[owner.process];
    if (one.pid == 1) return &one;
    const auto rank = [](const Process& p) {
      return std::pair(-p.age.value_or(Duration{}).count(), p.pid);
    };
    if (best == nullptr || rank(one) < rank(*best)) best = &one;
  }
  return best;
}

void add_file_sign(const Process& process, bool exposed, std::vector<OddSign>& signs) {
  const std::string path = printable(program_path(process));
  switch (process.program.file) {
    case ExeFile::deleted:
      signs.push_back({Sign::exe_deleted,
                       fmt::format("its program file {} was deleted and nothing has taken its "
                                   "place",
                                   path),
                       exposed});
      break;
    case ExeFile::in_memory:
      signs.push_back({Sign::exe_in_memory,
                       fmt::format("its program is no file but memory ({})", path), exposed});
      break;
    case ExeFile::replaced:  // as every upgrade does
    case ExeFile::present:
    case ExeFile::unknown: break;
  }
  if (!process.program.writable_by_all.empty()) {
    signs.push_back({Sign::exe_writable,
                     fmt::format("its program {} lies where everybody may write ({})", path,
                                 printable(process.program.writable_by_all)),
                     exposed});
  }
}

std::vector<OddSign> signs_of(const Observation& observation, const Socket& socket) {
  std::vector<OddSign> signs;
  const bool exposed = exposure_of(socket.local.addr) != Exposure::loopback;
  const Process* last = nullptr;
  for (const Owner& owner : owners_of(observation.now(), socket)) {
    const Process& process = observation.processes[owner.process];
    if (last != nullptr && last->exe == process.exe && last->comm == process.comm) continue;
    last = &process;
    add_file_sign(process, exposed, signs);
    if (!process.program.poses_as.empty()) {
      signs.push_back(
          {Sign::name_unlike_exe,
           fmt::format("it calls itself {}, {}, but its program is {}", one_word(process.comm),
                       printable(process.program.poses_as), printable(program_path(process))),
           false});
    }
  }
  if (observation.closer.every_process && socket.owner_count == 0 && socket.inode != 0) {
    signs.push_back({Sign::no_owner,
                     "no process holds it, though all were seen: the kernel itself (nfsd, lockd), "
                     "a descriptor on its way between processes, or a hidden process",
                     false});
  }
  return signs;
}

using Place = std::pair<uint16_t, SocketAddress>;

Place place_of(const Socket& socket) { return {socket.netns, socket.local}; }

struct Queue {
  size_t samples = 0;
  size_t full = 0;
  uint64_t sum = 0;
  uint32_t least = 0xFFFF'FFFF;
};

// By namespace and cookie, or by address where the source has no cookies.
using QueueKey = std::tuple<uint16_t, uint64_t, SocketAddress>;

std::map<QueueKey, Queue> queues_of(const Observation& observation) {
  std::map<QueueKey, Queue> queues;
  for (const Sample& sample : observation.samples) {
    for (const ListenerSample& one : sample.listeners) {
      Queue& queue = queues[{one.netns, one.cookie, one.local}];
      ++queue.samples;
      queue.sum += one.queued;
      queue.least = std::min(queue.least, one.queued);
      if (one.cookie != 0 && one.queued > one.limit) ++queue.full;
    }
  }
  return queues;
}

std::optional<bool> clamped(const Observation& observation, const Socket& socket) {
  const auto limit = queue_limit(socket);
  const auto most = observation.namespaces[socket.netns].sysctls.number("net.core.somaxconn");
  if (!limit || !most) return std::nullopt;
  return *limit == *most;
}

std::map<Place, const FirewallAnswer*> firewall_of(const Observation& observation) {
  std::map<Place, const FirewallAnswer*> answers;
  for (const FirewallAnswer& one : observation.closer.firewall) {
    answers[{one.netns, one.local}] = &one;
  }
  return answers;
}

// Marks the member of each group whose queue was longest on average, if any was not empty.
void mark_groups(const std::map<QueueKey, Queue>& queues, std::vector<ListeningSocket>& all) {
  for (size_t first = 0; first < all.size();) {
    size_t end = first;
    while (end < all.size() && place_of(*all[end].socket) == place_of(*all[first].socket)) ++end;
    const std::span group = std::span(all).subspan(first, end - first);
    const auto load = [&](const ListeningSocket& one) {
      const auto at = queues.find({one.socket->netns, one.socket->cookie, one.socket->local});
      if (at == queues.end()) return std::pair<uint64_t, uint64_t>{};
      return std::pair<uint64_t, uint64_t>{at->second.least, at->second.sum};
    };
    for (ListeningSocket& one : group) one.group = group.size();
    const auto worst = std::ranges::max_element(group, {}, load);
    if (group.size() > 1 && load(*worst).second > 0) worst->drains_least = true;
    first = end;
  }
}

}  // namespace

std::string_view to_string(Exposure exposure) {
  switch (exposure) {
    case Exposure::loopback: return "loopback";
    case Exposure::private_net: return "private";
    case Exposure::public_net: return "public";
    case Exposure::any: return "any";
  }
  std::unreachable();
}

std::string_view to_string(Sign sign) {
  switch (sign) {
    case Sign::exe_deleted: return "exe-deleted";
    case Sign::exe_in_memory: return "exe-in-memory";
    case Sign::exe_writable: return "exe-writable";
    case Sign::name_unlike_exe: return "name-unlike-exe";
    case Sign::no_owner: return "no-owner";
  }
  std::unreachable();
}

Exposure exposure_of(const IpAddress& address) {
  const IpAddress plain = address.unmapped();
  if (plain.is_any()) return Exposure::any;
  if (plain.is_loopback()) return Exposure::loopback;
  return is_private(plain) ? Exposure::private_net : Exposure::public_net;
}

std::vector<ListeningSocket> listening_sockets(const Observation& observation) {
  std::vector<ListeningSocket> all;
  const auto queues = queues_of(observation);
  const auto firewall = firewall_of(observation);
  for (const Socket& socket : observation.now().sockets) {
    if (socket.state != tcp::State::listen) continue;
    ListeningSocket& one = all.emplace_back();
    one.socket = &socket;
    one.holder = holder_of(observation, socket);
    one.clamped = clamped(observation, socket);
    if (const auto at = firewall.find(place_of(socket)); at != firewall.end()) {
      one.firewall = at->second;
    }
    one.signs = signs_of(observation, socket);
    if (const auto at = queues.find({socket.netns, socket.cookie, socket.local});
        at != queues.end() && at->second.samples > 0) {
      one.samples = at->second.samples;
      one.full_share =
          static_cast<double>(at->second.full) / static_cast<double>(at->second.samples);
    }
  }
  std::ranges::sort(all, {}, [](const ListeningSocket& one) {
    const Socket& s = *one.socket;
    return std::tuple(s.netns, s.local.port, s.local.addr, s.cookie, s.inode);
  });
  mark_groups(queues, all);
  return all;
}

std::string lasting_name(const Namespace& space, const Process* holder) {
  if (!space.name.empty()) return space.name;
  if (space.ours) return "host";
  if (holder == nullptr) return "";
  return holder->container.empty() ? holder->unit : holder->container;
}

std::string program_path(const Process& process) {
  std::string_view path = process.exe;
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(path);
}

}  // namespace tcpdx
