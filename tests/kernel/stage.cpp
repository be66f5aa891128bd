#include "kernel/stage.hpp"

#include <linux/netlink.h>
#include <sched.h>

#include <algorithm>
#include <fstream>

#include "host/counter_files.hpp"
#include "host/sock_diag.hpp"
#include "tcp/transition.hpp"

namespace tcpdx::kernel_test {

IpAddress kernel_address(Family family) {
  return family == Family::v4 ? ipv4(10, 0, 0, 1) : parse_address("fd00::1").value();
}

IpAddress our_address(Family family) {
  return family == Family::v4 ? ipv4(10, 0, 0, 2) : parse_address("fd00::2").value();
}

void Stage::SetUp() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << errno_text(errno);
  auto diag = host::Netlink::open(NETLINK_SOCK_DIAG);
  ASSERT_TRUE(diag) << diag.error().sentence;
  diag_ = std::move(*diag);
}

void Stage::TearDown() {
  EXPECT_TRUE(forbidden_moves_.empty()) << forbidden_moves_.front();
  if (HasFailure() && peer_) {
    std::fprintf(stderr, "--- as our end saw it (in: from the kernel)\n%s",
                 peer_->log().text().c_str());
  }
}

void Stage::start(const tcp::Settings& settings, const tcp::Secret& secret) {
  peer_.reset();  // its device has the name
  auto tun = lab::Tun::open(
      {.name = "lab", .addresses = {{kernel_address(), 24}, {kernel_address(Family::v6), 64}}});
  ASSERT_TRUE(tun) << tun.error().sentence;
  tcp::Settings with = settings;
  with.addresses = {our_address(), our_address(Family::v6)};
  peer_ = std::make_unique<lab::Peer>(std::move(*tun), with, secret);
  peer_->hooks().notice = [this](tcp::ConnectionId id, tcp::Notice notice) {
    notices_.emplace_back(id, notice);
  };
  peer_->hooks().moved = [this](tcp::ConnectionId, State from, tcp::Event on, State to) {
    const tcp::Transition* row = tcp::transition(from, on);
    if (row != nullptr && row->to == to) return;
    forbidden_moves_.push_back(fmt::format("no row of the table: {} on {} to {}", to_string(from),
                                           tcp::to_string(on), to_string(to)));
  };
}

bool Stage::until(const std::function<bool()>& condition, Duration limit) {
  const tcp::Time end = now() + limit;
  while (!condition()) {
    if (now() > end) return false;
    if (!peer_->turn(1)) peer_->wait(5ms);
  }
  return true;
}

void Stage::pass(Duration time) {
  const tcp::Time end = now() + time;
  until([&] { return now() >= end; }, time + 1s);
}

std::vector<Socket> Stage::kernel_sockets() {
  if (!diag_) return {};  // SetUp() failed
  Look look;
  std::vector<std::string> names{""};
  for (const Family family : {Family::v4, Family::v6}) {
    const auto done = host::dump_sockets(diag_->asker(), {.family = family}, 0, look, names);
    EXPECT_TRUE(done) << done.error().sentence;
  }
  host::drop_duplicates(look.sockets, 0);
  return std::move(look.sockets);
}

std::optional<Socket> Stage::kernel_socket(const Ends& ends) {
  for (const Socket& socket : kernel_sockets()) {
    if (socket.local == ends.kernel && socket.remote == ends.ours) return socket;
  }
  return {};
}

State Stage::kernel_state(const Ends& ends) {
  const auto socket = kernel_socket(ends);
  return socket ? socket->state : State::closed;
}

State Stage::our_state(const Ends& ends) const {
  const auto id = peer_->endpoint().find(ends.ours, ends.kernel);
  if (!id) return State::closed;
  const auto status = peer_->endpoint().status(*id);
  return status ? status->state : State::closed;
}

void Stage::expect_states(const Ends& ends, State kernel, State ours) {
  until([&] { return our_state(ends) == ours && kernel_state(ends) == kernel; }, 5s);
  expect_states_now(ends, kernel, ours);
}

void Stage::expect_states_now(const Ends& ends, State kernel, State ours) {
  EXPECT_EQ(to_string(kernel_state(ends)), to_string(kernel)) << "of the kernel";
  EXPECT_EQ(to_string(our_state(ends)), to_string(ours)) << "of ours";
}

