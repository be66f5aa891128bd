// Reads inet_diag_msg (net/ipv4/inet_diag.c, inet_sk_diag_fill and its siblings).
#include "host/sock_diag.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <utility>

#include "host/number_table.hpp"
#include "tcp/state.hpp"

namespace tcpdx::host {

namespace {

constexpr int kRepeats = 3;

// Kernel numbers 1 (ESTABLISHED) to 12 (NEW_SYN_RECV), include/net/tcp_states.h.
constexpr uint32_t kAllStates = 0x1ffe;
constexpr uint32_t kListenOnly = 1U << 10;

// idiag_ext: one bit per attribute that is wanted.
constexpr uint8_t wanted(std::initializer_list<unsigned> attributes) {
  unsigned bits = 0;
  for (const unsigned attribute : attributes) bits |= 1U << (attribute - 1);
  return static_cast<uint8_t>(bits);
}
constexpr uint8_t kBare = wanted({INET_DIAG_SHUTDOWN});
constexpr uint8_t kMemory = wanted({INET_DIAG_SKMEMINFO, INET_DIAG_SHUTDOWN});
constexpr uint8_t kEverything =
    wanted({INET_DIAG_SKMEMINFO, INET_DIAG_SHUTDOWN, INET_DIAG_INFO, INET_DIAG_CONG});

SocketAddress endpoint(Family family, const uint32_t (&address)[4], uint16_t port) {
  SocketAddress end;
  end.addr.family = family;
  std::memcpy(end.addr.bytes.data(), address, family == Family::v4 ? 4 : 16);
  end.port = ntohs(port);
  return end;
}

TimerKind timer_kind(uint8_t number) {
  return number <= static_cast<uint8_t>(TimerKind::persist) ? static_cast<TimerKind>(number)
                                                            : TimerKind::none;
}

bool read_header(const inet_diag_msg& message, Socket& socket) {
  const std::optional<tcp::State> state = tcp::from_kernel(message.idiag_state);
  if (!state || (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)) return false;
  const Family family = message.idiag_family == AF_INET ? Family::v4 : Family::v6;
  const inet_diag_sockid& id = message.id;
  socket.local = endpoint(family, id.idiag_src, id.idiag_sport);
  socket.remote = endpoint(family, id.idiag_dst, id.idiag_dport);
  socket.cookie = uint64_t{id.idiag_cookie[1]} << 32 | id.idiag_cookie[0];
  socket.inode = message.idiag_inode;
  socket.uid = message.idiag_uid;
  socket.recv_q = message.idiag_rqueue;
  socket.send_q = message.idiag_wqueue;
  socket.interface = id.idiag_if;
  socket.state = *state;
  socket.timer = {timer_kind(message.idiag_timer), message.idiag_retrans, message.idiag_expires};
  return true;
}

// Older kernels send fewer words (SK_MEMINFO_DROPS came with Linux 4.7, include/uapi).
void read_memory(std::span<const std::byte> value, TcpInfo& info) {
  std::array<uint32_t, SK_MEMINFO_VARS> words{};
  std::memcpy(words.data(), value.data(), std::min(value.size(), sizeof words));
  info.mem_receive = words[SK_MEMINFO_RMEM_ALLOC];
  info.mem_receive_max = words[SK_MEMINFO_RCVBUF];
  info.mem_send = words[SK_MEMINFO_WMEM_QUEUED];  // WMEM_ALLOC: handed to the device
  info.mem_send_max = words[SK_MEMINFO_SNDBUF];
  info.drops = words[SK_MEMINFO_DROPS];
}

// Cleared only when a message has something for it: most of a dump without infos has nothing.
TcpInfo& info_of(DiagMessage& message) {
  if (!std::exchange(message.has_info, true)) message.info = TcpInfo{};
  return message.info;
}

void read_attribute(uint16_t type, std::span<const std::byte> value, DiagMessage& into) {
  switch (type) {
    case INET_DIAG_INFO:
      // Of a listener the kernel fills two fields only, and with other meanings: its queue.
      if (into.socket.state == tcp::State::listen) break;
      read_tcp_info(value, info_of(into));
      break;
    case INET_DIAG_SKMEMINFO: read_memory(value, info_of(into)); break;
    case INET_DIAG_CONG: into.congestion = text_of(value); break;
    case INET_DIAG_SHUTDOWN: into.socket.shutdown = number_of<uint8_t>(value); break;
    case INET_DIAG_MARK: into.socket.mark = number_of<uint32_t>(value); break;
    case INET_DIAG_CGROUP_ID: into.socket.cgroup_id = number_of<uint64_t>(value); break;
    default: break;  // asked by others, or newer than this program
  }
}

uint8_t congestion_index(std::string_view name, uint8_t last, std::vector<std::string>& names) {
  if (name.empty()) return 0;
  if (last < names.size() && names[last] == name) return last;  // nearly always the same
  const auto found = std::ranges::find(names, name);
  const auto index = static_cast<size_t>(found - names.begin());
  if (index > std::numeric_limits<uint8_t>::max()) return 0;
  if (found == names.end()) names.emplace_back(name);
  return static_cast<uint8_t>(index);
}

inet_diag_req_v2 request_of(Family family, uint32_t states, uint8_t attributes) {
  inet_diag_req_v2 body{};
  body.sdiag_family = family == Family::v4 ? AF_INET : AF_INET6;
  body.sdiag_protocol = IPPROTO_TCP;
  body.idiag_states = states;
  body.idiag_ext = attributes;
  return body;
}

// What one walk through the kernel's table asks for.
struct Walk {
  uint32_t states;
  uint8_t attributes;
};

// Memory is known of listeners even without infos, for their drops; they have a table of their own
// in the kernel, so that asking for them alone costs nothing.
std::vector<Walk> walks_of(const DumpRequest& request) {
  const Walk listeners{kListenOnly, request.infos ? kEverything : kMemory};
  if (request.listeners_only) return {listeners};
  if (request.infos) return {{kAllStates, kEverything}};
  return {listeners, {kAllStates & ~kListenOnly, kBare}};
}

Result<DumpEnd> dump_walk(const Ask& ask, const inet_diag_req_v2& body, uint16_t netns, Look& look,
                          std::vector<std::string>& congestion_names) {
  const size_t sockets = look.sockets.size();
  const size_t infos = look.infos.size();
  uint8_t last_congestion = 0;
  DiagMessage message;
  const OnMessage add = [&](std::span<const std::byte> payload) {
    if (!read_diag_message(payload, message)) return;
    Socket& socket = look.sockets.emplace_back(message.socket);
    socket.netns = netns;
    socket.congestion = congestion_index(message.congestion, last_congestion, congestion_names);
    last_congestion = socket.congestion;
    if (!message.has_info) return;
    socket.info = static_cast<uint32_t>(look.infos.size());
    look.infos.push_back(message.info);
  };
  for (int repeat = 0;; ++repeat) {
    const Result<Answer> answer =
        ask(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, std::as_bytes(std::span(&body, 1)), add);
    if (!answer) return std::unexpected(answer.error());
    if (!answer->interrupted || repeat == kRepeats) {
      return DumpEnd{answer->interrupted, answer->refusal};
    }
    look.sockets.resize(sockets);
    look.infos.resize(infos);
  }
}

}  // namespace

bool read_diag_message(std::span<const std::byte> payload, DiagMessage& into) {
  if (payload.size() < sizeof(inet_diag_msg)) return false;
  into.socket = Socket{};
  into.congestion = {};
  into.has_info = false;
  if (!read_header(number_of<inet_diag_msg>(payload), into.socket)) return false;
  for_each_attribute(
      payload, sizeof(inet_diag_msg),
      [&](uint16_t type, std::span<const std::byte> value) { read_attribute(type, value, into); });
  return true;
}

Result<DumpEnd> dump_sockets(const Ask& ask, const DumpRequest& request, uint16_t netns, Look& look,
                             std::vector<std::string>& congestion_names) {
  DumpEnd all;
  for (const auto& [states, attributes] : walks_of(request)) {
    const auto end = dump_walk(ask, request_of(request.family, states, attributes), netns, look,
                               congestion_names);
    if (!end) return end;
    all.interrupted = all.interrupted || end->interrupted;
    if (end->refusal.error != 0) all.refusal = end->refusal;
  }
  return all;
}

Result<bool> fetch_socket(const Ask& ask, const Socket& socket, bool infos, DiagMessage& into) {
  inet_diag_req_v2 body =
      request_of(socket.local.addr.family, kAllStates, infos ? kEverything : kBare);
  inet_diag_sockid& id = body.id;
  std::memcpy(id.idiag_src, socket.local.addr.bytes.data(), sizeof id.idiag_src);
  std::memcpy(id.idiag_dst, socket.remote.addr.bytes.data(), sizeof id.idiag_dst);
  id.idiag_sport = htons(socket.local.port);
  id.idiag_dport = htons(socket.remote.port);
  id.idiag_if = socket.interface;
  id.idiag_cookie[0] = static_cast<uint32_t>(socket.cookie);
  id.idiag_cookie[1] = static_cast<uint32_t>(socket.cookie >> 32);
  bool found = false;
  const OnMessage on_message = [&](std::span<const std::byte> payload) {
    // The congestion control would point into bytes that the next request overwrites.
    found = read_diag_message(payload, into) && into.socket.cookie == socket.cookie;
    into.congestion = {};
  };
  const Result<Answer> answer =
      ask(SOCK_DIAG_BY_FAMILY, 0, std::as_bytes(std::span(&body, 1)), on_message);
  if (!answer) return std::unexpected(answer.error());
  return found;
}

size_t drop_duplicates(std::vector<Socket>& sockets, size_t first) {
  NumberSet<uint64_t> cookies(sockets.size() - first);
  // From the back: the first one met of each doubled cookie is the later one and stays.
  const auto begin = sockets.rend() - static_cast<std::ptrdiff_t>(first);
  const auto stays = [&](const Socket& socket) {
    return socket.cookie == 0 || cookies.insert(socket.cookie);
  };
  auto to = std::find_if_not(sockets.rbegin(), begin, stays);
  if (to == begin) return 0;
  for (auto from = to + 1; from != begin; ++from) {
    if (stays(*from)) *to++ = *from;
  }
  const auto removed = begin - to;
  const auto start = sockets.begin() + static_cast<std::ptrdiff_t>(first);
  sockets.erase(start, start + removed);
  return static_cast<size_t>(removed);
}

}  // namespace tcpdx::host
