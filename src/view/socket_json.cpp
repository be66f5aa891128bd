// Each socket of the last look as a JSON object, written one at a time.
#include "view/socket_json.hpp"

#include <string>
#include <utility>

#include "base/time.hpp"
#include "view/json.hpp"
#include "view/listeners.hpp"

namespace tcpdx::view {
namespace {

struct Context {
  const Observation& observation;
  const Look& look;
  Listeners listeners;
  bool owners_known;
};

void add_owners(const Context& context, const Socket& socket, Json& into) {
  for (const Owner& owner : owners_of(context.look, socket)) {
    const Process& process = context.observation.processes[owner.process];
    into.push_back({{"pid", process.pid}, {"comm", process.comm}, {"fd", owner.fd}});
  }
}

Json owners_json(const Context& context, const Socket& socket) {
  if (!context.owners_known) return nullptr;
  Json list = Json::array();
  add_owners(context, socket, list);
  return list;
}

Json listener_owners_json(const Context& context, const Socket& socket) {
  Json list = Json::array();
  for (const Socket* listener : context.listeners.of(socket)) add_owners(context, *listener, list);
  return list;
}

Json timer_json(const Timer& timer) {
  if (timer.kind == TimerKind::none) return nullptr;
  return {{"kind", to_string(timer.kind)},
          {"expires_ms", timer.expires_ms},
          {"retransmits", timer.retransmits}};
}

Json tcp_info_json(const TcpInfo* info) {
  if (info == nullptr || info->known_bytes == 0) return nullptr;
  Json::object_t object;
  object.reserve(tcp_info_fields().size());
  for (const TcpInfoField& field : tcp_info_fields()) {
    Json value = field_known(*info, field) ? Json(field_value(*info, field)) : Json(nullptr);
    object.push_back({std::string(field.name), std::move(value)});  // emplace() would search first
  }
  return object;
}

// No socket has a receive buffer of zero bytes (SOCK_MIN_RCVBUF, include/net/sock.h), so a zero
// means that the kernel did not give INET_DIAG_SKMEMINFO.
bool memory_known(const TcpInfo* info) { return info != nullptr && info->mem_receive_max != 0; }

Json memory_json(const TcpInfo* info) {
  if (!memory_known(info)) return nullptr;
  return {{"receive", info->mem_receive},
          {"receive_max", info->mem_receive_max},
          {"send", info->mem_send},
          {"send_max", info->mem_send_max},
          {"drops", info->drops}};
}

Json shutdown_json(uint8_t shutdown) {
  switch (shutdown & 3U) {
    case 1: return "receive";
    case 2: return "send";
    case 3: return "both";
    default: return nullptr;
  }
}

Json cgroup_json(const Context& context, const Socket& socket) {
  for (const Owner& owner : owners_of(context.look, socket)) {
    const Process& process = context.observation.processes[owner.process];
    if (!process.cgroup.empty()) return process.cgroup;
  }
  return nullptr;
}

template <class Number>
Json null_if_zero(Number number) {
  return number == 0 ? Json(nullptr) : Json(number);
}

Json send_q_json(const Socket& socket) {
  return socket.state == tcp::State::listen ? or_null(queue_limit(socket)) : Json(socket.send_q);
}

void add_rest(const Context& context, const Socket& socket, Json& object) {
  const TcpInfo* info = info_of(context.look, socket);
  object["cgroup_id"] = null_if_zero(socket.cgroup_id);
  object["timer"] = timer_json(socket.timer);
  object["owners"] = owners_json(context, socket);
  if (context.owners_known && waits_for_accept(socket)) {
    object["listener_owners"] = listener_owners_json(context, socket);
  }
  if (socket.state == tcp::State::listen) {
    object["backlog"] = {{"queued", socket.recv_q},
                         {"limit", or_null(queue_limit(socket))},
                         {"drops", memory_known(info) ? Json(info->drops) : Json(nullptr)}};
  }
  const std::string& congestion = context.observation.congestion_names[socket.congestion];
  object["congestion"] = congestion.empty() ? Json(nullptr) : Json(congestion);
  object["interface"] = null_if_zero(socket.interface);
  object["mark"] = null_if_zero(socket.mark);
  object["shutdown"] = shutdown_json(socket.shutdown);
  object["memory"] = memory_json(info);
  object["tcp_info"] = tcp_info_json(info);
}

Json socket_json(const Context& context, const Socket& socket) {
  Json object{
      {"local", endpoint_json(socket.local)},
      {"remote", endpoint_json(socket.remote)},
      {"state", tcp::to_string(socket.state)},
      {"recv_q", socket.recv_q},
      {"send_q", send_q_json(socket)},
      // Without an inode the kernel has no file to ask for its owner (sock_i_uid) and says 0.
      {"uid", socket.inode == 0 ? Json(nullptr) : Json(socket.uid)},
      {"inode", socket.inode},
      {"cookie", null_if_zero(socket.cookie)},
      {"netns", context.observation.namespaces[socket.netns].inode},
      {"cgroup", cgroup_json(context, socket)},
  };
  add_rest(context, socket, object);
  return object;
}

}  // namespace

void write_sockets_json(std::ostream& out, const Observation& observation,
                        std::span<const uint32_t> shown, bool owners_known) {
  const Look& look = observation.now();
  const Context context{observation, look, Listeners(look), owners_known};
  JsonObjectWriter document(out);
  document.member("schema", kSchema);
  document.member("host", observation.host);
  document.member("at", rfc3339(observation.at + look.at));
  document.begin_array("sockets");
  for (const uint32_t index : shown) {
    document.element(socket_json(context, look.sockets[index]));
  }
  document.end_array();
  document.member("sources", observation.sources);
  document.member("missing", missing_json(observation.missing));
  document.end();
}

}  // namespace tcpdx::view
