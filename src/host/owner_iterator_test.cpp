// The real kernel: descriptors in every place in which they can be. Skipped without the right to
// load BPF programs.
#include "host/owner_iterator.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <functional>
#include <set>
#include <thread>
#include <utility>

#include "base/file.hpp"

namespace tcpdx::host {
namespace {

using Places = std::set<std::pair<uint32_t, int>>;  // pid and descriptor

Fd make_socket(int family = AF_INET, int type = SOCK_STREAM, int protocol = 0) {
  return Fd(::socket(family, type | SOCK_CLOEXEC, protocol));
}

uint32_t inode_of(const Fd& fd) {
  struct stat about{};
  return ::fstat(fd.get(), &about) == 0 ? static_cast<uint32_t>(about.st_ino) : 0;
}

Places places_of(const OwnerPass& pass, uint32_t inode) {
  Places places;
  for (const Owner& owner : pass.owners) {
    if (owner.inode == inode) places.insert({pass.holders[owner.process].pid, owner.fd});
  }
  return places;
}

Places places_now(uint32_t inode) {
  const Result<OwnerIterator> iterator = OwnerIterator::open("/proc");
  if (!iterator) return {};
  const Result<OwnerPass> pass = iterator->pass();
  return pass ? places_of(*pass, inode) : Places{};
}

// A child that has done what it is told and then holds still until it is killed.
class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      work();
      if (::write(ends[1], "+", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    const Fd from(ends[0]);
    char byte = 0;
    ready_ = ::read(from.get(), &byte, 1) == 1;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  bool ready() const { return ready_; }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

uint32_t ourselves() { return static_cast<uint32_t>(::getpid()); }

class OwnerIteratorTest : public testing::Test {
 protected:
  void SetUp() override {
    const Result<OwnerIterator> iterator = OwnerIterator::open("/proc");
    if (!iterator) GTEST_SKIP() << iterator.error().sentence;
  }
};

TEST_F(OwnerIteratorTest, FindsEveryDescriptorOfTcpAndNoOther) {
  const Fd four = make_socket();
  const Fd six = make_socket(AF_INET6);
  const Fd again(::dup(four.get()));
  const Fd datagrams = make_socket(AF_INET, SOCK_DGRAM);
  const Fd local = make_socket(AF_UNIX);
  EXPECT_EQ(places_now(inode_of(four)),
            (Places{{ourselves(), four.get()}, {ourselves(), again.get()}}));
  EXPECT_EQ(places_now(inode_of(six)), (Places{{ourselves(), six.get()}}));
  EXPECT_EQ(places_now(inode_of(datagrams)), Places{});
  EXPECT_EQ(places_now(inode_of(local)), Places{});
}

TEST_F(OwnerIteratorTest, FindsTheSocketOfMultipathTcp) {
  const Fd multipath = make_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
  if (!multipath) GTEST_SKIP() << "this kernel has no Multipath TCP";
  EXPECT_EQ(places_now(inode_of(multipath)), (Places{{ourselves(), multipath.get()}}));
}

TEST_F(OwnerIteratorTest, AForkedSocketHasTwoOwners) {
  const Fd shared = make_socket();
  const Child child([] {});
  ASSERT_TRUE(child.ready());
  EXPECT_EQ(places_now(inode_of(shared)),
            (Places{{ourselves(), shared.get()}, {child.pid(), shared.get()}}));
}

TEST_F(OwnerIteratorTest, NamesTheProcessAndItsUser) {
  const Fd held = make_socket();
  const Result<OwnerPass> pass = OwnerIterator::open("/proc")->pass();
  ASSERT_TRUE(pass.has_value());
  const auto owner = std::ranges::find(pass->owners, inode_of(held), &Owner::inode);
  ASSERT_NE(owner, pass->owners.end());
  EXPECT_EQ(pass->holders[owner->process].comm + "\n", read_file("/proc/self/comm"));
  EXPECT_EQ(pass->holders[owner->process].uid, ::geteuid());
}

TEST_F(OwnerIteratorTest, ThreadsThatShareTheirDescriptorsAreOneOwner) {
  const Fd held = make_socket();
  Places places;
  std::thread([&] { places = places_now(inode_of(held)); }).join();
  EXPECT_EQ(places, (Places{{ourselves(), held.get()}}));
}

// /proc/PID/fd, and with it ss and lsof, knows only the leader's descriptors.
TEST_F(OwnerIteratorTest, FindsWhatAThreadWithItsOwnDescriptorsHolds) {
  Places places;
  int fd = -1;
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_FILES), 0);
    const Fd own = make_socket();
    fd = own.get();
    places = places_now(inode_of(own));
  }).join();
  EXPECT_EQ(places, (Places{{ourselves(), fd}}));
}

