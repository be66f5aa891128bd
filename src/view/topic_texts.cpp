// The topics in words. Sources: RFC 9293 sections 3.5, 3.6 and 3.9; tcp(7), listen(2), shutdown(2);
// Documentation/networking/ip-sysctl.rst; net/ipv4/tcp_input.c, tcp_timer.c, tcp_diag.c of Linux.
#include "view/topic_texts.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

using tcp::State;
using Names = std::string_view;

constexpr std::array<TopicPart, 6> kQueues{{
    {"connected",
     "Recv-Q: bytes that have arrived and that the program has not read. Send-Q: bytes that the "
     "program has written and that the other end has not acknowledged, sent or not"},
    {"listening",
     "Recv-Q: connections that wait for accept(). Send-Q: the limit of that queue, which is the "
     "smaller of the backlog given to listen() and net.core.somaxconn. It is full when Recv-Q is "
     "above Send-Q: a limit of 2 holds 3"},
    {"recv-q",
     "stays above 0: this program does not read. When the buffer is full (tcp_rmem) our window "
     "shrinks to zero and the other end must stop"},
    {"send-q",
     "stays above 0: with timer on and repeats nobody acknowledges, the path or the peer is gone; "
     "with timer persist the peer is there and does not read"},
    {"closing",
     "in CLOSE-WAIT the peer's FIN counts as one byte: Recv-Q 0 says that the program has read the "
     "end of file and forgot "
     "close(), 1 that it never looked, more that data is unread too"},
    {"fin",
     "our own FIN counts as one in Send-Q: FIN-WAIT-1 and LAST-ACK with nothing left show 1"},
}};
constexpr std::array kQueuesStates{State::listen, State::established, State::close_wait};
constexpr std::array kQueuesFaults{Names{"accept-queue-overflow"}, Names{"accept-stalled"},
                                   Names{"half-open-busy"}, Names{"zero-window-stuck-reader"}};
constexpr std::array kQueuesNames{Names{"recv-q"}, Names{"send-q"}, Names{"queue"}};

constexpr std::array<TopicPart, 7> kHandshake{{
    {"client", "connect() sends SYN and goes to SYN-SENT"},
    {"server",
     "the kernel answers a SYN to a LISTEN port with SYN,ACK; the half-open connection stands in "
     "SYN-RECEIVED in the listener's SYN queue"},
    {"client",
     "the SYN,ACK brings ESTABLISHED and connect() returns; its ACK goes out. So a client may be "
     "ESTABLISHED while the server is not"},
    {"server",
     "the ACK brings ESTABLISHED and a place in the accept queue. The program has done nothing so "
     "far: accept() only takes what is finished"},
    {"refused",
     "no listener: RST at once, ECONNREFUSED. A full accept queue is no refusal: the SYN or the "
     "ACK is dropped in silence (tcp_abort_on_overflow=1 resets at the ACK)"},
    {"lasts",
     "one round trip. A lost SYN costs 1 s, then another; connect times of 1, 2, 3 s betray it. "
     "tcp_syn_retries and tcp_synack_retries say when each side gives up"},
    {"both", "two SYNs that cross make one connection, through SYN-RECEIVED on both sides (rare)"},
}};
constexpr std::array kHandshakeStates{State::listen, State::syn_sent, State::syn_received,
                                      State::established};
constexpr std::array kHandshakeFaults{Names{"connect-blackhole"}, Names{"host-unreachable"},
                                      Names{"syn-flood"}, Names{"accept-queue-overflow"}};
constexpr std::array kHandshakeNames{Names{"open"}, Names{"three-way-handshake"}};

