#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "syn-cookies-active";

TEST(syn_cookies_active, shows_cookies_that_come_back) {
  Scene scene(30s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 8);
  scene.count("TcpExt.SyncookiesSent", 100, 700);
  scene.count("TcpExt.SyncookiesRecv", 90, 680);
  scene.count("TcpExt.TCPReqQFullDoCookies", 100, 700);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
}

TEST(syn_cookies_active, shows_only_a_suspicion_after_a_short_look) {
  Scene scene;
  scene.count("TcpExt.SyncookiesSent", 0, 600);
  scene.count("TcpExt.SyncookiesRecv", 0, 590);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(syn_cookies_active, shows_no_listener_where_several_might_be_meant) {
  Scene scene(30s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 8);
  scene.listen(at("0.0.0.0", 443), 0, 4096);
  scene.count("TcpExt.SyncookiesSent", 0, 600);
  scene.count("TcpExt.SyncookiesRecv", 0, 590);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->subject.listener, std::nullopt);
  EXPECT_TRUE(std::ranges::any_of(f->evidence, [](const Evidence& one) {
    return one.fact == "shortest queue" &&
           std::get<std::string>(one.value).find("0.0.0.0:80") != std::string::npos;
  }));
}

TEST(syn_cookies_active, shows_the_setting_that_sends_them_always) {
  Scene scene(30s);
  scene.sysctl("net.ipv4.tcp_syncookies", "2");
  scene.count("TcpExt.SyncookiesSent", 0, 600);
  scene.count("TcpExt.SyncookiesRecv", 0, 590);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_NE(f->cause.find("tcp_syncookies is 2"), std::string::npos);
}

TEST(syn_cookies_active, silent_on_a_flood) {
  Scene scene(30s);
  scene.count("TcpExt.SyncookiesSent", 0, 600);
  scene.count("TcpExt.SyncookiesRecv", 0, 5);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(syn_cookies_active, silent_on_one_burst) {
  Scene scene;
  auto& samples = scene.observation().samples;
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i].counters[0].set("TcpExt.SyncookiesSent", i == 0 ? 0 : 400);
    samples[i].counters[0].set("TcpExt.SyncookiesRecv", i == 0 ? 0 : 390);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(syn_cookies_active, silent_on_a_few_and_on_stray_acks) {
  Scene scene(30s);
  scene.count("TcpExt.SyncookiesSent", 0, 12);
  scene.count("TcpExt.SyncookiesRecv", 0, 12);
  scene.count("TcpExt.SyncookiesFailed", 0, 300);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
