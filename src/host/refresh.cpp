// See refresh.hpp.
#include "host/refresh.hpp"

#include <algorithm>
#include <unordered_map>

#include "host/sock_diag.hpp"

namespace tcpdx::host {
namespace {

using Listeners = std::unordered_map<uint64_t, DiagMessage>;  // by cookie

// False: the kernel's answer is not whole, so that one that is missing may be there.
Result<bool> read_listeners(const Ask& ask, Listeners& listeners) {
  bool whole = true;
  Look now;
  std::vector<std::string> names;
  for (const Family family : {Family::v4, Family::v6}) {
    const auto end = dump_sockets(ask, {family, true, false}, 0, now, names);
    if (!end) return std::unexpected(end.error());
    if (end->refusal.error != 0) return fail("{}", end->refusal.sentence());
    whole = whole && !end->interrupted;
  }
  for (const Socket& socket : now.sockets) {
    DiagMessage& message = listeners[socket.cookie];
    message.socket = socket;
    if (const TcpInfo* info = info_of(now, socket)) {
      message.has_info = true;
      message.info = *info;
    }
  }
  return whole;
}

void replace(Look& look, uint32_t index, const DiagMessage& message) {
  Socket& place = look.sockets[index];
  Socket fresh = message.socket;
  fresh.netns = place.netns;
  fresh.congestion = place.congestion;
  if (fresh.inode == place.inode) {
    fresh.first_owner = place.first_owner;
    fresh.owner_count = place.owner_count;
  }
  if (message.has_info) {
    fresh.info = place.info;
    if (fresh.info == kNoIndex) {
      fresh.info = static_cast<uint32_t>(look.infos.size());
      look.infos.emplace_back();
    }
    look.infos[fresh.info] = message.info;
  }
  place = fresh;
}

}  // namespace

Result<std::vector<uint32_t>> refresh_sockets(const Ask& ask, std::span<const uint32_t> which,
                                              bool infos, Look& look) {
  const auto listens = [&](uint32_t i) { return look.sockets[i].state == tcp::State::listen; };
  Listeners listeners;
  bool all_listeners = true;
  if (std::ranges::any_of(which, listens)) {
    const auto read = read_listeners(ask, listeners);
    if (!read) return std::unexpected(read.error());
    all_listeners = *read;
  }
  std::vector<uint32_t> gone;
  DiagMessage message;
  for (const uint32_t index : which) {
    if (listens(index)) {
      const auto found = listeners.find(look.sockets[index].cookie);
      if (found != listeners.end()) {
        replace(look, index, found->second);
      } else if (all_listeners) {
        gone.push_back(index);
      }
      continue;
    }
    const Result<bool> found = fetch_socket(ask, look.sockets[index], infos, message);
    if (!found) return std::unexpected(found.error());
    if (*found) {
      replace(look, index, message);
    } else {
      gone.push_back(index);
    }
  }
  return gone;
}

}  // namespace tcpdx::host
