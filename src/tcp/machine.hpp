// The parts of the machine that work on one record, and what each leaves to the next. A segment
// passes through 3.10.7 in the order of its steps; output() then sends whatever has become due.
#pragma once

#include <cstdint>
#include <span>

#include "tcp/core.hpp"

namespace tcpdx::tcp {

// --- SEGMENT ARRIVES
void arrive_closed(Core& core, const Packet& packet);                      // 3.10.7.1
void arrive_listen(Core& core, Listener& listener, const Packet& packet);  // 3.10.7.2
void arrive_syn_sent(Core& core, Tcb& tcb, const Packet& packet);          // 3.10.7.3
void arrive_otherwise(Core& core, Tcb& tcb, const Packet& packet);         // 3.10.7.4
// A SYN that proves itself newer than the connection in TIME-WAIT, where a listener would take it
// (3.6.1, MAY-2): the record begins anew. False: it is like any other segment.
bool reopen(Core& core, Tcb& tcb, const Packet& packet);
void arrive_icmp(Core& core, const IcmpError& error);  // 3.9.2.2

// --- Opening (handshake.cpp)
// What the other end's SYN says: IRS, window, options. Those of `ours` that it lacks are off.
void take_syn(Core& core, Tcb& tcb, const Packet& packet);
// The way back along a source route that a segment recorded (MUST-53), unless the user named one
// (MUST-52); that of a later segment replaces it (SHLD-24).
void take_source_route(Tcb& tcb, const Packet& packet);
void start_active_open(Core& core, Tcb& tcb);
void start_syn_timer(Core& core, Tcb& tcb);
// Takes the SYN into a record in LISTEN, or in TIME-WAIT for a second life: SYN-RECEIVED.
void start_passive_open(Core& core, Tcb& tcb, const Packet& packet, Event on, Seq iss);
// A record whose handshake failed, and which came from LISTEN, is back there: that of a passive
// OPEN waits anew, that of a listener's client goes.
void back_to_listen(Core& core, Tcb& tcb);
// Our SYN is acknowledged: windows, timers and round-trip time of the new connection.
void synchronized(Core& core, Tcb& tcb, const Packet& packet);
// The connection gets its place in the accept queue of its listener, if it has one. False: the
// queue is full, and the segment that would have completed the handshake is dropped.
bool admit(Core& core, Tcb& tcb);

// --- 3.10.7.4, fifth: ACK (acknowledgment.cpp). False: the segment ends here.
bool take_ack(Core& core, Tcb& tcb, const Packet& packet);
void find_losses_by_time(Core& core, Tcb& tcb);
// The window announced by a segment whose ACK is acceptable.
void take_window(Tcb& tcb, const Packet& packet);

// --- Sixth to eighth (text.cpp).
void take_urgent(Core& core, Tcb& tcb, const Packet& packet);
void take_text(Core& core, Tcb& tcb, const Packet& packet);
void take_fin(Core& core, Tcb& tcb, const Packet& packet);

// --- Sending (output.cpp)
// Everything that may go now: lost segments, new ones, an ACK that is due; then sets the timer.
void output(Core& core, Tcb& tcb);
// The timer of what is in flight starts afresh.
void start_send_timer(Core& core, Tcb& tcb);
void set_send_timer(Tcb& tcb, SendTimer kind, Time at);
// RFC 8985 7.3: one new segment, or the last one again.
void send_tail_probe(Core& core, Tcb& tcb);
// RFC 9293 MUST-36: one octet beyond the closed window.
void send_window_probe(Core& core, Tcb& tcb);
// Largest text of a segment with the options that it would carry now: Eff.snd.MSS (MUST-16).
uint32_t text_limit(const Tcb& tcb);
Duration rto(const Core& core, const Tcb& tcb);

// --- Segments (emit.cpp)
void send_syn(Core& core, Tcb& tcb);  // SYN in SYN-SENT, later SYN,ACK
void send_ack(Core& core, Tcb& tcb);
// To what cannot be: rate limited (RFC 5961 7).
void send_challenge_ack(Core& core, Tcb& tcb);
// An empty segment, or one garbage octet, that nobody needs: the answer is what counts.
void send_probe(Core& core, Tcb& tcb, Seq seq, bool with_octet);
void send_reset(Core& core, Tcb& tcb);
// Sent for a segment that belongs to nothing (3.5.2, group 1), and never for a RST.
void send_reset_for(Core& core, const Packet& packet);
// What stands in the send queue from seq on; the FIN with it where it follows and `fin`.
void send_text(Core& core, Tcb& tcb, Seq seq, uint32_t length, bool fin);
// Whether the window has grown so much that the other end should know (3.8.6.2.2).
bool window_update_due(const Core& core, const Tcb& tcb);
uint32_t timestamp_now(const Core& core, const Tcb& tcb);
uint8_t scale_for(uint32_t buffer);

// --- Time (timers.cpp)
void run_timers(Core& core, Tcb& tcb);
void keep_alive_from_now(Core& core, Tcb& tcb);
void start_time_wait(Core& core, Tcb& tcb);
// FIN-WAIT-2 of a connection whose program is gone.
void start_fin_wait_2_timer(Core& core, Tcb& tcb);

// Ends the connection by an event of the table and tells the user.
void end(Core& core, Tcb& tcb, Event on, Notice notice);

}  // namespace tcpdx::tcp
