// As resolv.conf(5) has it; without a server it is this host's own.
#include "engine/name_servers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/test_folder.hpp"

namespace tcpdx::engine {
namespace {

NameServers servers_of(std::string_view text) {
  const TestFolder folder;
  const std::string path = folder / "resolv.conf";
  std::ofstream(path) << text;
  return name_servers(path);
}

TEST(NameServers, KeepTheirOrder) {
  const NameServers known = servers_of(
      "# made by hand\n"
      "options timeout:2\n"
      "nameserver 192.0.2.54\n"
      "nameserver 192.0.2.53\n");
  EXPECT_TRUE(known.conf.configured);
  EXPECT_FALSE(known.stub);
  const std::vector<SocketAddress> wanted{{.addr = ipv4(192, 0, 2, 54), .port = 53},
                                          {.addr = ipv4(192, 0, 2, 53), .port = 53}};
  EXPECT_EQ(known.servers, wanted);
  EXPECT_EQ(known.conf.timeout, 2s);
}

TEST(NameServers, AreNotConfiguredWhereNoneIsNamed) {
  EXPECT_FALSE(servers_of("search example.net\n# nameserver 192.0.2.1\n").conf.configured);
  EXPECT_FALSE(name_servers("/nowhere/resolv.conf").conf.configured);
}

TEST(NameServers, KnowTheStub) {
  const NameServers known = servers_of("nameserver 127.0.0.53\n");
  EXPECT_TRUE(known.stub);
  EXPECT_EQ(known.servers.front().addr, ipv4(127, 0, 0, 53));
}

}  // namespace
}  // namespace tcpdx::engine
