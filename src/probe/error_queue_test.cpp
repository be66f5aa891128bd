#include "probe/error_queue.hpp"

#include <gtest/gtest.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/file.hpp"
#include "probe/socket.hpp"
#include "probe/socket_address.hpp"

namespace tcpdx::probe {
namespace {

// Control messages by hand, as the kernel lines them up.
class Control {
 public:
  template <class Value>
  void add(int level, int type, const Value& value) {
    const size_t start = bytes_.size();
    bytes_.resize(start + CMSG_SPACE(sizeof value));
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(sizeof value);
    header.cmsg_level = level;
    header.cmsg_type = type;
    std::memcpy(&bytes_[start], &header, sizeof header);
    std::memcpy(&bytes_[start + CMSG_LEN(0)], &value, sizeof value);
  }
  msghdr message() {
    msghdr message{};
    message.msg_control = bytes_.data();
    message.msg_controllen = bytes_.size();
    return message;
  }

 private:
  std::vector<std::byte> bytes_;
};

struct ErrorAndOffender {
  sock_extended_err error{};
  sockaddr_in offender{};
};

ErrorAndOffender time_exceeded() {
  ErrorAndOffender both;
  both.error.ee_errno = EHOSTUNREACH;
  both.error.ee_origin = SO_EE_ORIGIN_ICMP;
  both.error.ee_type = 11;
  both.offender.sin_family = AF_INET;
  const IpAddress router = ipv4(10, 9, 3, 1);
  std::memcpy(&both.offender.sin_addr, router.bytes.data(), 4);
  return both;
}

std::vector<std::byte> octets(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(ErrorQueue, NamesTheRouterAndWhatItQuotes) {
  Control control;
  control.add(IPPROTO_IP, IP_TTL, 62);
  control.add(IPPROTO_IP, IP_RECVERR, time_exceeded());
  msghdr message = control.message();
  const auto quoted = octets({1, 2, 3});
  const auto found = read_error_message(message, quoted);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->origin, Origin::icmp);
  EXPECT_EQ(found->error, EHOSTUNREACH);
  EXPECT_EQ(found->type, 11);
  EXPECT_EQ(found->offender, ipv4(10, 9, 3, 1));
  EXPECT_EQ(found->ttl, 62);
  EXPECT_EQ(found->quoted, quoted);
  EXPECT_TRUE(found->labels.empty());
  EXPECT_FALSE(found->at);
}

// RFC 4884 7: version 2, no checksum; an object of eight octets, class 1, type 1: label 16001,
// class 5, bottom, TTL 1.
TEST(ErrorQueue, TellsLabelsApartFromTheQuotation) {
  Control control;
  ErrorAndOffender both = time_exceeded();
  both.error.ee_rfc4884.len = 2;
  control.add(IPPROTO_IP, IP_RECVERR, both);
  msghdr message = control.message();
  const auto found = read_error_message(
      message, octets({7, 8, 0x20, 0, 0, 0, 0, 8, 1, 1, 0x03, 0xE8, 0x1B, 0x01}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->quoted, octets({7, 8}));
  ASSERT_EQ(found->labels.size(), 1U);
  EXPECT_EQ(found->labels[0], (MplsLabel{.label = 16001, .traffic_class = 5, .ttl = 1}));
}

TEST(ErrorQueue, DoesNotBelieveDamagedExtensions) {
  EXPECT_TRUE(read_labels(octets({0x20, 0, 0x12, 0x34, 0, 8, 1, 1, 3, 0xE8, 0x11, 1})).empty());
  EXPECT_TRUE(read_labels(octets({0x10, 0, 0, 0, 0, 8, 1, 1, 3, 0xE8, 0x11, 1})).empty());
  EXPECT_TRUE(read_labels(octets({0x20, 0, 0, 0, 0, 0, 1, 1, 3, 0xE8, 0x11, 1})).empty());
  EXPECT_TRUE(read_labels(octets({0x20, 0, 0, 0, 0, 200, 1, 1, 3, 0xE8, 0x11, 1})).empty());
  EXPECT_TRUE(read_labels(octets({0x20, 0})).empty());
}

TEST(ErrorQueue, SkipsWhatIsCutShort) {
  Control control;
  control.add(IPPROTO_IP, IP_RECVERR, uint8_t{1});
  control.add(IPPROTO_IP, IP_TTL, uint8_t{1});
  control.add(SOL_SOCKET, SO_TIMESTAMPING, uint8_t{1});
  msghdr message = control.message();
  EXPECT_FALSE(read_error_message(message, {}));
}

// The kernel itself: a datagram to a closed port of this host comes back as "port unreachable".
TEST(ErrorQueue, IsWhatTheKernelFills) {
  Fd taken(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SystemAddress any = system_address({ipv4(127, 0, 0, 1), 0});
  ASSERT_EQ(::bind(taken.get(), any.get(), any.size), 0);
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(::getsockname(taken.get(), static_cast<sockaddr*>(static_cast<void*>(&name)), &size),
            0);
  const uint16_t port = address_of(name)->port;
  taken.reset();  // now a port that nobody has
  const Fd probe(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(ask_for_errors(probe.get(), Family::v4));
  const SocketAddress target{ipv4(127, 0, 0, 1), port};
  const std::string text = "who is there";
  std::optional<ErrorMessage> error;
  bool stamped = false;
  // The kernel begins to stamp arrivals a moment after it was asked to, so the first may have none.
  for (int tries = 0; tries < 200 && !(stamped && error && error->at); ++tries) {
    ASSERT_EQ(send_datagram(probe.get(), std::as_bytes(std::span(text)), target), 0);
    ::usleep(10'000);
    while (const auto next = next_error(probe.get())) {
      if (next->origin == Origin::sent) {
        stamped = next->at.has_value();
      } else {
        error = next;
      }
    }
  }
  ASSERT_TRUE(error);
  EXPECT_TRUE(stamped);
  EXPECT_EQ(error->origin, Origin::icmp);
  EXPECT_EQ(error->error, ECONNREFUSED);
  EXPECT_EQ(error->type, 3);
  EXPECT_EQ(error->code, 3);
  EXPECT_EQ(error->offender, ipv4(127, 0, 0, 1));
  const auto quoted =
      std::string(static_cast<const char*>(static_cast<const void*>(error->quoted.data())),
                  error->quoted.size());
  EXPECT_EQ(quoted, text);
  EXPECT_TRUE(error->at);
}

}  // namespace
}  // namespace tcpdx::probe
