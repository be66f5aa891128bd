// An exhaustive search of opening and closing: two endpoints, every order in which a bounded number
// of segments arrive, are lost or come twice, timers run out and users call. From each state that
// is reached, a quiet network and users who let go must lead to CLOSED; every row of the transition
// table must be met on the way, or stand in a list with the reason.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

const std::array<SocketAddress, 2> kEnds{SocketAddress{ipv4(192, 0, 2, 1), 80},
                                         SocketAddress{ipv4(198, 51, 100, 7), 4000}};

using Row = std::pair<State, Event>;

// What may happen next. `side` is the one that calls, receives or whose timer runs.
enum class What : uint8_t {
  call_open,
  call_send,  // in LISTEN only: passive becomes active
  call_shutdown,
  call_close,
  call_abort,
  deliver,  // the n-th segment on its way to the side
  lose,
  repeat,
  timer,
  forge_reset,  // a RST that is exactly right
  hard_error,   // ICMP about the oldest segment
};
struct Choice {
  What what{};
  uint8_t side = 0;
  uint8_t n = 0;
};

struct Rules {
  std::string_view name;
  std::array<bool, 2> passive{};  // how each side opens, when it does
  bool queue = false;             // side 0 listens as servers do, with a queue
  unsigned losses = 0;
  unsigned repeats = 0;
  unsigned timers = 0;
  unsigned forged = 0;
  bool aborts = false;
  bool hard_errors = false;
  unsigned in_flight = 2;
  Settings settings{};
  ConnectionOptions options{};
};

// One world: made anew and led along a list of choices, because an endpoint cannot be copied.
class World {
 public:
  explicit World(const Rules& rules) : rules_(rules), sides_{Side(*this, 0), Side(*this, 1)} {
    if (!rules.queue) return;
    listener_ = sides_[0]
                    .endpoint.listen(now_, kEnds[0], {.backlog = 2, .connection = rules.options})
                    .value();
    opened_[0] = true;
  }

  void apply(Choice choice) {
    const size_t side = choice.side;
    Endpoint& endpoint = sides_[side].endpoint;
    switch (choice.what) {
      case What::call_open: open(side); break;
      case What::call_send: (void)endpoint.send(now_, *ids_[side], octets_of("x")); break;
      case What::call_shutdown:
        done_.insert({What::call_shutdown, side});
        (void)endpoint.shutdown(now_, *ids_[side]);
        break;
      case What::call_close:
        (void)endpoint.close(now_, *ids_[side]);
        gone_[side] = true;
        break;
      case What::call_abort:
        (void)endpoint.abort(now_, *ids_[side]);
        gone_[side] = true;
        break;
      case What::deliver: arrive(side, take(side, choice.n)); break;
      case What::lose:
        ++losses_;
        take(side, choice.n);
        break;
      case What::repeat:
        ++repeats_;
        arrive(side, coming_[side][choice.n]);
        break;
      case What::timer:
        ++timers_;
        now_ = *endpoint.next_deadline();
        endpoint.advance(now_);
        break;
      case What::forge_reset:
        ++forged_;
        forge(side);
        break;
      case What::hard_error:
        ++forged_;
        hard_error(side);
        break;
    }
    accept();
  }

  std::vector<Choice> choices() const {
    std::vector<Choice> all;
    for (uint8_t side = 0; side < 2; ++side) {
      add_calls(all, side);
      for (uint8_t n = 0; n < coming_[side].size(); ++n) {
        all.push_back({What::deliver, side, n});
        if (losses_ < rules_.losses) all.push_back({What::lose, side, n});
        if (repeats_ < rules_.repeats) all.push_back({What::repeat, side, n});
      }
      if (timers_ < rules_.timers && sides_[side].endpoint.next_deadline()) {
        all.push_back({What::timer, side, 0});
      }
      if (forged_ < rules_.forged && status(side)) all.push_back({What::forge_reset, side, 0});
      if (rules_.hard_errors && forged_ == 0 && status(side))
        all.push_back({What::hard_error, side, 0});
    }
    return all;
  }
  bool too_many() const { return coming_[0].size() + coming_[1].size() > rules_.in_flight; }

