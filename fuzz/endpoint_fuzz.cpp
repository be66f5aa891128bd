// Arbitrary segments, user calls, ICMP errors and times into an endpoint, from every state that
// such a sequence reaches. Segments are described relative to what the endpoint expects, so that
// most are near the edges that matter. After each step what must always hold is asserted.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tcp/endpoint.hpp"
#include "tcp/transition.hpp"

namespace tcpdx::tcp {
namespace {

constexpr uint16_t kLocalPort = 80;
constexpr uint16_t kClosedPort = 81;
constexpr uint16_t kFirstRemotePort = 1000;
constexpr uint32_t kPeerIss = 5'000'000;
constexpr size_t kMostSteps = 300;
constexpr size_t kSegmentsInFlight = 64;

const IpAddress kUs = ipv4(192, 0, 2, 1);
const IpAddress kPeer = ipv4(198, 51, 100, 1);

void must(bool holds, std::string_view invariant) {
  if (holds) return;
  fmt::print(stderr, "broken: {}\n", invariant);
  std::abort();
}

// What the peer has at a sequence number, and the user at a place of its stream.
std::byte octet_at(uint32_t number) { return static_cast<std::byte>(number * 2654435761U >> 24U); }

std::vector<std::byte> octets_from(uint32_t number, size_t count) {
  std::vector<std::byte> octets(count);
  for (std::byte& octet : octets) octet = octet_at(number++);
  return octets;
}

class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : left_(bytes) {}
  bool empty() const { return left_.empty(); }
  uint8_t octet() {
    if (left_.empty()) return 0;
    const uint8_t value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  // Near 0, or near a multiple of a segment or of a large window.
  uint32_t offset() {
    constexpr std::array<int32_t, 4> kUnits{1, 1, 1460, 1 << 24};
    const uint8_t unit = octet();
    return static_cast<uint32_t>(static_cast<int8_t>(octet()) * kUnits[unit % kUnits.size()]);
  }
  template <class Value>
  Value one_of(std::initializer_list<Value> values) {
    return values.begin()[octet() % values.size()];
  }

 private:
  std::span<const uint8_t> left_;
};

bool bit(uint8_t octet, unsigned position) { return (octet >> position & 1U) != 0; }

Settings read_settings(Input& in) {
  const uint8_t a = in.octet();
  const uint8_t b = in.octet();
  Settings s = bit(b, 7) ? Settings::rfc9293() : Settings{};
  s.timestamps = bit(a, 0);
  s.window_scaling = bit(a, 1);
  s.sack = bit(a, 2);
  s.syn_cookies = in.one_of({SynCookies::never, SynCookies::when_full, SynCookies::always});
  s.probe_with_octet = bit(a, 3);
  s.rfc1337 = bit(a, 4);
  s.hard_errors_abort = bit(a, 5);
  s.reset_on_overflow = bit(a, 6);
  s.reuse_time_wait = bit(a, 7);
  s.repeat_syn_ack = bit(b, 0);
  s.rack = bit(b, 1);
  s.tail_loss_probe = bit(b, 2);
  s.congestion = bit(b, 3) ? CongestionLaw::cubic : CongestionLaw::new_reno;
  if (bit(b, 4)) s.user_timeout = 30s;
  s.receive_buffer = in.one_of<uint32_t>({2048, 65535, 262144});
  s.send_buffer = in.one_of<uint32_t>({2048, 20000, 65535});
  s.segments_in_flight = kSegmentsInFlight;
  s.max_backlog = 2;
  s.max_syn_backlog = 4;
  return s;
}

struct Sent {
  Packet packet;  // its text is in `text`
  std::vector<std::byte> text;
};

// One connection as an observer sees it: its state, and the window that it offered.
struct Seen {
  State state = State::closed;
  std::optional<Seq> edge{};  // right edge of the largest window offered
  uint32_t user_sent = 0;     // octets that send() took
  uint32_t went_out = 0;      // and how many of them were sent before this step
};

class Machine final : public Sink {
 public:
  Machine(Input& in, const Settings& settings)
      : in_(in), settings_(settings), endpoint_(settings, {1, 2}, *this) {}

