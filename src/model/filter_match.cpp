// Tries a filter on a socket of a look.
#include <algorithm>
#include <string_view>

#include "model/filter.hpp"
#include "model/filter_truths.hpp"
#include "model/observation.hpp"

namespace tcpdx {
namespace {

// /proc/PID/comm holds at most 15 bytes: TASK_COMM_LEN of include/linux/sched.h, less the NUL.
constexpr size_t kCommLength = 15;

struct Subject {
  const Observation& observation;
  const Look& look;
  const Socket& socket;
};

template <class Matches>
bool either_end(const FilterTest& test, const Socket& socket, Matches matches_end) {
  switch (test.end) {
    case FilterEnd::source: return matches_end(socket.local);
    case FilterEnd::destination: return matches_end(socket.remote);
    case FilterEnd::either: return matches_end(socket.local) || matches_end(socket.remote);
  }
  return false;
}

template <class Matches>
bool any_owner(const Subject& on, Matches matches_process) {
  return std::ranges::any_of(owners_of(on.look, on.socket), [&](const Owner& owner) {
    return matches_process(on.observation.processes[owner.process]);
  });
}

bool in_netns(const Subject& on, const FilterTest& test) {
  const Namespace& netns = on.observation.namespaces[on.socket.netns];
  return netns.name == test.text || (test.low != 0 && netns.inode == test.low);
}

// The path itself or one below it, a systemd unit, a container's name or id, short or whole.
bool in_cgroup(const Process& process, std::string_view wanted) {
  if (process.cgroup.empty()) return false;
  if (process.unit == wanted || process.container == wanted) return true;
  constexpr size_t kShortId = 12;
  if (process.container.size() == kShortId && wanted.starts_with(process.container)) return true;
  if (wanted == "/") return true;
  std::string_view path = process.cgroup;
  if (!wanted.starts_with('/') && path.starts_with('/')) path.remove_prefix(1);
  if (!path.starts_with(wanted)) return false;
  return path.size() == wanted.size() || path[wanted.size()] == '/';
}

// The kernel gives uid 0 to sockets in TIME-WAIT and to requests: inet_twsk_diag_fill() and
// inet_req_diag_fill() of net/ipv4/inet_diag.c. That is not root's.
bool of_uid(const Socket& socket, uint64_t uid) {
  const bool known = socket.inode != 0 || socket.uid != 0;
  return known && socket.uid == uid;
}

bool passes(const FilterTest& test, const Subject& on) {
  const Socket& socket = on.socket;
  const bool is_v4 = socket.local.addr.unmapped().family == Family::v4;
  switch (test.word) {
    case FilterWord::host:
      return either_end(test, socket,
                        [&](const SocketAddress& e) { return is_host(e.addr, test); });
    case FilterWord::net:
      return either_end(test, socket, [&](const SocketAddress& e) { return in_net(e.addr, test); });
    case FilterWord::port:
      return either_end(test, socket,
                        [&](const SocketAddress& e) { return has_port(e.port, test); });
    case FilterWord::tcp: return true;
    case FilterWord::ip: return is_v4;
    case FilterWord::ip6: return !is_v4;
    case FilterWord::state: return socket.state == test.state;
    case FilterWord::pid: return any_owner(on, [&](const Process& p) { return p.pid == test.low; });
    case FilterWord::comm:
      return any_owner(
          on, [&](const Process& p) { return p.comm == test.text.substr(0, kCommLength); });
    case FilterWord::uid: return of_uid(socket, test.low);
    case FilterWord::netns: return in_netns(on, test);
    case FilterWord::cgroup:
      return any_owner(on, [&](const Process& p) { return in_cgroup(p, test.text); });
  }
  return false;
}

}  // namespace

bool matches(const Filter& filter, const Observation& observation, const Look& look,
             const Socket& socket) {
  const Subject on{observation, look, socket};
  return holds(filter, [&](const FilterTest& test) { return passes(test, on); });
}

}  // namespace tcpdx
