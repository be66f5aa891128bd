// The kernel's own events of sockets that this test opens on the loopback device. Where BPF is
// refused the sentence that says so is what is tested.
#include "host/events.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/file.hpp"
#include "host/btf.hpp"
#include "host/capabilities.hpp"

namespace tcpdx::host {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

template <class Call>
int with_address(Call call, const Fd& fd, const sockaddr_in& address) {
  // The socket calls take every family's address by its common beginning.
  return call(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

uint16_t port_of(const Fd& fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

Fd tcp_socket() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

class TheEvents : public testing::Test {
 protected:
  void SetUp() override {
    EventOptions options;
    options.kinds = {EventKind::state, EventKind::connect, EventKind::reset_sent,
                     EventKind::reset_received, EventKind::bind_failed};
    auto opened = Events::open(options);
    if (opened) {
      events_.emplace(std::move(*opened));
      return;
    }
    EXPECT_FALSE(opened.error().why.empty());
    GTEST_SKIP() << "no BPF here: " << opened.error().why;
  }

  // Those at either end of which is `port`.
  std::vector<KernelEvent> at_port(uint16_t port) {
    std::vector<KernelEvent> found;
    events_->poll([&](KernelEvent&& event) {
      if (event.local.port == port || event.remote.port == port) found.push_back(std::move(event));
    });
    return found;
  }

  std::optional<Events> events_;
};

const KernelEvent* of_kind(const std::vector<KernelEvent>& events, EventKind kind) {
  const auto found = std::ranges::find(events, kind, &KernelEvent::kind);
  return found == events.end() ? nullptr : &*found;
}

TEST_F(TheEvents, show_a_refused_connect_and_its_reset) {
  Fd taken = tcp_socket();
  ASSERT_EQ(with_address(::bind, taken, loopback(0)), 0);
  const uint16_t port = port_of(taken);  // bound and not listening: nobody else gets it
  ASSERT_EQ(with_address(::connect, tcp_socket(), loopback(port)), -1);
  const auto seen = at_port(port);
  const KernelEvent* connect = of_kind(seen, EventKind::connect);
  ASSERT_NE(connect, nullptr);
  EXPECT_EQ(connect->error, ECONNREFUSED);
  EXPECT_EQ(connect->remote.port, port);
  EXPECT_NE(connect->local.port, 0);
  const KernelEvent* reset = of_kind(seen, EventKind::reset_sent);
  ASSERT_NE(reset, nullptr);
  EXPECT_EQ(reset->local.port, port);
  EXPECT_EQ(reset->remote.port, connect->local.port);
  EXPECT_EQ(reset->cookie, 0U);
  const auto reasons = KernelTypes::open()->enumeration("sk_rst_reason", "SK_RST_REASON_");
  if (!reasons.empty()) {
    EXPECT_EQ(events_->reason(reset->kind, reset->reason), "NO_SOCKET");
  }
  EXPECT_NE(of_kind(seen, EventKind::reset_received), nullptr);
  EXPECT_GE(events_->counted()[std::to_underlying(EventKind::connect)], 1U);
}

TEST_F(TheEvents, name_the_process_that_opens) {
  Fd listener = tcp_socket();
  ASSERT_EQ(with_address(::bind, listener, loopback(0)), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const uint16_t port = port_of(listener);
  const Fd client = tcp_socket();
  ASSERT_EQ(with_address(::connect, client, loopback(port)), 0);
  const auto seen = at_port(port);
  const auto opens = std::ranges::find_if(
      seen, [](const KernelEvent& event) { return event.to == tcp::State::syn_sent; });
  ASSERT_NE(opens, seen.end());
  EXPECT_EQ(opens->from, tcp::State::closed);
  EXPECT_EQ(opens->pid, static_cast<uint32_t>(::getpid()));
  // The other end's socket was made by an incoming packet: nobody's yet.
  const auto child = std::ranges::find_if(
      seen, [](const KernelEvent& event) { return event.to == tcp::State::syn_received; });
  ASSERT_NE(child, seen.end());
  EXPECT_EQ(child->pid, 0U);
  EXPECT_EQ(events_->lost(), 0U);
}

// Three calls that are answered and two that are refused. The limit of one record is for those that
// failed, whatever came before.
TEST(the_tallies, count_what_each_caller_got) {
  EventOptions options;
  options.kinds = {EventKind::connect};
  options.tallies = 16;
  options.most = 1;
  auto events = Events::open(options);
  if (!events) GTEST_SKIP() << "no BPF here: " << events.error().why;
  Fd listener = tcp_socket();
  ASSERT_EQ(with_address(::bind, listener, loopback(0)), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  Fd taken = tcp_socket();
  ASSERT_EQ(with_address(::bind, taken, loopback(0)), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(with_address(::connect, tcp_socket(), loopback(port_of(listener))), 0);
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(with_address(::connect, tcp_socket(), loopback(port_of(taken))), -1);
  }
  const auto tallies = events->tallies();
  if (tallies.empty()) GTEST_SKIP() << "sockets have no storage on this kernel";
  const auto tally_of = [&](const Fd& end) {
    const auto found = std::ranges::find(tallies, port_of(end),
                                         [](const CallerTally& t) { return t.remote.port; });
    return found == tallies.end() ? CallerTally{} : *found;
  };
  const CallerTally served = tally_of(listener);
  EXPECT_EQ(served.succeeded, 3U);
  EXPECT_EQ(served.repeated, 0U);
  EXPECT_EQ(served.failed, 0U);
  EXPECT_EQ(served.pid, static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(to_string(served.remote.addr), "127.0.0.1");
  const CallerTally refused = tally_of(taken);
  EXPECT_EQ(refused.succeeded, 0U);
  EXPECT_EQ(refused.failed, 2U);
  EXPECT_EQ(refused.pid, static_cast<uint32_t>(::getpid()));
  EXPECT_FALSE(refused.comm.empty());
  size_t records = 0;
  events->poll([&](const KernelEvent& event) { records += event.remote.port == port_of(taken); });
  EXPECT_GE(records, 1U);
}

TEST_F(TheEvents, show_a_bind_that_failed) {
  Fd first = tcp_socket();
  ASSERT_EQ(with_address(::bind, first, loopback(0)), 0);
  const uint16_t port = port_of(first);
  ASSERT_EQ(with_address(::bind, tcp_socket(), loopback(port)), -1);
  const auto seen = at_port(port);
  const KernelEvent* failed = of_kind(seen, EventKind::bind_failed);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->error, EADDRINUSE);
  EXPECT_EQ(failed->pid, static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(to_string(failed->local.addr), "127.0.0.1");
}

TEST(kernel_types, know_tracepoints_and_enumerations) {
  const auto types = KernelTypes::open();
  if (!types) GTEST_SKIP() << types.error().sentence;
  EXPECT_EQ(types->tracepoint_arguments("inet_sock_set_state"), 3U);
  EXPECT_EQ(types->tracepoint_arguments("no_such_tracepoint"), 0U);
  EXPECT_TRUE(types->enumeration("no_such_enumeration", "").empty());
  const auto kinds = types->enumeration("bpf_map_type", "BPF_MAP_TYPE_");
  ASSERT_TRUE(kinds.contains(1));
  EXPECT_EQ(kinds.at(1), "HASH");
}

}  // namespace
}  // namespace tcpdx::host
