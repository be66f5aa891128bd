#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "fin-wait1-stuck";

Scene::Row leaving(unsigned port, TimerKind kind, uint8_t repeats, uint8_t backoff,
                   uint32_t bytes = 1) {
  Scene::Row row{.state = fin_wait_1,
                 .local = at("10.0.0.1", 80),
                 .remote = at("10.0.0.9", port),
                 .owned = false,
                 .send_q = bytes,
                 .timer = {.kind = kind, .retransmits = repeats, .expires_ms = 1000}};
  row.info.backoff = backoff;
  row.info.rto_us = 200'000U << backoff;
  return row;
}

TEST(fin_wait1_stuck, shows_fins_that_nobody_acknowledges) {
  Scene scene;
  for (unsigned i = 0; i < 25; ++i) scene.add(leaving(40000 + i, TimerKind::retransmit, 4, 4));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.local, at("10.0.0.1", 80));
}

TEST(fin_wait1_stuck, much_memory_is_a_warning) {
  Scene scene;  // tcp_mem[1] is 20 000 pages: 5 % are 4 MB
  for (unsigned i = 0; i < 8; ++i) scene.add(leaving(40000 + i, TimerKind::persist, 0, 4, 713'865));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
}

TEST(fin_wait1_stuck, silent_on_passage_and_on_a_few_of_many_closes) {
  Scene passage;
  for (unsigned i = 0; i < 200; ++i) passage.add(leaving(40000 + i, TimerKind::retransmit, 0, 0));
  EXPECT_EQ(passage.find(kFault), nullptr);
  Scene mobile;
  for (unsigned i = 0; i < 25; ++i) mobile.add(leaving(40000 + i, TimerKind::retransmit, 4, 4));
  mobile.count("TcpExt.TW", 0, 1000);
  EXPECT_EQ(mobile.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