  void send(const Packet& packet) override {
    sent_.push_back({packet, {packet.text.begin(), packet.text.end()}});
    sent_.back().packet.text = {};
  }
  void notify(ConnectionId /*id*/, Notice /*notice*/) override {}
  void acceptable(ListenerId /*id*/) override {}
  void moved(ConnectionId id, State from, Event on, State to) override {
    const Transition* row = transition(from, on);
    must(row != nullptr && row->to == to, "a move is a row of the transition table");
    const auto [place, is_new] = seen_.try_emplace(key(id));
    Seen& seen = place->second;
    // What a listener with a queue makes is in LISTEN before its first move.
    if (is_new && from == State::listen) seen.state = from;
    must(seen.state == from, "a move begins where the last one ended");
    seen.state = to;
    // Another life: numbers begin anew.
    if (to == State::syn_received) seen.edge.reset();
    if (to == State::listen || from == State::time_wait) seen = {.state = to};
  }

  void run() {
    open();
    check();
    for (size_t i = 0; i < kMostSteps && !in_.empty(); ++i) {
      step();
      check();
    }
    drain();
  }

 private:
  using Key = std::pair<uint32_t, uint32_t>;
  static Key key(ConnectionId id) { return {id.slot, id.generation}; }

  // --- What happens.
  void open();
  void step();
  void segment();
  void icmp();
  void pass_time(Duration time);
  void user_call();
  void user_send(ConnectionId id);
  void user_receive(ConnectionId id);
  void drain();
  // --- What must hold.
  void check();
  void check_connection(ConnectionId id, const Status& status);
  void check_sent(const Sent& sent);
  void check_answer(const Packet& packet, std::optional<State> before);

  SocketAddress us() const { return {kUs, kLocalPort}; }
  SocketAddress peer(uint8_t which) const {
    return {kPeer, static_cast<uint16_t>(kFirstRemotePort + which % 4)};
  }
  std::optional<ConnectionId> find(const SocketAddress& remote) const {
    return endpoint_.find(us(), remote);
  }
  std::optional<Status> status_of(const SocketAddress& remote) const {
    const auto id = find(remote);
    if (!id) return std::nullopt;
    const auto status = endpoint_.status(*id);
    return status ? std::optional(*status) : std::nullopt;
  }

