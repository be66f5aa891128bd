// The real kernel: sockets of this test that live, change and end between a look and its refresh.
#include "host/refresh.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/file.hpp"
#include "host/sock_diag.hpp"

namespace tcpdx::host {
namespace {

class RefreshTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    name_.sin_family = AF_INET;
    name_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener_.get(), where(), sizeof name_), 0);
    ASSERT_EQ(::listen(listener_.get(), 8), 0);
    socklen_t length = sizeof name_;
    ASSERT_EQ(::getsockname(listener_.get(), where(), &length), 0);
    client_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client_.get(), where(), sizeof name_), 0);
    accepted_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    netlink_ = Netlink::open(NETLINK_SOCK_DIAG);
    ASSERT_TRUE(netlink_.has_value());
    std::vector<std::string> names{""};
    ASSERT_TRUE(dump_sockets(netlink_->asker(), {}, 0, look_, names).has_value());
  }
  sockaddr* where() { return static_cast<sockaddr*>(static_cast<void*>(&name_)); }

  // Index of the socket at that end of the connection, or of the listener.
  uint32_t index_of(tcp::State state, bool served) const {
    const uint16_t port = ntohs(name_.sin_port);
    const auto found = std::ranges::find_if(look_.sockets, [&](const Socket& s) {
      return s.state == state && (served ? s.local.port : s.remote.port) == port;
    });
    return static_cast<uint32_t>(found - look_.sockets.begin());
  }
  std::vector<uint32_t> gone(std::vector<uint32_t> which) {
    const auto gone = refresh_sockets(netlink_->asker(), which, true, look_);
    EXPECT_TRUE(gone.has_value());
    return gone.value_or(std::vector<uint32_t>{});
  }

  Fd listener_, client_, accepted_;
  sockaddr_in name_{};
  Result<Netlink> netlink_ = fail("not yet opened");
  Look look_;
};

TEST_F(RefreshTest, PutsWhatIsNewInItsPlaceAndKeepsTheOwner) {
  const uint32_t served = index_of(tcp::State::established, true);
  ASSERT_LT(served, look_.sockets.size());
  look_.sockets[served].first_owner = 7;
  look_.sockets[served].owner_count = 1;
  look_.sockets[served].netns = 3;
  ASSERT_EQ(::send(client_.get(), "hello", 5, 0), 5);
  EXPECT_TRUE(gone({served}).empty());
  EXPECT_EQ(look_.sockets[served].recv_q, 5U);
  EXPECT_EQ(look_.sockets[served].first_owner, 7U);
  EXPECT_EQ(look_.sockets[served].netns, 3);
  const TcpInfo* info = info_of(look_, look_.sockets[served]);
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(known_value(*info, "bytes_received"), 5U);
}

TEST_F(RefreshTest, FollowsASocketIntoItsNextState) {
  const uint32_t served = index_of(tcp::State::established, true);
  const uint32_t client = index_of(tcp::State::established, false);
  look_.sockets[client].owner_count = 1;
  client_.reset();
  EXPECT_TRUE(gone({served, client}).empty());
  EXPECT_EQ(look_.sockets[served].state, tcp::State::close_wait);
  const tcp::State closing = look_.sockets[client].state;  // the FIN's ACK may be delayed
  EXPECT_TRUE(closing == tcp::State::fin_wait_1 || closing == tcp::State::fin_wait_2);
  EXPECT_EQ(look_.sockets[client].owner_count, 0) << "its program has closed it";
}

TEST_F(RefreshTest, NamesWhatIsGone) {
  const uint32_t served = index_of(tcp::State::established, true);
  const uint32_t client = index_of(tcp::State::established, false);
  const linger abort{1, 0};
  ::setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  client_.reset();  // RST: both ends are gone
  accepted_.reset();
  EXPECT_EQ(gone({served, client}), (std::vector<uint32_t>{served, client}));
}

// Of listeners that share a port, one request would find any: they are found by their dump.
TEST_F(RefreshTest, ListenersAreKnownByTheirCookies) {
  const uint32_t listener = index_of(tcp::State::listen, true);
  ASSERT_LT(listener, look_.sockets.size());
  const Fd waiting(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(waiting.get(), where(), sizeof name_), 0);
  EXPECT_TRUE(gone({listener}).empty());
  EXPECT_EQ(look_.sockets[listener].recv_q, 1U);
  EXPECT_EQ(look_.sockets[listener].send_q, 8U);
  listener_.reset();
  EXPECT_EQ(gone({listener}), (std::vector<uint32_t>{listener}));
}

TEST_F(RefreshTest, ATupleThatIsUsedAgainIsAnotherSocket) {
  const uint32_t served = index_of(tcp::State::established, true);
  look_.sockets[served].cookie += 1'000'000;
  EXPECT_EQ(gone({served}), (std::vector<uint32_t>{served}));
}

}  // namespace
}  // namespace tcpdx::host