  // All by which two worlds may differ from here on.
  std::string key() const {
    std::string key = fmt::format("{}{}{}{}|{}{}{}{}|", losses_, repeats_, timers_, forged_,
                                  opened_[0], opened_[1], gone_[0], gone_[1]);
    for (size_t side = 0; side < 2; ++side) {
      const auto s = status(side);
      const auto due = sides_[side].endpoint.next_deadline();
      key += s ? fmt::format("{} {} {} {} {} {} ", std::to_underlying(s->state),
                             octets(s->iss, s->snd_una), octets(s->iss, s->snd_nxt),
                             octets(s->irs, s->rcv_nxt), s->retransmissions, s->unread)
               : "- ";
      key += fmt::format("{} {} ", due ? (*due - now_).count() : -1,
                         done_.contains({What::call_shutdown, side}));
      for (const Segment& segment : coming_[side]) key += name(segment, 1 - side);
      key += '|';
    }
    return key;
  }

  // The network loses nothing more, and after a while the users let go. Whether both ends are then
  // CLOSED; before that, whether they agree if both are ESTABLISHED.
  std::string quiet() {
    settle(5s);
    const auto a = status(0);
    const auto b = status(1);
    if (a && b && a->state == established && b->state == established &&
        (a->snd_nxt != b->rcv_nxt || b->snd_nxt != a->rcv_nxt)) {
      return "both are ESTABLISHED, and disagree";
    }
    for (size_t side = 0; side < 2; ++side) {
      if (ids_[side] && !gone_[side]) (void)sides_[side].endpoint.close(now_, *ids_[side]);
    }
    settle(1h);
    for (const auto& side : sides_) {
      if (side.endpoint.connections() != 0) return "a connection is left";
    }
    return {};
  }

  static std::map<Row, size_t>& rows() {
    static std::map<Row, size_t> rows;
    return rows;
  }

 private:
  class Side final : public Sink {
   public:
    Side(World& world, size_t index)
        : endpoint(world.rules_.settings, {index + 1, 9}, *this), world_(world), index_(index) {}
    void send(const Packet& packet) override {
      world_.coming_[1 - index_].push_back(segment_of(packet));
    }
    void notify(ConnectionId /*id*/, Notice /*notice*/) override {}
    void acceptable(ListenerId /*id*/) override {}
    void moved(ConnectionId /*id*/, State from, Event on, State to) override {
      const Transition* row = transition(from, on);
      ASSERT_TRUE(row != nullptr && row->to == to);
      ++rows()[{from, on}];
    }
    Endpoint endpoint;

   private:
    World& world_;
    size_t index_;
  };

