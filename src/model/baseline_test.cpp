#include "model/baseline.hpp"

#include <gtest/gtest.h>

namespace tcpdx {
namespace {

struct Program {
  std::string exe = "/usr/sbin/nginx";
  std::string unit = "nginx.service";
  uint32_t uid = 0;
  uint32_t pid = 100;
};

// A machine whose listeners are given one by one.
struct Machine {
  Observation seen;

  Machine() {
    seen.host = "web-1";
    seen.namespaces.push_back({.inode = 1, .name = "", .ours = true, .sysctls = {}});
    seen.looks.emplace_back();
    seen.closer.every_namespace = true;
  }

  Machine& add(std::string_view address, uint16_t port, const Program& program = {},
               uint16_t netns = 0) {
    Process process;
    process.pid = program.pid;
    process.exe = program.exe;
    process.unit = program.unit;
    seen.processes.push_back(process);
    Look& look = seen.looks.back();
    Socket socket;
    socket.state = tcp::State::listen;
    socket.local = {parse_address(address).value(), port};
    socket.cookie = socket.inode = static_cast<uint32_t>(100 + look.sockets.size());
    socket.uid = program.uid;
    socket.netns = netns;
    socket.first_owner = static_cast<uint32_t>(look.owners.size());
    socket.owner_count = 1;
    const auto index = static_cast<uint32_t>(seen.processes.size() - 1);
    look.owners.push_back({.inode = socket.inode, .process = index, .fd = 3});
    look.sockets.push_back(socket);
    return *this;
  }
};

// "new 0.0.0.0:80", in the order of the comparison.
std::vector<std::string> changes(const Machine& was, const Machine& now) {
  std::vector<std::string> found;
  for (const Change& change : compare(learn(was.seen), now.seen).changes) {
    found.push_back(std::string(to_string(change.kind)) + " " + to_string(change.now.local));
  }
  return found;
}

using Texts = std::vector<std::string>;

TEST(Baseline, ARestartIsNoChange) {
  const Machine was = Machine().add("0.0.0.0", 80, {.pid = 100}).add("::", 80, {.pid = 100});
  const Machine now = Machine().add("::", 80, {.pid = 7}).add("0.0.0.0", 80, {.pid = 7});
  EXPECT_EQ(changes(was, now), Texts{});
}

TEST(Baseline, MoreWorkersAreNoChange) {
  const Machine was = Machine().add("0.0.0.0", 80);
  const Machine now = Machine().add("0.0.0.0", 80).add("0.0.0.0", 80, {.pid = 101});
  EXPECT_EQ(learn(now.seen).listeners.size(), 1U);
  EXPECT_EQ(changes(was, now), Texts{});
}

TEST(Baseline, NamesWhatIsNewAndWhatIsGone) {
  const Machine was = Machine().add("0.0.0.0", 80).add("0.0.0.0", 25);
  const Machine now = Machine().add("0.0.0.0", 80).add("127.0.0.1", 8080);
  EXPECT_EQ(changes(was, now), (Texts{"gone 0.0.0.0:25", "new 127.0.0.1:8080"}));
}

TEST(Baseline, AnotherAddressIsAnotherListener) {
  const Machine was = Machine().add("127.0.0.1", 80);
  const Machine now = Machine().add("0.0.0.0", 80);
  EXPECT_EQ(changes(was, now), (Texts{"new 0.0.0.0:80", "gone 127.0.0.1:80"}));
}

TEST(Baseline, AnotherProgramUnitOrUserIsAChange) {
  const Machine was = Machine().add("0.0.0.0", 80);
  for (const Program& other :
       {Program{.exe = "/tmp/nginx"}, Program{.unit = "session-3.scope"}, Program{.uid = 1000}}) {
    EXPECT_EQ(changes(was, Machine().add("0.0.0.0", 80, other)), Texts{"changed 0.0.0.0:80"});
  }
}

TEST(Baseline, ASecondProgramOnALearnedPortIsNew) {
  const Machine was = Machine().add("0.0.0.0", 80);
  const Machine now = Machine().add("0.0.0.0", 80).add("0.0.0.0", 80, {.exe = "/opt/thief"});
  EXPECT_EQ(changes(was, now), Texts{"new 0.0.0.0:80"});
}

TEST(Baseline, AnUpgradeOfTheProgramIsNoChange) {
  const Machine was = Machine().add("0.0.0.0", 80);
  const Machine now = Machine().add("0.0.0.0", 80, {.exe = "/usr/sbin/nginx (deleted)"});
  EXPECT_EQ(changes(was, now), Texts{});
}

TEST(Baseline, TheNumberOfASessionIsNoChange) {
  const Machine was = Machine().add("0.0.0.0", 80, {.unit = "session-3.scope"});
  const Machine now = Machine().add("0.0.0.0", 80, {.unit = "session-48.scope"});
  EXPECT_EQ(changes(was, now), Texts{});
}

TEST(Baseline, ANamespaceIsKnownByItsNameNotItsNumber) {
  Machine was;
  was.seen.namespaces.push_back({.inode = 77, .name = "blue", .ours = false, .sysctls = {}});
  was.add("0.0.0.0", 80, {}, 1);
  Machine now;
  now.seen.namespaces.push_back({.inode = 99, .name = "blue", .ours = false, .sysctls = {}});
  now.add("0.0.0.0", 80, {}, 1);
  EXPECT_EQ(changes(was, now), Texts{});
  now.add("0.0.0.0", 80);  // the same in ours is another
  EXPECT_EQ(changes(was, now), Texts{"new 0.0.0.0:80"});
}

TEST(Baseline, WhatCannotBeSeenIsNotCompared) {
  const Machine was = Machine().add("0.0.0.0", 80);
  const Machine now = Machine().add("0.0.0.0", 80, {.exe = ""});
  const Comparison found = compare(learn(was.seen), now.seen);
  EXPECT_TRUE(found.changes.empty());
  EXPECT_EQ(found.not_compared, Texts{"the program file of 0.0.0.0:80: it cannot be seen now"});
}

TEST(Baseline, AnUnseenProgramOnANewPortIsNew) {
  const Machine was = Machine().add("0.0.0.0", 80);
  const Machine now = Machine().add("0.0.0.0", 80).add("0.0.0.0", 81, {.exe = ""});
  EXPECT_EQ(changes(was, now), Texts{"new 0.0.0.0:81"});
}

TEST(Baseline, ANamespaceThatCannotBeEnteredIsNotGone) {
  Machine was;
  was.seen.namespaces.push_back({.inode = 77, .name = "blue", .ours = false, .sysctls = {}});
  was.add("0.0.0.0", 80, {}, 1);
  Machine now;
  EXPECT_EQ(changes(was, now), Texts{"gone 0.0.0.0:80"});
  now.seen.closer.every_namespace = false;
  const Comparison found = compare(learn(was.seen), now.seen);
  EXPECT_TRUE(found.changes.empty());
  EXPECT_EQ(found.not_compared.size(), 1U);
}

TEST(Baseline, AcceptsTheSignsThatItLearned) {
  Machine was;
  was.add("0.0.0.0", 80);
  was.seen.processes[0].program.writable_by_all = "/opt";
  const Baseline baseline = learn(was.seen);
  EXPECT_TRUE(accepted(baseline, baseline.listeners[0], "exe-writable"));
  EXPECT_FALSE(accepted(baseline, baseline.listeners[0], "exe-deleted"));
}

}  // namespace
}  // namespace tcpdx