  Input& in_;
  Settings settings_;
  Time now_ = 1s;
  Endpoint endpoint_;
  std::vector<ConnectionId> ours_;  // ids that the user holds
  std::optional<ListenerId> listener_;
  std::vector<Sent> sent_;  // in this step
  std::map<Key, Seen> seen_;
  std::map<uint16_t, uint32_t> last_timestamp_;  // that the endpoint sent to each peer's port
};

ConnectionOptions read_options(Input& in) {
  const uint8_t bits = in.octet();
  ConnectionOptions options;
  options.nagle = bit(bits, 0);
  if (bit(bits, 1)) options.keep_alive = KeepAlive{10s, 2s, 3, bit(bits, 2)};
  if (bit(bits, 3)) options.user_timeout = 20s;
  return options;
}

void Machine::open() {
  const uint8_t how = in_.octet();
  const ConnectionOptions options = read_options(in_);
  if (how % 4 == 0) {
    const auto id = endpoint_.listen(now_, us(), {.backlog = 2, .connection = options});
    if (id) listener_ = *id;
  } else if (how % 4 < 3) {
    std::optional<SocketAddress> remote;
    if (how % 4 == 2) remote = peer(0);
    const auto id = endpoint_.open_passive(now_, us(), remote, options);
    if (id) ours_.push_back(*id);
  } else {
    const auto id = endpoint_.connect(now_, us(), peer(0), options);
    if (id) ours_.push_back(*id);
  }
}

void Machine::step() {
  sent_.clear();
  const uint8_t what = in_.octet() % 16;
  if (what < 9) return segment();
  if (what == 9) return icmp();
  if (what == 10) return pass_time(std::chrono::milliseconds(in_.octet()));
  if (what == 11) return pass_time(std::chrono::seconds(in_.octet()));
  if (what == 12) {
    const auto due = endpoint_.next_deadline();
    return pass_time(due && *due > now_ ? *due - now_ : 0s);
  }
  user_call();
}

void Machine::pass_time(Duration time) {
  now_ += time;
  endpoint_.advance(now_);
  const auto due = endpoint_.next_deadline();
  must(!due || *due > now_, "advance() leaves nothing that is due");
}

void Machine::segment() {
  const uint8_t to = in_.octet();
  const SocketAddress remote = peer(to);
  const auto status = status_of(remote);
  const Status s = status.value_or(Status{});
  Packet packet;
  packet.source = kPeer;
  packet.destination = kUs;
  wire::TcpHeader& h = packet.header;
  h.source_port = remote.port;
  h.destination_port = bit(to, 7) ? kClosedPort : kLocalPort;
  h.flags = wire::flags_from_octet(in_.octet());
  const bool synchronized = status && s.state > State::syn_sent;
  const Seq next = synchronized ? s.rcv_nxt : Seq{kPeerIss};
  h.seq = in_.one_of<Seq>({next, next, next + s.rcv_wnd, s.irs}) + in_.offset();
  h.ack = in_.one_of<Seq>({s.snd_nxt, s.snd_nxt, s.snd_una, s.iss}) + in_.offset();
  h.window = static_cast<uint16_t>(in_.octet() << in_.octet() % 9);
  const uint8_t options = in_.octet();
  if (bit(options, 0)) h.options.mss = in_.one_of<uint16_t>({1460, 0, 1, 536, 65535});
  if (bit(options, 1)) h.options.window_scale = in_.octet() % 16;
  h.options.sack_permitted = bit(options, 2);
  if (bit(options, 3)) {
    const auto clock = static_cast<uint32_t>(milliseconds(now_));
    h.options.timestamps = {clock + in_.offset(), last_timestamp_[remote.port]};
  }
  if (bit(options, 4)) {
    h.options.sack_count = static_cast<uint8_t>(1 + in_.octet() % wire::kMaxSackBlocks);
    for (auto& block : std::span(h.options.sack_blocks).first(h.options.sack_count)) {
      block.left = s.snd_una + in_.offset();
      block.right = block.left + in_.offset();
    }
  }
  if (bit(options, 5)) h.urgent = static_cast<uint16_t>(in_.offset());
  std::vector<std::byte> text;
  if (bit(options, 6)) {
    text = octets_from(h.seq.raw + (h.flags.syn ? 1 : 0),
                       in_.one_of<size_t>({1, 100, 536, 1000, 1460}));
  }
  packet.text = text;
  const bool before = status.has_value();
  endpoint_.arrive(now_, packet);
  check_answer(packet, before ? std::optional(s.state) : std::nullopt);
}

void Machine::icmp() {
  const SocketAddress remote = peer(in_.octet());
  const Status s = status_of(remote).value_or(Status{});
  endpoint_.arrive(now_, IcmpError{.kind = in_.one_of({IcmpKind::soft_error, IcmpKind::hard_error,
                                                       IcmpKind::too_big, IcmpKind::source_quench}),
                                   .local = us(),
                                   .remote = remote,
                                   .seq = in_.one_of<Seq>({s.snd_una, s.snd_nxt}) + in_.offset(),
                                   .mtu = in_.one_of<uint16_t>({1400, 0, 68, 576, 9000})});
}

void Machine::user_send(ConnectionId id) {
  Seen& seen = seen_[key(id)];
  const auto octets = octets_from(seen.user_sent, in_.octet() * size_t{32} + 1);
  const auto bits = in_.octet();
  const auto taken =
      endpoint_.send(now_, id, octets, {.push = bit(bits, 0), .urgent = bits % 16 == 2});
  if (!taken) return;
  must(*taken <= octets.size(), "send() takes no more than it gets");
  seen.user_sent += static_cast<uint32_t>(*taken);
}

void Machine::user_receive(ConnectionId id) {
  const auto before = endpoint_.status(id);
  std::vector<std::byte> out(in_.octet() * size_t{16} + 1);
  const auto got = endpoint_.receive(now_, id, out);
  if (!got || *got == 0) return;
  must(*got <= out.size() && before && *got <= before->unread, "receive() gives what is there");
  // A FIN that was taken stands between the text and RCV.NXT.
  const auto readable = endpoint_.readiness(id);
  if (before->state != State::established || !readable) return;
  const uint32_t first = before->rcv_nxt.raw - static_cast<uint32_t>(before->unread);
  out.resize(*got);
  must(out == octets_from(first, *got), "octets arrive in order and unchanged");
}

// Calls may be refused in any state; then they say why.
void answered(const Result<void>& result) {
  must(result || !result.error().sentence.empty(), "an error tells why");
}

void Machine::user_call() {
  const uint8_t what = in_.octet() % 12;
  if (what == 0 && listener_) {
    if (const auto id = endpoint_.accept(now_, *listener_)) ours_.push_back(*id);
    return;
  }
  if (what == 1) return open();
  if (what == 2 && listener_) {
    endpoint_.stop_listening(now_, *listener_);
    listener_.reset();
    return;
  }
  if (ours_.empty()) return;
  const size_t index = in_.octet() % ours_.size();
  const ConnectionId id = ours_[index];
  const auto forget = [&] { ours_.erase(ours_.begin() + static_cast<ptrdiff_t>(index)); };
  switch (what) {
    case 3: answered(endpoint_.shutdown(now_, id)); break;
    case 4:
      answered(endpoint_.close(now_, id));
      forget();
      break;
    case 5:
      answered(endpoint_.abort(now_, id));
      forget();
      break;
    case 6: answered(endpoint_.connect(now_, id, peer(in_.octet()))); break;
    case 7: answered(endpoint_.set_options(now_, id, read_options(in_))); break;
    case 8:
    case 9: user_receive(id); break;
    default: user_send(id); break;
  }
}

// A quiet network and no user: every connection comes to an end by its timers, or waits for ever
// where the RFC has it so.
void Machine::drain() {
  for (const ConnectionId id : std::vector(ours_)) {
    sent_.clear();
    answered(endpoint_.abort(now_, id));
    check();
  }
  ours_.clear();
  if (listener_) endpoint_.stop_listening(now_, *listener_);
  listener_.reset();
  size_t timers = 0;
  while (const auto due = endpoint_.next_deadline()) {
    must(++timers < 2000, "timers come to an end");
    sent_.clear();
    pass_time(std::max<Duration>(*due - now_, 0s));
    check();
  }
}

// Segments to nobody get at most a RST, and a RST gets at most the challenge of RFC 5961.
void Machine::check_answer(const Packet& packet, std::optional<State> before) {
  const wire::TcpFlags flags = packet.header.flags;
  const bool closed_port = packet.header.destination_port == kClosedPort;
  for (const Sent& answer : sent_) {
    const wire::TcpFlags f = answer.packet.header.flags;
    if (closed_port) must(f.rst && answer.text.empty(), "CLOSED sends nothing but RST");
    if (!flags.rst) continue;
    must(before && *before > State::syn_sent, "a RST to no connection gets no answer");
    const bool bare = f.ack && !f.syn && !f.fin && !f.rst && answer.text.empty();
    must(bare, "a RST gets at most a bare ACK");
  }
  if (flags.rst) must(sent_.size() <= 1, "a RST gets at most one answer");
  if (closed_port) must(sent_.size() <= 1, "CLOSED answers once");
}

void Machine::check_sent(const Sent& sent) {
  const wire::TcpHeader& h = sent.packet.header;
  must(sent.packet.source == kUs && sent.packet.destination == kPeer, "segments go to the peer");
  must(sent.text.size() + wire::header_size(h) + 20 <= settings_.mtu, "a segment fits the MTU");
  must(!h.flags.rst || (sent.text.empty() && !h.flags.syn && !h.flags.fin), "a RST stands alone");
  if (h.options.timestamps) last_timestamp_[h.destination_port] = h.options.timestamps->value;
}

void Machine::check_connection(ConnectionId id, const Status& s) {
  Seen& seen = seen_[key(id)];
  must(seen.state == s.state, "each change of state is told");
  if (s.state == State::closed || s.state == State::listen) return;
  must(s.snd_una <= s.snd_nxt, "SND.UNA is not beyond SND.NXT");
  const bool waits = s.state == State::syn_sent || s.state == State::syn_received ||
                     s.state == State::fin_wait_1 || s.state == State::closing ||
                     s.state == State::last_ack || s.state == State::time_wait;
  if (waits || s.unacknowledged != 0 || s.unsent != 0) {
    must(endpoint_.next_deadline().has_value(), "a timer runs while something is outstanding");
  }
  must(s.unread <= settings_.receive_buffer, "the receive buffer is bounded");
  for (const Sent& sent : sent_) {
    const wire::TcpHeader& h = sent.packet.header;
    if (SocketAddress{kPeer, h.destination_port} != s.remote || h.source_port != kLocalPort)
      continue;
    if (h.flags.rst) continue;
    const auto length = static_cast<uint32_t>(sent.text.size());
    // Only new data: a window that shrank may leave what is repeated outside of it.
    const Seq end = h.seq + length;
    const uint32_t place = h.seq.raw - s.iss.raw - 1;
    // Before SND.UNA stands only the garbage octet of a keep-alive (MAY-6).
    if (length != 0 && h.seq >= s.snd_una && place + length <= seen.user_sent) {
      must(sent.text == octets_from(place, length), "text is what the user sent");
    }
    if (length > 1 && place + length > seen.went_out) {
      must(end <= s.snd_una + s.snd_wnd, "new text is within the window");
    }
    if (!h.flags.ack) continue;
    const unsigned scale = h.flags.syn ? 0 : s.rcv_scale.value_or(0);
    const Seq edge = h.ack + (uint32_t{h.window} << scale);
    const uint32_t rounding = (1U << s.rcv_scale.value_or(0)) - 1;
    // A SYN cannot say more than 65535 (RFC 7323 2.2), also when it is repeated later.
    if (seen.edge && !h.flags.syn) {
      must(edge + rounding >= *seen.edge, "the offered window does not shrink");
    }
    seen.edge = seen.edge ? later(*seen.edge, edge) : edge;
  }
  seen.went_out = s.snd_nxt.raw - s.iss.raw - 1;
}

void Machine::check() {
  for (const Sent& sent : sent_) check_sent(sent);
  for (uint8_t which = 0; which < 4; ++which) {
    const auto id = find(peer(which));
    if (!id) continue;
    const auto status = endpoint_.status(*id);
    must(status.has_value(), "a connection that is found has a status");
    check_connection(*id, *status);
  }
  // Backlogs of 2 and 4 and what the user opened; 32 transfers are kept for the next connections.
  const size_t transfer = std::bit_ceil(size_t{settings_.receive_buffer}) +
                          std::bit_ceil(size_t{settings_.send_buffer}) + kSegmentsInFlight * 128 +
                          1024;
  must(endpoint_.memory() <= 65536 + (endpoint_.connections() + 64) * (512 + transfer),
       "memory is bounded");
}

}  // namespace
}  // namespace tcpdx::tcp

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tcpdx::tcp::Input in(std::span(data, size));
  const tcpdx::tcp::Settings settings = tcpdx::tcp::read_settings(in);
  tcpdx::tcp::Machine(in, settings).run();
  return 0;
}
