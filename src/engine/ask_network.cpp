#include "engine/ask_network.hpp"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <span>
#include <thread>
#include <utility>

#include "base/stopwatch.hpp"
#include "engine/name_servers.hpp"
#include "engine/probe_choice.hpp"
#include "engine/threads.hpp"
#include "host/capabilities.hpp"
#include "host/counter_files.hpp"
#include "host/routes.hpp"
#include "probe/arp.hpp"
#include "probe/dns_client.hpp"
#include "probe/mtu.hpp"
#include "probe/path.hpp"
#include "probe/ping_loop.hpp"

namespace tcpdx::engine {
namespace {

constexpr unsigned kEchoes = 8;
constexpr Duration kBetweenEchoes = 200ms;
constexpr unsigned kWalks = 6;
constexpr Duration kBetweenWalks = 400ms;
constexpr uint8_t kMaxTtl = 30;
constexpr size_t kSmallSize = 32;  // octets of text
// Of the walks, one for each host: whoever shares load by flow sends them all alike.
constexpr uint16_t kFirstWalkPort = 33400;
constexpr unsigned kQuestions = 5;             // to a name server by UDP, and one by TCP
constexpr Duration kBetweenQuestions = 100ms;  // so that one lost burst is not taken for silence
constexpr Duration kLongestAnswer = 5s;        // of a name server
constexpr Duration kLastWait = 1s;             // as long as an echo's answer is waited for

using Stop = std::function<bool()>;

// Sleeps until so long after the watch began, or until it is time to stop.
void sleep_until(const Stopwatch& watch, Duration until, const Stop& stop) {
  constexpr Duration kNap = 50ms;
  while (!stop() && watch.elapsed() < until) {
    std::this_thread::sleep_for(std::min(kNap, until - watch.elapsed()));
  }
}

struct HostTask {
  ProbedHost* host = nullptr;
  std::string interface;         // of the way there; empty: not known
  std::optional<IpAddress> hop;  // the next on that link
  uint16_t walk_port = 0;
};

probe::AskOptions question_to(const ProbedHost& host) {
  probe::AskOptions options;
  options.target = {.addr = host.address, .port = 0};
  return options;
}

bool may_send_icmp(const ProbedHost& host) {
  return probe::open_asker(probe::Method::icmp, question_to(host)).has_value();
}

void send_echoes(const HostTask& task, const Stop& stop) {
  probe::PingOptions options;
  options.ask = question_to(*task.host);
  options.interval = kBetweenEchoes;
  options.count = kEchoes;
  auto ping = probe::Ping::open(options);
  if (!ping) return;
  std::vector<probe::Ping> pings;
  pings.push_back(std::move(*ping));
  probe::run(pings, {.report =
                         [&](size_t, const probe::ProbeReport& report) {
                           const bool answered = report.status == probe::ProbeStatus::reply ||
                                                 report.status == probe::ProbeStatus::late;
                           if (answered && report.rtt) task.host->rtts.push_back(*report.rtt);
                         },
                     .tick = {},
                     .stop = stop});
  task.host->echoes = static_cast<uint32_t>(
      std::max<uint64_t>(pings.front().summary().sent, task.host->rtts.size()));
}

void try_sizes(const HostTask& task, const Stop& stop) {
  const probe::MtuLook look = probe::look_at_sizes(question_to(*task.host), stop);
  task.host->sizes = {.largest = look.largest,
                      .told_mtu = look.told_mtu,
                      .told_by = look.told_by,
                      .large_vanish = look.black_hole};
}

WalkedWay way_of(const probe::PathResult& path) {
  WalkedWay way{.hops = {}, .reached = path.reached};
  way.hops.reserve(path.hops.size());
  for (const probe::PathHop& hop : path.hops) {
    way.hops.push_back(hop.responders.empty() ? std::nullopt
                                              : std::optional(hop.responders.front().address));
  }
  return way;
}

void walk(const HostTask& task, const Stop& stop) {
  probe::PathOptions options;
  options.ask = question_to(*task.host);
  options.ask.size = kSmallSize;
  options.ask.source_port = task.walk_port;
  options.method = probe::Method::udp;
  options.max_ttl = kMaxTtl;
  // Hosts send few ICMP errors a second: what reaches the target is taken from its echoes by UDP.
  if (!may_send_icmp(*task.host)) return;
  const auto away = probe::distance_by_echo(options);
  if (away) options.max_ttl = *away;
  bool may_be_farther = away.has_value();
  const Stopwatch watch;
  for (unsigned i = 0; i < kWalks && !stop(); ++i) {
    sleep_until(watch, i * kBetweenWalks, stop);
    const auto path = probe::find_path(options, stop);
    // Where nobody answers, asking again tells no more.
    if (!path || stop() || path->hops.empty()) return;
    // The way back, by which the echo told the distance, may be shorter than the way there.
    if (std::exchange(may_be_farther, false) && !path->reached) {
      options.max_ttl = kMaxTtl;
      continue;
    }
    const size_t known = path->hops.size() + (path->reached ? 0 : 2);
    options.max_ttl = static_cast<uint8_t>(std::min<size_t>(options.max_ttl, known));
    task.host->ways.push_back(way_of(*path));
  }
}

void ask_link(const HostTask& task, const Stop& stop) {
  if (!task.hop || task.hop->family != Family::v4 || task.interface == "lo") return;
  if (!host::has_capability(CAP_NET_RAW)) return;
  auto macs = probe::who_has(*task.hop, task.interface, stop);
  if (!macs) return;  // a link without ARP
  task.host->arp = {.address = *task.hop, .interface = task.interface, .macs = std::move(*macs)};
}

constexpr std::array kHostQuestions{send_echoes, try_sizes, walk, ask_link};

std::vector<HostTask> tasks_of(std::span<ProbedHost> hosts, uint16_t netns) {
  std::vector<HostTask> tasks;
  std::vector<host::RouteQuestion> questions;
  for (ProbedHost& host : hosts) {
    if (host.netns != netns) continue;
    const auto port = static_cast<uint16_t>(kFirstWalkPort + (&host - hosts.data()));
    tasks.push_back({.host = &host, .interface = {}, .hop = {}, .walk_port = port});
    questions.push_back({.destination = host.address, .source = {}});
  }
  const auto routes = host::ask_routes(questions, netns);
  for (size_t i = 0; routes && i < tasks.size() && i < routes->size(); ++i) {
    const Route& route = (*routes)[i];
    if (route.error != 0) continue;
    tasks[i].interface = route.interface;
    tasks[i].hop = route.gateway.value_or(route.destination);
  }
  return tasks;
}

std::optional<uint64_t> filtered_so_far(const std::string& proc) {
  return host::read_counters(proc, false).get("TcpExt.IPReversePathFilter");
}

void note_without_icmp(const ProbedHost& host, Observation& into) {
  into.missing.push_back(
      {fmt::format("the ways to {} and what sizes they take", to_string(host.address)),
       "ICMP echoes may not be sent (net.ipv4.ping_group_range)", host::lacking({CAP_NET_RAW})});
}

void note_unsent(const ProbedHost& host, const Stop& stop, Observation& into) {
  into.missing.push_back({fmt::format("whether {} answers", to_string(host.address)),
                          stop() ? "there was no time to ask it" : "nothing could be sent to it",
                          ""});
}

// All hosts of the namespace that the calling thread is in; new threads begin where it is.
void ask_hosts(std::span<ProbedHost> hosts, uint16_t netns, const std::string& proc,
               const Stop& stop, Observation& into) {
  const std::vector<HostTask> tasks = tasks_of(hosts, netns);
  if (tasks.empty()) return;
  const auto before = filtered_so_far(proc);
  run_on_as_many_threads(tasks.size() * kHostQuestions.size(), [&](size_t i) {
    kHostQuestions.at(i % kHostQuestions.size())(tasks[i / kHostQuestions.size()], stop);
  });
  for (const HostTask& task : tasks) {
    if (!may_send_icmp(*task.host)) {
      note_without_icmp(*task.host, into);
    } else if (task.host->echoes == 0) {
      note_unsent(*task.host, stop, into);
    }
  }
  const auto after = filtered_so_far(proc);
  if (!before || !after || *after < *before) return;
  for (const HostTask& task : tasks) task.host->reverse_path_filtered = *after - *before;
}

NameServerAnswer answer_of(const probe::DnsReply& reply) {
  NameServerAnswer answer{.tcp = reply.asked.transport == probe::Transport::tcp,
                          .code = {},
                          .took = reply.took,
                          .error = reply.silent ? std::string{} : reply.error};
  if (reply.message) answer.code = static_cast<uint8_t>(reply.message->code);
  return answer;
}

// The root's name servers: every resolver knows them, so that the answer tells of the resolver and
// the way to it, not of somebody's domain.
void ask_name_servers(const NameServers& known, ProbeResults& into, const Stop& stop) {
  if (!known.conf.configured) return;
  into.resolver_timeout = std::min(known.conf.timeout, kLongestAnswer);
  const size_t count = std::min(known.servers.size(), kMostProbedServers);
  std::vector<std::vector<std::optional<NameServerAnswer>>> answers(count);
  for (auto& of_one : answers) of_one.resize(kQuestions + 1);
  run_on_as_many_threads(count * (kQuestions + 1), [&](size_t i) {
    const size_t number = i % (kQuestions + 1);
    const size_t server = i / (kQuestions + 1);
    sleep_until({}, number * kBetweenQuestions, stop);
    if (stop()) return;
    const probe::DnsAsk ask{
        .server = known.servers[server],
        .transport = number == kQuestions ? probe::Transport::tcp : probe::Transport::udp,
        .question = {.name = ".", .type = wire::DnsType::ns},
        .timeout = into.resolver_timeout};
    const probe::DnsReply reply = probe::ask(ask, stop);
    if (reply.message || !stop()) answers[server][number] = answer_of(reply);
  });
  // Those that there was no time for say nothing.
  for (size_t i = 0; i < count; ++i) {
    ProbedNameServer server{.server = known.servers[i], .answers = {}};
    for (auto& answer : answers[i]) {
      if (answer) server.answers.push_back(std::move(*answer));
    }
    if (!server.answers.empty()) into.name_servers.push_back(std::move(server));
  }
}

void note_unasked(size_t wanted, const ProbeResults& results, Observation& into) {
  if (wanted > kMostProbedHosts) {
    into.missing.push_back({fmt::format("what the network says of {} more destinations in trouble",
                                        wanted - kMostProbedHosts),
                            fmt::format("at most {} are asked", kMostProbedHosts), ""});
  }
  const auto& hosts = results.hosts;
  if (!hosts.empty() && !host::has_capability(CAP_NET_RAW)) {
    into.missing.push_back({"whether two machines answer for one address",
                            "ARP requests may not be sent", host::lacking({CAP_NET_RAW})});
  }
}

}  // namespace

void ask_network(host::Machine& machine, const AskOptions& options, Observation& into) {
  const Stopwatch watch;
  const Stop stop = [&] {
    return watch.elapsed() >= kLongestProbing - kLastWait || (options.stop && options.stop());
  };
  const std::vector<ProbePlace> wanted = worth_asking(into);
  ProbeResults& results = into.probes.emplace();
  for (const ProbePlace& place : wanted) {
    if (results.hosts.size() == kMostProbedHosts) break;
    ProbedHost& host = results.hosts.emplace_back();
    host.netns = place.netns;
    host.address = place.address;
  }
  const NameServers known = name_servers(options.resolv_conf);
  {
    // Begun here, where this host's own programs ask, and beside the rest: it may wait long.
    const std::jthread names([&] { ask_name_servers(known, results, stop); });
    machine.in_each_namespace(
        into, [&](uint16_t netns) { ask_hosts(results.hosts, netns, options.proc, stop, into); });
  }
  results.took = watch.elapsed();
  note_unasked(wanted.size(), results, into);
}

}  // namespace tcpdx::engine
