// The description of every type inside an Observation, used for both directions, and the checks
// that make a read one safe to use. A structured binding fails to compile when its type gains a
// member, so that none is forgotten here. Any change of a description is a new kSnapshotVersion;
// what a version added stands behind a test of archive.version(), so that older files are read.
#include "store/payload.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "store/archive.hpp"

namespace tcpdx::store {

template <>
struct LastOf<Family> {
  static constexpr Family value = Family::v6;
};
template <>
struct LastOf<TimerKind> {
  static constexpr TimerKind value = TimerKind::persist;
};
template <>
struct LastOf<tcp::State> {
  static constexpr tcp::State value = tcp::State::time_wait;
};
template <>
struct LastOf<EventKind> {
  static constexpr EventKind value = EventKind::bind_failed;
};
template <>
struct LastOf<RetransmitKind> {
  static constexpr RetransmitKind value = RetransmitKind::spurious;
};
template <>
struct LastOf<ExeFile> {
  static constexpr ExeFile value = ExeFile::in_memory;
};
template <>
struct LastOf<Passage> {
  static constexpr Passage value = Passage::unknown;
};
template <>
struct LastOf<NeighbourState> {
  static constexpr NeighbourState value = NeighbourState::none;
};

template <class Archive>
void describe(Archive& archive, Of<Archive, IpAddress>& address) {
  auto& [bytes, family] = address;
  archive(family);
  archive.raw(std::span(bytes).first(family == Family::v4 ? 4 : 16));
}

template <class Archive>
void describe(Archive& archive, Of<Archive, SocketAddress>& endpoint) {
  auto& [addr, port] = endpoint;
  archive(addr, port);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Timer>& timer) {
  auto& [kind, retransmits, expires_ms] = timer;
  archive(kind, retransmits, expires_ms);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Socket>& socket) {
  auto& [local, remote, cookie, cgroup_id, inode, uid, recv_q, send_q, interface, mark, info,
         first_owner, owner_count, netns, timer, state, congestion, shutdown] = socket;
  archive(local, remote, cookie, cgroup_id, inode, uid, recv_q, send_q, interface, mark, info,
          first_owner, owner_count, netns, timer, state, congestion, shutdown);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, TcpInfo>& tcp_info) {
  auto& [known_bytes, ca_state, retransmits, probes, backoff, options, window_scales, rto_us,
         ato_us, snd_mss, rcv_mss, unacked, lost, last_data_sent_ms, last_data_recv_ms,
         last_ack_recv_ms, pmtu, rtt_us, rttvar_us, snd_ssthresh, snd_cwnd, reordering,
         total_retrans, bytes_acked, bytes_received, notsent_bytes, min_rtt_us, data_segs_in,
         data_segs_out, delivery_rate, busy_time_us, rwnd_limited_us, sndbuf_limited_us, bytes_sent,
         bytes_retrans, dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, mem_receive,
         mem_receive_max, mem_send, mem_send_max, drops] = tcp_info;
  archive(known_bytes, ca_state, retransmits, probes, backoff, options, window_scales, rto_us,
          ato_us, snd_mss, rcv_mss, unacked, lost, last_data_sent_ms, last_data_recv_ms,
          last_ack_recv_ms, pmtu, rtt_us, rttvar_us, snd_ssthresh, snd_cwnd, reordering,
          total_retrans, bytes_acked, bytes_received, notsent_bytes, min_rtt_us, data_segs_in,
          data_segs_out, delivery_rate, busy_time_us, rwnd_limited_us, sndbuf_limited_us,
          bytes_sent, bytes_retrans, dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd,
          mem_receive, mem_receive_max, mem_send, mem_send_max, drops);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Owner>& owner) {
  auto& [inode, process, fd] = owner;
  archive(inode, process, fd);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ProgramCheck>& program) {
  auto& [file, writable_by_all, poses_as] = program;
  archive(file, writable_by_all, poses_as);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Process>& process) {
  auto& [pid, comm, exe, cmdline, uid, cgroup, unit, container, state, wchan, age, fds, fd_limit,
         program] = process;
  archive(pid, comm, exe, cmdline, uid, cgroup, unit, container, state, wchan, age, fds, fd_limit);
  if (archive.version() >= 3) archive(program);
}

// Counters and Sysctls keep their values to themselves: they travel as lists of name and value,
// each name once and in order, as they are kept.
template <class Value>
using Named = std::vector<std::pair<std::string, Value>>;

template <class Value>
Named<Value> read_named(Reader& archive) {
  Named<Value> named;
  archive(named);
  const auto out_of_order = [](const auto& a, const auto& b) { return a.first >= b.first; };
  if (std::ranges::adjacent_find(named, out_of_order) != named.end()) {
    archive.stop("its counters or settings are not in order");
  }
  return named;
}

inline void describe(Writer& archive, const Counters& counters) { archive(counters.all()); }
inline void describe(Reader& archive, Counters& counters) {
  for (auto& [name, value] : read_named<uint64_t>(archive)) counters.set(std::move(name), value);
  counters.sort();
}

inline void describe(Writer& archive, const Sysctls& sysctls) {
  archive(Named<std::string>(sysctls.all().begin(), sysctls.all().end()));
}
inline void describe(Reader& archive, Sysctls& sysctls) {
  for (auto& [name, value] : read_named<std::string>(archive)) {
    sysctls.set(std::move(name), std::move(value));
  }
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Namespace>& netns) {
  auto& [inode, name, ours, sysctls] = netns;
  archive(inode, name, ours, sysctls);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Look>& look) {
  auto& [at, sockets, infos, owners] = look;
  archive(at, sockets, infos, owners);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ListenerSample>& listener) {
  auto& [netns, local, cookie, queued, limit, drops] = listener;
  archive(netns, local, cookie, queued, limit, drops);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Sample>& sample) {
  auto& [at, listeners, counters] = sample;
  archive(at, listeners, counters);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Route>& route) {
  auto& [netns, destination, error, gateway, interface, neighbour] = route;
  archive(netns, destination, error, gateway, interface, neighbour);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Softnet>& softnet) {
  auto& [processed, dropped, squeezed] = softnet;
  archive(processed, dropped, squeezed);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, TcpEvent>& event) {
  auto& [at, kind, retransmit, from, to, netns, reason, error, process, local, remote, cookie,
         duration, carried] = event;
  archive(at, kind, retransmit, from, to, netns, reason, error, process, local, remote, cookie,
          duration, carried);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ConnectTally>& tally) {
  auto& [netns, process, remote, succeeded, repeated, failed] = tally;
  archive(netns, process, remote, succeeded, repeated, failed);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, EventLog>& log) {
  auto& [watched, events, counted, lost, reasons, connects] = log;
  archive(watched, events, lost, reasons, connects);
  for (auto& count : counted) archive(count);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, FirewallAnswer>& answer) {
  auto& [netns, local, passage, words] = answer;
  archive(netns, local, passage, words);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, HiddenPort>& hidden) {
  auto& [netns, port, answers] = hidden;
  archive(netns, port, answers);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ListenerIdentity>& listener) {
  auto& [netns, local, exe, unit, uid, signs] = listener;
  archive(netns, local, exe, unit, uid, signs);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Baseline>& baseline) {
  auto& [host, learned_at, listeners] = baseline;
  archive(host, learned_at, listeners);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, CloserLook>& closer) {
  auto& [every_process, every_namespace, firewall, hidden, baseline] = closer;
  archive(every_process, every_namespace, firewall, hidden, baseline);
}

inline void describe(Writer& archive, const MacAddress& mac) { archive.raw(mac.bytes); }
inline void describe(Reader& archive, MacAddress& mac) { archive.raw(mac.bytes); }

template <class Archive>
void describe(Archive& archive, Of<Archive, NeighbourTable>& table) {
  auto& [at, family, entries, limit, refused] = table;
  archive(at, family, entries, limit, refused);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, NeighbourSighting>& sighting) {
  auto& [at, netns, interface, address, mac] = sighting;
  archive(at, netns, interface, address, mac);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, WalkedWay>& way) {
  auto& [hops, reached] = way;
  archive(hops, reached);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ProbedSizes>& sizes) {
  auto& [largest, told_mtu, told_by, large_vanish] = sizes;
  archive(largest, told_mtu, told_by, large_vanish);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ArpAnswers>& arp) {
  auto& [address, interface, macs] = arp;
  archive(address, interface, macs);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ProbedHost>& host) {
  auto& [netns, address, echoes, rtts, sizes, ways, arp, reverse_path_filtered] = host;
  archive(netns, address, echoes, rtts, sizes, ways, arp, reverse_path_filtered);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, NameServerAnswer>& answer) {
  auto& [tcp, code, took, error] = answer;
  archive(tcp, code, took, error);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ProbedNameServer>& server) {
  auto& [address, answers] = server;
  archive(address, answers);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, ProbeResults>& probes) {
  auto& [took, hosts, name_servers, resolver_timeout] = probes;
  archive(took, hosts, name_servers, resolver_timeout);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Missing>& missing) {
  auto& [what, why, needs] = missing;
  archive(what, why, needs);
}

template <class Archive>
void describe(Archive& archive, Of<Archive, Observation>& observation) {
  auto& [host, kernel, at, window, namespaces, processes, looks, samples, routes, softnet, events,
         closer, neighbour_tables, neighbour_moves, probes, congestion_names, sources, missing] =
      observation;
  archive(host, kernel, at, window, namespaces, processes, looks, samples, routes, softnet,
          congestion_names, sources, missing);
  if (archive.version() >= 2) archive(events);
  if (archive.version() >= 3) archive(closer);
  if (archive.version() >= 4) archive(neighbour_tables, neighbour_moves, probes);
}

namespace {

// What is wrong with a value, or nothing: each check returns the first thing it finds.
using Wrong = std::string_view;

Wrong check(const Observation& observation, const Look& look, const Socket& socket) {
  if (socket.netns >= observation.namespaces.size()) return "a socket's namespace is not in it";
  if (socket.congestion >= observation.congestion_names.size()) {
    return "a socket's congestion control is not in it";
  }
  if (socket.info != kNoIndex && socket.info >= look.infos.size()) {
    return "a socket's TCP_INFO is not in it";
  }
  if (socket.owner_count == 0) return {};
  const uint64_t last = uint64_t{socket.first_owner} + socket.owner_count;
  return last > look.owners.size() ? "a socket's owners are not in it" : Wrong{};
}

Wrong check(const Observation& observation, const Look& look) {
  for (const Socket& socket : look.sockets) {
    if (const Wrong wrong = check(observation, look, socket); !wrong.empty()) return wrong;
  }
  for (const Owner& owner : look.owners) {
    if (owner.process >= observation.processes.size()) return "an owner's process is not in it";
  }
  return std::ranges::is_sorted(look.owners, {}, &Owner::inode) ? Wrong{}
                                                                : "its owners are not in order";
}

Wrong check(const Observation& observation, const Sample& sample) {
  const size_t namespaces = observation.namespaces.size();
  if (sample.counters.size() != namespaces) return "a sample lacks a namespace's counters";
  for (const ListenerSample& listener : sample.listeners) {
    if (listener.netns >= namespaces) return "a listener's namespace is not in it";
  }
  return {};
}

Wrong check(const Observation& observation, const CloserLook& closer) {
  const size_t namespaces = observation.namespaces.size();
  for (const FirewallAnswer& answer : closer.firewall) {
    if (answer.netns >= namespaces) return "a firewall's namespace is not in it";
  }
  if (!closer.hidden) return {};
  for (const HiddenPort& hidden : *closer.hidden) {
    if (hidden.netns >= namespaces) return "a hidden port's namespace is not in it";
  }
  return {};
}

Wrong check_asked(const Observation& observation) {
  const size_t namespaces = observation.namespaces.size();
  for (const NeighbourSighting& sighting : observation.neighbour_moves) {
    if (sighting.netns >= namespaces) return "a neighbour's namespace is not in it";
  }
  if (!observation.probes) return {};
  for (const ProbedHost& host : observation.probes->hosts) {
    if (host.netns >= namespaces) return "a probed host's namespace is not in it";
    if (host.rtts.size() > host.echoes) return "a probed host answered more than it was asked";
  }
  return {};
}

// An event, or a tally of events.
template <class Event>
Wrong check_place(const Observation& observation, const Event& event) {
  if (event.netns != kNoNetns && event.netns >= observation.namespaces.size()) {
    return "an event's namespace is not in it";
  }
  if (event.process != kNoIndex && event.process >= observation.processes.size()) {
    return "an event's process is not in it";
  }
  return {};
}

Wrong check(const Observation& observation, const TcpEvent& event) {
  if (const Wrong wrong = check_place(observation, event); !wrong.empty()) return wrong;
  return event.reason < observation.events.reasons.size() ? Wrong{}
                                                          : "an event's reason is not in it";
}

Wrong check(const Observation& observation) {
  if (observation.looks.empty() || observation.looks.size() > 2) {
    return "it needs one look or two";
  }
  if (!std::ranges::is_sorted(observation.looks, {}, &Look::at) ||
      !std::ranges::is_sorted(observation.samples, {}, &Sample::at) ||
      !std::ranges::is_sorted(observation.events.events, {}, &TcpEvent::at) ||
      !std::ranges::is_sorted(observation.neighbour_moves, {}, &NeighbourSighting::at) ||
      observation.window < Duration{}) {
    return "its times run backwards";
  }
  for (const Look& look : observation.looks) {
    if (const Wrong wrong = check(observation, look); !wrong.empty()) return wrong;
  }
  for (const Sample& sample : observation.samples) {
    if (const Wrong wrong = check(observation, sample); !wrong.empty()) return wrong;
  }
  for (const Route& route : observation.routes) {
    if (route.netns >= observation.namespaces.size()) return "a route's namespace is not in it";
  }
  if (const Wrong wrong = check(observation, observation.closer); !wrong.empty()) return wrong;
  if (const Wrong wrong = check_asked(observation); !wrong.empty()) return wrong;
  for (const TcpEvent& event : observation.events.events) {
    if (const Wrong wrong = check(observation, event); !wrong.empty()) return wrong;
  }
  for (const ConnectTally& tally : observation.events.connects) {
    if (const Wrong wrong = check_place(observation, tally); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

std::vector<char> write_payload(const Observation& observation) {
  Writer writer;
  writer(observation);
  return std::move(writer).take();
}

Result<Observation> read_payload(std::span<const char> payload, uint32_t version) {
  Observation observation;
  Reader reader(payload, version);
  reader(observation);
  reader.end();
  std::string_view wrong = reader.wrong();
  if (wrong.empty()) wrong = check(observation);
  if (!wrong.empty()) return fail("its content is inconsistent: {}", wrong);
  return observation;
}

}  // namespace tcpdx::store
