// RCODEs are those of RFC 1035 4.1.1.
#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint8_t kNoError = 0;
constexpr uint8_t kServerFailure = 2;
constexpr uint8_t kRefused = 5;

struct Answers {
  size_t count = 5;
  std::optional<uint8_t> code = kNoError;
  Duration took = 20ms;
};

// `odd` of the five answers by UDP are as given, the others are well; so is that by TCP.
void server(Scene& scene, std::string_view address, const Answers& odd) {
  ProbedNameServer& one = scene.probes().name_servers.emplace_back();
  one.server = at(address, 53);
  for (size_t i = 0; i < 5; ++i) {
    one.answers.push_back(i < odd.count
                              ? NameServerAnswer{.code = odd.code, .took = odd.took, .error = {}}
                              : NameServerAnswer{.code = kNoError, .took = 20ms, .error = {}});
  }
  one.answers.push_back({.tcp = true, .code = kNoError, .took = 40ms, .error = {}});
}

TEST(dns_slow_or_failing, shows_a_silent_first_server) {
  Scene scene;
  server(scene, "192.0.2.53", {.code = {}, .took = 5s});
  server(scene, "192.0.2.54", {});
  const Finding* f = scene.find("dns-slow-or-failing");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.destination, at("192.0.2.53", 53));
  EXPECT_NE(f->headline.find("asked first of 2, does not answer"), std::string::npos);
  EXPECT_NE(f->cause.find("waits 5"), std::string::npos) << f->cause;
}

TEST(dns_slow_or_failing, shows_that_no_name_can_be_had) {
  Scene scene;
  server(scene, "192.0.2.53", {.code = kServerFailure});
  server(scene, "192.0.2.54", {.code = {}, .took = 5s});
  const Finding* f = scene.find("dns-slow-or-failing");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_NE(f->headline.find("SERVFAIL"), std::string::npos);
}

TEST(dns_slow_or_failing, shows_a_slow_server) {
  Scene scene;
  server(scene, "192.0.2.53", {.took = 2s});
  const Finding* f = scene.find("dns-slow-or-failing");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_NE(f->headline.find("answers slowly"), std::string::npos);
}

TEST(dns_slow_or_failing, shows_a_dead_second_server_as_a_note) {
  Scene scene;
  server(scene, "192.0.2.53", {});
  server(scene, "192.0.2.54", {.code = {}, .took = 5s});
  const Finding* f = scene.find("dns-slow-or-failing");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(dns_slow_or_failing, silent_on_one_lost_answer) {
  Scene scene;
  server(scene, "192.0.2.53", {.count = 1, .code = {}, .took = 5s});
  EXPECT_EQ(scene.find("dns-slow-or-failing"), nullptr);
}

// It does not serve the root, and may well serve what the host's programs ask for.
TEST(dns_slow_or_failing, silent_on_a_refusal) {
  Scene scene;
  server(scene, "192.0.2.53", {.code = kRefused});
  EXPECT_EQ(scene.find("dns-slow-or-failing"), nullptr);
}

TEST(dns_slow_or_failing, silent_on_a_cold_cache) {
  Scene scene;
  server(scene, "192.0.2.53", {.count = 5, .took = 900ms});
  EXPECT_EQ(scene.find("dns-slow-or-failing"), nullptr);
}

TEST(dns_slow_or_failing, silent_when_nobody_was_asked) {
  Scene scene;
  EXPECT_EQ(scene.find("dns-slow-or-failing"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
