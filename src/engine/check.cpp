#include "engine/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>

#include "base/stopwatch.hpp"
#include "base/text.hpp"
#include "engine/look_up.hpp"
#include "engine/threads.hpp"
#include "host/counter_files.hpp"
#include "host/machine.hpp"
#include "host/routes.hpp"
#include "probe/target.hpp"

namespace tcpdx::engine {
namespace {

using probe::CheckSigns;

// Hardly anybody listens there; a host that lives refuses (IANA: tcpmux).
constexpr uint16_t kOtherPort = 1;
constexpr uint8_t kMaxTtl = 30;
// SYNs and echoes that tell a loss from a limit: with fewer the intervals of both shares touch.
constexpr unsigned kTally = 20;
constexpr Duration kTallyTime = 200ms;
constexpr Duration kTallyPatience = 300ms;  // or two round trips: no SYN is repeated by then
// What every path carries: RFC 9293 3.7.1.
constexpr uint16_t kSmallSegment4 = 536;
constexpr uint16_t kSmallSegment6 = 1220;

std::string milliseconds_text(Duration time) {
  return fmt::format("{:.1f} ms", static_cast<double>(time.count()) / 1000);
}

using Facts = std::vector<probe::Fact>;

// What the target is asked; each fills its own members of the signs, so that they may run at once.
struct Task {
  std::string_view name;
  std::string (*run)(const CheckOptions& options, CheckSigns& signs);
  Facts (*facts)(const CheckSigns& signs);
};

template <class Look>
Facts facts_or_none(const std::optional<Look>& look) {
  return look ? probe::facts_of(*look) : Facts{};
}

// With the outcome before what was measured.
Facts facts_of_attempt(const std::optional<probe::Attempt>& attempt) {
  if (!attempt) return {};
  Facts facts{{"port", int64_t{attempt->target.port}},
              {"result", std::string(to_string(attempt->verdict.why))}};
  std::ranges::move(probe::facts_of(*attempt), std::back_inserter(facts));
  return facts;
}

probe::ConnectOptions connect_options(const CheckOptions& options, const CheckSigns& signs) {
  probe::ConnectOptions connect{.ask = options.ask,
                                .timeout = options.timeout,
                                .send = options.send,
                                .expect = options.expect};
  connect.ask.target = signs.target;
  return connect;
}

std::string shake_hands(const CheckOptions& options, CheckSigns& signs) {
  signs.attempt = probe::attempt(connect_options(options, signs), options.stop);
  return fmt::format("{} after {}", to_string(signs.attempt.verdict.why),
                     milliseconds_text(signs.attempt.took));
}

std::string ask_other_port(const CheckOptions& options, CheckSigns& signs) {
  if (signs.target.port == kOtherPort) return "the same port";
  probe::ConnectOptions connect = connect_options(options, signs);
  connect.ask.target.port = kOtherPort;
  connect.send.clear();
  connect.expect.clear();
  signs.other_port = probe::attempt(connect, options.stop);
  return fmt::format("port {}: {}", kOtherPort, to_string(signs.other_port->verdict.why));
}

std::string way_text(const probe::PathResult& path) {
  if (path.reached) {
    return fmt::format("reached, {} {}", path.hops.size(), path.hops.size() == 1 ? "hop" : "hops");
  }
  if (path.hops.empty()) return "nobody answered";
  return fmt::format("as far as hop {}", path.hops.back().ttl);
}

std::string walk(const CheckOptions& options, const CheckSigns& signs,
                 std::optional<probe::Method> method, std::optional<probe::PathResult>& into) {
  probe::PathOptions path{.ask = options.ask, .method = method, .max_ttl = kMaxTtl};
  path.ask.target = signs.target;
  if (method != probe::Method::tcp) path.ask.target.port = 0;
  path.ask.size = 32;
  auto found = probe::find_path(path, options.stop);
  if (!found) return found.error().sentence;
  into = std::move(*found);
  return way_text(*into);
}

std::string walk_by_syn(const CheckOptions& options, CheckSigns& signs) {
  return walk(options, signs, probe::Method::tcp, signs.by_port);
}

std::string walk_by_echo(const CheckOptions& options, CheckSigns& signs) {
  return walk(options, signs, std::nullopt, signs.by_echo);
}

std::string try_sizes(const CheckOptions& options, CheckSigns& signs) {
  probe::AskOptions ask = options.ask;
  ask.target = {signs.target.addr, 0};
  signs.sizes = probe::look_at_sizes(ask, options.stop);
  const probe::MtuLook& look = *signs.sizes;
  if (!look.largest) return "no echo came back";
  std::string text = fmt::format("up to {} octets come back", *look.largest);
  if (look.told_mtu) {
    text += fmt::format("; {} says MTU {}", look.told_by ? to_string(*look.told_by) : "this host",
                        *look.told_mtu);
  } else if (look.black_hole) {
    text += "; larger ones vanish";
  }
  return text;
}

// The request once more, in segments that pass everywhere.
std::string ask_in_small_segments(const CheckOptions& options, CheckSigns& signs) {
  probe::ConnectOptions connect = connect_options(options, signs);
  connect.largest_segment =
      signs.target.addr.family == Family::v4 ? kSmallSegment4 : kSmallSegment6;
  signs.small_segments = probe::attempt(connect, options.stop);
  return fmt::format("{} of {} octets: {}", to_string(signs.small_segments->verdict.why),
                     connect.largest_segment,
                     signs.small_segments->answered_after ? "answered" : "no answer");
}

std::string find_where_sizes_end(const CheckOptions& options, CheckSigns& signs) {
  probe::PathOptions path{.ask = options.ask, .method = {}, .max_ttl = kMaxTtl, .mtu = true};
  path.ask.target = {signs.target.addr, 0};
  auto found = probe::find_path(path, options.stop);
  if (!found) return found.error().sentence;
  signs.sizes_by_hop = std::move(*found);
  const auto& mtu = signs.sizes_by_hop->mtu;
  if (!mtu || mtu->steps.empty()) return "no hop makes them smaller";
  return fmt::format("{} octets behind hop {}", mtu->steps.front().mtu, mtu->steps.front().behind);
}

std::string tally(const CheckOptions& options, const CheckSigns& signs, probe::Method method,
                  std::optional<probe::ProbeTally>& into) {
  probe::PathOptions path{.ask = options.ask,
                          .method = method,
                          .max_ttl = 0,
                          .rounds = 1,
                          .end_to_end = kTally,
                          .spacing = kTallyTime,
                          .patience = kTallyPatience};
  if (signs.by_echo && signs.by_echo->end_to_end) {
    path.patience = std::max(path.patience, 2 * signs.by_echo->end_to_end->max);
  }
  path.ask.target = signs.target;
  if (method != probe::Method::tcp) path.ask.target.port = 0;
  const auto found = probe::find_path(path, options.stop);
  if (!found) return found.error().sentence;
  const auto answered = found->end_to_end.value_or(probe::RttSummary{}).samples;
  into = {.sent = static_cast<unsigned>(found->meant), .answered = static_cast<unsigned>(answered)};
  return fmt::format("{} of {} answered", answered, found->meant);
}

std::string count_syns(const CheckOptions& options, CheckSigns& signs) {
  return tally(options, signs, probe::Method::tcp, signs.syns);
}

std::string count_echoes(const CheckOptions& options, CheckSigns& signs) {
  return tally(options, signs, probe::Method::icmp, signs.echoes);
}

constexpr std::array kFirstTurn{
    Task{"handshake", shake_hands,
         [](const CheckSigns& signs) { return facts_of_attempt(signs.attempt); }},
    Task{"other port", ask_other_port,
         [](const CheckSigns& signs) { return facts_of_attempt(signs.other_port); }},
    Task{"path by SYN", walk_by_syn,
         [](const CheckSigns& signs) { return facts_or_none(signs.by_port); }},
    Task{"path by echo", walk_by_echo,
         [](const CheckSigns& signs) { return facts_or_none(signs.by_echo); }},
    Task{"sizes", try_sizes, [](const CheckSigns& signs) { return facts_or_none(signs.sizes); }}};

constexpr std::array kWhereNoAnswer{
    Task{"small segments", ask_in_small_segments,
         [](const CheckSigns& signs) { return facts_of_attempt(signs.small_segments); }}};

constexpr std::array kWhereSizesVanish{
    Task{"sizes by hop", find_where_sizes_end,
         [](const CheckSigns& signs) { return facts_or_none(signs.sizes_by_hop); }}};

constexpr std::array kWhereSynsAreLost{
    Task{"many SYNs", count_syns,
         [](const CheckSigns& signs) { return facts_or_none(signs.syns); }},
    Task{"many echoes", count_echoes,
         [](const CheckSigns& signs) { return facts_or_none(signs.echoes); }}};

void run_tasks(std::span<const Task> tasks, const CheckOptions& options, CheckReport& report) {
  std::vector<CheckStep> steps(tasks.size());
  run_on_as_many_threads(tasks.size(), [&](size_t i) {
    const Stopwatch one;
    const std::string result = tasks[i].run(options, report.signs);
    Facts facts = tasks[i].facts(report.signs);
    if (facts.empty()) facts.push_back({"error", result});
    steps[i] = {tasks[i].name, result, std::move(facts), one.elapsed()};
  });
  std::ranges::move(steps, std::back_inserter(report.steps));
}

// The host is there, and SYNs to this port are lost, all or some.
bool syns_seem_lost(const CheckSigns& signs) {
  if (signs.attempt.verdict.why == probe::Why::ok) return signs.attempt.syn_repeats > 0;
  return signs.attempt.verdict.why == probe::Why::silent && signs.by_echo && signs.by_echo->reached;
}

// After the probes: they made the kernel ask for the neighbour.
CheckStep look_at_route(CheckSigns& signs) {
  const Stopwatch watch;
  const host::RouteQuestion question{.destination = signs.target.addr, .source = {}};
  const auto routes = host::ask_routes(std::span(&question, 1), 0);
  CheckStep step{.step = "route", .result = {}, .evidence = {}, .took = watch.elapsed()};
  if (!routes || routes->empty()) {
    step.result = routes ? "no answer" : routes.error().sentence;
    step.evidence = {{"error", step.result}};
    return step;
  }
  signs.route = routes->front();
  step.evidence = probe::facts_of(*signs.route);
  const Route& route = *signs.route;
  step.result = route.error != 0 ? errno_text(route.error)
                                 : fmt::format("by {}{}", route.interface,
                                               route.gateway ? " via " + to_string(*route.gateway)
                                                             : std::string(", on its link"));
  if (route.neighbour) step.result += fmt::format(", {}", to_string(*route.neighbour));
  return step;
}

// A target on this very machine shows its accept queue.
void look_at_listeners(CheckSigns& signs) {
  Observation seen;
  host::Options options;
  options.all_namespaces = false;
  auto machine = host::Machine::open(options, seen);
  if (!machine || !machine->sample(Duration{}, seen) || seen.samples.empty()) return;
  for (const ListenerSample& one : seen.samples.front().listeners) {
    const bool same =
        one.local.port == signs.target.port &&
        (one.local.addr.is_any() || one.local.addr.unmapped() == signs.target.addr.unmapped());
    if (same) signs.queue = {one.queued, one.limit};
  }
}

bool is_here(const IpAddress& address) {
  if (address.is_loopback()) return true;
  probe::AskOptions ask;
  ask.target = {address, 0};
  ask.source = address;  // only an address of this host can be bound
  return probe::open_asker(probe::Method::udp, ask).has_value();
}

// The counters of this host that tell of answers which came and were thrown away.
class DropWatch {
 public:
  probe::LocalDrops drops() const {
    const Counters now = read();
    const auto rise = [&](std::string_view name) {
      const uint64_t before = before_.get(name).value_or(0);
      return std::max(now.get(name).value_or(before), before) - before;
    };
    return {.reverse_path = rise("TcpExt.IPReversePathFilter"),
            .conntrack = rise("nf_conntrack.drop"),
            .conntrack_count = now.get("nf_conntrack_count"),
            .conntrack_max = now.get("nf_conntrack_max")};
  }

