// Observations made by hand for the tests of this folder: a small machine over a window of time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "faults/catalogue.hpp"
#include "model/observation.hpp"

namespace tcpdx::faults {

inline SocketAddress at(std::string_view address, unsigned port) {
  return {.addr = parse_address(address).value_or(IpAddress{}),
          .port = static_cast<uint16_t>(port)};
}

// The end of the window is the present. Every socket is in both looks unless it is `fresh`.
class Scene {
 public:
  static constexpr int kSamples = 10;

  explicit Scene(Duration window = 5s) {
    seen_.host = "test";
    seen_.window = window;
    seen_.looks.resize(window > 0s ? 2 : 1);
    if (window > 0s) seen_.looks.back().at = window;
    Namespace space{.inode = 4026531840, .name = "", .ours = true, .sysctls = {}};
    for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
             {"net.core.somaxconn", "4096"},
             {"net.ipv4.ip_local_port_range", "32768 60999"},
             {"net.ipv4.tcp_fin_timeout", "60"},
             {"net.ipv4.tcp_max_syn_backlog", "4096"},
             {"net.ipv4.tcp_mem", "10000 20000 30000"},
             {"net.ipv4.tcp_retries2", "15"},
             {"net.ipv4.tcp_syn_linear_timeouts", "4"},
             {"net.ipv4.tcp_syncookies", "1"},
             {"net.ipv4.tcp_timestamps", "1"},
             {"net.ipv4.tcp_tw_reuse", "2"}}) {
      space.sysctls.set(name, value);
    }
    seen_.namespaces.push_back(space);
    const int samples = window > 0s ? kSamples + 1 : 1;
    for (int i = 0; i < samples; ++i) {
      seen_.samples.push_back({.at = window * i / kSamples, .listeners = {}, .counters = {{}}});
    }
  }

  Process& process(uint32_t pid, std::string comm) {
    Process p;
    p.pid = pid;
    p.comm = std::move(comm);
    p.state = 'S';
    p.age = 1h;
    p.fds = 100;
    p.fd_limit = 1024;
    seen_.processes.push_back(p);
    return seen_.processes.back();
  }

  struct Row {
    tcp::State state = tcp::State::established;
    SocketAddress local = {};
    SocketAddress remote = {};
    bool owned = true;  // by the process added last
    bool fresh = false;
    uint32_t recv_q = 0;
    uint32_t send_q = 0;
    Timer timer = {};
    TcpInfo info = {};
    TcpInfo info_then = {};
    uint16_t netns = 0;
  };

  void add(const Row& row) {
    const bool has_info =
        row.state != tcp::State::syn_received && row.state != tcp::State::time_wait;
    Socket s;
    s.netns = row.netns;
    s.local = row.local;
    s.remote = row.remote;
    s.state = row.state;
    s.recv_q = row.recv_q;
    s.send_q = row.send_q;
    s.timer = row.timer;
    ++cookie_;
    s.cookie = cookies_ ? cookie_ : 0;
    s.inode = row.owned ? static_cast<uint32_t>(cookie_) : 0;
    put(seen_.looks.back(), s, has_info ? &row.info : nullptr, row.owned);
    if (seen_.looks.size() > 1 && !row.fresh) {
      put(seen_.looks.front(), s, has_info ? &row.info_then : nullptr, row.owned);
    }
  }

  // A second namespace with the settings of the first; its index for Row::netns.
  uint16_t add_namespace(uint64_t inode, const std::string& name) {
    Namespace space = seen_.namespaces.front();
    space.inode = inode;
    space.name = name;
    space.ours = false;
    seen_.namespaces.push_back(space);
    return static_cast<uint16_t>(seen_.namespaces.size() - 1);
  }

  // The row added last belongs to another process as well: the `process`th that was added.
  void also_owned_by(uint32_t process) {
    for (Look& look : seen_.looks) {
      look.owners.push_back({.inode = static_cast<uint32_t>(cookie_), .process = process, .fd = 3});
    }
  }

  // The row added last, a listener, was opened within the window.
  void opened_at(Duration when) {
    std::erase_if(seen_.looks.front().sockets,
                  [&](const Socket& s) { return s.cookie == cookie_; });
    for (Sample& sample : seen_.samples) {
      if (sample.at >= when) continue;
      std::erase_if(sample.listeners,
                    [&](const ListenerSample& one) { return one.cookie == cookie_; });
    }
  }

  // The reader took some of what lay in its queue: what it had in the first look.
  void recv_q_then(uint32_t bytes) { seen_.looks.front().sockets.back().recv_q = bytes; }

  // A row that only the first look saw.
  void add_gone(const Row& row) {
    Socket s;
    s.local = row.local;
    s.remote = row.remote;
    s.state = row.state;
    s.timer = row.timer;
    s.cookie = ++cookie_;
    s.inode = row.owned ? static_cast<uint32_t>(cookie_) : 0;
    put(seen_.looks.front(), s, &row.info_then, row.owned);
  }

  // A listener whose queue was `queued` in every sample but those at the end, given by `last`.
  void listen(const SocketAddress& local, uint32_t queued, uint32_t limit, uint32_t drops_then = 0,
              uint32_t drops_now = 0, std::vector<uint32_t> last = {}) {
    add({.state = tcp::State::listen,
         .local = local,
         .recv_q = last.empty() ? queued : last.back(),
         .send_q = limit});
    const auto samples = static_cast<uint32_t>(seen_.samples.size());
    for (uint32_t i = 0; i < samples; ++i) {
      const uint32_t from_end = samples - i;
      const uint32_t now = from_end <= last.size() ? last[last.size() - from_end] : queued;
      const uint32_t steps = std::max(1U, samples - 1);
      seen_.samples[i].listeners.push_back(
          {.netns = 0,
           .local = local,
           .cookie = cookies_ ? cookie_ : 0,
           .queued = now,
           .limit = limit,
           .drops = drops_then + (drops_now - drops_then) * i / steps});
    }
  }

  // Rises evenly from `then` to `now`.
  void count(const std::string& name, uint64_t then, uint64_t now) {
    const uint64_t steps = std::max<uint64_t>(1, seen_.samples.size() - 1);
    for (uint64_t i = 0; i < seen_.samples.size(); ++i) {
      seen_.samples[i].counters[0].set(name, then + (now - then) * i / steps);
    }
  }

  void sysctl(const std::string& name, const std::string& value) {
    seen_.namespaces[0].sysctls.set(name, value);
  }
  // The kernel's events were followed, and this one happened: by the process added last, unless
  // the event names another. Give them in time order.
  TcpEvent& event(TcpEvent event, const std::string& reason = {}) {
    EventLog& log = seen_.events;
    log.watched = true;
    if (event.netns == kNoNetns) event.netns = 0;
    if (event.process == kNoIndex && !seen_.processes.empty()) {
      event.process = static_cast<uint32_t>(seen_.processes.size() - 1);
    }
    const auto known = std::ranges::find(log.reasons, reason);
    event.reason = static_cast<uint16_t>(known - log.reasons.begin());
    if (known == log.reasons.end()) log.reasons.push_back(reason);
    ++log.counted[static_cast<size_t>(event.kind)];
    return log.events.emplace_back(event);
  }
  // Active opens by the process added last, as the kernel's events count them.
  void connects(const SocketAddress& remote, uint64_t succeeded, uint64_t repeated = 0,
                uint64_t failed = 0) {
    const uint32_t process =
        seen_.processes.empty() ? kNoIndex : static_cast<uint32_t>(seen_.processes.size() - 1);
    seen_.events.watched = true;
    const auto with_event = std::ranges::count_if(seen_.events.events, [&](const TcpEvent& event) {
      return event.kind == EventKind::connect && event.remote == remote;
    });
    seen_.events.counted[static_cast<size_t>(EventKind::connect)] +=
        succeeded + std::max(failed, static_cast<uint64_t>(with_event)) -
        static_cast<uint64_t>(with_event);
    seen_.events.connects.push_back({.netns = 0,
                                     .process = process,
                                     .remote = remote,
                                     .succeeded = succeeded,
                                     .repeated = repeated,
                                     .failed = failed});
  }
  // The kernel's events were followed, whether or not there were any.
  void watch() { seen_.events.watched = true; }
  Observation& observation() { return seen_; }

  Process& last_process() { return seen_.processes.back(); }
  void baseline(Baseline learned) { seen_.closer.baseline = std::move(learned); }
  void without_cookies() { cookies_ = false; }
  void route(const Route& route) { seen_.routes.push_back(route); }
  // The network was asked.
  ProbeResults& probes() {
    if (seen_.probes) return *seen_.probes;
    ProbeResults& probes = seen_.probes.emplace();
    probes.resolver_timeout = 5s;
    return probes;
  }
  // A host of the first namespace that was asked, and answered no echo yet.
  ProbedHost& asks(std::string_view address) {
    ProbedHost& host = probes().hosts.emplace_back();
    host.address = at(address, 0).addr;
    host.echoes = 8;
    return host;
  }

  std::vector<Finding> findings() {
    for (Look& look : seen_.looks) join_owners(look);
    for (Sample& sample : seen_.samples) sample.counters[0].sort();
    return diagnose(seen_);
  }

  // The finding of that fault at the top level, or null.
  const Finding* find(std::string_view fault) {
    found_ = findings();
    const auto hit = std::ranges::find(found_, fault, &Finding::fault);
    return hit == found_.end() ? nullptr : &*hit;
  }
  const std::vector<Finding>& found() const { return found_; }

 private:
  void put(Look& look, Socket s, const TcpInfo* info, bool owned) {
    if (info != nullptr) {
      s.info = static_cast<uint32_t>(look.infos.size());
      look.infos.push_back(*info);
      look.infos.back().known_bytes = 280;
    }
    if (owned && !seen_.processes.empty()) {
      look.owners.push_back({.inode = s.inode,
                             .process = static_cast<uint32_t>(seen_.processes.size() - 1),
                             .fd = static_cast<int32_t>(look.owners.size() + 3)});
    }
    look.sockets.push_back(s);
  }

  static void join_owners(Look& look) {
    std::ranges::sort(look.owners, {},
                      [](const Owner& o) { return std::pair(o.inode, o.process); });
    for (Socket& s : look.sockets) {
      if (s.inode == 0) continue;
      const auto range = std::ranges::equal_range(look.owners, s.inode, {}, &Owner::inode);
      if (range.empty()) continue;
      s.first_owner = static_cast<uint32_t>(range.begin() - look.owners.begin());
      s.owner_count = static_cast<uint16_t>(range.size());
    }
  }

  Observation seen_;
  uint64_t cookie_ = 100;
  bool cookies_ = true;
  std::vector<Finding> found_;
};

}  // namespace tcpdx::faults
