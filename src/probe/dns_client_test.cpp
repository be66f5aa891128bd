// A server on the loopback device that never answers; answers are the end-to-end tests' business.
#include "probe/dns_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/file.hpp"
#include "probe/socket_address.hpp"

namespace tcpdx::probe {
namespace {

TEST(DnsClient, StopsWaitingWhenItIsTold) {
  const Fd silent(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SystemAddress any = system_address({ipv4(127, 0, 0, 1), 0});
  ASSERT_EQ(::bind(silent.get(), any.get(), any.size), 0) << errno_text(errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ASSERT_EQ(::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  DnsAsk question;
  question.server = address_of(bound).value();
  question.question = {.name = ".", .type = wire::DnsType::ns};
  question.timeout = 60s;
  int asked = 0;
  const DnsReply reply = ask(question, [&] { return ++asked > 2; });
  EXPECT_FALSE(reply.message);
  EXPECT_TRUE(reply.silent);
  EXPECT_EQ(asked, 3);
  EXPECT_LT(reply.took, question.timeout);
}

}  // namespace
}  // namespace tcpdx::probe