 private:
  static Counters read() { return host::read_counters("/proc", false); }

  Counters before_ = read();
};

std::string drops_text(const probe::LocalDrops& drops) {
  if (drops.reverse_path + drops.conntrack == 0) return "dropped nothing meanwhile";
  return fmt::format("dropped {} packets for their way back, {} for connection tracking",
                     drops.reverse_path, drops.conntrack);
}

bool resolve_name(const CheckOptions& options, CheckReport& report) {
  const Stopwatch watch;
  const auto addresses = probe::resolve(options.host, options.family);
  const Duration took = watch.elapsed();
  if (addresses) {
    report.signs.target = {addresses->front(), options.port};
    if (!parse_address(options.host)) report.signs.name_took = took;
    report.steps.push_back(
        {"names",
         fmt::format("{} ({} in all)", to_string(addresses->front()), addresses->size()),
         {{"address", to_string(addresses->front())},
          {"addresses", static_cast<int64_t>(addresses->size())}},
         took});
    return true;
  }
  report.signs.dns = look_up({.name = options.host, .servers = {}, .types = {}});
  Facts facts{{"error", report.signs.dns->system.error}};
  for (const probe::DnsFinding& one : probe::judge(*report.signs.dns)) {
    facts.push_back({"finding", std::string(one.id)});
  }
  report.steps.push_back({"names", addresses.error().sentence, std::move(facts), watch.elapsed()});
  return false;
}

}  // namespace

CheckReport check(const CheckOptions& options) {
  const Stopwatch watch;
  CheckReport report;
  report.signs.name = options.host;
  if (resolve_name(options, report)) {
    CheckSigns& signs = report.signs;
    const Stopwatch local;
    const DropWatch drops;
    run_tasks(kFirstTurn, options, report);
    if (signs.attempt.request_acked) run_tasks(kWhereNoAnswer, options, report);
    if (signs.sizes && signs.sizes->large_arrives == false) {
      run_tasks(kWhereSizesVanish, options, report);
    }
    if (syns_seem_lost(signs)) run_tasks(kWhereSynsAreLost, options, report);
    signs.target_is_here = is_here(signs.target.addr);
    if (signs.target_is_here) look_at_listeners(signs);
    signs.local_drops = drops.drops();
    report.steps.insert(report.steps.begin() + 1, look_at_route(signs));
    report.steps.push_back({"this host", drops_text(*signs.local_drops),
                            probe::facts_of(*signs.local_drops), local.elapsed()});
  }
  report.verdict = probe::judge(report.signs);
  report.took = watch.elapsed();
  return report;
}

}  // namespace tcpdx::engine
