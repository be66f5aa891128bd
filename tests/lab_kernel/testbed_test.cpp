// Topologies of cables: routes, packet filters, servers, MTUs of routers; and that nothing is left
// of them, however their process ends.
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "lab/rtnetlink.hpp"
#include "lab_kernel/ends.hpp"

namespace tcpdx::lab_kernel_test {
namespace {

using lab::Service;

constexpr std::array kFamilies{Family::v4, Family::v6};

// What connect(2) comes to, once it is known.
int outcome(lab::Testbed& testbed, const std::string& host, const SocketAddress& to) {
  const auto socket = connect(testbed, host, to);
  if (!socket) return errno;
  int error = 0;
  EXPECT_TRUE(
      testbed.until([&] { return is_connected(socket) || (error = socket.error()) != 0; }, 15s));
  return error;
}

//   a ── net1 ── r ── net2 ── s ── net3 ── b
TEST(Testbed, routers_hand_on_and_servers_serve) {
  lab::Topology topology = lab::chain({"a", "r", "s", "b"});
  topology.hosts[3].servers = {{.port = 1, .service = Service::echo},
                               {.port = 2, .service = Service::source, .octets = 70'000},
                               {.port = 3, .service = Service::reply, .octets = 10, .after = 20ms},
                               {.port = 4, .service = Service::close},
                               {.port = 5, .service = Service::reset},
                               {.port = 6, .service = Service::discard}};
  auto testbed = bring_up(topology);
  const std::vector<std::byte> word(100, std::byte{7});
  std::vector<std::byte> buffer(1000);
  for (const Family family : kFamilies) {
    const auto to = [&](uint16_t port) { return SocketAddress{right_end(3, family), port}; };
    const auto open = [&](uint16_t port) {
      auto socket = connect(testbed, "a", to(port));
      EXPECT_TRUE(testbed.until([&] { return is_connected(socket); }, 15s)) << port;
      return socket;
    };
    auto echo = open(1);
    EXPECT_EQ(echo.send(word), word.size());
    ASSERT_TRUE(testbed.until([&] { return echo.receive(buffer).size == word.size(); }, 15s));
    EXPECT_EQ(buffer[99], std::byte{7});
    echo.shutdown_sending();
    EXPECT_EQ(drain(testbed, echo), 0U);

    EXPECT_EQ(drain(testbed, open(2)), 70'000U);

    const auto reply = open(3);
    const tcp::Time asked = testbed.now();
    EXPECT_EQ(reply.send(word), word.size());
    EXPECT_EQ(drain(testbed, reply), 10U);
    EXPECT_GE(testbed.now() - asked, 20ms);

    EXPECT_EQ(drain(testbed, open(4)), 0U);

    const auto reset = connect(testbed, "a", to(5));
    int error = 0;
    ASSERT_TRUE(
        testbed.until([&] { return (error = reset.receive(buffer).error) == ECONNRESET; }, 15s));

    const auto discard = open(6);
    EXPECT_EQ(discard.send(word), word.size());
    ASSERT_TRUE(testbed.until([&] { return discard.info().tcpi_bytes_acked == 101; }, 15s));
    EXPECT_EQ(outcome(testbed, "a", to(7)), ECONNREFUSED);
  }
  EXPECT_EQ(testbed.server("b", 1)->accepted(), 2U);
  EXPECT_EQ(testbed.server("b", 7), nullptr);
}

//   a ── net1 ── r ── net2 ── b
TEST(Testbed, packet_filters_are_the_kernel_s) {
  lab::Topology topology = lab::chain({"a", "r", "b"});
  topology.hosts[2].servers = {{.port = 80}, {.port = 81}};
  topology.hosts[1].rules =
      "table inet f { chain f { type filter hook forward priority 0; "
      "tcp dport 80 reject with tcp reset; }; }";
  auto testbed = bring_up(topology);
  for (const Family family : kFamilies) {
    EXPECT_EQ(outcome(testbed, "a", {right_end(2, family), 80}), ECONNREFUSED);
    EXPECT_EQ(outcome(testbed, "a", {right_end(2, family), 81}), 0);
  }
  ASSERT_TRUE(testbed.set_rules("r", ""));
  EXPECT_EQ(outcome(testbed, "a", {right_end(2), 80}), 0);
  const auto refused = testbed.set_rules("r", "table inet f { nonsense }");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().sentence.starts_with("r: the packet filter is refused: "))
      << refused.error().sentence;
}

//   a ── net1 ── b
TEST(Testbed, routes_are_of_all_kinds) {
  lab::Topology topology = lab::chain({"a", "b"});
  const auto add = [&](const char* to, lab::RouteKind kind) {
    topology.hosts[0].routes.push_back({.to = lab::parse_prefix(to).value(), .kind = kind});
  };
  add("10.1.0.0/16", lab::RouteKind::blackhole);
  add("10.2.0.0/16", lab::RouteKind::unreachable);
  add("10.3.0.0/16", lab::RouteKind::prohibit);
  topology.hosts[0].routes.push_back(
      {.to = lab::parse_prefix("0.0.0.0/0").value(), .via = right_end(1), .mtu = 1300});
  topology.hosts[1].routes.push_back(
      {.to = lab::parse_prefix("10.4.0.0/16").value(), .device = "lo"});
  auto testbed = bring_up(topology);
  const lab::Visit there(testbed.space("a"));
  const auto error_to = [](const char* address) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(9);
    const auto to = parse_address(address).value();
    std::memcpy(&in.sin_addr, to.bytes.data(), sizeof in.sin_addr);
    const auto* name = static_cast<const sockaddr*>(static_cast<const void*>(&in));
    if (::connect(socket.get(), name, sizeof in) != 0) return errno;
    int mtu = 0;
    socklen_t size = sizeof mtu;
    ::getsockopt(socket.get(), IPPROTO_IP, IP_MTU, &mtu, &size);
    return -mtu;
  };
  EXPECT_EQ(error_to("10.1.0.1"), EINVAL);
  EXPECT_EQ(error_to("10.2.0.1"), EHOSTUNREACH);
  EXPECT_EQ(error_to("10.3.0.1"), EACCES);
  EXPECT_EQ(error_to("10.4.0.1"), -1300);
  EXPECT_EQ(error_to("10.99.1.2"), -1500);
}

//   a ── net1 ── r ── net2, MTU 1300 ── b
TEST(Testbed, a_router_tells_the_mtu_of_its_next_link) {
  for (const Family family : kFamilies) {
    lab::Topology topology = lab::chain({"a", "r", "b"});
    for (lab::LinkEnd& end : topology.links[1].ends) end.mtu = 1300;
    topology.hosts[2].servers = {{.port = 80, .service = Service::discard}};
    auto testbed = bring_up(topology);
    const auto socket = connect(testbed, "a", {right_end(2, family), 80});
    ASSERT_TRUE(testbed.until([&] { return is_connected(socket); }, 15s));
    // The server's own MTU is in its MSS, so that TCP has no need to learn; UDP has.
    const auto udp = UdpSocket::bound(testbed, "a", family, 0);
    udp.send(1, 1400, {right_end(2, family), 9});
    ASSERT_TRUE(testbed.until([&] { return socket.info().tcpi_pmtu == 1500; }, 15s));
    const auto told = [&] {
      const auto fresh = connect(testbed, "a", {right_end(2, family), 80});
      return fresh.info().tcpi_pmtu == 1300;
    };
    EXPECT_TRUE(testbed.until(told, 15s));
  }
}

//   a ── net1 ── b: the queue of b's server holds two, as many as its backlog and one more
TEST(Testbed, a_deaf_server_s_queue_fills) {
  lab::Topology topology = lab::chain({"a", "b"});
  topology.hosts[1].servers = {{.port = 80, .service = Service::deaf, .backlog = 1}};
  auto testbed = bring_up(topology);
  std::vector<LinuxSocket> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(connect(testbed, "a", {right_end(1), 80}));
    ASSERT_TRUE(testbed.until([&] { return is_connected(clients.back()); }, 15s));
  }
  const auto third = connect(testbed, "a", {right_end(1), 80});
  ASSERT_TRUE(testbed.until([&] { return third.info().tcpi_total_retrans > 0; }, 15s));
  EXPECT_FALSE(is_connected(third));
}

TEST(Testbed, says_what_the_kernel_refused) {
  lab::Topology topology = lab::chain({"a", "b"});
  topology.hosts[1].sysctls = {{"net.ipv4.no_such_thing", "1"}};
  const auto made = lab::Testbed::bring_up(topology);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().sentence,
            "b: cannot set net.ipv4.no_such_thing to '1': No such file or directory");
}

