// What the whole chain says together: each cause with what was seen of it, and the neighbour that
// must get another verdict.
#include "probe/check.hpp"

#include <gtest/gtest.h>

namespace tcpdx::probe {
namespace {

const IpAddress kTarget = ipv4(10, 9, 9, 9);

IpAddress router(unsigned hop) { return ipv4(10, 0, 0, static_cast<uint8_t>(hop)); }

RttSummary took(Duration rtt) {
  RttSummary summary;
  summary.samples = 1;
  summary.min = rtt;
  return summary;
}

// Routers answer after these times, and then the target.
PathResult way(const std::vector<Duration>& rtts) {
  PathResult path{.target = {kTarget, 80},
                  .words = {},
                  .hops = {},
                  .end_to_end = took(rtts.back()),
                  .mtu = {},
                  .branches = {},
                  .undecided = {}};
  path.reached = true;
  for (size_t i = 0; i < rtts.size(); ++i) {
    PathHop& hop = path.hops.emplace_back();
    hop.ttl = static_cast<uint8_t>(i + 1);
    hop.is_target = i + 1 == rtts.size();
    Responder& by = hop.responders.emplace_back();
    by.address = hop.is_target ? kTarget : router(hop.ttl);
    by.rtts = {rtts[i]};
  }
  return path;
}

CheckSigns connected(Duration handshake = 20ms) {
  CheckSigns signs;
  signs.target = {kTarget, 80};
  signs.attempt.verdict = {Why::ok, "connected"};
  signs.attempt.ending = Ending::closed_by_us;
  signs.attempt.took = handshake;
  signs.attempt.rtt = handshake;
  signs.by_echo = way({1ms, 10ms, 20ms});
  return signs;
}

CheckSigns silent() {
  CheckSigns signs = connected();
  signs.attempt.verdict = {Why::silent, "no answer"};
  signs.attempt.ending = Ending::none;
  signs.by_port = way({1ms, 10ms, 20ms});
  signs.by_port->hops.pop_back();
  return signs;
}

struct Said {
  std::string why;
  Place place;
  Confidence confidence;

