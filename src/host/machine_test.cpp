// The real kernel, with sockets and namespaces that the tests make themselves.
#include "host/machine.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "base/test_folder.hpp"

namespace tcpdx::host {
namespace {

// A listener on a loopback address with a port of the kernel's choice, and its clients.
class Server {
 public:
  Server(const char* address, int backlog) {
    name_.sin6_family = AF_INET6;
    family_ = std::string_view(address).contains(':') ? AF_INET6 : AF_INET;
    if (family_ == AF_INET6) {
      inet_pton(AF_INET6, address, &name_.sin6_addr);
    } else {
      sockaddr_in four{};
      four.sin_family = AF_INET;
      inet_pton(AF_INET, address, &four.sin_addr);
      std::memcpy(&name_, &four, sizeof four);
    }
    listener_ = Fd(::socket(family_, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), where(), length()), 0) << errno_text(errno);
    EXPECT_EQ(::listen(listener_.get(), backlog), 0);
    socklen_t size = sizeof name_;
    EXPECT_EQ(::getsockname(listener_.get(), where(), &size), 0);
  }

  Fd connect() {
    Fd client(::socket(family_, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), where(), length()), 0) << errno_text(errno);
    return client;
  }
  Fd accept() { return Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  int listener() const { return listener_.get(); }
  uint16_t port() const { return ntohs(name_.sin6_port); }  // at the same place in both

 private:
  sockaddr* where() { return static_cast<sockaddr*>(static_cast<void*>(&name_)); }
  socklen_t length() const { return family_ == AF_INET ? sizeof(sockaddr_in) : sizeof name_; }

  int family_ = AF_INET;
  sockaddr_in6 name_{};
  Fd listener_;
};

Observation looked(const Options& options) {
  Observation observation;
  Result<Machine> machine = Machine::open(options, observation);
  EXPECT_TRUE(machine.has_value()) << machine.error().sentence;
  const auto done = machine->look({}, Duration::zero(), observation);
  EXPECT_TRUE(done.has_value()) << done.error().sentence;
  EXPECT_TRUE(machine->sample(Duration::zero(), observation).has_value());
  return observation;
}

Options ours_only() {
  Options options;
  options.all_namespaces = false;
  return options;
}

const Socket* find(const Observation& observation, tcp::State state, uint16_t local_port,
                   uint16_t remote_port = 0) {
  const auto& sockets = observation.now().sockets;
  const auto found = std::ranges::find_if(sockets, [&](const Socket& socket) {
    return socket.state == state && (local_port == 0 || socket.local.port == local_port) &&
           (remote_port == 0 || socket.remote.port == remote_port);
  });
  return found == sockets.end() ? nullptr : &*found;
}

bool says(const Observation& observation, std::string_view what) {
  return std::ranges::any_of(observation.missing,
                             [&](const Missing& missing) { return missing.what.contains(what); });
}

bool owned_by_us(const Observation& observation, const Socket& socket, int fd) {
  return std::ranges::any_of(owners_of(observation.now(), socket), [&](const Owner& owner) {
    return owner.fd == fd &&
           observation.processes[owner.process].pid == static_cast<uint32_t>(::getpid());
  });
}

class LoopbackTest : public testing::TestWithParam<const char*> {};

TEST_P(LoopbackTest, ListenerQueueAndBothEnds) {
  Server server(GetParam(), 5);
  const Fd client = server.connect();
  const Fd accepted = server.accept();
  const Fd waiting = server.connect();  // stays in the queue
  ASSERT_EQ(::send(client.get(), "hello", 5, 0), 5);
  const Observation seen = looked(ours_only());

  const Socket* listener = find(seen, tcp::State::listen, server.port());
  ASSERT_NE(listener, nullptr);
  EXPECT_EQ(listener->recv_q, 1U);
  EXPECT_EQ(listener->send_q, 5U);
  EXPECT_TRUE(owned_by_us(seen, *listener, server.listener()));
  const TcpInfo* info = info_of(seen.now(), *listener);
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->known_bytes, 0);
  EXPECT_EQ(info->drops, 0U);

