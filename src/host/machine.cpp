// Joins the sources of this folder: enters each namespace in turn, reads its table and counters,
// and writes down what it was not allowed to see.
#include "host/machine.hpp"

#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "host/capabilities.hpp"
#include "host/counter_files.hpp"
#include "host/namespaces.hpp"
#include "host/neighbours.hpp"
#include "host/netlink.hpp"
#include "host/notes.hpp"
#include "host/owner_search.hpp"
#include "host/proc_net_tcp.hpp"
#include "host/refresh.hpp"
#include "host/routes.hpp"
#include "host/sock_diag.hpp"
#include "host/sysctl_files.hpp"

namespace tcpdx::host {

namespace {

constexpr size_t kMostRoutes = 256;
// The kernel walks the machine's whole table of neighbours for each namespace.
constexpr uint64_t kMostNeighbours = 100'000;

struct Table {
  Family family;
  std::string_view file;
  std::string_view title;
};
constexpr Table kTables[] = {{Family::v4, "tcp", "IPv4"}, {Family::v6, "tcp6", "IPv6"}};

std::string processes(uint32_t count) {
  return fmt::format("{} {}", count, count == 1 ? "process" : "processes");
}

std::string called(const NamespaceHandle& space) {
  return space.name.empty() ? fmt::format("network namespace {}", space.inode)
                            : fmt::format("network namespace {}", space.name);
}

void name_the_machine(Observation& into) {
  utsname names{};
  if (::uname(&names) != 0) return;
  into.host = names.nodename;
  into.kernel = names.release;
}

// The PID namespace that the machine began with: in it no process is out of sight.
bool in_first_pid_namespace(const std::string& proc) {
  constexpr ino_t kFirst = 0xEFFFFFFC;  // PROC_PID_INIT_INO, include/linux/proc_ns.h
  struct stat found{};
  return ::stat((proc + "/self/ns/pid").c_str(), &found) == 0 && found.st_ino == kFirst;
}

void add_source(std::string_view source, Observation& into) {
  if (std::ranges::find(into.sources, source) == into.sources.end()) {
    into.sources.emplace_back(source);
  }
}

// Nothing, or why sock_diag cannot be used. A kernel without the tcp_diag module opens the socket
// but refuses the request.
std::string sock_diag_trouble() {
  Result<Netlink> netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (!netlink) return netlink.error().sentence;
  Look scratch;
  std::vector<std::string> names;
  const DumpRequest listeners{Family::v4, true, false};
  const Result<DumpEnd> end = dump_sockets(netlink->asker(), listeners, 0, scratch, names);
  if (!end) return end.error().sentence;
  return end->refusal.error == 0 ? std::string{} : end->refusal.sentence();
}

}  // namespace

struct Machine::Parts {
  explicit Parts(Options given)
      : options(std::move(given)), owners(options.proc, options.sources.owners) {}

  Result<void> open(Observation& into);
  Result<void> choose_tables(Observation& into);
  void open_namespaces(Observation& into);
  void add_namespace(NamespaceHandle space, Observation& into);
  Result<void> read_tables(uint16_t netns, const DumpRequest& how, Look& look, Observation& into);
  Result<void> dump(uint16_t netns, const DumpRequest& how, Look& look, Observation& into);
  Result<void> read_all(const DumpRequest& how, Look& look, Observation& into);
  Result<void> find_owners(const Runner& run, Look& look, Observation& into);
  void say_owners(const SearchEnd& end, Observation& into);
  void reserve(Look& look);
  std::vector<ListenerSample> listeners(uint16_t netns, Observation& into);

  // Runs `work` inside the namespace; false, and a note, where it cannot be entered.
  template <class Work>
  bool inside(uint16_t netns, Observation& into, const Work& work) {
    NamespaceVisit visit;
    const int error = visit.enter(namespaces[netns], namespaces.front());
    if (error != 0) {
      say_refused(namespaces[netns], error, into);
      return false;
    }
    work();
    return true;
  }

  // Socket::netns has 16 bits; open_namespaces() keeps to them.
  uint16_t count() const { return static_cast<uint16_t>(namespaces.size()); }

