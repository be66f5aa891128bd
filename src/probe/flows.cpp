#include "probe/flows.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/order.hpp"
#include "base/stopwatch.hpp"

namespace tcpdx::probe {
namespace {

constexpr uint16_t kFirstPort = 33434;
constexpr uint16_t kPortsToTry = 1024;  // others may hold some
constexpr unsigned kMargin = 1;         // ways may differ in length

unsigned answered_hops(const Flow& flow) {
  return static_cast<unsigned>(std::ranges::count_if(
      flow.path.hops, [](const PathHop& hop) { return !hop.responders.empty(); }));
}

// Somebody answered both at this distance, but nobody both of them.
bool contradict(const PathHop& one, const PathHop& other) {
  if (one.responders.empty() || other.responders.empty()) return false;
  return std::ranges::none_of(one.responders, [&](const Responder& responder) {
    return std::ranges::find(other.responders, responder.address, &Responder::address) !=
           other.responders.end();
  });
}

bool fits(const Branch& branch, const Flow& flow) {
  const size_t both = std::min(branch.hops.size(), flow.path.hops.size());
  for (size_t i = 0; i < both; ++i) {
    if (contradict(branch.hops[i], flow.path.hops[i])) return false;
  }
  return true;
}

void add(Responder& to, const Responder& from) {
  to.rtts.insert(to.rtts.end(), from.rtts.begin(), from.rtts.end());
  if (!from.labels.empty()) to.labels = from.labels;
  if (from.answer_ttl) to.answer_ttl = from.answer_ttl;
  if (!from.words.empty()) to.words = from.words;
}

void add(PathHop& to, const PathHop& from) {
  to.sent += from.sent;
  to.answered += from.answered;
  to.is_target = to.is_target || from.is_target;
  for (const Responder& responder : from.responders) {
    const auto known = std::ranges::find(to.responders, responder.address, &Responder::address);
    if (known == to.responders.end()) {
      to.responders.push_back(responder);
    } else {
      add(*known, responder);
    }
  }
}

void add(std::vector<PathHop>& to, const std::vector<PathHop>& from) {
  for (size_t i = 0; i < from.size(); ++i) {
    if (i < to.size()) {
      add(to[i], from[i]);
    } else {
      to.push_back(from[i]);
    }
  }
}

void add(Branch& branch, const Flow& flow) {
  branch.source_ports.push_back(flow.source_port);
  branch.reached = branch.reached || flow.path.reached;
  add(branch.hops, flow.path.hops);
}

struct Arrivals {
  uint64_t sent = 0;
  uint64_t answered = 0;
  std::vector<Duration> rtts;

