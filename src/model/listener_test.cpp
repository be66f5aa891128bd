#include "model/listener.hpp"

#include <gtest/gtest.h>

namespace tcpdx {
namespace {

IpAddress address(std::string_view text) { return parse_address(text).value(); }

// A machine with one namespace; each listener gets the processes named by their index.
struct Machine {
  Observation seen;

  Machine() {
    seen.namespaces.push_back({.inode = 1, .name = "", .ours = true, .sysctls = {}});
    seen.namespaces[0].sysctls.set("net.core.somaxconn", "128");
    seen.looks.emplace_back();
  }

  Process& process(uint32_t pid, std::string comm) {
    Process one;
    one.pid = pid;
    one.exe = "/usr/bin/" + comm;
    one.comm = std::move(comm);
    one.age = 1h;
    one.program.file = ExeFile::present;
    return seen.processes.emplace_back(one);
  }

  Socket& listen(std::string_view where, uint16_t port, const std::vector<uint32_t>& processes) {
    Look& look = seen.looks.back();
    Socket socket;
    socket.state = tcp::State::listen;
    socket.local = {address(where), port};
    socket.cookie = 100 + look.sockets.size();
    socket.inode = static_cast<uint32_t>(socket.cookie);
    socket.send_q = 64;
    if (!processes.empty()) {
      socket.first_owner = static_cast<uint32_t>(look.owners.size());
      socket.owner_count = static_cast<uint16_t>(processes.size());
    }
    for (const uint32_t one : processes) {
      look.owners.push_back({.inode = socket.inode, .process = one, .fd = 3});
    }
    return look.sockets.emplace_back(socket);
  }