constexpr std::array<TopicPart, 8> kClose{{
    {"first",
     "close() sends FIN: FIN-WAIT-1, at its ACK FIN-WAIT-2, at the other FIN TIME-WAIT for 60 s. "
     "Whoever closes first keeps TIME-WAIT, client or server"},
    {"second",
     "the FIN brings CLOSE-WAIT, read() returns 0. Nothing goes on until this program calls "
     "close(): then LAST-ACK, and at the last ACK CLOSED"},
    {"both", "two FINs that cross: CLOSING on both sides, then TIME-WAIT on both"},
    {"half",
     "shutdown(SHUT_WR) sends FIN and goes on receiving: FIN-WAIT-2 here and CLOSE-WAIT there may "
     "last as long as the data does, without a limit by the kernel"},
    {"reset",
     "close() with unread data in Recv-Q, or with SO_LINGER 0, sends RST instead of FIN: no "
     "TIME-WAIT, but data on its way may be lost"},
    {"orphans",
     "after close() the kernel goes on alone (inode 0): tcp_fin_timeout bounds FIN-WAIT-2, "
     "tcp_orphan_retries the states whose FIN is not acknowledged, tcp_max_orphans the number"},
    {"stuck",
     "CLOSE-WAIT: the program here. FIN-WAIT-2: the program there. FIN-WAIT-1, CLOSING, LAST-ACK "
     "with repeats: the path, or the peer is gone"},
    {"not this", "netstat and the kernel write CLOSE for CLOSED: tcpdx explain closed"},
}};
constexpr std::array kCloseStates{State::fin_wait_1, State::fin_wait_2, State::close_wait,
                                  State::closing,    State::last_ack,   State::time_wait};
constexpr std::array kCloseFaults{Names{"close-wait-leak"}, Names{"fin-wait2-stuck"},
                                  Names{"fin-wait1-stuck"}, Names{"last-ack-stuck"},
                                  Names{"time-wait-pileup"}};
constexpr std::array kCloseNames{Names{"four-way-close"}, Names{"shutdown"}, Names{"half-close"}};

constexpr std::array<TopicPart, 6> kHalfOpen{{
    {"opening",
     "a connection whose handshake is not finished: SYN-RECEIVED, in the listener's SYN queue. "
     "This is what a SYN flood makes; tcpdx explain syn-queue tells more"},
    {"dead peer",
     "the meaning of RFC 9293 (3.5.1): one end has crashed, rebooted or closed without the other "
     "knowing it, which still says ESTABLISHED. Nothing on the wire tells it so"},
    {"idle",
     "an idle end waits without limit. With SO_KEEPALIVE it probes after tcp_keepalive_time (7200 "
     "s), tcp_keepalive_probes (9) times, tcp_keepalive_intvl (75 s) apart: 2 h 11 min"},
    {"sending",
     "an end with data repeats it and gives up after tcp_retries2 (15): after 15 minutes or more. "
     "TCP_USER_TIMEOUT of the socket shortens both"},
    {"heals",
     "a rebooted peer answers the next segment with RST, and the connection ends at once. A peer "
     "that is gone, or a firewall that has forgotten the flow, answers nothing"},
    {"not half",
     "a half-closed connection is another thing: one direction is closed on purpose (tcpdx "
     "explain close)"},
}};
constexpr std::array kHalfOpenStates{State::syn_received, State::established};
constexpr std::array kHalfOpenFaults{Names{"half-open-busy"}, Names{"syn-flood"}};
constexpr std::array kHalfOpenNames{Names{"halfopen"}, Names{"dead-peer"}};

constexpr std::array<TopicPart, 6> kAcceptQueue{{
    {"holds",
     "connections whose handshake is finished and that accept() has not taken: ESTABLISHED, or "
     "CLOSE-WAIT once the client gave up, with inode 0. They may have data already"},
    {"limit",
     "the smaller of listen()'s backlog and net.core.somaxconn at that moment: a new value counts "
     "from the next listen(). Shown as Send-Q of the LISTEN row; it holds one more than that"},
    {"full",
     "new SYNs and final ACKs are dropped in silence and ListenOverflows rises. Clients repeat "
     "and hang in SYN-SENT, or are ESTABLISHED on their side only"},
    {"healthy", "near 0; a short burst that drains is normal"},
    {"trouble",
     "the program accepts too slowly or not at all: a blocked thread, no descriptors left, one "
     "stuck worker of several (SO_REUSEPORT gives each its own queue)"},
    {"fix",
     "accept faster first; then raise the backlog and somaxconn together and listen() again. "
     "tcp_abort_on_overflow only turns waiting into errors"},
}};
constexpr std::array kAcceptQueueStates{State::listen, State::established, State::close_wait};
constexpr std::array kAcceptQueueFaults{Names{"accept-queue-overflow"}, Names{"accept-stalled"},
                                        Names{"fd-exhaustion-blocks-accept"}};
