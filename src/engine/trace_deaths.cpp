#include "engine/trace_deaths.hpp"

#include <chrono>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engine/threads.hpp"
#include "host/deaths.hpp"
#include "host/machine.hpp"

namespace tcpdx::engine {

namespace {

using Clock = std::chrono::steady_clock;
using tcp::State;

constexpr auto kNap = std::chrono::milliseconds(50);
constexpr auto kStep = std::chrono::seconds(1);
constexpr int kRestPerWork = 20;  // looks for owners take at most 5 % of a processor

// What looks have told of sockets that still live.
struct Met {
  State state = State::closed;
  std::optional<TraceOwner> owner;
  uint64_t round = 0;
};

class Lives {
 public:
  Lives(const TraceOptions& options, TraceSink& sink, host::Machine machine, Observation seen)
      : options_(options), sink_(sink), machine_(std::move(machine)), seen_(std::move(seen)) {
    for (const Namespace& space : seen_.namespaces) names_[space.inode] = space.name;
  }

  const Observation& seen() const { return seen_; }
  void look();
  void died(uint64_t netns, const host::DiagMessage& message);

 private:
  const TraceOptions& options_;
  TraceSink& sink_;
  host::Machine machine_;
  Observation seen_;
  std::map<uint64_t, std::string> names_;
  std::unordered_map<uint64_t, Met> met_;  // by cookie
  uint64_t round_ = 0;
};

void Lives::look() {
  host::LookOptions how;
  how.infos = false;
  how.run = run_on_threads;
  if (!machine_.look(how, {}, seen_)) return;
  ++round_;
  for (const Socket& socket : seen_.now().sockets) {
    if (socket.state == State::time_wait || socket.cookie == 0) continue;
    Met& met = met_[socket.cookie];
    met.round = round_;
    met.state = socket.state;
    const auto owners = owners_of(seen_.now(), socket);
    if (owners.empty()) continue;
    const Process& process = seen_.processes[owners.front().process];
    met.owner = TraceOwner{process.pid, process.comm, owners.front().fd};
  }
  std::erase_if(met_, [&](const auto& entry) { return entry.second.round + 1 < round_; });
  seen_.looks.clear();
}

void Lives::died(uint64_t netns, const host::DiagMessage& message) {
  const Socket& socket = message.socket;
  // A listener and a socket that was never connected have no remote end.
  if (socket.remote.port == 0) return;
  TraceLife life;
  life.at = wall_now();
  life.who.local = socket.local;
  life.who.remote = socket.remote;
  life.who.cookie = socket.cookie;
  life.who.netns = netns;
  life.who.netns_name = names_[netns];
  life.who.uid = socket.uid;
  const auto met = met_.find(socket.cookie);
  if (met != met_.end()) {
    life.who.owner = std::move(met->second.owner);
    life.last = met->second.state;
    met_.erase(met);
  }
  if (message.has_info) {
    const TcpInfo& info = message.info;
    life.bytes_sent = known_value(info, "bytes_sent").value_or(0) -
                      known_value(info, "bytes_retrans").value_or(0);
    life.bytes_received = known_value(info, "bytes_received").value_or(0);
    life.retransmits = info.total_retrans;
    if (info.rtt_us > 0) life.rtt = Duration(info.rtt_us);
  }
  if (matches(options_.filter, life)) sink_.life(life);
}

}  // namespace

Result<void> trace_deaths(const TraceOptions& options, const Missing& lack, TraceSink& sink) {
  Observation seen;
  auto machine = host::Machine::open({}, seen);
  if (!machine) return std::unexpected(machine.error());
  auto deaths = host::Deaths::open("/proc", "/run/netns");
  if (!deaths) return std::unexpected(deaths.error());
  seen.missing.push_back(
      {"how long connections lived, who closed them, and the owners of short ones", lack.why,
       lack.needs});
  Lives lives(options, sink, std::move(*machine), std::move(seen));
  lives.look();
  sink.begin(lives.seen());
  const auto began = Clock::now();
  auto next_look = began + kStep;
  uint64_t overruns = 0;
  while (true) {
    const auto now = Clock::now();
    const bool over = (options.stop != nullptr && *options.stop) ||
                      (options.window && now - began >= *options.window);
    deaths->poll(
        [&](uint64_t netns, const host::DiagMessage& message) { lives.died(netns, message); });
    if (deaths->overruns() > overruns) sink.lost(deaths->overruns() - overruns);
    overruns = deaths->overruns();
    if (now >= next_look) {
      lives.look();
      const auto done = Clock::now();
      next_look = done + std::max<Clock::duration>(kStep, (done - now) * kRestPerWork);
    }
    if (!sink.round(std::chrono::floor<Duration>(now - began)) || over) return {};
    std::this_thread::sleep_for(kNap);
  }
}

}  // namespace tcpdx::engine