void Stage::expect_agreement(const Pair& pair) {
  const auto status = endpoint().status(pair.ours);
  ASSERT_TRUE(status) << status.error().sentence;
  // Sequence numbers: what the kernel received lies between what it acknowledged to us and what we
  // sent. In ESTABLISHED neither SYN nor FIN counts: tcp_info's bytes_received starts behind the
  // SYN.
  const tcp_info info = pair.linux.info();
  const auto received = static_cast<uint32_t>(info.tcpi_bytes_received);
  EXPECT_GE(received, octets(status->iss + 1, status->snd_una));
  EXPECT_LE(received, octets(status->iss + 1, status->snd_nxt));
  // bytes_sent counts retransmissions too (RFC 4898, tcpEStatsPerfHCDataOctetsOut).
  EXPECT_GE(info.tcpi_bytes_sent - info.tcpi_bytes_retrans,
            octets(status->irs + 1, status->rcv_nxt));

  EXPECT_EQ((info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0, status->timestamps);
  EXPECT_EQ((info.tcpi_options & TCPI_OPT_SACK) != 0, status->sack);
  EXPECT_EQ((info.tcpi_options & TCPI_OPT_WSCALE) != 0, status->snd_scale.has_value());
  EXPECT_EQ(info.tcpi_snd_wscale, status->rcv_scale.value_or(0));
  EXPECT_EQ(info.tcpi_rcv_wscale, status->snd_scale.value_or(0));
  // Ours counts the SACK blocks of the moment, at most four with their kind and length; tcp_info's
  // does not (tcp_current_mss).
  EXPECT_LE(status->mss, info.tcpi_snd_mss);
  EXPECT_GE(status->mss + 36U, info.tcpi_snd_mss);
  if (status->unacknowledged == 0 && received == 0) {
    EXPECT_EQ(info.tcpi_snd_mss, status->mss);
  }
}

uint64_t Stage::kernel_counter(std::string_view name) {
  const auto value = host::read_counters("/proc", true).get(name);
  EXPECT_TRUE(value) << "no counter " << name;
  return value.value_or(0);
}

void Stage::sysctl(const std::string& name, const std::string& value) {
  std::ofstream file("/proc/sys/net/" + name);
  file << value << std::flush;
  ASSERT_TRUE(file) << "cannot set net/" << name;
}

Pair Stage::kernel_connects(Family family, const LinuxOptions& options) {
  const tcp::ListenerId listener = our_listener(family);
  Pair pair;
  pair.linux = LinuxSocket::connecting({our_address(family), kOurPort}, options);
  pair.ends = {pair.linux.local(), {our_address(family), kOurPort}};
  expect_states_now(pair.ends, State::syn_sent, State::closed);
  // Our SYN,ACK and the kernel's answer to it happen in the turn that reads the SYN; the answer
  // waits in the device.
  EXPECT_TRUE(until([&] { return our_state(pair.ends) != State::closed; }));
  expect_states_now(pair.ends, State::established, State::syn_received);
  expect_states(pair.ends, State::established, State::established);
  const auto accepted = endpoint().accept(now(), listener);
  EXPECT_TRUE(accepted);
  pair.ours = accepted.value_or(tcp::ConnectionId{});
  expect_agreement(pair);
  return pair;
}

Pair Stage::we_connect(Family family, const LinuxOptions& listener_options) {
  const LinuxSocket& listener = kernel_listener(family, listener_options);
  const SocketAddress to{kernel_address(family), kKernelPort};
  const auto id = endpoint().connect(now(), {our_address(family), 0}, to);
  EXPECT_TRUE(id) << id.error().sentence;
  Pair pair;
  pair.ours = id.value_or(tcp::ConnectionId{});
  const auto status = endpoint().status(pair.ours);
  EXPECT_TRUE(status);
  if (status) pair.ends = {to, status->local};
  expect_states_now(pair.ends, State::syn_received, State::syn_sent);
  // The ACK goes out in the turn that reads the SYN,ACK.
  EXPECT_TRUE(until([&] { return our_state(pair.ends) != State::syn_sent; }));
  expect_states_now(pair.ends, State::established, State::established);
  auto accepted = listener.accept();
  EXPECT_TRUE(accepted.has_value());
  if (accepted) pair.linux = std::move(*accepted);
  expect_agreement(pair);
  return pair;
}

LinuxSocket& Stage::kernel_listener(Family family, const LinuxOptions& options) {
  if (!listener_) {
    listener_ = LinuxSocket::listening({kernel_address(family), kKernelPort}, 4096, options);
    EXPECT_TRUE(static_cast<bool>(listener_));
  }
  return listener_;
}

tcp::ListenerId Stage::our_listener(Family family, const tcp::ListenOptions& options) {
  if (!our_listener_) {
    const auto made = endpoint().listen(now(), {our_address(family), kOurPort}, options);
    EXPECT_TRUE(made) << made.error().sentence;
    our_listener_ = made.value_or(tcp::ListenerId{});
  }
  return *our_listener_;
}

bool Stage::was_told(tcp::ConnectionId id, tcp::Notice notice) const {
  return std::ranges::find(notices_, std::pair{id, notice}) != notices_.end();
}

}  // namespace tcpdx::kernel_test
