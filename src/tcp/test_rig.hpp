// For tests: one endpoint in virtual time, and opposite to it a peer that the test plays by hand,
// segment by segment. Every change of state is checked against the transition table.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/seq.hpp"
#include "tcp/endpoint.hpp"
#include "tcp/transition.hpp"

namespace tcpdx::tcp {

inline const SocketAddress kHere{ipv4(192, 0, 2, 1), 80};
inline const SocketAddress kThere{ipv4(198, 51, 100, 7), 40000};
inline constexpr Seq kIrs{5000};  // the peer's ISN, unless a test says otherwise
inline constexpr Secret kSecret{0x0706050403020100, 0x0f0e0d0c0b0a0908};

inline constexpr wire::TcpFlags kNone{};
inline constexpr wire::TcpFlags kSyn{.syn = true};
inline constexpr wire::TcpFlags kSynAck{.syn = true, .ack = true};
inline constexpr wire::TcpFlags kAck{.ack = true};
inline constexpr wire::TcpFlags kFin{.fin = true};
inline constexpr wire::TcpFlags kFinAck{.fin = true, .ack = true};
inline constexpr wire::TcpFlags kRst{.rst = true};
inline constexpr wire::TcpFlags kRstAck{.rst = true, .ack = true};
inline constexpr wire::TcpFlags kUrgAck{.ack = true, .urg = true};

inline std::span<const std::byte> octets_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Octets of which each place can be told from its neighbours.
inline std::string pattern(size_t length, size_t from = 0) {
  std::string text(length, ' ');
  for (size_t i = 0; i < length; ++i) text[i] = static_cast<char>('!' + (from + i) % 93);
  return text;
}

inline wire::TcpOptions mss_option(uint16_t mss) {
  wire::TcpOptions options;
  options.mss = mss;
  return options;
}

inline ConnectionOptions without_nagle() {
  ConnectionOptions options;
  options.nagle = false;
  return options;
}

// A segment with text of its own. The defaults are those of what the peer sends.
struct Segment {
  wire::TcpFlags flags{};
  Seq seq{};
  Seq ack{};
  std::string text{};
  uint16_t window = 65535;
  uint16_t urgent = 0;
  wire::TcpOptions options{};
  SocketAddress from = kThere;
  SocketAddress to = kHere;
  uint8_t ttl = 64;
  uint8_t traffic_class = 0;
  std::vector<IpAddress> source_route{};

  uint32_t length() const {
    return static_cast<uint32_t>(text.size()) + (flags.syn ? 1U : 0U) + (flags.fin ? 1U : 0U);
  }
  Seq end() const { return seq + length(); }
};

inline Segment segment_of(const Packet& packet) {
  const auto* text = reinterpret_cast<const char*>(packet.text.data());
  return {.flags = packet.header.flags,
          .seq = packet.header.seq,
          .ack = packet.header.ack,
          .text = packet.text.empty() ? std::string() : std::string(text, packet.text.size()),
          .window = packet.header.window,
          .urgent = packet.header.urgent,
          .options = packet.header.options,
          .from = packet.from(),
          .to = packet.to(),
          .ttl = packet.ttl,
          .traffic_class = packet.traffic_class,
          .source_route = {packet.source_route.begin(), packet.source_route.end()}};
}

// Good as long as the segment lives.
inline Packet packet_of(const Segment& segment) {
  Packet packet{.source = segment.from.addr,
                .destination = segment.to.addr,
                .header = {},
                .text = octets_of(segment.text),
                .ttl = segment.ttl,
                .traffic_class = segment.traffic_class,
                .source_route = segment.source_route};
  packet.header = {.source_port = segment.from.port,
                   .destination_port = segment.to.port,
                   .seq = segment.seq,
                   .ack = segment.ack,
                   .flags = segment.flags,
                   .window = segment.window,
                   .urgent = segment.urgent,
                   .options = segment.options};
  return packet;
}

// The control bits that count in the RFC's figures; PSH is left out.
inline std::string control_bits(wire::TcpFlags flags) {
  std::string bits;
  const auto add = [&bits](bool set, std::string_view name) {
    if (!set) return;
    if (!bits.empty()) bits += ',';
    bits += name;
  };
  add(flags.syn, "SYN");
  add(flags.fin, "FIN");
  add(flags.rst, "RST");
  add(flags.urg, "URG");
  add(flags.ack, "ACK");
  return bits.empty() ? "none" : bits;
}

// "<SEQ=101><ACK=301><CTL=ACK>" in absolute numbers; text as "<DATA=10>".
inline std::string rfc_text(const Segment& segment) {
  std::string text = fmt::format("<SEQ={}>", segment.seq.raw);
  if (segment.flags.ack) text += fmt::format("<ACK={}>", segment.ack.raw);
  if (!segment.text.empty()) text += fmt::format("<DATA={}>", segment.text.size());
  return text + fmt::format("<CTL={}>", control_bits(segment.flags));
}

struct Move {
  ConnectionId id;
  State from{};
  Event on{};
  State to{};
};

// The endpoint's calls with the time put in, and everything it said.
class Rig final : public Sink {
 public:
  explicit Rig(Settings settings = {}, Secret secret = kSecret)
      : endpoint(std::move(settings), secret, *this) {}