  bool operator==(const Said&) const = default;
};

void PrintTo(const Said& said, std::ostream* out) {
  *out << said.why << ' ' << to_string(said.place) << ' ' << to_string(said.confidence);
}

Said said(const CheckSigns& signs) {
  const CheckVerdict verdict = judge(signs);
  return {verdict.why, verdict.place, verdict.confidence};
}

const Said kOk{"ok", Place::none, Confidence::confirmed};

TEST(Check, ARequestInVainHasThreeCauses) {
  CheckSigns signs = connected();
  signs.attempt.request_acked = true;
  EXPECT_EQ(said(signs), (Said{"no-answer", Place::target, Confidence::confirmed}));
  signs.small_segments = signs.attempt;
  EXPECT_EQ(said(signs), (Said{"no-answer", Place::target, Confidence::confirmed}));
  signs.small_segments->answered_after = 20ms;
  EXPECT_EQ(said(signs), (Said{"mtu-black-hole", Place::return_path, Confidence::confirmed}));
  signs.attempt.request_acked = false;
  EXPECT_EQ(said(signs), (Said{"mtu-black-hole", Place::between_hops, Confidence::confirmed}));
  signs.small_segments.reset();
  EXPECT_EQ(said(signs), (Said{"no-answer", Place::target, Confidence::likely}));
}

TEST(Check, SizesThatVanishAreClaimedAsFarAsTheyWereSeen) {
  CheckSigns signs = connected();
  MtuLook look;
  look.largest = 1400;
  signs.sizes = look;
  EXPECT_EQ(said(signs), kOk);
  signs.sizes->black_hole = true;
  EXPECT_EQ(said(signs), (Said{"mtu-black-hole", Place::none, Confidence::suspected}));
  signs.sizes->large_arrives = true;
  EXPECT_EQ(said(signs), (Said{"mtu-black-hole", Place::return_path, Confidence::suspected}));
  signs.attempt.rcv_mss = 1448;  // segments of full size have come: echoes alone are thrown away
  EXPECT_EQ(said(signs), kOk);
  signs.sizes->large_arrives = false;
  EXPECT_EQ(said(signs), (Said{"mtu-black-hole", Place::between_hops, Confidence::likely}));
  signs.sizes_by_hop = *signs.by_echo;
  signs.sizes_by_hop->mtu = PathMtu{
      .hops = {}, .steps = {{.behind = 2, .before = 1500, .mtu = 1400, .told_by = std::nullopt}}};
  EXPECT_EQ(judge(signs).hop, 2U);
  EXPECT_EQ(judge(signs).address, router(2));
}

// 20 of 20 echoes: up to 16 % may be lost all the same (Wilson, 95 %).
TEST(Check, SynsAreLimitedWhereEchoesShowThatTheWayIsGood) {
  CheckSigns signs = silent();
  signs.echoes = ProbeTally{.sent = 20, .answered = 20};
  const Said limited{"syn-limited", Place::target, Confidence::likely};
  signs.syns = ProbeTally{.sent = 20, .answered = 5};
  EXPECT_EQ(said(signs), limited);
  signs.syns->answered = 18;  // 3 to 30 % lost
  EXPECT_EQ(said(signs).why, "filtered");
  signs.syns->answered = 0;
  EXPECT_EQ(said(signs).why, "filtered");
  signs.syns->answered = 5;
  signs.echoes->answered = 8;
  EXPECT_EQ(said(signs).why, "filtered");

  CheckSigns slow = connected(1020ms);
  slow.attempt.syn_repeats = 1;
  EXPECT_EQ(said(slow), (Said{"slow", Place::none, Confidence::likely}));
  slow.syns = ProbeTally{.sent = 20, .answered = 5};
  slow.echoes = ProbeTally{.sent = 20, .answered = 20};
  EXPECT_EQ(said(slow), limited);
}

TEST(Check, DropsOfThisHostAreTakenForTheCauseOnlyWhenThereAreAny) {
  CheckSigns signs = silent();
  signs.local_drops =
      LocalDrops{.reverse_path = 0, .conntrack = 0, .conntrack_count = 100, .conntrack_max = 100};
  EXPECT_EQ(said(signs).why, "filtered");  // full, but nothing was dropped
  signs.local_drops->conntrack = 3;
  EXPECT_EQ(said(signs), (Said{"conntrack-full", Place::local, Confidence::confirmed}));
  signs.local_drops->conntrack_count = 99;  // dropped for another reason
  EXPECT_EQ(said(signs).why, "filtered");
  signs.local_drops->reverse_path = 1;
  EXPECT_EQ(said(signs).why, "filtered");  // echoes of that very host come back
  signs.by_echo->reached = false;
  EXPECT_EQ(said(signs), (Said{"reverse-path-filter", Place::local, Confidence::likely}));
  CheckSigns good = connected();
  good.local_drops = signs.local_drops;
  EXPECT_EQ(said(good), kOk);
}

TEST(Check, TimeGoesWhereItWasMeasured) {
  EXPECT_EQ(said(connected()), kOk);

  CheckSigns link = connected(950ms);
  link.by_echo = way({1ms, 10ms, 900ms, 940ms});
  EXPECT_EQ(said(link), (Said{"slow", Place::between_hops, Confidence::confirmed}));
  EXPECT_EQ(judge(link).hop, 2U);
  EXPECT_EQ(judge(link).address, router(2));

  // A router that answers late is not the way: what lies behind it answers early.
  CheckSigns busy = connected(950ms);
  busy.by_echo = way({200ms, 900ms, 420ms, 940ms});
  EXPECT_EQ(judge(busy).hop, 3U);

  CheckSigns even = connected(950ms);
  even.by_echo = way({240ms, 480ms, 710ms, 940ms});
  EXPECT_EQ(said(even), (Said{"slow", Place::none, Confidence::confirmed}));

  CheckSigns host = connected(950ms);
  EXPECT_EQ(said(host), (Said{"slow", Place::target, Confidence::likely}));

  CheckSigns program = connected();
  program.attempt.answered_after = 1100ms;
  EXPECT_EQ(said(program), (Said{"slow", Place::target, Confidence::confirmed}));
  program.attempt.answered_after = 1010ms;  // of which the round trip is 20
  EXPECT_EQ(said(program), kOk);

  CheckSigns name = connected();
  name.name_took = 5s;
  EXPECT_EQ(said(name), (Said{"slow", Place::name_service, Confidence::confirmed}));
}

TEST(Check, AnAnswerOfSomethingElseIsNoGoodOne) {
  CheckSigns signs = connected();
  signs.attempt.answered_after = 20ms;
  signs.attempt.as_expected = false;
  EXPECT_EQ(said(signs), (Said{"unexpected-answer", Place::target, Confidence::confirmed}));
  signs.attempt.as_expected = true;
  EXPECT_EQ(said(signs), kOk);
}

// A router that rejects answers every probe that gets as far, and not all of them.
TEST(Check, ARejectingRouterIsWhereItsAnswersAllow) {
  CheckSigns signs = silent();
  signs.attempt.verdict = {Why::rejected_by_icmp, "rejected"};
  ErrorMessage message;
  message.origin = Origin::icmp;
  message.offender = router(2);
  message.ttl = 63;
  signs.attempt.message = message;
  EXPECT_EQ(judge(signs).hop, 2U);
  signs.by_echo = way({1ms, 10ms});
  PathHop last = signs.by_echo->hops[1];
  last.is_target = false;
  last.ttl = 29;
  last.responders[0].address = router(2);
  signs.by_echo->hops[1] = last;
  EXPECT_EQ(judge(signs).hop, 2U);  // one router between it and here
  signs.attempt.message->ttl = 64;  // none: hop 1 is another one
  EXPECT_EQ(judge(signs).hop, std::nullopt);
  // It answered none of the walk's probes.
  signs.by_echo->hops.pop_back();
  EXPECT_EQ(judge(signs).hop, std::nullopt);
  signs.attempt.message->ttl = 253;
  EXPECT_EQ(judge(signs).hop, 3U);
}

}  // namespace
}  // namespace tcpdx::probe