constexpr std::array kAcceptQueueNames{Names{"backlog"}, Names{"listen-queue"}};

constexpr std::array<TopicPart, 6> kSynQueue{{
    {"holds",
     "half-open connections of one listener: SYN-RECEIVED, no program, no inode; the kernel keeps "
     "them as small request sockets"},
    {"limit",
     "the listener's backlog, as for the accept queue: a backlog of 128 holds 129. "
     "tcp_max_syn_backlog matters only where SYN cookies are off"},
    {"lasts",
     "one round trip; without an answer tcp_synack_retries (5) repeats, about 63 s, and less when "
     "the queue is more than half full"},
    {"full",
     "with tcp_syncookies=1 (the default) the answer carries a cookie and takes no place: "
     "TCPReqQFullDoCookies rises. With 0 the SYN is dropped: TCPReqQFullDrop"},
    {"trouble",
     "full of addresses that never answer: a SYN flood. A few real clients with repeats: the "
     "SYN,ACK is lost on its way back, or the accept queue is full"},
    {"not",
     "a listener with TCP_DEFER_ACCEPT keeps silent clients here on purpose: rows without "
     "repeats"},
}};
constexpr std::array kSynQueueStates{State::listen, State::syn_received};
constexpr std::array kSynQueueFaults{Names{"syn-flood"}, Names{"accept-queue-overflow"}};
constexpr std::array kSynQueueNames{Names{"syn-backlog"}};

constexpr std::array kTopics{
    TopicText{"queues", "what Recv-Q and Send-Q say, of connections and of listeners", kQueuesNames,
              kQueues, kQueuesStates, kQueuesFaults, "tcpdx sockets"},
    TopicText{"handshake", "how a connection opens: SYN, SYN,ACK, ACK", kHandshakeNames, kHandshake,
              kHandshakeStates, kHandshakeFaults, "tcpdx diagram --path server"},
    TopicText{"close", "how a connection closes: a FIN and an ACK in each direction", kCloseNames,
              kClose, kCloseStates, kCloseFaults, "tcpdx diagram --path client"},
    TopicText{"half-open", "two meanings: not open yet, or open at one end only", kHalfOpenNames,
              kHalfOpen, kHalfOpenStates, kHalfOpenFaults,
              "tcpdx sockets 'state syn-received or state established'"},
    TopicText{"accept-queue", "finished connections that wait for the program's accept()",
              kAcceptQueueNames, kAcceptQueue, kAcceptQueueStates, kAcceptQueueFaults,
              "tcpdx sockets 'state listen'"},
    TopicText{"syn-queue", "half-open connections that wait for the client's last ACK",
              kSynQueueNames, kSynQueue, kSynQueueStates, kSynQueueFaults,
              "tcpdx sockets 'state syn-received'"},
};

}  // namespace

std::span<const TopicText> topics() { return kTopics; }

const TopicText* find_topic(std::string_view word) {
  std::string name = lower(word);
  std::ranges::replace_if(name, [](char c) { return c == '_' || c == ' '; }, '-');
  const auto* const found = std::ranges::find_if(kTopics, [&](const TopicText& topic) {
    return topic.name == name ||
           std::ranges::find(topic.other_names, name) != topic.other_names.end();
  });
  return found == kTopics.end() ? nullptr : found;
}

}  // namespace tcpdx::view