  void send(const Packet& packet) override {
    sent.push_back(segment_of(packet));
    const Segment& segment = sent.back();
    if (segment.flags.rst) return;
    if (segment.flags.syn) snd_nxt = segment.end();
    snd_nxt = later(snd_nxt, segment.end());
    const Seq edge = segment.ack + segment.window;
    if (segment.flags.ack) right_edge = right_edge ? later(*right_edge, edge) : edge;
  }
  void notify(ConnectionId /*id*/, Notice notice) override { notices.push_back(notice); }
  void acceptable(ListenerId /*id*/) override { ++acceptables; }
  void moved(ConnectionId id, State from, Event on, State to) override {
    const Transition* row = transition(from, on);
    EXPECT_TRUE(row != nullptr && row->to == to)
        << to_string(from) << " " << to_string(on) << " -> " << to_string(to);
    const std::pair key{id.slot, id.generation};
    if (const auto known = states_.find(key); known != states_.end()) {
      EXPECT_EQ(from, known->second) << to_string(on);
    }
    states_[key] = to;
    moves.push_back({id, from, on, to});
  }

  // The state of the only connection, or of the one that moved last.
  State state() const { return moves.empty() ? State::closed : moves.back().to; }
  State state(ConnectionId id) const {
    const Result<Status> status = endpoint.status(id);
    return status ? status->state : State::closed;
  }
  Status status(ConnectionId id) const {
    const Result<Status> status = endpoint.status(id);
    EXPECT_TRUE(status) << (status ? "" : status.error().sentence);
    return status.value_or(Status{});
  }
  Readiness readiness(ConnectionId id) const {
    return endpoint.readiness(id).value_or(Readiness{});
  }

  std::vector<Segment> take() { return std::exchange(sent, {}); }
  // The one segment that was sent since the last take.
  Segment one() {
    EXPECT_EQ(sent.size(), 1U) << said();
    const std::vector<Segment> all = take();
    return all.empty() ? Segment{} : all.front();
  }
  std::string said() const {
    std::string all;
    for (const Segment& segment : sent) all += rfc_text(segment) + "\n";
    return all;
  }
  bool told(Notice notice) const { return std::ranges::find(notices, notice) != notices.end(); }
  size_t times_told(Notice notice) const {
    return static_cast<size_t>(std::ranges::count(notices, notice));
  }

  void arrive(const Segment& segment) { endpoint.arrive(now, packet_of(segment)); }

  // --- The peer of an open connection: it sends from peer_nxt and acknowledges snd_nxt.
  void peer_text(std::string text, wire::TcpFlags flags = kAck) {
    Segment segment{.flags = flags, .seq = peer_nxt, .ack = snd_nxt, .text = std::move(text)};
    segment.window = peer_window;
    peer_nxt = segment.end();
    arrive(segment);
  }
  void peer_fin() { peer_text({}, kFinAck); }
  void peer_ack(Seq ack) {
    arrive({.flags = kAck, .seq = peer_nxt, .ack = ack, .window = peer_window});
  }
  void peer_ack_all() { peer_ack(snd_nxt); }