  const Socket* end = find(seen, tcp::State::established, 0, server.port());
  ASSERT_NE(end, nullptr);
  ASSERT_NE(info_of(seen.now(), *end), nullptr);
  EXPECT_GT(info_of(seen.now(), *end)->known_bytes, 100);
  EXPECT_FALSE(seen.congestion_names[end->congestion].empty());
  EXPECT_NE(end->cookie, 0U);

  const auto& sockets = seen.now().sockets;
  const auto read_queue = [&](const Socket& s) {
    return s.state == tcp::State::established && s.local.port == server.port() && s.recv_q == 5;
  };
  const auto unread = std::ranges::find_if(sockets, read_queue);
  ASSERT_NE(unread, sockets.end());
  EXPECT_TRUE(owned_by_us(seen, *unread, accepted.get()));
  const auto unaccepted = std::ranges::find_if(sockets, [&](const Socket& s) {
    return s.state == tcp::State::established && s.local.port == server.port() && s.inode == 0;
  });
  ASSERT_NE(unaccepted, sockets.end());
  EXPECT_EQ(unaccepted->first_owner, kNoIndex);

  const auto& samples = seen.samples.front().listeners;
  const auto sampled = std::ranges::find(samples, listener->cookie, &ListenerSample::cookie);
  ASSERT_NE(sampled, samples.end());
  EXPECT_EQ(sampled->queued, 1U);
  EXPECT_EQ(sampled->limit, 5U);
  EXPECT_EQ(sampled->drops, 0U);
}

INSTANTIATE_TEST_SUITE_P(Families, LoopbackTest, testing::Values("127.0.0.1", "::1"));

// The peer may delay its acknowledgment of our FIN (RFC 9293 section 3.8.6.3).
bool reaches(int socket, uint8_t state) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    if (info.tcpi_state == state) return true;
    ::usleep(1000);
  }
  return false;
}

TEST(Machine, SeesHalfClosedConnections) {
  Server server("127.0.0.1", 5);
  const Fd client = server.connect();
  const Fd accepted = server.accept();
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
  ASSERT_TRUE(reaches(client.get(), TCP_FIN_WAIT2));
  ASSERT_TRUE(reaches(accepted.get(), TCP_CLOSE_WAIT));
  const Observation seen = looked(ours_only());
  const Socket* waiting = find(seen, tcp::State::close_wait, server.port());
  ASSERT_NE(waiting, nullptr);
  EXPECT_EQ(waiting->recv_q, 1U) << "the end of file is not read yet";
  const Socket* closing = find(seen, tcp::State::fin_wait_2, 0, server.port());
  ASSERT_NE(closing, nullptr);
  EXPECT_EQ(closing->shutdown, 2);
}

TEST(Machine, NamesTheMachineItsSettingsAndCounters) {
  const Observation seen = looked(ours_only());
  EXPECT_EQ(seen.kernel + "\n", read_file("/proc/sys/kernel/osrelease"));
  ASSERT_EQ(seen.namespaces.size(), 1U);
  EXPECT_TRUE(seen.namespaces[0].ours);
  struct stat status{};
  ASSERT_EQ(::stat("/proc/self/ns/net", &status), 0);
  EXPECT_EQ(seen.namespaces[0].inode, status.st_ino);
  const auto fin_timeout = read_file("/proc/sys/net/ipv4/tcp_fin_timeout");
  ASSERT_TRUE(fin_timeout.has_value());
  EXPECT_EQ(std::string(*seen.namespaces[0].sysctls.text("net.ipv4.tcp_fin_timeout")) + "\n",
            *fin_timeout);
  EXPECT_TRUE(seen.namespaces[0].sysctls.number("net.ipv4.ip_local_port_range", 1).has_value());
  ASSERT_EQ(seen.samples.size(), 1U);
  EXPECT_TRUE(seen.samples[0].counters[0].get("Tcp.ActiveOpens").has_value());
  EXPECT_TRUE(seen.samples[0].counters[0].get("TcpExt.ListenOverflows").has_value());
  EXPECT_EQ(seen.sources.front(), "sock_diag");
}