  std::optional<Status> status(size_t side) const {
    const auto id = sides_[side].endpoint.find(kEnds.at(side), kEnds.at(1 - side));
    if (const auto& own = ids_.at(side); !id && own && !gone_[side]) {
      const auto s = sides_[side].endpoint.status(*own);
      return s ? std::optional(*s) : std::nullopt;
    }
    if (!id) return std::nullopt;
    return sides_[side].endpoint.status(*id).value();
  }
  void add_calls(std::vector<Choice>& all, uint8_t side) const {
    if (!opened_[side]) {
      all.push_back({What::call_open, side, 0});
      return;
    }
    if (!ids_[side] || gone_[side]) return;
    const auto s = status(side);
    if (!s) return;
    if (s->state == listen && s->remote.port != 0) all.push_back({What::call_send, side, 0});
    if (!done_.contains({What::call_shutdown, side})) all.push_back({What::call_shutdown, side, 0});
    all.push_back({What::call_close, side, 0});
    if (rules_.aborts) all.push_back({What::call_abort, side, 0});
  }
  void open(size_t side) {
    opened_[side] = true;
    Endpoint& endpoint = sides_[side].endpoint;
    const auto id =
        rules_.passive[side]
            ? endpoint.open_passive(now_, kEnds.at(side), kEnds.at(1 - side), rules_.options)
            : endpoint.connect(now_, kEnds.at(side), kEnds.at(1 - side), rules_.options);
    if (id) ids_[side] = *id;
  }
  void accept() {
    if (!rules_.queue || (ids_[0] && !gone_[0])) return;
    if (const auto id = sides_[0].endpoint.accept(now_, listener_)) {
      ids_[0] = *id;
      gone_[0] = false;
    }
  }
  Segment take(size_t to, size_t n) {
    Segment segment = coming_[to][n];
    coming_[to].erase(coming_[to].begin() + static_cast<std::ptrdiff_t>(n));
    return segment;
  }
  void arrive(size_t to, const Segment& segment) {
    sides_[to].endpoint.arrive(now_, packet_of(segment));
  }
  void forge(size_t side) {
    const auto s = status(side);
    Segment reset{
        .flags = kRst, .seq = s->rcv_nxt, .from = kEnds.at(1 - side), .to = kEnds.at(side)};
    if (s->state == syn_sent) {
      reset.flags = kRstAck;
      reset.ack = s->snd_nxt;
    }
    arrive(side, reset);
  }
  void hard_error(size_t side) {
    const auto s = status(side);
    sides_[side].endpoint.arrive(now_, IcmpError{.kind = IcmpKind::hard_error,
                                                 .local = kEnds.at(side),
                                                 .remote = kEnds.at(1 - side),
                                                 .seq = s->snd_una});
  }
  void settle(Duration time) {
    const Time end = now_ + time;
    for (int steps = 0; steps < 100000; ++steps) {
      if (!coming_[0].empty()) {
        arrive(0, take(0, 0));
      } else if (!coming_[1].empty()) {
        arrive(1, take(1, 0));
      } else {
        Time next = Time::max();
        for (const auto& side : sides_)
          next = std::min(next, side.endpoint.next_deadline().value_or(next));
        if (next > end) break;
        now_ = std::max(now_, next);
        for (auto& side : sides_) side.endpoint.advance(now_);
      }
      accept();
    }
    now_ = end;
  }
  std::string name(const Segment& segment, size_t from) const {
    const auto s = status(from);
    const Seq iss = s ? s->iss : Seq{};
    const Seq irs = s ? s->irs : Seq{};
    return fmt::format("{}:{}:{} ", control_bits(segment.flags), segment.seq.raw - iss.raw,
                       segment.ack.raw - irs.raw);
  }

  const Rules& rules_;
  Time now_{};
  std::array<std::deque<Segment>, 2> coming_;  // by the side they go to
  std::array<Side, 2> sides_;
  ListenerId listener_;
  std::array<std::optional<ConnectionId>, 2> ids_;
  std::array<bool, 2> opened_{};
  std::array<bool, 2> gone_{};
  std::set<std::pair<What, size_t>> done_;
  unsigned losses_ = 0, repeats_ = 0, timers_ = 0, forged_ = 0;
};

using Way = std::vector<Choice>;

std::string told(const Way& way) {
  std::string text;
  for (const Choice& c : way)
    text += fmt::format(" {}/{}/{}", std::to_underlying(c.what), c.side, c.n);
  return text;
}

// Breadth first. Returns how many states there are.
size_t search(const Rules& rules, size_t most) {
  std::unordered_set<std::string> known;
  std::deque<Way> open{{}};
  const auto led = [&](World& world, const Way& way) {
    for (const Choice choice : way) world.apply(choice);
  };
  while (!open.empty()) {
    const Way way = std::move(open.front());
    open.pop_front();
    World here(rules);
    led(here, way);
    const std::vector<Choice> choices = here.choices();
    const std::string wrong = here.quiet();
    EXPECT_EQ(wrong, "") << rules.name << told(way);
    if (!wrong.empty()) break;
    for (const Choice choice : choices) {
      World next(rules);
      led(next, way);
      next.apply(choice);
      if (next.too_many() || !known.insert(next.key()).second) continue;
      open.push_back(way);
      open.back().push_back(choice);
    }
    EXPECT_LT(known.size(), most) << rules.name << " has more states than expected";
    if (known.size() >= most) break;
  }
  fmt::print("search: {}: {} states\n", rules.name, known.size());
  return known.size();
}