  Arrivals& operator+=(const Arrivals& other) {
    sent += other.sent;
    answered += other.answered;
    rtts.insert(rtts.end(), other.rtts.begin(), other.rtts.end());
    return *this;
  }
};

Arrivals arrivals_of(const std::vector<PathHop>& hops) {
  Arrivals arrivals;
  for (const PathHop& hop : hops) {
    if (!hop.is_target) continue;
    arrivals.sent += hop.sent;
    arrivals.answered += hop.answered;
    for (const Responder& one : hop.responders) {
      arrivals.rtts.insert(arrivals.rtts.end(), one.rtts.begin(), one.rtts.end());
    }
  }
  return arrivals;
}

// Up to the target: a flow whose answer from there was lost was answered one hop farther on, too.
// Without one, up to the last that answered.
void trim(std::vector<PathHop>& hops) {
  const auto target = std::ranges::find(hops, true, &PathHop::is_target);
  if (target != hops.end()) {
    hops.erase(target + 1, hops.end());
    return;
  }
  while (!hops.empty() && hops.back().answered == 0) hops.pop_back();
}

// The losses of a branch's hops, as those of a way of its own.
void judge(Branch& branch) {
  trim(branch.hops);
  const Arrivals arrivals = arrivals_of(branch.hops);
  branch.unanswered = share_of(arrivals.sent - arrivals.answered, arrivals.sent);
  branch.rtt = summarize(arrivals.rtts);
  PathResult alone;
  alone.reached = branch.reached;
  alone.end_to_end_loss = branch.unanswered;
  alone.hops = std::move(branch.hops);
  judge_losses(alone);
  branch.hops = std::move(alone.hops);
}

// Those who heard most come first: what fits them all decides nothing.
std::vector<const Flow*> by_answers(const std::vector<Flow>& flows) {
  std::vector<const Flow*> order;
  order.reserve(flows.size());
  for (const Flow& flow : flows) order.push_back(&flow);
  sort_keeping_order(order, std::greater{}, [](const Flow* flow) { return answered_hops(*flow); });
  return order;
}

// Also gathers the hops of all: those of the branches, and what undecided flows add to them.
// Returns what came of the target: one branch's target may be as far away as another one's router.
Arrivals part(const std::vector<Flow>& flows, PathResult& into) {
  std::vector<const Flow*> undecided;
  for (const Flow* flow : by_answers(flows)) {
    std::vector<Branch*> fitting;
    for (Branch& branch : into.branches) {
      if (fits(branch, *flow)) fitting.push_back(&branch);
    }
    if (fitting.size() > 1) {
      into.undecided.push_back(flow->source_port);
      undecided.push_back(flow);
    } else {
      add(fitting.empty() ? into.branches.emplace_back() : *fitting.front(), *flow);
    }
  }
  Arrivals arrivals;
  for (Branch& branch : into.branches) {
    std::ranges::sort(branch.source_ports);
    judge(branch);
    add(into.hops, branch.hops);
    arrivals += arrivals_of(branch.hops);
  }
  for (const Flow* flow : undecided) {
    auto hops = flow->path.hops;
    arrivals += arrivals_of(hops);
    hops.resize(std::min(hops.size(), into.hops.size()));
    add(into.hops, hops);
  }
  sort_keeping_order(into.branches, std::greater{},
                     [](const Branch& branch) { return branch.source_ports.size(); });
  return arrivals;
}

Result<std::vector<PathWalk>> open_walks(const PathOptions& options,
                                         std::vector<uint16_t>& source_ports) {
  std::vector<PathWalk> walks;
  PathOptions one = options;
  std::string refusal;
  for (uint16_t i = 0; i < kPortsToTry && walks.size() < options.flows; ++i) {
    one.ask.source_port = static_cast<uint16_t>(kFirstPort + i);
    // On this very host the walk's own socket would take the probes.
    if (one.ask.source_port == options.ask.target.port) continue;
    auto asker = open_asker(Method::udp, one.ask);
    if (!asker) {
      refusal = asker.error().sentence;
      continue;
    }
    walks.emplace_back(std::move(*asker), Method::udp, one);
    source_ports.push_back(one.ask.source_port);
  }
  if (walks.size() < options.flows) return fail("cannot open {} flows: {}", options.flows, refusal);
  return walks;
}

// The hops behind the last that answered were asked, too.
PathResult with_silent_hops(PathResult path, unsigned rounds) {
  for (unsigned i = 0; i < path.beyond; ++i) {
    path.hops.push_back(
        {.ttl = static_cast<uint8_t>(path.hops.size() + 1), .responders = {}, .sent = rounds});
  }
  return path;
}

Result<std::vector<Flow>> walk_flows(const PathOptions& options,
                                     const std::function<bool()>& stop) {
  std::vector<uint16_t> source_ports;
  auto walks = open_walks(options, source_ports);
  if (!walks) return std::unexpected(walks.error());
  run_walks(*walks, {.stop = stop, .turned = {}});
  std::vector<Flow> flows;
  flows.reserve(walks->size());
  for (size_t i = 0; i < walks->size(); ++i) {
    flows.push_back({.source_port = source_ports[i],
                     .path = with_silent_hops((*walks)[i].result({}), options.rounds)});
  }
  return flows;
}

}  // namespace

PathResult join_flows(const std::vector<Flow>& flows) {
  PathResult all;
  all.method = Method::udp;
  size_t asked = 0;
  for (const Flow& flow : flows) {
    asked = std::max(asked, flow.path.hops.size());
    all.target = flow.path.target;
    all.reached = all.reached || flow.path.reached;
    if (all.words.empty()) all.words = flow.path.words;
  }
  if (all.reached) all.words.clear();
  const Arrivals arrivals = part(flows, all);
  if (!all.reached && all.words.empty()) {
    all.beyond = static_cast<unsigned>(asked - all.hops.size());
  }
  all.end_to_end_loss = share_of(arrivals.sent - arrivals.answered, arrivals.sent);
  all.end_to_end = summarize(arrivals.rtts);
  judge_losses(all);
  return all;
}

Result<PathResult> find_flows(const PathOptions& options, const std::function<bool()>& stop) {
  const Stopwatch watch;
  PathOptions used = options;
  used.end_to_end = 0;
  if (used.ask.target.port == 0) used.ask.target.port = kTraceroutePort;
  if (const auto away = distance_by_echo(used)) {
    used.max_ttl = static_cast<uint8_t>(std::min<unsigned>(used.max_ttl, *away + kMargin));
  }
  auto flows = walk_flows(used, stop);
  // The way back, by which the echo told the distance, may be shorter than the way there.
  const bool reached = flows && std::ranges::any_of(*flows, [](const Flow& flow) {
                         return flow.path.reached || !flow.path.words.empty();
                       });
  if (flows && !reached && used.max_ttl < options.max_ttl && !(stop && stop())) {
    used.max_ttl = options.max_ttl;
    flows = walk_flows(used, stop);
  }
  if (!flows) return std::unexpected(flows.error());
  PathResult result = join_flows(*flows);
  result.duration = watch.elapsed();
  return result;
}

}  // namespace tcpdx::probe