TEST(Machine, CountsWithoutASocketTable) {
  Options options = ours_only();
  options.counters_only = true;
  Observation seen;
  Result<Machine> machine = Machine::open(options, seen);
  ASSERT_TRUE(machine.has_value()) << machine.error().sentence;
  EXPECT_TRUE(seen.sources.empty());
  const auto before = machine->counters(0, seen);
  ASSERT_TRUE(before.has_value());
  Server server("127.0.0.1", 5);
  const Fd client = server.connect();
  const auto after = machine->counters(0, seen);
  ASSERT_TRUE(after.has_value());
  EXPECT_GT(after->get("Tcp.ActiveOpens"), before->get("Tcp.ActiveOpens"));
  EXPECT_TRUE(after->get("sockstat.TCP.inuse").has_value());
}

TEST(Machine, ProcTablesSayWhatTheyLack) {
  Server server("127.0.0.1", 5);
  const Fd client = server.connect();
  Options options = ours_only();
  options.sources.tables = TableSource::proc_net;
  const Observation seen = looked(options);
  EXPECT_EQ(seen.sources.front(), "/proc/net/tcp");
  EXPECT_TRUE(says(seen, "TCP_INFO"));
  const Socket* listener = find(seen, tcp::State::listen, server.port());
  ASSERT_NE(listener, nullptr);
  EXPECT_EQ(listener->recv_q, 1U);
  EXPECT_EQ(listener->cookie, 0U);
  EXPECT_TRUE(owned_by_us(seen, *listener, server.listener()));
  EXPECT_EQ(info_of(seen.now(), *listener), nullptr);
  const auto& samples = seen.samples.front().listeners;
  const auto sampled = std::ranges::find_if(
      samples, [&](const ListenerSample& s) { return s.local.port == server.port(); });
  ASSERT_NE(sampled, samples.end());
  EXPECT_EQ(sampled->drops, std::nullopt);
  EXPECT_NE(find(seen, tcp::State::established, 0, server.port()), nullptr);
}

TEST(Machine, FailsOnlyWithoutAnyTable) {
  Options options;
  options.sources.tables = TableSource::proc_net;
  options.proc = "/nowhere";
  Observation observation;
  const Result<Machine> machine = Machine::open(options, observation);
  ASSERT_FALSE(machine.has_value());
  EXPECT_TRUE(machine.error().sentence.contains("/nowhere/thread-self/net/tcp"));
}

// A child in a network namespace of its own that listens there, ready once the pipe speaks.
class Elsewhere {
 public:
  Elsewhere() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    child_ = ::fork();
    if (child_ == 0) run(ends[1]);
    ::close(ends[1]);
    const Fd from(ends[0]);
    made_ = ::read(from.get(), &port_, sizeof port_) == sizeof port_;
  }
  Elsewhere(const Elsewhere&) = delete;
  Elsewhere& operator=(const Elsewhere&) = delete;
  ~Elsewhere() { end(); }

  void end() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }
  bool made() const { return made_; }
  uint16_t port() const { return port_; }
  std::string path() const { return "/proc/" + std::to_string(child_) + "/ns/net"; }
  uint64_t inode() const {
    struct stat status{};
    return ::stat(path().c_str(), &status) == 0 ? status.st_ino : 0;
  }

 private:
  [[noreturn]] static void run(int to) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    socklen_t size = sizeof any;
    auto* where = static_cast<sockaddr*>(static_cast<void*>(&any));
    if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::bind(listener, where, sizeof any) != 0 || ::listen(listener, 9) != 0) ::_exit(1);
    if (::getsockname(listener, where, &size) != 0) ::_exit(1);
    const uint16_t port = ntohs(any.sin_port);
    if (::write(to, &port, sizeof port) != sizeof port) ::_exit(1);
    for (;;) ::pause();
  }

  pid_t child_ = -1;
  bool made_ = false;
  uint16_t port_ = 0;
};

uint16_t index_of(const Observation& observation, uint64_t inode) {
  const auto found = std::ranges::find(observation.namespaces, inode, &Namespace::inode);
  return static_cast<uint16_t>(found - observation.namespaces.begin());
}

uint64_t inode_now() {
  struct stat status{};
  return ::stat("/proc/thread-self/ns/net", &status) == 0 ? status.st_ino : 0;
}