Settings quick() {
  Settings s;
  s.syn_retries = 2;
  s.syn_linear_timeouts = 0;
  s.syn_ack_retries = 2;
  s.r2 = s.orphan_retries = 2;
  s.timestamps = s.sack = s.window_scaling = false;
  return s;
}

Rules rules(std::string_view name) {
  Rules r;
  r.name = name;
  r.settings = quick();
  return r;
}

void open_and_close_with_a_loss() {
  Rules r = rules("client and server, a loss");
  r.passive = {true, false};
  r.losses = r.timers = 1;
  EXPECT_GT(search(r, 60000), 1000U);
}

void open_and_close_with_a_repeat() {
  Rules r = rules("client and server, a segment comes twice");
  r.passive = {true, false};
  r.repeats = 1;
  EXPECT_GT(search(r, 60000), 100U);
}

void simultaneous_open_and_close() {
  Rules r = rules("both call");
  r.repeats = 1;
  EXPECT_GT(search(r, 60000), 1000U);
}

void everything_lost() {
  Rules r = rules("client and server, nothing gets through for long");
  r.passive = {true, false};
  r.losses = r.timers = 2;
  r.in_flight = 1;
  EXPECT_GT(search(r, 60000), 500U);
}

void aborts_and_forged_resets() {
  Rules r = rules("client and server, aborts and a forged RST");
  r.passive = {true, false};
  r.aborts = true;
  r.forged = 1;
  r.in_flight = 2;
  EXPECT_GT(search(r, 60000), 1000U);
}

void hard_errors_and_user_timeouts() {
  for (const bool simultaneous : {false, true}) {
    Rules r = rules("hard ICMP errors and a user timeout");
    r.passive = {!simultaneous, false};
    if (simultaneous) r.in_flight = 1;
    r.settings.hard_errors_abort = true;
    r.hard_errors = true;
    r.timers = 1;
    r.options.user_timeout = 300ms;
    EXPECT_GT(search(r, 60000), 500U);
  }
}

void the_first_timeout_ends_it() {
  for (const Duration user_timeout : {Duration{}, Duration{100ms}}) {
    Rules r = rules("no second try");
    r.passive = {true, false};
    r.settings.syn_retries = r.settings.syn_ack_retries = 0;
    r.settings.r2 = r.settings.orphan_retries = 0;
    r.settings.user_timeout = user_timeout;
    r.timers = 2;
    EXPECT_GT(search(r, 60000), 500U);
  }
}

void a_queue_and_a_second_life() {
  Rules r = rules("a listening server, which closes first");
  r.queue = true;
  r.repeats = 1;
  r.timers = 1;
  EXPECT_GT(search(r, 60000), 500U);
}

// Rows that need text in flight, keep-alives or a record that waits: each led to by hand.
void note(const Rig& rig) {
  for (const Move& move : rig.moves) ++World::rows()[{move.from, move.on}];
}

ConnectionId led_to(Rig& rig, State state, const ConnectionOptions& options = {}) {
  const ConnectionId id = rig.open_active(options);
  if (state == close_wait) rig.peer_fin();
  if (state == fin_wait_2) {
    rig.user_shutdown(id);
    rig.peer_ack_all();
  }
  EXPECT_EQ(rig.state(id), state);
  return id;
}

