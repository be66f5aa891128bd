#include "view/listen_json.hpp"

#include <string>
#include <utility>

#include "base/time.hpp"
#include "view/json.hpp"

namespace tcpdx::view {
namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json owners_json(const Observation& observation, const Socket& socket) {
  Json list = Json::array();
  for (const Owner& owner : owners_of(observation.now(), socket)) {
    const Process& process = observation.processes[owner.process];
    list.push_back({{"pid", process.pid}, {"comm", process.comm}, {"fd", owner.fd}});
  }
  return list;
}

// No socket has a receive buffer of zero bytes: zero means that the kernel gave no SKMEMINFO.
Json drops_json(const Observation& observation, const Socket& socket) {
  const TcpInfo* info = info_of(observation.now(), socket);
  return info == nullptr || info->mem_receive_max == 0 ? Json(nullptr) : Json(info->drops);
}

Json backlog_json(const Observation& observation, const ListeningSocket& one) {
  const Socket& socket = *one.socket;
  const auto limit = queue_limit(socket);
  const auto somaxconn = observation.namespaces[socket.netns].sysctls.number("net.core.somaxconn");
  return {{"queued", socket.recv_q},
          {"limit", or_null(limit)},
          {"drops", drops_json(observation, socket)},
          {"full_share", one.samples > 0 && limit ? Json(one.full_share) : Json(nullptr)},
          {"samples", one.samples},
          {"somaxconn", or_null(somaxconn)},
          {"clamped", or_null(one.clamped)}};
}

Json reuseport_json(const ListeningSocket& one) {
  if (one.group < 2) return nullptr;
  return {{"members", one.group}, {"drains_least", one.drains_least}};
}

// The kernel does not tell when a socket was opened; the start of its program is the next best.
Json since_json(const Observation& observation, const Process* holder) {
  if (holder == nullptr || !holder->age) return nullptr;
  return {{"at", rfc3339(observation.at + observation.now().at - *holder->age)},
          {"of", "program start"},
          {"pid", holder->pid}};
}

Json firewall_json(const FirewallAnswer* answer) {
  if (answer == nullptr) return nullptr;
  return {{"verdict", to_string(answer->passage)}, {"text", answer->words}};
}

Json signs_json(const ListeningSocket& one) {
  Json list = Json::array();
  for (const OddSign& sign : one.signs) {
    list.push_back(
        {{"sign", to_string(sign.sign)}, {"text", sign.text}, {"critical", sign.critical}});
  }
  return list;
}

Json listener_json(const Observation& observation, const ListeningSocket& one) {
  const Socket& socket = *one.socket;
  const Namespace& space = observation.namespaces[socket.netns];
  const Process* holder = one.holder;
  return {{"netns", space.inode},
          {"namespace", text_or_null(lasting_name(space, holder))},
          {"local", endpoint_json(socket.local)},
          {"exposure", to_string(exposure_of(socket.local.addr))},
          {"owners", owners_json(observation, socket)},
          {"program", holder == nullptr ? Json(nullptr) : Json(holder->comm)},
          {"exe", holder == nullptr ? Json(nullptr) : text_or_null(program_path(*holder))},
          {"unit", holder == nullptr ? Json(nullptr) : text_or_null(holder->unit)},
          {"container", holder == nullptr ? Json(nullptr) : text_or_null(holder->container)},
          {"uid", socket.inode == 0 ? Json(nullptr) : Json(socket.uid)},
          {"since", since_json(observation, holder)},
          {"backlog", backlog_json(observation, one)},
          {"reuseport", reuseport_json(one)},
          {"firewall", firewall_json(one.firewall)},
          {"signs", signs_json(one)},
          {"inode", socket.inode},
          {"cookie", socket.cookie == 0 ? Json(nullptr) : Json(socket.cookie)}};
}

Json identity_json(const ListenerIdentity& one) {
  return {{"namespace", text_or_null(one.netns)},
          {"local", endpoint_json(one.local)},
          {"exposure", to_string(exposure_of(one.local.addr))},
          {"exe", or_null(one.exe)},
          {"unit", one.unit ? text_or_null(*one.unit) : Json(nullptr)},
          {"uid", or_null(one.uid)}};
}

Json changes_json(const Comparison* comparison) {
  if (comparison == nullptr) return nullptr;
  Json list = Json::array();
  for (const Change& change : comparison->changes) {
    Json object{{"change", to_string(change.kind)}};
    object.update(identity_json(change.now));
    if (change.kind == ChangeKind::changed) object["was"] = identity_json(change.was);
    list.push_back(std::move(object));
  }
  return list;
}

Json hidden_json(const Observation& observation) {
  if (!observation.closer.hidden) return nullptr;
  Json list = Json::array();
  for (const HiddenPort& one : *observation.closer.hidden) {
    list.push_back({{"netns", observation.namespaces[one.netns].inode},
                    {"port", one.port},
                    {"sign", one.answers ? "answers-unlisted" : "held-unlisted"}});
  }
  return list;
}

}  // namespace

void write_listen_json(std::ostream& out, const Observation& observation,
                       std::span<const ListeningSocket> listeners, const Comparison* comparison) {
  JsonObjectWriter document(out);
  document.member("schema", kSchema);
  document.member("host", observation.host);
  document.member("at", rfc3339(observation.at + observation.now().at));
  document.member("window_s", seconds(observation.window));
  document.begin_array("listeners");
  for (const ListeningSocket& one : listeners) {
    document.element(listener_json(observation, one));
  }
  document.end_array();
  document.member("hidden", hidden_json(observation));
  document.member("changes", changes_json(comparison));
  document.member("not_compared",
                  comparison == nullptr ? Json(nullptr) : Json(comparison->not_compared));
  document.member("sources", observation.sources);
  document.member("missing", missing_json(observation.missing));
  document.end();
}

}  // namespace tcpdx::view
