// The eleven states in words. The meanings follow RFC 9293 section 3.3.2; the limits are those of
// Linux: tcp(7), Documentation/networking/ip-sysctl.rst, net/ipv4/tcp_timer.c, include/net/tcp.h.
#include "view/state_texts.hpp"

#include <algorithm>
#include <array>

namespace tcpdx::view {
namespace {

using tcp::State;

constexpr std::array<StateText, tcp::kStates.size()> kTexts{{
    {State::listen, "a program waits for connections on this port",
     "a server; it is in accept(), or in poll() for it, or busy elsewhere: the kernel goes on "
     "without it",
     "for a SYN from any client", "until the program closes the socket",
     "one for each port that is served; several when workers share a port (SO_REUSEPORT). Recv-Q "
     "is the number of connections that wait for accept(), Send-Q the limit of that queue",
     "Recv-Q above Send-Q: the queue is full and new clients wait; the program accepts too slowly "
     "or not at all",
     "half-open connections stand beside it, not in it: tcpdx explain syn-queue, accept-queue"},
    {State::syn_sent, "this machine has asked for a connection and has no answer yet",
     "a client, in connect(); without blocking, connect() has returned EINPROGRESS and poll() "
     "waits",
     "for the SYN-ACK of the other end",
     "tcp_syn_retries (6) repeats of the SYN, and since Linux 6.5 tcp_syn_linear_timeouts (4) "
     "more, a second apart: about 130 seconds; or the program's own timeout",
     "one round trip, so few are ever seen",
     "two or more repeats: the SYN or its answer is lost, a firewall drops it, or no host has the "
     "address. A closed port would answer with RST at once",
     ""},
    {State::syn_received,
     "a client has asked, we have answered, its last acknowledgment is missing",
     "a server, but only its kernel: no call waits, accept() learns of it after the handshake. "
     "Both ends when two SYNs cross",
     "for the ACK that ends the handshake",
     "tcp_synack_retries repeats of the SYN-ACK (5: about 63 seconds), less when the queue is more "
     "than half full",
     "one round trip; such a socket never has a program or an inode",
     "many from spread addresses that never answer: a SYN flood. Many from real clients: the "
     "SYN-ACK is lost on its way, or the accept queue is full",
     ""},
    {State::established, "the connection is open in both directions",
     "both ends; read() waits for data, write() for room in Send-Q",
     "for data or for a close of either end",
     "without end: an idle connection lives as long as both ends do. With SO_KEEPALIVE a dead peer "
     "is noticed after tcp_keepalive_time (7200 s) and tcp_keepalive_probes (9) of "
     "tcp_keepalive_intvl (75 s); unacknowledged data ends it after tcp_retries2 (15: 15 minutes "
     "or more)",
     "any number and any age. With inode 0 the program has not accepted it yet",
     "judge by progress, not by age: data that stays in Send-Q with a rising number of "
     "retransmissions goes to nobody; Recv-Q that stays full means that the program does not read",
     ""},
    {State::fin_wait_1, "we have closed; the other end has not acknowledged our FIN",
     "the end that closes first, client or server: close() has returned and the kernel goes on "
     "alone, or shutdown(SHUT_WR) was called",
     "for the ACK of our FIN",
     "once the program has let it go: tcp_orphan_retries (0 stands for 8) repeats, about 100 "
     "seconds at a retransmission timeout of 200 ms; longer while the peer answers with a zero "
     "window",
     "one round trip",
     "repeats: the peer is gone. Timer persist: the peer lives but does not read, and data still "
     "waits in front of our FIN",
     ""},
    {State::fin_wait_2, "we have closed and the other end knows it, but has not closed yet",
     "the end that closed first: after close() the kernel alone, after shutdown(SHUT_WR) a program "
     "that may still wait in read()",
     "for the FIN of the other end",
     "tcp_fin_timeout (60 seconds) once the program has called close(); without end after a mere "
     "shutdown()",
     "the time the peer needs to finish; a half-closed connection may go on receiving",
     "owned by a program and old: the peer forgot to close (it shows CLOSE-WAIT there), and we "
     "wait for it without a limit of our own",
     ""},
    {State::close_wait, "the other end has closed; the program here has not",
     "the end that is to close second, often a server: its read() returns 0, and close() is its to "
     "call",
     "for close() or shutdown() by the local program, and for nothing else",
     "without end: no sysctl bounds it. Only with SO_KEEPALIVE and a dead peer it turns into "
     "CLOSED, and the program still holds the descriptor",
     "milliseconds, or as long as a half-closed connection still sends",
     "many or old ones are a fault of the program: it read the end of file (Recv-Q 0) or never "
     "looked (Recv-Q 1 or more) and keeps the descriptor",
     ""},
    {State::closing, "both ends have closed at the same time, our FIN is not acknowledged",
     "both ends, each after close() or shutdown(): the FINs crossed on the way",
     "for the ACK of our FIN", "as FIN-WAIT-1 of a closed socket: tcp_orphan_retries repeats",
     "one round trip, and rare at all", "repeats: the peer or its acknowledgments are lost", ""},
    {State::last_ack, "the other end closed first, then we; our FIN is not acknowledged",
     "the end that closes second: close() has returned, the kernel goes on alone",
     "for the ACK of our FIN",
     "tcp_orphan_retries repeats (0 stands for 8), about 100 seconds at a retransmission timeout "
     "of 200 ms",
     "one round trip; it has no program any more",
     "repeats: the peer vanished after its FIN, or a middlebox has forgotten the connection", ""},
    {State::time_wait, "closed on both sides; the pair of addresses and ports is kept for a while",
     "the end that closed first, client or server; close() returned long ago and no program is "
     "left",
     "for nothing but time, so that late segments cannot reach a later connection",
     "60 seconds, fixed (TCP_TIMEWAIT_LEN); tcp_fin_timeout does not change it. Beyond "
     "tcp_max_tw_buckets sockets end at once instead",
     "closes per second times 60, on the side that closed first: 24 000 at 400 a second is normal. "
     "It costs little memory and no descriptor",
     "only when the ports towards one destination run out, or tcp_max_tw_buckets is reached",
     "it has two duties: to acknowledge a FIN that comes again because our last ACK was lost, and "
     "to let old segments die (2 MSL, RFC 9293 3.6.1). "
     "A client may take the ports again after a second with tcp_tw_reuse=1 (2, the default: on "
     "loopback only), and a new SYN that is provably later reopens it. "
     "A listener is not hindered: SO_REUSEADDR lets bind() succeed. Let clients close first, keep "
     "connections; do not shorten it, and tcp_tw_recycle is gone since Linux 4.12"},
    {State::closed, "no connection: the word for what is before the first and after the last state",
     "no one; or a program that holds the descriptor of a socket that is not connected, or not any "
     "more",
     "for nothing",
     "a socket shows it between socket() and connect() or listen(), and after it was ended while "
     "the program still holds the descriptor",
     "few, for moments",
     "many held by one program: connections that were aborted (RST, timeout) and never closed by "
     "it",
     ""},
}};

static_assert(std::ranges::equal(kTexts, tcp::kStates, {}, &StateText::state),
              "one text for each state, in their order");

}  // namespace

const StateText& state_text(State state) {
  return *std::ranges::find(kTexts, state, &StateText::state);
}

}  // namespace tcpdx::view
