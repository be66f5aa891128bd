#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "time-wait-bucket-overflow";

void count_closes(Scene& scene, uint64_t cut, uint64_t entered) {
  scene.sysctl("net.ipv4.tcp_max_tw_buckets", "4096");
  scene.count("TcpExt.TCPTimeWaitOverflow", 70, 70 + cut);
  scene.count("TcpExt.TW", 1000, 1000 + entered);
  scene.count("sockstat.TCP.tw", 4096, 4096);
}

TEST(time_wait_bucket_overflow, shows_closes_without_time_wait) {
  Scene scene;
  count_closes(scene, 600, 400);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->headline,
            "600 of 1 000 closes skipped TIME-WAIT within 5.0 s: tcp_max_tw_buckets allows 4 096");
  // 200 closes per second for 60 s are 12 000.
  EXPECT_NE(f->remedy.front().find("tcp_max_tw_buckets=12288"), std::string::npos);
}

TEST(time_wait_bucket_overflow, shows_a_warning_when_calls_fail_as_well) {
  Scene scene(30s);
  count_closes(scene, 600, 400);
  scene.count("Tcp.ActiveOpens", 0, 1000);
  scene.count("Tcp.AttemptFails", 0, 30);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

// A scan of this server raises AttemptFails as well, together with EmbryonicRsts.
TEST(time_wait_bucket_overflow, shows_a_notice_while_only_a_scan_fails) {
  Scene scene;
  count_closes(scene, 600, 400);
  scene.count("Tcp.ActiveOpens", 0, 1000);
  scene.count("Tcp.AttemptFails", 0, 300);
  scene.count("TcpExt.EmbryonicRsts", 0, 300);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(time_wait_bucket_overflow, silent_on_many_time_wait_below_the_limit) {
  Scene scene;
  count_closes(scene, 0, 40'000);
  EXPECT_EQ(scene.find(kFault), nullptr) << "a total since boot proves nothing";
}

TEST(time_wait_bucket_overflow, silent_on_a_small_share_and_a_small_sample) {
  Scene small;
  count_closes(small, 10, 5000);
  EXPECT_EQ(small.find(kFault), nullptr);
  Scene few;
  count_closes(few, 12, 7);
  EXPECT_EQ(few.find(kFault), nullptr);
}

TEST(time_wait_bucket_overflow, silent_on_a_single_peak) {
  Scene scene;
  count_closes(scene, 0, 400);
  auto& samples = scene.observation().samples;
  for (size_t i = samples.size() / 2; i < samples.size(); ++i) {
    samples[i].counters[0].set("TcpExt.TCPTimeWaitOverflow", 670);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
