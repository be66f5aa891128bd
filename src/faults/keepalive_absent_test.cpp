#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "keepalive-absent";

Scene::Row client(unsigned host, Duration quiet, TimerKind timer = TimerKind::none) {
  Scene::Row row{.local = at("10.0.0.1", 443),
                 .remote = at(fmt::format("192.0.2.{}", host % 200 + 1), 40000 + host)};
  row.timer = {.kind = timer, .retransmits = 0, .expires_ms = 60'000};
  row.info.last_data_sent_ms = static_cast<uint32_t>(milliseconds(quiet));
  row.info.last_data_recv_ms = row.info.last_data_sent_ms;
  row.info.last_ack_recv_ms = row.info.last_data_sent_ms;
  row.info_then = row.info;
  return row;
}

void serve(Scene& scene) {
  scene.process(41, "push");
  scene.listen(at("0.0.0.0", 443), 0, 128);
}

TEST(keepalive_absent, shows_many_idle_clients_without_keep_alives) {
  Scene scene;
  serve(scene);
  for (unsigned i = 0; i < 60; ++i) scene.add(client(i, 11min));
  for (unsigned i = 60; i < 90; ++i) scene.add(client(i, 5s));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 443));
  EXPECT_EQ(f->subject.pid, 41U);
}

TEST(keepalive_absent, silent_on_keep_alives) {
  Scene scene;
  serve(scene);
  for (unsigned i = 0; i < 60; ++i) scene.add(client(i, 11min, TimerKind::keepalive));
  EXPECT_EQ(scene.find(kFault), nullptr);
  scene.add(client(60, 11min));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(keepalive_absent, silent_on_heartbeats_and_on_fifty) {
  Scene heartbeats;
  serve(heartbeats);
  for (unsigned i = 0; i < 60; ++i) heartbeats.add(client(i, 59s));
  EXPECT_EQ(heartbeats.find(kFault), nullptr);
  Scene fifty;
  serve(fifty);
  for (unsigned i = 0; i < 50; ++i) fifty.add(client(i, 11min));
  EXPECT_EQ(fifty.find(kFault), nullptr);
}

TEST(keepalive_absent, silent_on_loopback_and_on_calls_from_here) {
  Scene loopback;
  serve(loopback);
  for (unsigned i = 0; i < 60; ++i) {
    Scene::Row row = client(i, 11min);
    row.local = at("127.0.0.1", 443);
    row.remote = at("127.0.0.1", 40000 + i);
    loopback.add(row);
  }
  EXPECT_EQ(loopback.find(kFault), nullptr);
  Scene calls;
  calls.process(41, "app");
  for (unsigned i = 0; i < 60; ++i) calls.add(client(i, 11min));
  EXPECT_EQ(calls.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