// A cable from a testbed's host into the namespace of the test: it is gone when that host is.
void lay_witness(const lab::Testbed& testbed) {
  const Fd here(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const lab::Visit there(testbed.space("b"));
  auto netlink = lab::RtNetlink::open();
  ASSERT_TRUE(netlink);
  const auto done = netlink->add_cable("other", "witness", here.get());
  ASSERT_TRUE(done) << done.error().sentence;
}

bool witness_lives() { return ::if_nametoindex("witness") != 0; }

// The kernel takes namespaces down in a task of its own.
::testing::AssertionResult goes_away() {
  for (int tries = 0; tries < 30'000; ++tries) {
    if (!witness_lives()) return ::testing::AssertionSuccess();
    ::usleep(1000);
  }
  return ::testing::AssertionFailure() << "the hosts are still there";
}

lab::Topology of_both_kinds() {
  lab::Topology topology = lab::chain({"a", "r", "b"});
  topology.links[0].ends[0].sends = lab::Impairment{.delay = 1ms};
  topology.hosts[2].servers = {{.port = 80}};
  return topology;
}

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

//   test ── witness ── b ── net2 ── r ══ net1 ══ a
TEST(Cleanup, nothing_is_left_of_an_object) {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  const size_t before = open_descriptors();
  {
    const auto testbed = bring_up(of_both_kinds());
    lay_witness(testbed);
    ASSERT_TRUE(witness_lives());
  }
  EXPECT_TRUE(goes_away());
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Cleanup, nothing_is_left_of_one_that_failed_half_way) {
  const size_t before = open_descriptors();
  lab::Topology topology = of_both_kinds();
  topology.hosts[2].rules = "nonsense";
  EXPECT_FALSE(lab::Testbed::bring_up(topology));
  EXPECT_EQ(open_descriptors(), before);
}

//   test ── witness ── b ── net2 ── r ══ net1 ══ a, of another process
TEST(Cleanup, nothing_is_left_of_a_process_that_was_killed) {
  for (const int signal : {SIGKILL, SIGINT}) {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const auto testbed = bring_up(of_both_kinds());
      lay_witness(testbed);
      (void)!::write(ready[1], "r", 1);
      for (;;) ::pause();
    }
    char word = 0;
    ::close(ready[1]);
    ASSERT_EQ(::read(ready[0], &word, 1), 1);
    ::close(ready[0]);
    ASSERT_TRUE(witness_lives());
    ASSERT_EQ(::kill(child, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(goes_away());
  }
}

}  // namespace
}  // namespace tcpdx::lab_kernel_test
