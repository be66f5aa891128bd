// The way to a host: every router at once. Probes with rising TTLs leave together, so that the
// answer takes one round trip; with several rounds each hop gets its own account.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probe/asker.hpp"
#include "probe/path_mtu.hpp"
#include "probe/reach.hpp"
#include "probe/statistics.hpp"

namespace tcpdx::probe {

struct PathOptions {
  AskOptions ask;
  std::optional<Method> method;  // none: TCP where a port is given, else ICMP, else UDP
  uint8_t max_ttl = 30;
  unsigned rounds = 1;       // probes for each hop; 0: without end
  unsigned end_to_end = 0;   // probes that only the target answers, spread over the rounds
  Duration spacing = 500ms;  // between rounds
  Duration patience{};       // with each probe; 0: learnt from the round trips
  unsigned flows = 1;        // UDP source ports, each of which walks the way by itself
  bool mtu = false;          // measure the MTU of each hop, too
};

// Who answered at one distance. Several of them: the ways part there (ECMP), or the route changed.
struct Responder {
  IpAddress address;
  std::vector<Duration> rtts;          // the last 1,000 to 2,000 of them
  std::vector<MplsLabel> labels;       // RFC 4950
  std::optional<uint8_t> answer_ttl;   // of its last answer, as it arrived
  std::optional<uint16_t> quoted_mss;  // TCP: the MSS of our SYN as it came there
  std::string words;                   // of an error that is not "TTL exceeded"; empty: none
};

struct PathHop {
  uint8_t ttl = 0;
  std::vector<Responder> responders;
  unsigned sent = 0;  // those of which something is known by now
  unsigned answered = 0;
  // Round trips of the last probes as they became known, the latest last; nothing: no answer.
  std::deque<std::optional<Duration>> recent{};
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
  uint64_t meant = 0;         // probes for the target whose fate is known
  Share end_to_end_loss{};    // of those
  std::optional<RttSummary> end_to_end;
  std::optional<PathMtu> mtu;  // of `hops`, where it was asked for
  // With several flows, and `hops` is then what all of them found. A flow whose answers fit more
  // than one branch is undecided.
  std::vector<Branch> branches;
  std::vector<uint16_t> undecided;
};

// The account of one walk. Time is monotonic and the caller's, since the walk began.
class PathWalk {
 public:
  // `echo` asks the same host by ICMP how far away it is, where SYNs must know that (Reach).
  PathWalk(std::unique_ptr<Asker> asker, Method method, const PathOptions& options,
           std::unique_ptr<Asker> echo = nullptr);

  void turn(Duration now);
  Duration next() const;
  bool over() const;
  void add_polls(std::vector<pollfd>& into) const;
  // What is known by now; what is still under way is neither answered nor lost.
  PathResult result(Duration took) const;

  // Of a walk without end. While it pauses, nothing is sent; what is under way is still heard.
  void pause(bool yes) { paused_ = yes; }
  // Forgets all counts and times, and what is under way; a new round begins at the next turn.
  void reset();

 private:
  struct Probe {
    uint64_t seq = 0;
    uint8_t ttl = 0;  // 0: end to end
    unsigned round = 0;
    Duration due{};        // when it might have left at the earliest
    Duration at{};         // when it left
    bool known = false;    // answered, in error, given up, or not wanted any more
    bool counted = false;  // in what was sent
    bool answered = false;
  };
  struct Due {
    uint8_t ttl = 0;
    Duration at{};
  };

  void hear_echo(Duration now);
  void take(const Heard& heard, Probe& probe, Duration now);
  void note_target(const Heard& heard, const Probe& probe, Duration rtt);
  void note_error(const Heard& heard, const Probe& probe);
  void note_change(const Probe& probe, bool ran_out);
  void note_silence(const Probe& probe);
  void count(Probe& probe);
  void give_up(Duration now);
  void send_due(Duration now);
  void send_waiting(Duration now);
  void begin_round(Duration now);
  void send(const Due& due, Duration now);
  bool endless() const { return options_.rounds == 0; }
  bool more_rounds() const { return endless() || round_ < options_.rounds; }
  bool wanted(uint8_t ttl) const;
  bool may_go(const Due& due) const { return !reach_ || reach_->allows(due.ttl); }
  bool will_go(const Due& due) const;
  Duration direct_at(unsigned number) const;
  Duration patience_now() const;
  Duration deadline(const Probe& probe) const;
  unsigned last_hop() const;
  std::optional<uint8_t> target_hop() const;

  std::unique_ptr<Asker> asker_;
  std::unique_ptr<Asker> echo_;  // until it is answered
  Method method_;
  PathOptions options_;
  std::optional<Reach> reach_;  // by TCP
  bool begun_ = false;
  bool paused_ = false;
  unsigned round_ = 0;  // rounds that have begun
  Duration round_at_{};
  unsigned direct_ = 0;        // end-to-end probes that have been due
  std::vector<Due> waiting_;   // of this round, the nearest first
  std::deque<Probe> probes_;   // that may still be heard of
  std::vector<PathHop> hops_;  // by TTL, from 1
  PathHop end_{};              // counts of the end-to-end probes
  unsigned farthest_asked_ = 0;
  bool reached_ = false;  // once, at least
  uint64_t next_seq_ = 0;
  // The least TTL at which the target answered, and the last round in which it did.
  std::optional<uint8_t> target_ttl_;
  unsigned target_round_ = 0;
  // Where someone said that there is no way on, and in which round.
  std::optional<uint8_t> stopped_at_;
  unsigned stopped_round_ = 0;
  std::string words_;
  Duration longest_{};  // round trip
  std::vector<Duration> end_to_end_;
};

// How long an answer is waited for where the longest round trip was that: a floor, because a busy
// machine is late itself. Nothing answered yet: the most.
Duration patience(Duration longest);

// Sets the losses of the hops, by what passed the hops behind them.
void judge_losses(PathResult& result);

struct WalkLoop {
  std::function<bool()> stop;            // whether to end early; may be empty
  std::function<void(Duration)> turned;  // after each turn, with the walks' time; may be empty
  int wake = -1;  // a descriptor that ends a wait when there is something to read
};

// Turns all walks side by side until they are over or are stopped.
void run_walks(std::span<PathWalk> walks, const WalkLoop& loop);

// How far away the target is by the TTL of its answer to an echo, so that no more probes than
// needed reach it. Nothing where it does not answer.
std::optional<uint8_t> distance_by_echo(const PathOptions& options);

inline constexpr uint16_t kTraceroutePort = 33434;  // nobody listens there, by long custom

// Opens what the walk asks by: ICMP without a method and a port, or UDP where this user may send no
// echoes. Fails where nothing can be sent.
Result<PathWalk> open_walk(const PathOptions& options);

// Walks the way now. Fails where nothing can be sent. Ends early when `stop` says so.
Result<PathResult> find_path(const PathOptions& options, const std::function<bool()>& stop);

}  // namespace tcpdx::probe