  void say(Unseen kind, uint64_t subject, Missing missing, Observation& into) {
    notes.say(kind, subject, std::move(missing), into.missing);
  }
  void say_refused(const NamespaceHandle& space, int error, Observation& into) {
    say(Unseen::namespace_refused, space.inode,
        {called(space), fmt::format("cannot enter it: {}", errno_text(error)),
         error == EPERM ? lacking({CAP_SYS_ADMIN}) : ""},
        into);
  }

  Options options;
  bool sock_diag = true;
  std::vector<NamespaceHandle> namespaces;  // as in the Observation; ours is the first
  std::vector<bool> without_ipv6;           // at the last count
  std::vector<bool> whole_machine;          // has the machine's own limits: the initial one
  OwnerSearch owners;
  NeighbourWatch neighbours;
  Notes notes;
};

Result<void> Machine::Parts::choose_tables(Observation& into) {
  std::string trouble = "it was not wanted";
  if (options.sources.tables != TableSource::proc_net) {
    trouble = sock_diag_trouble();
    if (trouble.empty()) {
      add_source(name_of(TableSource::sock_diag), into);
      if (!has_capability(CAP_NET_ADMIN)) {
        say(Unseen::marks, 0,
            {"marks of sockets", "the kernel does not tell them to everyone", "CAP_NET_ADMIN"},
            into);
      }
      return {};
    }
  }
  if (options.sources.tables == TableSource::sock_diag) {
    return fail("sock_diag cannot be used: {}", trouble);
  }
  sock_diag = false;
  const std::string path = options.proc + "/thread-self/net/tcp";
  if (const auto table = read_file(path); !table) {
    return fail("no table of sockets can be read: sock_diag: {}; {}", trouble,
                table.error().sentence);
  }
  add_source(name_of(TableSource::proc_net), into);
  say(Unseen::sock_diag, 0,
      {"TCP_INFO, memory, drops, cookies, marks, cgroups, shut-down directions and congestion "
       "control of all sockets, and the limits of listen queues",
       fmt::format("sock_diag cannot be used: {}", trouble), ""},
      into);
  return {};
}

void Machine::Parts::add_namespace(NamespaceHandle space, Observation& into) {
  Namespace added;
  added.inode = space.inode;
  added.name = space.name;
  added.ours = namespaces.empty();
  added.sysctls = read_sysctls(options.proc);
  // Only the initial namespace has this setting, so only there can the machine-wide sums of
  // sockstat be held against their limits (net/ipv4/sysctl_net_ipv4.c, ipv4_table).
  whole_machine.push_back(added.sysctls.text("net.ipv4.tcp_max_orphans").has_value());
  into.namespaces.push_back(std::move(added));
  namespaces.push_back(std::move(space));
}

void Machine::Parts::open_namespaces(Observation& into) {
  Result<NamespaceHandle> home = home_namespace();
  if (!home) {
    say(Unseen::namespace_hidden, 0, {"other network namespaces", home.error().sentence, ""}, into);
    add_namespace({}, into);
    return;
  }
  FoundNamespaces found = find_namespaces(options.proc, options.run_netns, *home);
  home->name = found.home_name;
  add_namespace(std::move(*home), into);
  if (!options.all_namespaces) return;
  into.closer.every_namespace = found.hidden == 0;
  for (NamespaceHandle& space : found.others) {
    if (count() == std::numeric_limits<uint16_t>::max()) break;
    NamespaceVisit visit;
    if (const int error = visit.enter(space, namespaces.front()); error != 0) {
      say_refused(space, error, into);
      into.closer.every_namespace = false;
    } else {
      add_namespace(std::move(space), into);
    }
  }
  if (found.hidden > 0) {
    say(Unseen::namespace_hidden, 0,
        {fmt::format("network namespaces of {}", processes(found.hidden)),
         "/proc/PID/ns/net may not be read", lacking({CAP_SYS_PTRACE})},
        into);
  }
}

Result<void> Machine::Parts::dump(uint16_t netns, const DumpRequest& how, Look& look,
                                  Observation& into) {
  Result<Netlink> netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (!netlink) return std::unexpected(netlink.error());
  const size_t first = look.sockets.size();
  for (const Table& table : kTables) {
    if (table.family == Family::v6 && !how.listeners_only && without_ipv6[netns]) continue;
    DumpRequest request = how;
    request.family = table.family;
    const auto end = dump_sockets(netlink->asker(), request, netns, look, into.congestion_names);
    if (!end) return std::unexpected(end.error());
    const std::string where = called(namespaces[netns]);
    if (end->refusal.error != 0) {
      say(Unseen::sockets, namespaces[netns].inode,
          {fmt::format("{} sockets in {}", table.title, where), end->refusal.sentence(), ""}, into);
    }
    if (end->interrupted) {
      say(Unseen::interrupted, namespaces[netns].inode,
          {fmt::format("perhaps some {} sockets in {}", table.title, where),
           "the table changed each time it was read", ""},
          into);
    }
  }
  drop_duplicates(look.sockets, first);
  return {};
}

Result<void> Machine::Parts::read_tables(uint16_t netns, const DumpRequest& how, Look& look,
                                         Observation& into) {
  if (sock_diag) return dump(netns, how, look, into);
  for (const Table& table : kTables) {
    const std::string path = fmt::format("{}/thread-self/net/{}", options.proc, table.file);
    const auto read =
        read_proc_net_tcp(path, table.family, how.listeners_only, netns, look.sockets);
    // A kernel without IPv6 has no second table.
    if (!read && table.family == Family::v4) return std::unexpected(read.error());
  }
  return {};
}

// Counts first. Room for all sockets at once: a vector that doubles would for a moment hold them
// three times. And a namespace that has no IPv6 socket, which SYN-RECEIVED needs too (its
// listener), need not be asked for any: the kernel would walk the machine's whole table to find
// none.
void Machine::Parts::reserve(Look& look) {
  uint64_t open = 0;
  uint64_t waiting = 0;
  without_ipv6.assign(count(), false);
  Observation unused;
  for (uint16_t netns = 0; netns < count(); ++netns) {
    inside(netns, unused, [&] {
      Counters counts;
      read_sockstat(options.proc, false, counts);
      counts.sort();
      const auto four = counts.get("sockstat.TCP.inuse");
      const auto six = counts.get("sockstat6.TCP6.inuse");
      const auto in_time_wait = counts.get("sockstat.TCP.tw");
      open += four.value_or(0) + six.value_or(0);
      waiting += in_time_wait.value_or(0);
      without_ipv6[netns] = six == 0U && in_time_wait == 0U;
    });
  }
  const auto with_margin = [](uint64_t count) {
    return static_cast<size_t>(count + count / 8 + 64);
  };
  look.sockets.reserve(with_margin(open + waiting));
  if (sock_diag) look.infos.reserve(with_margin(open));
}

Result<void> Machine::Parts::read_all(const DumpRequest& how, Look& look, Observation& into) {
  for (uint16_t netns = 0; netns < count(); ++netns) {
    Result<void> read;
    inside(netns, into, [&] { read = read_tables(netns, how, look, into); });
    if (read) continue;
    if (netns == 0) return read;
    say(Unseen::sockets, namespaces[netns].inode,
        {fmt::format("sockets in {}", called(namespaces[netns])), read.error().sentence, ""}, into);
  }
  return {};
}

Result<void> Machine::Parts::find_owners(const Runner& run, Look& look, Observation& into) {
  const Result<SearchEnd> end = owners.finish(run, look, into.processes);
  if (!end) return std::unexpected(end.error());
  say_owners(*end, into);
  return {};
}

void Machine::Parts::say_owners(const SearchEnd& end, Observation& into) {
  if (end.error != 0) {
    say(Unseen::owners, 0,
        {"owners of sockets",
         fmt::format("cannot list {}: {}", options.proc, errno_text(end.error)), ""},
        into);
    return;
  }
  add_source(name_of(end.source), into);
  into.closer.every_process =
      end.refused == 0 && end.hidden == 0 && in_first_pid_namespace(options.proc);
  if (end.refused != 0) {
    say(Unseen::owners, 0,
        {fmt::format("owners of sockets of {}", processes(end.refused)),
         "/proc/PID/fd may not be read", lacking({CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH})},
        into);
  }
  if (end.unlisted) {
    say(Unseen::processes, 0,
        {"owners of sockets, and network namespaces, of processes that are not ours",
         fmt::format("{} hides them (hidepid)", options.proc), lacking({CAP_SYS_PTRACE})},
        into);
  }
  if (end.hidden != 0) {
    say(Unseen::processes, 0,
        {fmt::format("all but name and user of {} that own sockets", processes(end.hidden)),
         fmt::format("{} hides them (hidepid)", options.proc), lacking({CAP_SYS_PTRACE})},
        into);
  }
}

std::vector<ListenerSample> Machine::Parts::listeners(uint16_t netns, Observation& into) {
  Look scratch;
  std::vector<ListenerSample> samples;
  const auto read = read_tables(netns, {Family::v4, true, false}, scratch, into);
  if (!read) {
    say(Unseen::sockets, namespaces[netns].inode,
        {fmt::format("listeners in {}", called(namespaces[netns])), read.error().sentence, ""},
        into);
  }
  for (const Socket& socket : scratch.sockets) {
    ListenerSample& sample = samples.emplace_back();
    sample.netns = netns;
    sample.local = socket.local;
    sample.cookie = socket.cookie;
    sample.queued = socket.recv_q;
    sample.limit = socket.send_q;
    if (const TcpInfo* info = info_of(scratch, socket)) sample.drops = info->drops;
  }
  return samples;
}

Result<void> Machine::Parts::open(Observation& into) {
  name_the_machine(into);
  if (!options.counters_only) {
    if (auto chosen = choose_tables(into); !chosen) return chosen;
  }
  if (auto ready = owners.prepare(); !ready) return ready;
  open_namespaces(into);
  return {};
}

Result<Machine> Machine::open(const Options& options, Observation& into) {
  auto parts = std::make_unique<Parts>(options);
  if (const auto opened = parts->open(into); !opened) return std::unexpected(opened.error());
  return Machine(std::move(parts));
}

Result<void> Machine::begin_again(Observation& into) {
  auto parts = std::make_unique<Parts>(parts_->options);
  parts->owners.take_over(parts_->owners);
  const auto opened = parts->open(into);
  parts_ = std::move(parts);
  return opened;
}

Result<void> Machine::look(const LookOptions& options, Duration at, Observation& into) {
  Look look;
  look.at = at;
  if (!options.listeners_only) parts_->reserve(look);
  // The iterator need not know the sockets, so it runs beside the reading of the tables.
  Result<void> read;
  options.run(options.owners ? 2 : 1, [&](size_t part) {
    if (part == 0) {
      read = parts_->read_all({Family::v4, options.listeners_only, options.infos}, look, into);
    } else {
      parts_->owners.begin();
    }
  });
  if (!read) return read;
  if (options.owners) {
    if (auto found = parts_->find_owners(options.run, look, into); !found) return found;
  }
  into.looks.push_back(std::move(look));
  return {};
}

bool Machine::can_refresh() const { return parts_->sock_diag; }

Result<std::vector<uint32_t>> Machine::refresh(std::span<const uint32_t> which, bool infos,
                                               Observation& into) {
  Look& look = into.looks.back();
  std::map<uint16_t, std::vector<uint32_t>> by_namespace;
  for (const uint32_t index : which) by_namespace[look.sockets[index].netns].push_back(index);
  std::vector<uint32_t> gone;
  for (const auto& [netns, here] : by_namespace) {
    std::vector<uint32_t> ended = here;  // where the namespace itself has gone
    std::string trouble;
    parts_->inside(netns, into, [&] {
      Result<Netlink> netlink = Netlink::open(NETLINK_SOCK_DIAG);
      if (!netlink) {
        trouble = netlink.error().sentence;
        return;
      }
      // The analyzer loses sight of the value that the test above has made sure of.
      auto asked = refresh_sockets(netlink->asker(), here, infos, look);  // NOLINT
      if (asked) {
        ended = std::move(*asked);
      } else {
        trouble = asked.error().sentence;
      }
    });
    if (!trouble.empty()) return fail("{}", trouble);
    gone.insert(gone.end(), ended.begin(), ended.end());
  }
  return gone;
}

Result<void> Machine::sample(Duration at, Observation& into) {
  Sample sample;
  sample.at = at;
  for (uint16_t netns = 0; netns < parts_->count(); ++netns) {
    Counters& counters = sample.counters.emplace_back();
    parts_->inside(netns, into, [&] {
      const std::vector<ListenerSample> listeners = parts_->listeners(netns, into);
      sample.listeners.insert(sample.listeners.end(), listeners.begin(), listeners.end());
      counters = read_counters(parts_->options.proc, parts_->whole_machine[netns]);
    });
  }
  into.samples.push_back(std::move(sample));
  return {};
}

std::optional<Counters> Machine::counters(uint16_t netns, Observation& into) {
  std::optional<Counters> read;
  parts_->inside(netns, into,
                 [&] { read = read_counters(parts_->options.proc, parts_->whole_machine[netns]); });
  return read;
}

void Machine::find_routes(Observation& into) {
  into.routes.clear();
  if (into.looks.empty()) return;
  std::set<std::pair<uint16_t, RouteQuestion>> wanted;
  for (const Look& look : into.looks) {
    for (const Socket& socket : look.sockets) {
      if (socket.state != tcp::State::syn_sent || wanted.size() == kMostRoutes) continue;
      wanted.insert({socket.netns,
                     {socket.remote.addr.unmapped(), socket.local.addr.unmapped(), socket.interface,
                      socket.mark}});
    }
  }
  for (auto group = wanted.begin(); group != wanted.end();) {
    const uint16_t netns = group->first;
    std::vector<RouteQuestion> questions;
    for (; group != wanted.end() && group->first == netns; ++group) {
      questions.push_back(group->second);
    }
    Result<std::vector<Route>> routes;
    parts_->inside(netns, into, [&] { routes = ask_routes(questions, netns); });
    if (!routes) {
      parts_->say(Unseen::routes, netns,
                  {"routes of connections in SYN-SENT", routes.error().sentence, ""}, into);
      continue;
    }
    into.routes.insert(into.routes.end(), routes->begin(), routes->end());
  }
}

void Machine::in_each_namespace(Observation& into, const std::function<void(uint16_t)>& work) {
  for (uint16_t netns = 0; netns < parts_->count(); ++netns) {
    parts_->inside(netns, into, [&] { work(netns); });
  }
}

void Machine::sample_softnet(Observation& into) {
  if (const auto text = read_file(parts_->options.proc + "/thread-self/net/softnet_stat")) {
    into.softnet.push_back(parse_softnet(*text));
  }
}

void Machine::sample_neighbour_tables(Duration at, Observation& into) {
  const auto tables = read_neighbour_tables();
  if (!tables) {
    parts_->say(Unseen::neighbours, 0,
                {"how full the tables of neighbours are", tables.error().sentence, ""}, into);
    return;
  }
  for (NeighbourTable table : *tables) {
    table.at = at;
    into.neighbour_tables.push_back(table);
  }
}

void Machine::watch_neighbours(Duration at, Observation& into) {
  uint64_t entries = 0;
  for (const NeighbourTable& table : into.neighbour_tables) {
    if (table.family == Family::v4) entries = table.entries;
  }
  if (entries * parts_->count() > kMostNeighbours) return;
  for (uint16_t netns = 0; netns < parts_->count(); ++netns) {
    Result<void> looked;
    parts_->inside(netns, into, [&] { looked = parts_->neighbours.look(netns, at); });
    if (looked) continue;
    const NamespaceHandle& space = parts_->namespaces[netns];
    parts_->say(
        Unseen::neighbours, space.inode,
        {fmt::format("neighbours in {} that move", called(space)), looked.error().sentence, ""},
        into);
  }
  into.neighbour_moves = parts_->neighbours.moves();
}

Machine::Machine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;
Machine::~Machine() = default;

}  // namespace tcpdx::host
