// Observations for the tests of this folder.
#pragma once

#include <string>

#include "model/observation.hpp"

namespace tcpdx::store {

// The smallest that a reader accepts: one look at nothing.
inline Observation empty_observation() {
  Observation observation;
  observation.looks.emplace_back();
  return observation;
}

inline SocketAddress endpoint4(uint8_t last, uint16_t port) {
  return {.addr = {.bytes = {192, 0, 2, last}, .family = Family::v4}, .port = port};
}
inline SocketAddress endpoint6(uint8_t last, uint16_t port) {
  SocketAddress endpoint{.addr = {.bytes = {0x20, 0x01, 0x0d, 0xb8}, .family = Family::v6},
                         .port = port};
  endpoint.addr.bytes.back() = last;
  return endpoint;
}

// Two namespaces, three processes, one of them with a name that holds every kind of odd byte.
inline void add_tables(Observation& observation) {
  observation.host = "host.example";
  observation.kernel = "6.1.0-test";
  observation.at = WallTime(Duration(1'769'828'645'000'006));
  observation.window = 5s;
  Namespace outer{.inode = 4'026'531'840, .name = "", .ours = true, .sysctls = {}};
  outer.sysctls.set("net.ipv4.tcp_fin_timeout", "60");
  outer.sysctls.set("net.ipv4.ip_local_port_range", "32768 60999");
  observation.namespaces = {outer,
                            {.inode = 4'026'532'999, .name = "blue", .ours = false, .sysctls = {}}};
  Process server;
  server.pid = 2210;
  server.comm = "billing-api";
  server.exe = "/usr/bin/billing-api";
  server.cmdline = "billing-api --port 9502";
  server.uid = 33;
  server.cgroup = "/system.slice/billing.service";
  server.unit = "billing.service";
  server.container = "0123456789ab";
  server.state = 'S';
  server.wchan = "ep_poll";
  server.age = 3h + 12min;
  server.fds = 4903;
  server.fd_limit = 8192;
  server.program = {
      .file = ExeFile::in_memory, .writable_by_all = "/tmp", .poses_as = "as /usr/sbin/sshd"};
  Process odd;
  odd.pid = 4'194'304;
  odd.comm = "a b\n\x1b[31m\xff";
  Process nameless;
  nameless.pid = 1;
  observation.processes = {server, odd, nameless};
  observation.congestion_names = {"", "cubic", "bbr"};
  observation.sources = {"sock_diag", "/proc/net/tcp"};
  observation.missing = {{.what = "owners", .why = "not permitted", .needs = "CAP_SYS_PTRACE"}};
  observation.softnet = {{.processed = 1, .dropped = 2, .squeezed = 3},
                         {.processed = ~uint64_t{0}, .dropped = 0, .squeezed = 4}};
  observation.routes = {{.netns = 1,
                         .destination = endpoint6(9, 0).addr,
                         .error = 113,  // EHOSTUNREACH
                         .gateway = endpoint6(1, 0).addr,
                         .interface = "eth0",
                         .neighbour = NeighbourState::none},
                        {.netns = 0,
                         .destination = endpoint4(9, 0).addr,
                         .error = 0,
                         .gateway = {},
                         .interface = "lo",
                         .neighbour = {}}};
}

inline Look rich_look(Duration at) {
  Look look;
  look.at = at;
  TcpInfo info;
  info.known_bytes = 248;
  info.ca_state = 4;
  info.backoff = 200;
  info.window_scales = 0x97;
  info.rto_us = 204'000;
  info.bytes_acked = uint64_t{1} << 40;
  info.delivery_rate = ~uint64_t{0};
  info.rcv_wnd = 65'535;
  info.drops = 7;
  look.infos = {info, {}};
  look.owners = {{.inode = 10, .process = 0, .fd = 3},
                 {.inode = 11, .process = 0, .fd = 7},
                 {.inode = 11, .process = 2, .fd = -1}};
  Socket listener;
  listener.local = endpoint6(0, 9502);
  listener.cookie = 1;
  listener.inode = 10;
  listener.recv_q = 129;
  listener.send_q = 128;
  listener.first_owner = 0;
  listener.owner_count = 1;
  listener.state = tcp::State::listen;
  Socket shared;
  shared.local = endpoint4(1, 9502);
  shared.remote = endpoint4(255, 65'535);
  shared.cookie = ~uint64_t{0} - 1;
  shared.cgroup_id = 4711;
  shared.inode = 11;
  shared.uid = 4'294'967'294;
  shared.info = 0;
  shared.first_owner = 1;
  shared.owner_count = 2;
  shared.interface = 2;
  shared.mark = 0xFFFF'FFFF;
  shared.timer = {.kind = TimerKind::persist, .retransmits = 255, .expires_ms = 119'999};
  shared.state = tcp::State::close_wait;
  shared.congestion = 2;
  shared.shutdown = 1;
  Socket ownerless;
  ownerless.local = endpoint6(1, 1);
  ownerless.remote = endpoint6(2, 443);
  ownerless.info = 1;
  ownerless.netns = 1;
  ownerless.state = tcp::State::time_wait;
  look.sockets = {listener, shared, ownerless};
  return look;
}

inline Sample rich_sample(Duration at) {
  Sample sample{.at = at, .listeners = {}, .counters = std::vector<Counters>(2)};
  sample.listeners = {
      {.netns = 0,
       .local = endpoint6(0, 9502),
       .cookie = 1,
       .queued = 129,
       .limit = 128,
       .drops = 0},
      {.netns = 1, .local = endpoint4(0, 80), .cookie = 0, .queued = 0, .limit = 5, .drops = {}}};
  sample.counters[0].set("TcpExt.ListenOverflows", 12'345'678'901);
  sample.counters[0].set("Tcp.ActiveOpens", 0);
  for (Counters& counters : sample.counters) counters.sort();
  return sample;
}

inline EventLog rich_events() {
  EventLog log;
  log.watched = true;
  log.reasons = {"", "TCP_ABORT_ON_CLOSE"};
  log.counted = {9, 8, 7, 6, 5, 4, 3, 2, ~uint64_t{0}};
  log.lost = 17;
  TcpEvent reset;
  reset.at = 10ms;
  reset.kind = EventKind::reset_sent;
  reset.from = reset.to = tcp::State::established;
  reset.netns = 1;
  reset.reason = 1;
  reset.process = 2;
  reset.local = endpoint4(1, 9502);
  reset.remote = endpoint4(2, 65'535);
  reset.cookie = ~uint64_t{0};
  reset.carried = uint64_t{1} << 40U;
  TcpEvent refused;
  refused.at = 20ms;
  refused.kind = EventKind::connect;
  refused.retransmit = RetransmitKind::tail_loss_probe;
  refused.error = 111;  // ECONNREFUSED
  refused.duration = 130us;
  log.events = {reset, refused};
  log.connects = {{.netns = 1,
                   .process = 0,
                   .remote = endpoint6(2, 443),
                   .succeeded = ~uint64_t{0},
                   .repeated = 3,
                   .failed = 1},
                  {}};
  return log;
}

inline CloserLook rich_closer_look() {
  CloserLook closer;
  closer.every_process = true;
  closer.every_namespace = true;
  closer.firewall = {
      {.netns = 1,
       .local = endpoint4(0, 80),
       .passage = Passage::unknown,
       .words = "unknown: needs CAP_NET_ADMIN"},
      {.netns = 0, .local = endpoint6(0, 9502), .passage = Passage::open, .words = "open"}};
  closer.hidden = {{.netns = 1, .port = 65'535, .answers = true}};
  closer.baseline = {
      .host = "host.example",
      .learned_at = WallTime(Duration(1'769'828'000'000'000)),
      .listeners = {
          {.netns = "host",
           .local = endpoint4(0, 80),
           .exe = "/usr/sbin/nginx",
           .unit = "",
           .uid = 4'294'967'294,
           .signs = {"exe-deleted"}},
          {.netns = "", .local = endpoint6(1, 1), .exe = {}, .unit = {}, .uid = {}, .signs = {}}}};
  return closer;
}

inline ProbeResults rich_probes() {
  ProbedHost host;
  host.netns = 1;
  host.address = endpoint4(9, 0).addr;
  host.echoes = 8;
  host.rtts = {20ms, 0us, 1s};
  host.sizes = {
      .largest = 1400, .told_mtu = 1280, .told_by = endpoint6(1, 0).addr, .large_vanish = true};
  host.ways = {
      {.hops = {endpoint4(1, 0).addr, std::nullopt, endpoint6(9, 0).addr}, .reached = true}, {}};
  host.arp = {.address = endpoint4(9, 0).addr,
              .interface = "eth0",
              .macs = {{{2, 0, 0x5e, 0x10, 0, 1}}, {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}}}};
  host.reverse_path_filtered = ~uint64_t{0};
  ProbedHost silent;
  silent.address = endpoint6(9, 0).addr;
  return {.took = 4s,
          .hosts = {host, silent},
          .name_servers = {{.server = endpoint4(53, 53),
                            .answers = {{.tcp = true, .code = 255, .took = 1ms, .error = {}},
                                        {.tcp = false,
                                         .code = {},
                                         .took = 5s,
                                         .error = "192.0.2.1: port unreachable"}}},
                           {}},
          .resolver_timeout = 5s};
}

// Something in every member, at the edges of its range where that has edges.
inline Observation rich_observation() {
  Observation observation;
  add_tables(observation);
  observation.looks = {rich_look(0s), rich_look(5s)};
  observation.events = rich_events();
  observation.closer = rich_closer_look();
  observation.neighbour_tables = {
      {.at = 0s, .family = Family::v6, .entries = 1023, .limit = 1024, .refused = ~uint64_t{0}},
      {}};
  observation.neighbour_moves = {{.at = 1s,
                                  .netns = 1,
                                  .interface = "eth0",
                                  .address = endpoint4(9, 0).addr,
                                  .mac = {{2, 0, 0x5e, 0x10, 0, 1}}}};
  observation.probes = rich_probes();
  observation.samples = {rich_sample(0s), rich_sample(2500ms), rich_sample(5s)};
  return observation;
}

}  // namespace tcpdx::store
