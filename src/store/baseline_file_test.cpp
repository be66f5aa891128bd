#include "store/baseline_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/test_folder.hpp"

namespace tcpdx::store {
namespace {

Baseline some_baseline() {
  return {.host = "web\n1",
          .learned_at = WallTime(Duration(1'769'828'645'000'006)),
          .listeners = {{.netns = "host",
                         .local = {parse_address("0.0.0.0").value(), 22},
                         .exe = "/usr/sbin/sshd",
                         .unit = "ssh.service",
                         .uid = 0,
                         .signs = {"exe-writable", "no-owner"}},
                        {.netns = "",
                         .local = {parse_address("2001:db8::1").value(), 65535},
                         .exe = {},
                         .unit = "",
                         .uid = 4'294'967'295,
                         .signs = {}}}};
}

constexpr std::string_view kWhole =
    R"({"tcpdx_baseline": 1, "host": "a", "learned_at": "2026-01-31T03:04:05.000006Z", )"
    R"("listeners": [{"namespace": "host", "addr": "0.0.0.0", "port": 22, "exe": null, )"
    R"("unit": null, "uid": null, "signs": []}]})";

std::string altered(std::string_view part, std::string_view other) {
  std::string text(kWhole);
  const size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), other);
}

TEST(BaselineFile, ComesBackAsItWas) {
  const Baseline wanted = some_baseline();
  const auto got = read_baseline(write_baseline(wanted));
  ASSERT_TRUE(got) << got.error().sentence;
  EXPECT_EQ(got->host, wanted.host);
  EXPECT_EQ(got->learned_at, wanted.learned_at);
  ASSERT_EQ(got->listeners.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(got->listeners[i].netns, wanted.listeners[i].netns);
    EXPECT_EQ(got->listeners[i].local, wanted.listeners[i].local);
    EXPECT_EQ(got->listeners[i].exe, wanted.listeners[i].exe);
    EXPECT_EQ(got->listeners[i].unit, wanted.listeners[i].unit);
    EXPECT_EQ(got->listeners[i].uid, wanted.listeners[i].uid);
    EXPECT_EQ(got->listeners[i].signs, wanted.listeners[i].signs);
  }
  EXPECT_EQ(write_baseline(*got), write_baseline(wanted));
}

TEST(BaselineFile, OfAMachineWithoutListenersIsSound) {
  const auto got = read_baseline(write_baseline({.host = "a", .learned_at = {}, .listeners = {}}));
  ASSERT_TRUE(got) << got.error().sentence;
  EXPECT_TRUE(got->listeners.empty());
}

TEST(BaselineFile, IsReadStrictly) {
  ASSERT_TRUE(read_baseline(kWhole));
  const std::tuple<std::string, std::string, std::string_view> cases[]{
      {R"("tcpdx_baseline": 1)", R"("tcpdx_baseline": 2)", "its format is 2"},
      {R"("tcpdx_baseline": 1)", R"("tcpdx_baseline": "1")", "its format is no number"},
      {R"("tcpdx_baseline": 1, )", "", "it is not a baseline"},
      {R"("host": "a")", R"("host": 7)", "'host' is not a text"},
      {R"("host": "a", )", "", "'host' is missing"},
      {"2026-01-31", "2026-02-30", "'learned_at'"},
      {"03:04:05.000006Z", "03:04:05Z", "'learned_at'"},
      {R"("port": 22)", R"("port": 65536)", "listener 1: 'port' is not a number from 0 to 65535"},
      {R"("port": 22)", R"("port": -1)", "'port'"},
      {R"("port": 22)", R"("port": 22.5)", "'port'"},
      {R"("port": 22, )", "", "listener 1: 'port' is missing"},
      {R"("0.0.0.0")", R"("0.0.0")", "'addr' is not an address"},
      {R"("exe": null)", R"("exe": 1)", "'exe' is not a text"},
      {R"("uid": null)", R"("uid": 4294967296)", "'uid'"},
      {R"("signs": [])", R"("signs": [1])", "'signs'"},
      {R"("signs": [])", R"("signs": {})", "'signs' is not a list"},
      {R"("signs": [])", R"("signs": [], "pid": 1)", "'pid' is not a member"},
      {R"("listeners": [{)", R"("listeners": [null, {)", "'listeners' is not an object"},
  };
  for (const auto& [part, other, says] : cases) {
    const auto got = read_baseline(altered(part, other));
    ASSERT_FALSE(got) << other;
    EXPECT_NE(got.error().sentence.find(says), std::string::npos) << got.error().sentence;
  }
}

TEST(BaselineFile, CutAnywhereIsRefused) {
  for (size_t size = 0; size < kWhole.size(); ++size) {
    EXPECT_FALSE(read_baseline(kWhole.substr(0, size))) << size;
  }
  EXPECT_FALSE(read_baseline(std::string(100'000, '[')));
}

TEST(BaselineFile, IsSavedAndLoaded) {
  const TestFolder folder;
  const std::string path = folder / "baseline.json";
  ASSERT_TRUE(save_baseline(some_baseline(), path));
  const auto got = load_baseline(path);
  ASSERT_TRUE(got) << got.error().sentence;
  EXPECT_EQ(got->listeners.size(), 2U);
  std::filesystem::remove(path);
  EXPECT_NE(load_baseline(path).error().sentence.find(path), std::string::npos);
  EXPECT_NE(load_baseline("/dev/zero").error().sentence.find("not a regular file"),
            std::string::npos);
  EXPECT_FALSE(load_baseline("/"));
}

}  // namespace
}  // namespace tcpdx::store