  ListeningSocket only() {
    const auto all = listening_sockets(seen);
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  }
};

TEST(Exposure, GoesByTheAddress) {
  const std::pair<std::string_view, Exposure> cases[]{
      {"127.0.0.1", Exposure::loopback},
      {"127.8.9.10", Exposure::loopback},
      {"::1", Exposure::loopback},
      {"::ffff:127.0.0.1", Exposure::loopback},
      {"0.0.0.0", Exposure::any},
      {"::", Exposure::any},
      {"10.1.2.3", Exposure::private_net},
      {"172.16.0.1", Exposure::private_net},
      {"172.31.255.255", Exposure::private_net},
      {"172.32.0.1", Exposure::public_net},
      {"192.168.9.9", Exposure::private_net},
      {"192.169.0.1", Exposure::public_net},
      {"100.64.0.1", Exposure::private_net},
      {"100.128.0.1", Exposure::public_net},
      {"169.254.1.1", Exposure::private_net},
      {"8.8.8.8", Exposure::public_net},
      {"fe80::1", Exposure::private_net},
      {"fd00:1::2", Exposure::private_net},
      {"fc00::1", Exposure::private_net},
      {"fec0::1", Exposure::public_net},
      {"2001:db8::1", Exposure::public_net},
      {"::ffff:10.0.0.1", Exposure::private_net},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(exposure_of(address(text)), wanted) << text;
}

TEST(Listener, IsHeldByItsOldestOwner) {
  Machine machine;
  machine.process(10, "worker").age = 1min;
  machine.process(20, "master").age = 1h;
  machine.listen("0.0.0.0", 80, {0, 1});
  EXPECT_EQ(machine.only().holder->pid, 20U);
}

TEST(Listener, IsHeldByTheServiceManagerThatOpenedIt) {
  Machine machine;
  machine.process(20, "sshd").age = 1h;
  machine.process(1, "systemd").age = 1min;
  machine.listen("0.0.0.0", 22, {0, 1});
  EXPECT_EQ(machine.only().holder->pid, 1U);
}

TEST(Listener, KnowsItsQueueOverTheSamples) {
  Machine machine;
  machine.process(20, "web");
  Socket& socket = machine.listen("0.0.0.0", 80, {0});
  socket.send_q = 128;
  for (const uint32_t queued : {0U, 129U, 129U, 128U}) {
    Sample sample;
    sample.listeners.push_back({.netns = 0,
                                .local = socket.local,
                                .cookie = socket.cookie,
                                .queued = queued,
                                .limit = 128,
                                .drops = {}});
    machine.seen.samples.push_back(sample);
  }
  const ListeningSocket one = machine.only();
  EXPECT_EQ(one.samples, 4U);
  EXPECT_EQ(one.full_share, 0.5);
  EXPECT_EQ(one.clamped, true);
}

TEST(Listener, ClampIsNotKnownWithoutALimit) {
  Machine machine;
  machine.listen("0.0.0.0", 80, {}).cookie = 0;  // of /proc/net/tcp
  EXPECT_EQ(machine.only().clamped, std::nullopt);
}

TEST(Listener, AGroupHasAMemberThatDrainsLeast) {
  Machine machine;
  machine.process(20, "one");
  machine.process(21, "two");
  machine.listen("0.0.0.0", 80, {0});
  machine.listen("0.0.0.0", 80, {1});
  machine.listen("127.0.0.1", 80, {1});
  Sample sample;
  for (const Socket& socket : machine.seen.looks[0].sockets) {
    sample.listeners.push_back({.netns = 0,
                                .local = socket.local,
                                .cookie = socket.cookie,
                                .queued = socket.cookie == 101 ? 3U : 0U,
                                .limit = 64,
                                .drops = {}});
  }
  machine.seen.samples.push_back(sample);
  const auto all = listening_sockets(machine.seen);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].group, 2U);
  EXPECT_FALSE(all[0].drains_least);
  EXPECT_TRUE(all[1].drains_least);
  EXPECT_EQ(all[2].group, 1U);
  EXPECT_FALSE(all[2].drains_least);
}

TEST(Signs, ADeletedProgramIsCriticalWhereItCanBeReached) {
  Machine machine;
  machine.process(20, "web").exe = "/opt/web (deleted)";
  machine.seen.processes[0].program.file = ExeFile::deleted;
  machine.listen("0.0.0.0", 80, {0});
  machine.listen("127.0.0.1", 81, {0});
  const auto all = listening_sockets(machine.seen);
  ASSERT_EQ(all.at(0).signs.size(), 1U);
  EXPECT_EQ(to_string(all[0].signs[0].sign), "exe-deleted");
  EXPECT_TRUE(all[0].signs[0].critical);
  EXPECT_NE(all[0].signs[0].text.find("/opt/web was"), std::string::npos);
  ASSERT_EQ(all.at(1).signs.size(), 1U);
  EXPECT_FALSE(all[1].signs[0].critical);
}

TEST(Signs, AnUpgradedProgramIsNotOdd) {
  Machine machine;
  machine.process(20, "sshd").exe = "/usr/sbin/sshd (deleted)";
  machine.seen.processes[0].program.file = ExeFile::replaced;
  machine.listen("0.0.0.0", 22, {0});
  EXPECT_TRUE(machine.only().signs.empty());
}

TEST(Signs, NameAWritableFolderAndABorrowedName) {
  Machine machine;
  machine.process(20, "sshd").exe = "/tmp/x/tool";
  machine.seen.processes[0].program.writable_by_all = "/tmp";
  machine.seen.processes[0].program.poses_as = "as /usr/sbin/sshd";
  machine.listen("0.0.0.0", 22, {0});
  const auto signs = machine.only().signs;
  ASSERT_EQ(signs.size(), 2U);
  EXPECT_EQ(signs[0].sign, Sign::exe_writable);
  EXPECT_TRUE(signs[0].critical);
  EXPECT_EQ(signs[1].sign, Sign::name_unlike_exe);
  EXPECT_FALSE(signs[1].critical);
}

TEST(Signs, NoOwnerIsOddOnlyWhereEveryProcessWasSeen) {
  Machine machine;
  machine.listen("0.0.0.0", 2049, {});
  EXPECT_TRUE(machine.only().signs.empty());
  machine.seen.closer.every_process = true;
  ASSERT_EQ(machine.only().signs.size(), 1U);
  EXPECT_EQ(machine.only().signs[0].sign, Sign::no_owner);
}

TEST(LastingName, OutlivesAReboot) {
  Process process;
  process.unit = "web.service";
  EXPECT_EQ(lasting_name({.inode = 1, .name = "blue", .ours = false, .sysctls = {}}, &process),
            "blue");
  EXPECT_EQ(lasting_name({.inode = 1, .name = "", .ours = true, .sysctls = {}}, &process), "host");
  const Namespace nameless{.inode = 1, .name = "", .ours = false, .sysctls = {}};
  EXPECT_EQ(lasting_name(nameless, &process), "web.service");
  process.container = "db";
  EXPECT_EQ(lasting_name(nameless, &process), "db");
  EXPECT_EQ(lasting_name(nameless, nullptr), "");
}

}  // namespace
}  // namespace tcpdx
