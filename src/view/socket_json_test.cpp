// The sockets document: fields of the contract, and null where a thing is not known.
#include "view/socket_json.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <sstream>

#include <nlohmann/json.hpp>

#include "view/test_observation.hpp"

namespace tcpdx::view {
namespace {

using testing::small_observation;

nlohmann::json json_of(const Observation& observation, bool owners_known = true) {
  std::vector<uint32_t> shown(observation.now().sockets.size());
  std::iota(shown.begin(), shown.end(), 0U);
  std::ostringstream out;
  write_sockets_json(out, observation, shown, owners_known);
  return nlohmann::json::parse(out.str());
}

TEST(SocketJson, HasTheFieldsOfTheContract) {
  const auto json = json_of(small_observation());
  EXPECT_EQ(json.at("schema"), "tcpdx/1");
  const auto& socket = json.at("sockets").at(1);
  EXPECT_EQ(socket.at("local"), (nlohmann::json{{"addr", "192.0.2.1"}, {"port", 9502}}));
  EXPECT_EQ(socket.at("remote"), (nlohmann::json{{"addr", "198.51.100.7"}, {"port", 40001}}));
  EXPECT_EQ(socket.at("state"), "CLOSE-WAIT");
  EXPECT_EQ(socket.at("inode"), 101);
  EXPECT_EQ(socket.at("netns"), 4026531840);
  EXPECT_EQ(socket.at("cgroup"), "/system.slice/billing.service");
  EXPECT_EQ(socket.at("owners"),
            (nlohmann::json{{{"pid", 2210}, {"comm", "billing-api"}, {"fd", 14}}}));
  EXPECT_EQ(json.at("sources"), nlohmann::json{"sock_diag"});
  EXPECT_TRUE(json.at("missing").empty());
}

TEST(SocketJson, WhatIsNotKnownIsNullAndWhatIsZeroIsZero) {
  Observation observation = small_observation();
  const auto unknown = json_of(observation).at("sockets").at(1);
  EXPECT_TRUE(unknown.at("tcp_info").is_null());
  EXPECT_TRUE(unknown.at("timer").is_null());
  EXPECT_TRUE(unknown.at("cookie").is_null());
  EXPECT_TRUE(unknown.at("memory").is_null());
  EXPECT_EQ(unknown.at("recv_q"), 0);
  EXPECT_EQ(unknown.at("uid"), 0);  // it has an inode, so the kernel knows: root

  TcpInfo info;
  info.known_bytes = 104;  // struct tcp_info up to tcpi_total_retrans, as in Linux 2.6
  info.mem_receive_max = 131072;
  observation.looks[0].infos.push_back(info);
  observation.looks[0].sockets[1].info = 0;
  const auto known = json_of(observation).at("sockets").at(1);
  EXPECT_EQ(known.at("tcp_info").at("total_retrans"), 0);
  EXPECT_TRUE(known.at("tcp_info").at("bytes_acked").is_null());
  EXPECT_EQ(known.at("memory").at("drops"), 0);
}

TEST(SocketJson, TheUserOfASocketWithoutFileIsNotKnown) {
  EXPECT_TRUE(json_of(small_observation()).at("sockets").at(4).at("uid").is_null());
}

TEST(SocketJson, OwnersAreNullWhenNobodyLookedForThem) {
  const auto json = json_of(small_observation(), false);
  EXPECT_TRUE(json.at("sockets").at(1).at("owners").is_null());
  EXPECT_FALSE(json.at("sockets").at(2).contains("listener_owners"));
}

TEST(SocketJson, AConnectionNotAcceptedNamesItsListener) {
  const auto socket = json_of(small_observation()).at("sockets").at(2);
  EXPECT_TRUE(socket.at("owners").empty());
  EXPECT_EQ(socket.at("listener_owners").size(), 2U);
  EXPECT_EQ(socket.at("listener_owners").at(0).at("pid"), 2210);
}

TEST(SocketJson, AListenerHasABacklog) {
  Observation observation = small_observation();
  observation.looks[0].sockets[0].recv_q = 3;
  observation.looks[0].sockets[0].send_q = 128;
  // Without a cookie it comes from /proc/net/tcp, which has no limit.
  EXPECT_TRUE(json_of(observation).at("sockets").at(0).at("backlog").at("limit").is_null());
  observation.looks[0].sockets[0].cookie = 4711;
  auto listener = json_of(observation).at("sockets").at(0);
  EXPECT_EQ(listener.at("recv_q"), 3);
  EXPECT_EQ(listener.at("send_q"), 128);
  EXPECT_EQ(listener.at("backlog"),
            (nlohmann::json{{"queued", 3}, {"limit", 128}, {"drops", nullptr}}));

  TcpInfo info;  // LISTEN has no tcp_info but has memory and drops
  info.mem_receive_max = 131072;
  info.drops = 7;
  observation.looks[0].infos.push_back(info);
  observation.looks[0].sockets[0].info = 0;
  listener = json_of(observation).at("sockets").at(0);
  EXPECT_EQ(listener.at("backlog").at("drops"), 7);
  EXPECT_TRUE(listener.at("tcp_info").is_null());
}

TEST(SocketJson, ShowsARunningTimer) {
  Observation observation = small_observation();
  observation.looks[0].sockets[3].timer = {TimerKind::retransmit, 4, 12800};
  EXPECT_EQ(json_of(observation).at("sockets").at(3).at("timer"),
            (nlohmann::json{{"kind", "on"}, {"expires_ms", 12800}, {"retransmits", 4}}));
}

TEST(SocketJson, IsOneLineOfAsciiPerSocket) {
  Observation observation = small_observation();
  observation.processes[0].comm = "ev\nil\x1b[2J\u202e\xff";
  std::ostringstream out;
  write_sockets_json(out, observation, std::vector<uint32_t>{1}, true);
  const std::string text = out.str();
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c < 0x7f)) << int{c};
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("sockets").at(0).at("owners").at(0).at("comm"), "ev\nil\x1b[2J\u202e\uFFFD");
}

}  // namespace
}  // namespace tcpdx::view
