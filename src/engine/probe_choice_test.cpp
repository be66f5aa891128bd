#include "engine/probe_choice.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace tcpdx::engine {
namespace {

class Machine {
 public:
  Machine() { seen_.looks.emplace_back(); }

  Socket& add(tcp::State state, std::string_view remote, TcpInfo info = {}) {
    Look& look = seen_.looks.back();
    info.known_bytes = 280;
    look.infos.push_back(info);
    Socket socket;
    socket.state = state;
    socket.remote = {.addr = parse_address(remote).value_or(IpAddress{}), .port = 443};
    socket.info = static_cast<uint32_t>(look.infos.size() - 1);
    look.sockets.push_back(socket);
    return look.sockets.back();
  }
  void hangs(tcp::State state, std::string_view remote) {
    add(state, remote).timer = {.kind = TimerKind::retransmit, .retransmits = 2, .expires_ms = 1};
  }
  std::vector<ProbePlace> places() const { return worth_asking(seen_); }
  Observation& seen() { return seen_; }

 private:
  Observation seen_;
};

IpAddress address(std::string_view text) { return parse_address(text).value_or(IpAddress{}); }

TEST(ProbeChoice, AsksNobodyWhereAllIsWell) {
  Machine machine;
  TcpInfo info;
  info.rtt_us = 30'000;
  info.min_rtt_us = 20'000;
  info.rttvar_us = 5'000;
  machine.add(tcp::State::established, "192.0.2.1", info);
  machine.add(tcp::State::syn_sent, "192.0.2.2");
  EXPECT_TRUE(machine.places().empty());
}

TEST(ProbeChoice, RanksByTrouble) {
  Machine machine;
  TcpInfo queued;
  queued.rtt_us = 500'000;
  queued.min_rtt_us = 20'000;
  TcpInfo varied;
  varied.rtt_us = 100'000;
  varied.min_rtt_us = 90'000;
  varied.rttvar_us = 60'000;
  machine.add(tcp::State::established, "192.0.2.1", varied);
  machine.add(tcp::State::established, "192.0.2.2", queued);
  machine.hangs(tcp::State::syn_sent, "192.0.2.3");
  machine.hangs(tcp::State::established, "::ffff:192.0.2.4");
  machine.hangs(tcp::State::established, "192.0.2.4");
  const std::vector<ProbePlace> wanted{{0, address("192.0.2.4")},
                                       {0, address("192.0.2.3")},
                                       {0, address("192.0.2.2")},
                                       {0, address("192.0.2.1")}};
  EXPECT_EQ(machine.places(), wanted);
}

TEST(ProbeChoice, AsksANeighbourThatMoves) {
  Machine machine;
  machine.seen().neighbour_moves = {
      {.at = 0s, .netns = 0, .interface = "eth0", .address = address("192.0.2.7"), .mac = {}}};
  ASSERT_EQ(machine.places().size(), 1U);
  EXPECT_EQ(machine.places().front().address, address("192.0.2.7"));
}

// Who only says who he is may have somebody else asked in his place.
TEST(ProbeChoice, AsksNobodyForHisSyns) {
  Machine machine;
  machine.hangs(tcp::State::syn_received, "192.0.2.1");
  EXPECT_TRUE(machine.places().empty());
}

TEST(ProbeChoice, LeavesItselfAlone) {
  Machine machine;
  machine.hangs(tcp::State::established, "127.0.0.1");
  machine.hangs(tcp::State::established, "::1");
  EXPECT_TRUE(machine.places().empty());
}

}  // namespace
}  // namespace tcpdx::engine
