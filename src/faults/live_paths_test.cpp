// Loss and reordering as a live look shows them; captures are in capture_faults_test.cpp.
#include <gtest/gtest.h>

#include <array>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kLoss = "packet-loss-retransmission";
constexpr std::string_view kReordering = "reordering-spurious-retransmit";

constexpr std::array<std::string_view, 6> kNetworks{"192.0.2.1", "192.0.3.1", "192.0.4.1",
                                                    "192.0.5.1", "192.0.6.1", "192.0.7.1"};

// What a connection did between the looks, after a life that settled it.
struct Done {
  std::string_view to = "192.0.2.1";
  uint32_t segments = 2000;  // sent for the first time
  uint32_t repeats = 0;
  uint32_t needless = 0;
  uint32_t reorderings = 0;
  bool young = false;
  bool acknowledged = true;
};

void send(Scene& scene, const Done& done) {
  Scene::Row row{.local = at("10.0.0.1", 40000), .remote = at(done.to, 443)};
  TcpInfo& then = row.info_then;
  then.data_segs_out = done.young ? 10 : 50'000;
  then.busy_time_us = done.young ? 100'000 : 60'000'000;
  then.total_retrans = 30;
  then.bytes_acked = 1'000'000;
  row.info = then;
  row.info.data_segs_out += done.segments + done.repeats;
  row.info.total_retrans += done.repeats;
  row.info.dsack_dups += done.needless;
  row.info.reord_seen += done.reorderings;
  if (done.acknowledged) row.info.bytes_acked += 1'000'000;
  scene.add(row);
}

// The same in the counters of the namespace.
void count(Scene& scene, uint64_t segments, uint64_t repeats, uint64_t needless,
           uint64_t syns = 0) {
  scene.count("TcpExt.TCPOrigDataSent", 5000, 5000 + segments);
  scene.count("Tcp.RetransSegs", 100, 100 + repeats + syns);
  scene.count("TcpExt.TCPSynRetrans", 70, 70 + syns);
  scene.count("TcpExt.TCPDSACKRecvSegs", 3, 3 + needless);
}

TEST(packet_loss_retransmission, shows_loss_to_one_network) {
  Scene scene(30s);
  scene.process(41, "backup");
  send(scene, {.repeats = 80, .needless = 4});
  send(scene, {.to = "198.51.100.1"});
  count(scene, 4000, 80, 4);
  const Finding* f = scene.find(kLoss);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(scene.found().size(), 1U) << "the counters tell of the same segments";
  EXPECT_EQ(f->severity, Severity::warning);  // 76 of 2 000: 3.8 %
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.remote, at("192.0.2.1", 0));
  EXPECT_NE(f->cause.find("another network is reached without loss"), std::string::npos);
}

TEST(packet_loss_retransmission, shows_its_severity_by_the_share) {
  for (const auto& [repeats, severity] :
       {std::pair(30U, Severity::notice), std::pair(100U, Severity::warning),
        std::pair(200U, Severity::critical)}) {
    Scene scene(30s);
    scene.process(41, "backup");
    send(scene, {.repeats = repeats});
    count(scene, 2000, repeats, 0);
    const Finding* f = scene.find(kLoss);
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(f->severity, severity) << repeats;
  }
}

TEST(packet_loss_retransmission, shows_a_short_look_as_a_suspicion) {
  Scene scene;
  scene.process(41, "backup");
  send(scene, {.repeats = 200});
  count(scene, 2000, 200, 0);
  const Finding* f = scene.find(kLoss);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(packet_loss_retransmission, shows_short_connections_by_counters_and_events) {
  Scene scene(30s);
  count(scene, 2000, 100, 0);
  const Finding* f = scene.find(kLoss);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::suspected) << "nothing tells where they went";
  for (unsigned i = 0; i < 30; ++i) {
    scene.event({.kind = EventKind::retransmit,
                 .retransmit = RetransmitKind::fast,
                 .local = at("10.0.0.1", 40000),
                 .remote = at("203.0.113.9", 1000 + i)});
  }
  f = scene.find(kLoss);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_NE(f->headline.find("203.0.113.0/24"), std::string::npos) << f->headline;
}

