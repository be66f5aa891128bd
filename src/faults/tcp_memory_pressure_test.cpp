// Not reproduced on a live machine: tcp_mem is of the whole machine.
#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "tcp-memory-pressure";

// tcp_mem of the scene: 10 000, 20 000, 30 000 pages.
void hold(Scene& scene, uint64_t then, uint64_t now, uint64_t orphans = 10) {
  scene.process(41, "backup");
  Scene::Row row{.local = at("10.0.0.1", 9000), .remote = at("10.0.0.9", 40000)};
  row.info.mem_send = 60'000'000;
  row.info_then = row.info;
  scene.add(row);
  scene.count("sockstat.TCP.mem", then, now);
  scene.count("sockstat.TCP.orphan", orphans, orphans);
  scene.sysctl("net.ipv4.tcp_max_orphans", "8192");
}

TEST(tcp_memory_pressure, shows_memory_near_the_limit) {
  Scene scene;
  hold(scene, 16'000, 19'000);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  const auto named = std::ranges::find(f->evidence, "holds most", &Evidence::fact);
  ASSERT_NE(named, f->evidence.end());
  EXPECT_EQ(std::get<std::string>(named->value), "backup (pid 41): 60 000 kB");
}

TEST(tcp_memory_pressure, shows_pressure_as_a_warning) {
  Scene scene;
  hold(scene, 21'000, 21'000);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  Scene counted;
  hold(counted, 19'900, 19'900);
  counted.count("TcpExt.TCPMemoryPressures", 3, 7);
  counted.count("TcpExt.TCPMemoryPressuresChrono", 0, 400);  // ms of 5 s
  f = counted.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(tcp_memory_pressure, shows_aborts_as_critical) {
  Scene scene;
  hold(scene, 29'000, 30'000);
  scene.count("TcpExt.TCPAbortOnMemory", 0, 12);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(tcp_memory_pressure, shows_aborts_in_a_container_that_cannot_see_tcp_mem) {
  Scene scene;
  scene.observation().namespaces[0].sysctls = {};
  scene.count("sockstat.TCP.mem", 1000, 1000);
  scene.count("TcpExt.TCPMemoryPressuresChrono", 0, 400);
  scene.count("TcpExt.TCPAbortOnMemory", 0, 12);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
}

TEST(tcp_memory_pressure, explains_receive_buffer_prune) {
  Scene scene(30s);
  hold(scene, 21'000, 21'000);
  scene.count("Tcp.InSegs", 0, 10'000);
  scene.count("TcpExt.TCPRcvQDrop", 0, 90);
  EXPECT_EQ(scene.find("receive-buffer-prune"), nullptr);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(f->explains.size(), 1U);
}

TEST(tcp_memory_pressure, silent_on_memory_below_the_limit) {
  Scene scene;
  hold(scene, 12'000, 15'900);
  EXPECT_EQ(scene.find(kFault), nullptr);
  Scene burst;
  hold(burst, 4'000, 19'000);  // only at the end
  EXPECT_EQ(burst.find(kFault), nullptr);
}

TEST(tcp_memory_pressure, silent_on_aborts_for_too_many_orphans) {
  Scene scene;
  hold(scene, 500, 500, 8000);
  scene.count("TcpExt.TCPAbortOnMemory", 0, 100);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(tcp_memory_pressure, silent_on_a_moment_of_pressure) {
  Scene scene;
  hold(scene, 500, 500);
  scene.count("TcpExt.TCPMemoryPressures", 0, 1);
  scene.count("TcpExt.TCPMemoryPressuresChrono", 0, 50);  // 1 % of 5 s
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
