#include "engine/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <span>
#include <utility>

#include "base/text.hpp"
#include "engine/look_up.hpp"
#include "engine/threads.hpp"
#include "host/machine.hpp"
#include "host/routes.hpp"
#include "probe/target.hpp"

namespace tcpdx::engine {
namespace {

using Clock = std::chrono::steady_clock;
using probe::CheckSigns;

// Hardly anybody listens there; a host that lives refuses (IANA: tcpmux).
constexpr uint16_t kOtherPort = 1;
constexpr uint8_t kMaxTtl = 30;

class Watch {
 public:
  Duration elapsed() const { return std::chrono::duration_cast<Duration>(Clock::now() - start_); }

 private:
  Clock::time_point start_ = Clock::now();
};

std::string milliseconds_text(Duration time) {
  return fmt::format("{:.1f} ms", static_cast<double>(time.count()) / 1000);
}

// What the target is asked; each fills its own members of the signs, so that they may run at once.
struct Task {
  std::string_view name;
  std::string (*run)(const CheckOptions& options, CheckSigns& signs);
};

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
  if (path.reached) return fmt::format("reached, {} hops", path.hops.size());
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

constexpr std::array kTasks{Task{"handshake", shake_hands}, Task{"other port", ask_other_port},
                            Task{"path by SYN", walk_by_syn}, Task{"path by echo", walk_by_echo},
                            Task{"sizes", try_sizes}};

// After the probes: they made the kernel ask for the neighbour.
CheckStep look_at_route(CheckSigns& signs) {
  const Watch watch;
  const host::RouteQuestion question{.destination = signs.target.addr, .source = {}};
  const auto routes = host::ask_routes(std::span(&question, 1), 0);
  CheckStep step{.step = "route", .result = {}, .took = watch.elapsed()};
  if (!routes || routes->empty()) {
    step.result = routes ? "no answer" : routes.error().sentence;
    return step;
  }
  signs.route = routes->front();
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

bool resolve_name(const CheckOptions& options, CheckReport& report) {
  const Watch watch;
  const auto addresses = probe::resolve(options.host, options.family);
  const Duration took = watch.elapsed();
  if (addresses) {
    report.signs.target = {addresses->front(), options.port};
    if (!parse_address(options.host)) report.signs.name_took = took;
    report.steps.push_back(
        {"names", fmt::format("{} ({} in all)", to_string(addresses->front()), addresses->size()),
         took});
    return true;
  }
  report.signs.dns = look_up({.name = options.host, .servers = {}, .types = {}});
  report.steps.push_back({"names", addresses.error().sentence, watch.elapsed()});
  return false;
}

}  // namespace

CheckReport check(const CheckOptions& options) {
  const Watch watch;
  CheckReport report;
  report.signs.name = options.host;
  if (resolve_name(options, report)) {
    std::vector<CheckStep> steps(kTasks.size());
    run_on_as_many_threads(kTasks.size(), [&](size_t i) {
      const Watch one;
      const std::string result = kTasks[i].run(options, report.signs);
      steps[i] = {kTasks[i].name, result, one.elapsed()};
    });
    report.signs.target_is_here = is_here(report.signs.target.addr);
    if (report.signs.target_is_here) look_at_listeners(report.signs);
    report.steps.push_back(look_at_route(report.signs));
    std::ranges::move(steps, std::back_inserter(report.steps));
  }
  report.verdict = probe::judge(report.signs);
  report.took = watch.elapsed();
  return report;
}

}  // namespace tcpdx::engine