TEST(packet_loss_retransmission, shows_many_networks_as_one_finding) {
  Scene scene(30s);
  scene.process(41, "server");
  for (const auto network : kNetworks) send(scene, {.to = network, .repeats = 100});
  count(scene, 12'000, 600, 0);
  ASSERT_NE(scene.find(kLoss), nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
  EXPECT_NE(scene.found()[0].headline.find("5 more networks"), std::string::npos);
}

TEST(packet_loss_retransmission, stands_under_a_machine_that_drops) {
  Scene scene(30s);
  scene.process(41, "backup");
  send(scene, {.repeats = 80});
  count(scene, 2000, 80, 0);
  scene.observation().softnet = {{.processed = 0, .dropped = 0, .squeezed = 0},
                                 {.processed = 100'000, .dropped = 900, .squeezed = 0}};
  EXPECT_EQ(scene.find(kLoss), nullptr);
  const Finding* cause = scene.find("host-receive-drop");
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->explains.size(), 1U);
}

TEST(packet_loss_retransmission, silent_on_half_a_percent_and_on_few_segments) {
  Scene little(30s);
  little.process(41, "backup");
  send(little, {.segments = 20'000, .repeats = 100});
  count(little, 20'000, 100, 0);
  EXPECT_EQ(little.find(kLoss), nullptr);
  Scene few(30s);
  few.process(41, "backup");
  send(few, {.segments = 900, .repeats = 90});
  count(few, 900, 90, 0);
  EXPECT_EQ(few.find(kLoss), nullptr);
}

TEST(packet_loss_retransmission, silent_on_a_syn_flood_and_on_repeated_syns) {
  Scene scene(30s);
  count(scene, 2000, 0, 0, 5000);
  EXPECT_EQ(scene.find(kLoss), nullptr);
}

TEST(packet_loss_retransmission, silent_on_needless_repeats) {
  Scene scene(30s);
  scene.process(41, "backup");
  send(scene, {.repeats = 100, .needless = 95});
  count(scene, 2000, 100, 95);
  EXPECT_EQ(scene.find(kLoss), nullptr);
}

TEST(packet_loss_retransmission, silent_on_a_slow_start_and_on_a_peer_that_is_gone) {
  Scene start(30s);
  start.process(41, "backup");
  send(start, {.repeats = 300, .young = true});
  count(start, 2000, 300, 0);
  EXPECT_EQ(start.find(kLoss), nullptr);
  Scene gone(30s);
  gone.process(41, "backup");
  send(gone, {.segments = 1000, .repeats = 300, .acknowledged = false});
  count(gone, 2000, 300, 0);
  EXPECT_EQ(gone.find(kLoss), nullptr);
}

TEST(reordering_spurious_retransmit, shows_needless_repeats_to_one_network) {
  Scene scene(30s);
  scene.process(41, "backup");
  send(scene, {.repeats = 100, .needless = 95});
  count(scene, 2000, 100, 95);
  const Finding* f = scene.find(kReordering);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.remote, at("192.0.2.1", 0));
}

TEST(reordering_spurious_retransmit, shows_segments_that_overtake) {
  Scene scene(30s);
  scene.process(41, "backup");
  send(scene, {.segments = 20'000, .reorderings = 40});
  count(scene, 20'000, 0, 0);
  ASSERT_NE(scene.find(kReordering), nullptr);
}

TEST(reordering_spurious_retransmit, shows_short_connections_by_the_counters) {
  Scene scene(30s);
  count(scene, 2000, 60, 50);
  const Finding* f = scene.find(kReordering);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(reordering_spurious_retransmit, shows_many_networks_as_one_finding) {
  Scene scene(30s);
  scene.process(41, "server");
  for (const auto network : kNetworks) {
    send(scene, {.to = network, .segments = 10'000, .reorderings = 40});
  }
  count(scene, 60'000, 0, 0);
  ASSERT_NE(scene.find(kReordering), nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
}

TEST(reordering_spurious_retransmit, silent_on_loss_live) {
  Scene scene(30s);
  scene.process(41, "backup");
  send(scene, {.repeats = 100, .needless = 3});
  count(scene, 2000, 100, 3);
  EXPECT_EQ(scene.find(kReordering), nullptr);
}

TEST(reordering_spurious_retransmit, silent_on_a_few_tail_loss_probes_and_rare_overtaking) {
  Scene probes(30s);
  probes.process(41, "backup");
  send(probes, {.segments = 20'000, .repeats = 49, .needless = 49, .reorderings = 20});
  count(probes, 20'000, 49, 49);
  EXPECT_EQ(probes.find(kReordering), nullptr);
  Scene fast(30s);
  fast.process(41, "backup");
  send(fast, {.segments = 2'000'000, .reorderings = 300});
  count(fast, 2'000'000, 0, 0);
  EXPECT_EQ(fast.find(kReordering), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