TEST_F(OwnerIteratorTest, FindsWhatIsLeftWhenTheFirstThreadHasEnded) {
  const Fd shared = make_socket();
  const uint32_t inode = inode_of(shared);
  const pid_t child = ::fork();
  if (child == 0) {
    std::thread([] {
      for (;;) ::pause();
    }).detach();
    ::syscall(SYS_exit, 0);  // of this thread alone
  }
  const std::string path = "/proc/" + std::to_string(child) + "/stat";
  while (!read_file(path)->contains(") Z ")) ::usleep(1000);
  EXPECT_EQ(places_now(inode),
            (Places{{ourselves(), shared.get()}, {static_cast<uint32_t>(child), shared.get()}}));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(OwnerIteratorTest, ASocketOnItsWayBetweenProcessesHasNoOwner) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Fd from(ends[0]);
  const Fd to(ends[1]);
  Fd sent = make_socket();
  const uint32_t inode = inode_of(sent);
  char byte = '+';
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  const int fd = sent.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ASSERT_EQ(::sendmsg(from.get(), &message, 0), 1);
  sent.reset();
  EXPECT_EQ(places_now(inode), Places{});
  ASSERT_EQ(::recvmsg(to.get(), &message, MSG_CMSG_CLOEXEC), 1);
  std::memcpy(&byte, CMSG_DATA(CMSG_FIRSTHDR(&message)), 1);
  EXPECT_EQ(places_now(inode).size(), 1U);
}

// The exit code of `work` in a child that is the first process of a pid namespace.
int in_pid_namespace(const std::function<int()>& work) {
  const pid_t outer = ::fork();
  if (outer == 0) {
    if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) ::_exit(77);
    const pid_t inner = ::fork();
    if (inner == 0) ::_exit(work());
    int status = 0;
    ::waitpid(inner, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
  }
  int status = 0;
  ::waitpid(outer, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

TEST_F(OwnerIteratorTest, NumbersAreThoseOfOurOwnPidNamespace) {
  const int code = in_pid_namespace([] {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
    if (::mount("proc", "/proc", "proc", 0, nullptr) != 0) return 77;
    const Fd held = make_socket();
    return places_now(inode_of(held)) == Places{{1, held.get()}} ? 0 : 1;
  });
  if (code == 77) GTEST_SKIP() << "may not make a pid namespace";
  EXPECT_EQ(code, 0);
}

TEST_F(OwnerIteratorTest, IsNotUsedBesideTheProcOfAnotherPidNamespace) {
  const int code = in_pid_namespace([] {
    const Result<OwnerIterator> iterator = OwnerIterator::open("/proc");
    return !iterator && iterator.error().sentence.contains("another pid namespace") ? 0 : 1;
  });
  if (code == 77) GTEST_SKIP() << "may not make a pid namespace";
  EXPECT_EQ(code, 0);
}

TEST(OwnerIterator, SaysWhichRightItNeeds) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a user to change from";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(10);
    const Result<OwnerIterator> iterator = OwnerIterator::open("/proc");
    const bool told = !iterator && iterator.error().sentence.contains("CAP_BPF and CAP_PERFMON");
    ::_exit(told ? 0 : 12);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tcpdx::host
