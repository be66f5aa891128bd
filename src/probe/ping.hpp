// Asking one host again and again, with an account of every probe: answered, lost, late, twice, out
// of order, damaged, or answered by an error.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "probe/asker.hpp"
#include "probe/statistics.hpp"

namespace tcpdx::probe {

enum class ProbeStatus : uint8_t { reply, lost, late, duplicate, error };
std::string_view to_string(ProbeStatus status);  // "reply"

struct PingOptions {
  AskOptions ask;
  std::optional<Method> method;  // none: ICMP, or UDP where this user may open no ping socket
  Duration interval = 1s;
  uint64_t count = 0;  // 0: until stop()
};

// What became known of a probe. A probe that was reported lost may be reported late afterwards.
struct ProbeReport {
  uint64_t seq = 0;
  WallTime sent{};
  ProbeStatus status = ProbeStatus::reply;
  std::optional<Duration> rtt;
  std::optional<IpAddress> from;
  std::optional<uint8_t> ttl;
  bool reordered = false;  // a later probe was answered before
  bool damaged = false;    // came back with other text
  std::string words;       // of an error
};

struct PingSummary {
  uint64_t sent = 0;      // those of which something is known by now
  uint64_t received = 0;  // late ones too
  uint64_t late = 0;
  uint64_t duplicates = 0;
  uint64_t reordered = 0;
  uint64_t damaged = 0;
  uint64_t errors = 0;
  Share loss;  // of those without any answer
  std::optional<RttSummary> rtt;
  std::optional<Duration> jitter;
  std::optional<HopGuess> hops;  // of the last answer that had a TTL
};

// Time is monotonic and the caller's: since a moment that it chooses.
class Ping {
 public:
  static Result<Ping> open(const PingOptions& options);
  Ping(std::unique_ptr<Asker> asker, Method method, const PingOptions& options);

  Method method() const { return method_; }
  const SocketAddress& target() const { return options_.ask.target; }

  // Hears what came and sends what is due.
  void turn(Duration now, std::vector<ProbeReport>& into);
  // When turn() has something to do though nothing arrives.
  Duration next() const;
  void add_polls(std::vector<pollfd>& into) const { asker_->add_polls(into); }
  // Sends no more; what is under way is still waited for.
  void stop() { stopped_ = true; }
  bool over() const;
  PingSummary summary() const;
  // How long a probe may take before it is called lost: four times the longest round trip so far,
  // but no less than 250 ms, which a busy machine needs, and no more than 1 s.
  Duration patience() const;

 private:
  struct Probe {
    uint64_t seq = 0;
    Duration at{};
    WallTime sent{};
    bool known = false;     // answered, in error, or lost
    bool answered = false;  // at all
  };

  void send(Duration now, std::vector<ProbeReport>& into);
  void hear(Duration now, std::vector<ProbeReport>& into);
  void take(const Heard& heard, Probe& probe, Duration now, std::vector<ProbeReport>& into);
  void take_answer(const Heard& heard, Probe& probe, Duration now, ProbeReport& report);
  void give_up(Duration now, std::vector<ProbeReport>& into);
  bool may_send() const;

  std::unique_ptr<Asker> asker_;
  Method method_;
  PingOptions options_;
  std::deque<Probe> probes_;  // those that may still be heard of, in the order of their numbers
  uint64_t next_seq_ = 0;
  Duration next_at_{};
  bool stopped_ = false;
  std::optional<uint64_t> highest_;  // number of the latest probe that was answered
  std::vector<Duration> rtts_;
  Jitter jitter_;
  PingSummary sums_;
};

}  // namespace tcpdx::probe
