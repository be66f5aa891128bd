// The eleven states of a TCP connection (RFC 9293 section 3.3.2), their spellings and their
// numbers in the Linux kernel (net/tcp_states.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tcpdx::tcp {

// CLOSED is fictional: "it represents the state when there is no TCB" (RFC 9293 3.3.2).
enum class State : uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

// In the order in which a connection's life is usually told; views show states in this order.
inline constexpr std::array kStates{
    State::listen,     State::syn_sent,   State::syn_received, State::established,
    State::fin_wait_1, State::fin_wait_2, State::close_wait,   State::closing,
    State::last_ack,   State::time_wait,  State::closed,
};

// RFC 9293 spelling: "SYN-RECEIVED".
std::string_view to_string(State state);

// Reads every usual spelling, in any case, with '-', '_' or nothing between the words: RFC
// (SYN-RECEIVED), ss (SYN-RECV, ESTAB), netstat (SYN_RECV, FIN_WAIT1), kernel (TCP_SYN_RECV,
// NEW_SYN_RECV, TCP_CLOSE), BSD and Windows (SYN_RCVD), Zeek. Nothing for other words.
std::optional<State> parse_state(std::string_view text);

// The kernel's number: TCP_ESTABLISHED = 1 ... TCP_NEW_SYN_RECV = 12. NEW_SYN_RECV reads as
// SYN-RECEIVED; TCP_BOUND_INACTIVE (13) is no state of the RFC's and reads as CLOSED.
std::optional<State> from_kernel(unsigned number);
unsigned to_kernel(State state);

}  // namespace tcpdx::tcp