  // --- Time.
  // Lets time pass and every deadline in it come.
  void run_for(Duration duration) {
    const Time end = now + duration;
    for (int steps = 0; steps < 1'000'000; ++steps) {
      const std::optional<Time> deadline = endpoint.next_deadline();
      if (!deadline || *deadline > end) break;
      now = std::max(now, *deadline);
      endpoint.advance(now);
    }
    now = end;
    endpoint.advance(now);
  }
  // Until something is sent, at most so long. How long it took, or nothing.
  std::optional<Duration> run_until_sent(Duration most) {
    const Time start = now;
    while (sent.empty()) {
      const std::optional<Time> deadline = endpoint.next_deadline();
      if (!deadline || *deadline > start + most) {
        run_for(start + most - now);
        return sent.empty() ? std::nullopt : std::optional(now - start);
      }
      now = std::max(now, *deadline);
      endpoint.advance(now);
    }
    return now - start;
  }

  // --- Ways to open. What was sent and told for it is taken.
  ConnectionId start_connect(const ConnectionOptions& options = {}) {
    const Result<ConnectionId> id = endpoint.connect(now, kHere, kThere, options);
    EXPECT_TRUE(id) << (id ? "" : id.error().sentence);
    iss = sent.empty() ? Seq{} : sent.back().seq;
    peer_nxt = kIrs + 1;
    return id.value_or(ConnectionId{});
  }
  ConnectionId open_active(const ConnectionOptions& options = {},
                           const wire::TcpOptions& peer = {}) {
    const ConnectionId id = start_connect(options);
    arrive({.flags = kSynAck, .seq = kIrs, .ack = iss + 1, .window = peer_window, .options = peer});
    EXPECT_EQ(state(id), State::established);
    forget();
    return id;
  }
  ListenerId listen(const ListenOptions& options = {}) {
    const Result<ListenerId> id = endpoint.listen(now, kHere, options);
    EXPECT_TRUE(id) << (id ? "" : id.error().sentence);
    return id.value_or(ListenerId{});
  }
  // The first two segments of a passive open.
  void half_open(const wire::TcpOptions& peer = {}) {
    arrive({.flags = kSyn, .seq = kIrs, .window = peer_window, .options = peer});
    iss = sent.empty() ? Seq{} : sent.back().seq;
    peer_nxt = kIrs + 1;
  }
  ConnectionId open_passive(const ListenOptions& options = {}, const wire::TcpOptions& peer = {}) {
    const ListenerId listener = listen(options);
    half_open(peer);
    peer_ack_all();
    const std::optional<ConnectionId> id = endpoint.accept(now, listener);
    EXPECT_TRUE(id);
    forget();
    return id.value_or(ConnectionId{});
  }
  void forget() {
    sent.clear();
    notices.clear();
  }

  // --- User calls that must succeed.
  size_t user_send(ConnectionId id, std::string_view text, SendOptions options = {}) {
    const Result<size_t> taken = endpoint.send(now, id, octets_of(text), options);
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().sentence);
    return taken.value_or(0);
  }
  std::string user_receive(ConnectionId id, size_t most = 1U << 20U) {
    std::string text(most, '\0');
    const Result<size_t> taken = endpoint.receive(now, id, std::as_writable_bytes(std::span(text)));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().sentence);
    text.resize(taken.value_or(0));
    return text;
  }
  void user_shutdown(ConnectionId id) { EXPECT_TRUE(endpoint.shutdown(now, id)); }
  void user_close(ConnectionId id) { EXPECT_TRUE(endpoint.close(now, id)); }

  Time now{};
  Endpoint endpoint;
  std::vector<Segment> sent;
  std::vector<Notice> notices;
  std::vector<Move> moves;
  int acceptables = 0;
  Seq iss;
  Seq snd_nxt;                    // the end of what was sent
  std::optional<Seq> right_edge;  // of the windows that were offered, unscaled
  Seq peer_nxt = kIrs + 1;
  uint16_t peer_window = 65535;

 private:
  std::map<std::pair<uint32_t, uint32_t>, State> states_;
};

}  // namespace tcpdx::tcp