TEST(Namespaces, SeesListenersCountersAndSettingsOfOthers) {
  const Elsewhere elsewhere;
  if (!elsewhere.made()) GTEST_SKIP() << "may not make a network namespace";
  const uint64_t before = inode_now();
  const Observation seen = looked({});
  EXPECT_EQ(inode_now(), before) << "came back";
  EXPECT_TRUE(seen.namespaces[0].ours);
  const uint16_t netns = index_of(seen, elsewhere.inode());
  ASSERT_LT(netns, seen.namespaces.size());
  EXPECT_FALSE(seen.namespaces[netns].ours);
  const auto& sockets = seen.now().sockets;
  const auto listener = std::ranges::find_if(sockets, [&](const Socket& s) {
    return s.netns == netns && s.local.port == elsewhere.port();
  });
  ASSERT_NE(listener, sockets.end());
  EXPECT_EQ(listener->send_q, 9U);
  EXPECT_EQ(listener->owner_count, 1);
  const Counters& counters = seen.samples[0].counters[netns];
  EXPECT_EQ(counters.get("sockstat.TCP.inuse"), 1U);
  EXPECT_EQ(counters.get("sockstat.TCP.orphan"), std::nullopt) << "a sum over the whole machine";
  EXPECT_TRUE(seen.namespaces[netns].sysctls.text("net.core.somaxconn").has_value());
  EXPECT_EQ(seen.namespaces[netns].sysctls.text("net.ipv4.tcp_max_orphans"), std::nullopt);
}

TEST(Namespaces, OneThatIsNamedAndUsedIsOne) {
  const Elsewhere elsewhere;
  const TestFolder own;
  const std::filesystem::path& folder = own.path();
  std::ofstream(folder / "blue").flush();
  std::ofstream(folder / "stale").flush();  // a name without a namespace
  const std::string blue = folder / "blue";
  const bool named = elsewhere.made() &&
                     ::mount(elsewhere.path().c_str(), blue.c_str(), "none", MS_BIND, nullptr) == 0;
  if (named) {
    Options options;
    options.run_netns = folder;
    const Observation seen = looked(options);
    const uint64_t inode = elsewhere.inode();
    EXPECT_EQ(std::ranges::count(seen.namespaces, inode, &Namespace::inode), 1);
    EXPECT_EQ(std::ranges::count(seen.namespaces, "blue", &Namespace::name), 1);
    EXPECT_EQ(std::ranges::count(seen.namespaces, "stale", &Namespace::name), 0);
    EXPECT_EQ(seen.namespaces[index_of(seen, inode)].name, "blue");
    EXPECT_EQ(::umount2(blue.c_str(), MNT_DETACH), 0);
  }
  if (!named) GTEST_SKIP() << "may not make and name a network namespace";
}

TEST(Namespaces, OneThatDisappearsBreaksNothing) {
  Elsewhere elsewhere;
  if (!elsewhere.made()) GTEST_SKIP() << "may not make a network namespace";
  Observation observation;
  Result<Machine> machine = Machine::open({}, observation);
  ASSERT_TRUE(machine.has_value()) << machine.error().sentence;
  const uint16_t netns = index_of(observation, elsewhere.inode());
  ASSERT_LT(netns, observation.namespaces.size());
  elsewhere.end();
  ASSERT_TRUE(machine->look({}, Duration::zero(), observation).has_value());
  ASSERT_TRUE(machine->sample(Duration::zero(), observation).has_value());
  EXPECT_EQ(observation.samples[0].counters.size(), observation.namespaces.size());
  EXPECT_EQ(std::ranges::count(observation.now().sockets, netns, &Socket::netns), 0);
}

// In a child, since rights that are given up do not come back.
TEST(Machine, AnOrdinaryUserIsToldWhatIsMissing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a user to change from";
  const Elsewhere elsewhere;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(10);
    Observation seen;
    Result<Machine> machine = Machine::open({}, seen);
    if (!machine || !machine->look({}, Duration::zero(), seen)) ::_exit(11);
    const auto needs = [&](std::string_view what, std::string_view capability) {
      return std::ranges::any_of(seen.missing, [&](const Missing& missing) {
        return missing.what.contains(what) && missing.needs.contains(capability);
      });
    };
    const bool told = needs("owners of sockets", "CAP_SYS_PTRACE") &&
                      needs("marks of sockets", "CAP_NET_ADMIN") &&
                      needs("network namespaces", "CAP_SYS_PTRACE");
    ::_exit(told ? 0 : 12);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace tcpdx::host
