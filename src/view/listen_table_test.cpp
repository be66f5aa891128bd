#include "view/listen_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "view/test_observation.hpp"

namespace tcpdx::view {
namespace {

// nginx in a group of two workers on 80, redis on loopback, one that nobody was seen to hold.
Observation listening() {
  Observation made = testing::small_observation();
  made.processes = {testing::process(100, "nginx"), testing::process(101, "nginx"),
                    testing::process(200, "redis-server")};
  for (Process& process : made.processes) {
    process.exe = "/usr/sbin/" + process.comm;
    process.age = 90min;
  }
  made.processes[0].unit = "nginx.service";
  Look look;
  using testing::State;
  look.sockets = {
      testing::socket(State::listen, {testing::kAny, 80}, {testing::kAny, 0}, 10),
      testing::socket(State::listen, {testing::kAny, 80}, {testing::kAny, 0}, 11),
      testing::socket(State::listen, {ipv4(127, 0, 0, 1), 6379}, {testing::kAny, 0}, 12),
      testing::socket(State::listen, {testing::kHere, 111}, {testing::kAny, 0}, 13),
  };
  for (Socket& socket : look.sockets) {
    socket.cookie = socket.inode;
    socket.send_q = 511;
  }
  testing::own(look, 0, {{0, 0, 6}, {0, 1, 6}});
  testing::own(look, 1, {{0, 0, 7}, {0, 1, 7}});
  testing::own(look, 2, {{0, 2, 5}});
  made.looks = {look};
  return made;
}

std::string table_of(const Observation& observation, size_t width = 0) {
  std::ostringstream out;
  const auto all = listening_sockets(observation);
  write_listen_table(out, {.colour = false, .width = width}, observation, all);
  write_listen_signs(out, {.colour = false, .width = width}, observation, all);
  return out.str();
}

TEST(ListenTable, HasALinePerListenerAndFoldsGroups) {
  EXPECT_EQ(table_of(listening()),
            "Address         Reach     Program           Unit           Uid  Queue  Full  Drops  "
            "Program up  Firewall\n"
            "0.0.0.0:80 x2   any       nginx 100 +1      nginx.service    0  0/511     -      -  "
            "  1 h 30 m  -\n"
            "192.0.2.1:111   public    ?                 -                0  0/511     -      -  "
            "         -  -\n"
            "127.0.0.1:6379  loopback  redis-server 200  -                0  0/511     -      -  "
            "  1 h 30 m  -\n");
}

TEST(ListenTable, IsCutAtTheWidthOfTheTerminal) {
  std::istringstream lines(table_of(listening(), 40));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 42U) << line;
}

TEST(ListenTable, SaysWhatIsOddBelow) {
  Observation observation = listening();
  observation.processes[2].exe = "/tmp/redis-server";
  observation.processes[2].program.writable_by_all = "/tmp";
  EXPECT_NE(table_of(observation)
                .find("\nodd       127.0.0.1:6379: its program /tmp/redis-server "
                      "lies where everybody may write (/tmp)\n"),
            std::string::npos);
}

TEST(ListenTable, SaysWhatIsHidden) {
  Observation observation = listening();
  observation.closer.hidden.emplace();
  EXPECT_NE(table_of(observation).find("no hidden port was found\n"), std::string::npos);
  observation.closer.hidden = {{.netns = 0, .port = 31337, .answers = true}};
  EXPECT_NE(table_of(observation).find("hidden    port 31337: takes connections"),
            std::string::npos);
}

TEST(ListenTable, AForgedNameCannotBreakALine) {
  Observation observation = listening();
  observation.processes[2].comm = "x\n0.0.0.0:1\x1b[2J";
  observation.processes[2].unit = "a\nb";
  const std::string text = table_of(observation);
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ListenChanges, AreOneLineEach) {
  const ListenerIdentity one{.netns = "host",
                             .local = {testing::kAny, 80},
                             .exe = "/opt/web",
                             .unit = "web.service",
                             .uid = 33,
                             .signs = {}};
  ListenerIdentity other = one;
  other.exe = "/opt/old";
  const Baseline baseline{.host = "web-1", .learned_at = {}, .listeners = {}};
  const auto text = [&](const Comparison& comparison) {
    std::ostringstream out;
    write_changes(out, {.colour = false, .width = 0}, baseline, comparison);
    return out.str();
  };
  EXPECT_EQ(text({}), "all as it was learned on web-1 at 1970-01-01T00:00:00Z\n");
  EXPECT_EQ(text({.changes = {{ChangeKind::changed, one, other}}, .not_compared = {}}),
            "changed   0.0.0.0:80  /opt/web, web.service, uid 33; was /opt/old, web.service, uid "
            "33\n1 change since 1970-01-01T00:00:00Z on web-1\n");
}

}  // namespace
}  // namespace tcpdx::view
