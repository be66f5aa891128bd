// The way to a host: every router at once. Probes with rising TTLs leave together, so that the
// answer takes one round trip; with several rounds each hop gets its own account.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probe/asker.hpp"
#include "probe/path_mtu.hpp"
#include "probe/statistics.hpp"

namespace tcpdx::probe {

struct PathOptions {
  AskOptions ask;
  std::optional<Method> method;  // none: TCP where a port is given, else ICMP, else UDP
  uint8_t max_ttl = 30;
  unsigned rounds = 1;       // probes for each hop
  unsigned end_to_end = 0;   // probes that only the target answers, spread over the rounds
  Duration spacing = 500ms;  // between rounds
  Duration patience{};       // with each probe; 0: learnt from the round trips
  unsigned flows = 1;        // UDP source ports, each of which walks the way by itself
  bool mtu = false;          // measure the MTU of each hop, too
};

// Who answered at one distance. Several of them: the ways part there (ECMP), or the route changed.
struct Responder {
  IpAddress address;
  std::vector<Duration> rtts;
  std::vector<MplsLabel> labels;       // RFC 4950
  std::optional<uint8_t> answer_ttl;   // of its last answer, as it arrived
  std::optional<uint16_t> quoted_mss;  // TCP: the MSS of our SYN as it came there
  std::string words;                   // of an error that is not "TTL exceeded"; empty: none
};

struct PathHop {
  uint8_t ttl = 0;
  std::vector<Responder> responders;
  unsigned sent = 0;
  unsigned answered = 0;
  bool is_target = false;
  // Of the probes for this hop, no answer came from it: lost, or the router does not care to
  // answer.
  Share node_loss{};
  // What is lost on the way there: what passed a later hop passed this one too, so it is at most
  // the least loss of all later hops, the target's own probes included.
  Share link_loss{};
  // Loses answers, while nothing is lost behind it: a limit on ICMP errors, not the network.
  bool rate_limited = false;

  std::optional<RttSummary> rtt() const;
};

// Flows that go the same way, as far as their routers answer.
struct Branch {
  std::vector<uint16_t> source_ports;
  std::vector<PathHop> hops;
  bool reached = false;
  Share unanswered{};               // of the probes that the target should have answered
  std::optional<RttSummary> rtt{};  // of the target
};

struct PathResult {
  SocketAddress target;
  Method method = Method::icmp;
  bool reached = false;
  std::string words;  // why not, where someone said so
  Duration duration{};
  std::vector<PathHop> hops;  // up to the target, or to the last that answered
  unsigned beyond = 0;        // hops without any answer behind those, which are not in `hops`
  Share end_to_end_loss{};    // of all probes that were meant for the target
  std::optional<RttSummary> end_to_end;
  std::optional<PathMtu> mtu;  // of `hops`, where it was asked for
  // With several flows, and `hops` is then what all of them found. A flow whose answers fit more
  // than one branch is undecided.
  std::vector<Branch> branches;
  std::vector<uint16_t> undecided;
};

// The account of one walk. Time is monotonic and the caller's.
class PathWalk {
 public:
  PathWalk(std::unique_ptr<Asker> asker, Method method, const PathOptions& options);

  void turn(Duration now);
  Duration next() const;
  bool over() const;
  void add_polls(std::vector<pollfd>& into) const { asker_->add_polls(into); }
  PathResult result(Duration took) const;

 private:
  struct Probe {
    uint64_t seq = 0;
    uint8_t ttl = 0;  // 0: end to end
    Duration at{};
    bool known = false;  // answered, in error, or given up
    bool answered = false;
  };
  struct Due {
    Duration at{};
    uint8_t ttl = 0;
  };

  void send_due(Duration now);
  void take(const Heard& heard, Probe& probe, Duration now);
  void note_target(const Heard& heard, const Probe& probe, Duration rtt);
  Responder& responder(PathHop& hop, const IpAddress& address);
  bool wanted(uint8_t ttl) const;
  Duration patience() const;
  unsigned last_hop() const;

  std::unique_ptr<Asker> asker_;
  Method method_;
  PathOptions options_;
  std::vector<Due> due_;  // the earliest last
  std::vector<Probe> probes_;
  std::vector<PathHop> hops_;  // by TTL, from 1
  uint64_t next_seq_ = 0;
  std::optional<uint8_t> target_ttl_;  // the least at which the target answered
  std::optional<uint8_t> stopped_at_;  // where someone said that there is no way on
  std::string words_;
  Duration longest_{};  // round trip
  std::vector<Duration> end_to_end_;
};

// Sets the losses of the hops, by what passed the hops behind them.
void judge_losses(PathResult& result);

// Turns all walks side by side until they are over or `stop` says so.
void run_walks(std::span<PathWalk> walks, const std::function<bool()>& stop);

// How far away the target is by the TTL of its answer to an echo, so that no more probes than
// needed reach it. Nothing where it does not answer.
std::optional<uint8_t> distance_by_echo(const PathOptions& options);

inline constexpr uint16_t kTraceroutePort = 33434;  // nobody listens there, by long custom

// Walks the way now. Fails where nothing can be sent. Ends early when `stop` says so.
Result<PathResult> find_path(const PathOptions& options, const std::function<bool()>& stop);

}  // namespace tcpdx::probe
