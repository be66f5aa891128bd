// State names as RFC 9293 3.3.2, ss(8), netstat(8), the kernel, BSD, Windows and Zeek write them.
#include "tcp/state.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tcpdx::tcp {
namespace {

TEST(State, AllElevenAreListedOnce) {
  const std::set<State> distinct(kStates.begin(), kStates.end());
  EXPECT_EQ(kStates.size(), 11U);
  EXPECT_EQ(distinct.size(), 11U);
}

TEST(State, NumbersAreTheKernels) {
  // netinet/tcp.h of the C library repeats the kernel's net/tcp_states.h.
  const std::vector<std::pair<State, unsigned>> cases{
      {State::established, TCP_ESTABLISHED},
      {State::syn_sent, TCP_SYN_SENT},
      {State::syn_received, TCP_SYN_RECV},
      {State::fin_wait_1, TCP_FIN_WAIT1},
      {State::fin_wait_2, TCP_FIN_WAIT2},
      {State::time_wait, TCP_TIME_WAIT},
      {State::closed, TCP_CLOSE},
      {State::close_wait, TCP_CLOSE_WAIT},
      {State::last_ack, TCP_LAST_ACK},
      {State::listen, TCP_LISTEN},
      {State::closing, TCP_CLOSING},
  };
  ASSERT_EQ(cases.size(), kStates.size());
  for (const auto& [state, number] : cases) {
    EXPECT_EQ(to_kernel(state), number);
    EXPECT_EQ(from_kernel(number), state);
  }
  EXPECT_EQ(from_kernel(12), State::syn_received);  // TCP_NEW_SYN_RECV
  EXPECT_EQ(from_kernel(13), State::closed);        // TCP_BOUND_INACTIVE
  EXPECT_EQ(from_kernel(0), std::nullopt);
  EXPECT_EQ(from_kernel(14), std::nullopt);
}

TEST(State, OwnNamesReadBack) {
  for (const State state : kStates) {
    const std::string name(to_string(state));
    EXPECT_EQ(parse_state(name), state) << name;
  }
  EXPECT_EQ(to_string(State::syn_received), "SYN-RECEIVED");
  EXPECT_EQ(to_string(State::fin_wait_2), "FIN-WAIT-2");
}

TEST(State, ReadsEveryUsualSpelling) {
  const std::vector<std::pair<State, std::vector<std::string_view>>> cases{
      {State::closed,
       {"CLOSED", "close", "TCP_CLOSE", "UNCONN", "TCPS_CLOSED", "TCP_BOUND_INACTIVE",
        "MIB_TCP_STATE_CLOSED"}},
      {State::listen, {"LISTEN", "listening", "TCP_LISTEN", "Listen", "MIB_TCP_STATE_LISTEN"}},
      {State::syn_sent,
       {"SYN-SENT", "SYN_SENT", "SynSent", "TCP_SYN_SENT", "TCPS_SYN_SENT",
        "TCP_ENDPOINT_SYN_SENT"}},
      {State::syn_received,
       {"SYN-RECEIVED", "SYN-RECV", "SYN_RECV", "TCP_SYN_RECV", "NEW_SYN_RECV", "TCP_NEW_SYN_RECV",
        "SYN_RCVD", "SynReceived", "TCPS_SYN_RECEIVED", "MIB_TCP_STATE_SYN_RCVD",
        "TCP_ENDPOINT_SYN_ACK_SENT"}},
      {State::established,
       {"ESTABLISHED", "ESTAB", "established", "TCP_ESTABLISHED", "TCPS_ESTABLISHED",
        "MIB_TCP_STATE_ESTAB"}},
      {State::fin_wait_1,
       {"FIN-WAIT-1", "FIN_WAIT1", "FIN_WAIT_1", "finwait1", "TCP_FIN_WAIT1", "FinWait1"}},
      {State::fin_wait_2, {"FIN-WAIT-2", "FIN_WAIT2", "fin-wait2", "MIB_TCP_STATE_FIN_WAIT2"}},
      {State::close_wait, {"CLOSE-WAIT", "CLOSE_WAIT", "closewait", "TCP_CLOSE_WAIT"}},
      {State::closing, {"CLOSING", "TCP_CLOSING"}},
      {State::last_ack, {"LAST-ACK", "LAST_ACK", "LastAck", "TCP_LAST_ACK"}},
      {State::time_wait, {"TIME-WAIT", "TIME_WAIT", "TimeWait", "TCP_TIME_WAIT"}},
  };
  for (const auto& [state, spellings] : cases) {
    for (const std::string_view text : spellings) EXPECT_EQ(parse_state(text), state) << text;
  }
}

TEST(State, ReadsNothingElse) {
  for (const std::string_view text :
       {"", "-", "_", "tcp", "TCP_", "tcp_tcp_listen", "est", "establish", "fin-wait", "fin-wait-3",
        "es-tab", "-listen", "listen-", "syn--sent", "listen ", "delete_tcb", "s1", "sent"}) {
    EXPECT_EQ(parse_state(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tcpdx::tcp