void text_in_flight_that_nobody_acknowledges() {
  for (const State state : {established, close_wait}) {
    Settings settings = quick();
    settings.hard_errors_abort = true;
    Rig given_up(settings);
    given_up.user_send(led_to(given_up, state), "x");
    given_up.run_for(1h);
    note(given_up);
    Rig timed_out(settings);
    ConnectionOptions options;
    options.user_timeout = 300ms;
    timed_out.user_send(led_to(timed_out, state, options), "x");
    timed_out.run_for(1h);
    note(timed_out);
    Rig error(settings);
    error.user_send(led_to(error, state), "x");
    error.endpoint.arrive(
        error.now,
        IcmpError{
            .kind = IcmpKind::hard_error, .local = kHere, .remote = kThere, .seq = error.iss + 1});
    note(error);
    for (const Rig* rig : {&given_up, &timed_out, &error}) EXPECT_EQ(rig->state(), closed);
  }
}

void keep_alives_that_nobody_answers() {
  for (const State state : {established, close_wait, fin_wait_2}) {
    Rig rig;
    ConnectionOptions options;
    options.keep_alive = KeepAlive{};
    led_to(rig, state, options);
    rig.run_for(4h);
    EXPECT_EQ(rig.state(), closed);
    note(rig);
  }
}

void a_waiting_record_calls_or_hears_again() {
  Rig calls;
  const auto id = calls.endpoint.open_passive(calls.now, kHere);
  ASSERT_TRUE(id && calls.endpoint.connect(calls.now, *id, kThere));
  EXPECT_EQ(calls.state(), syn_sent);
  note(calls);
  Rig hears;
  ASSERT_TRUE(hears.endpoint.open_passive(hears.now, kHere));
  hears.half_open();
  hears.arrive({.flags = kSyn, .seq = kIrs + 100});
  EXPECT_EQ(hears.state(), listen);
  note(hears);
}

void time_wait_lives_again_and_falls_back() {
  Rig rig;
  const ConnectionId id = rig.open_passive();
  rig.user_close(id);
  rig.peer_ack_all();
  rig.peer_fin();
  ASSERT_EQ(rig.state(), time_wait);
  rig.arrive({.flags = kSyn, .seq = rig.peer_nxt + 1000});
  EXPECT_EQ(rig.state(), syn_received);
  rig.arrive({.flags = kRst, .seq = rig.peer_nxt + 1001});
  EXPECT_EQ(rig.state(), time_wait);
  note(rig);
}

// One test, because it needs the rows that all the others met.
TEST(search, meets_every_row_and_always_ends) {
  open_and_close_with_a_loss();
  open_and_close_with_a_repeat();
  simultaneous_open_and_close();
  everything_lost();
  aborts_and_forged_resets();
  hard_errors_and_user_timeouts();
  the_first_timeout_ends_it();
  a_queue_and_a_second_life();
  text_in_flight_that_nobody_acknowledges();
  keep_alives_that_nobody_answers();
  a_waiting_record_calls_or_hears_again();
  time_wait_lives_again_and_falls_back();

  std::map<Row, std::string_view> unreachable{
      {{syn_received, Event::fin}, "a FIN that comes with a SYN is left to be sent again"},
      {{fin_wait_2, Event::icmp_hard_error}, "nothing is in flight that a message could quote"},
      {{time_wait, Event::icmp_hard_error}, "nothing is in flight that a message could quote"},
      {{listen, Event::user_timeout}, "nothing was sent that the timeout could wait for"},
      {{time_wait, Event::user_timeout}, "entering TIME-WAIT turns the other timers off"},
  };
  for (const State state : kStates) {
    const Row row{state, Event::other_security};
    if (transition(state, row.second)) unreachable[row] = "no security is compared (A.1)";
  }
  size_t met = 0;
  for (const Transition& t : transitions()) {
    const bool is_met = World::rows().contains({t.from, t.on});
    met += is_met ? 1 : 0;
    EXPECT_NE(is_met, unreachable.contains({t.from, t.on}))
        << to_string(t.from) << ", " << to_string(t.on) << (is_met ? " was met" : " was not met");
  }
  fmt::print("search: {} rows of {} met, {} unreachable\n", met, transitions().size(),
             unreachable.size());
}

}  // namespace
}  // namespace tcpdx::tcp
