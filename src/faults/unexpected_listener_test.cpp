#include <gtest/gtest.h>

#include "faults/test_scene.hpp"
#include "model/baseline.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "unexpected-listener";

// A learned machine: nginx on port 80, as the scene has it before anything is added.
Baseline with_nginx() {
  return {.host = "test",
          .learned_at = {},
          .listeners = {{.netns = "host",
                         .local = at("0.0.0.0", 80),
                         .exe = "/usr/sbin/nginx",
                         .unit = "nginx.service",
                         .uid = 0,
                         .signs = {}}}};
}

void nginx(Scene& scene, const SocketAddress& local = at("0.0.0.0", 80)) {
  Process& process = scene.process(41, "nginx");
  process.exe = "/usr/sbin/nginx";
  process.unit = "nginx.service";
  scene.listen(local, 0, 511);
}

Process& stranger(Scene& scene, std::string exe, const SocketAddress& local) {
  scene.process(66, "tool").exe = std::move(exe);
  scene.listen(local, 0, 5);
  return scene.last_process();
}

TEST(unexpected_listener, shows_what_is_not_in_the_baseline) {
  Scene scene(10s);
  scene.baseline(with_nginx());
  nginx(scene);
  stranger(scene, "/usr/bin/nc", at("0.0.0.0", 31337));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 66U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 31337));
}

TEST(unexpected_listener, shows_a_new_port_on_loopback_as_information) {
  Scene scene(10s);
  scene.baseline(with_nginx());
  nginx(scene);
  stranger(scene, "/usr/bin/nc", at("127.0.0.1", 31337));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
}

TEST(unexpected_listener, shows_another_program_on_a_learned_port) {
  Scene scene;
  scene.baseline(with_nginx());
  stranger(scene, "/opt/thief", at("0.0.0.0", 80));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);  // a short look
  EXPECT_NE(f->cause.find("/usr/sbin/nginx"), std::string::npos);
}

TEST(unexpected_listener, shows_a_deleted_program_without_a_baseline) {
  Scene scene;
  stranger(scene, "/opt/tool (deleted)", at("0.0.0.0", 31337)).program.file = ExeFile::deleted;
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::likely);
}

TEST(unexpected_listener, shows_a_program_that_everybody_may_replace) {
  Scene scene;
  stranger(scene, "/tmp/tool", at("10.0.0.1", 31337)).program.writable_by_all = "/tmp";
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
}

TEST(unexpected_listener, shows_many_ports_of_a_program_as_one_finding) {
  Scene scene;
  scene.baseline(with_nginx());
  stranger(scene, "/usr/bin/nc", at("0.0.0.0", 7001));
  for (unsigned port = 7002; port < 7010; ++port) scene.listen(at("0.0.0.0", port), 0, 5);
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(std::ranges::count(scene.found(), kFault, &Finding::fault), 1);
  EXPECT_NE(scene.found().front().headline.find("8 ports"), std::string::npos);
}

TEST(unexpected_listener, silent_on_what_is_in_the_baseline_after_a_restart) {
  Scene scene(10s);
  scene.baseline(with_nginx());
  nginx(scene);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(unexpected_listener, silent_without_a_baseline_on_programs_where_they_belong) {
  Scene scene(10s);
  stranger(scene, "/usr/bin/nc", at("0.0.0.0", 31337)).program.file = ExeFile::present;
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(unexpected_listener, silent_on_a_program_that_an_upgrade_replaced) {
  Scene scene(10s);
  stranger(scene, "/usr/sbin/sshd (deleted)", at("0.0.0.0", 22)).program.file = ExeFile::replaced;
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(unexpected_listener, silent_on_an_odd_program_that_only_this_machine_reaches) {
  Scene scene(10s);
  stranger(scene, "/tmp/tool", at("127.0.0.1", 9229)).program.writable_by_all = "/tmp";
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(unexpected_listener, silent_on_a_listener_that_has_just_appeared) {
  Scene scene(10s);
  scene.baseline(with_nginx());
  nginx(scene);
  stranger(scene, "/usr/bin/nc", at("0.0.0.0", 31337));
  scene.opened_at(8s);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(unexpected_listener, silent_on_a_sign_that_was_learned) {
  Scene scene(10s);
  stranger(scene, "/tmp/tool", at("0.0.0.0", 31337)).program.writable_by_all = "/tmp";
  Baseline baseline = with_nginx();
  baseline.listeners = {{.netns = "host",
                         .local = at("0.0.0.0", 31337),
                         .exe = "/tmp/tool",
                         .unit = "",
                         .uid = 0,
                         .signs = {"exe-writable"}}};
  scene.baseline(baseline);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
