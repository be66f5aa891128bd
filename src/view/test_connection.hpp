// Hand-made connections for the tests of this folder.
#pragma once

#include <string_view>

#include "model/connection.hpp"

namespace tcpdx::view::testing {

inline SocketAddress socket_address(std::string_view address, uint16_t port) {
  return {parse_address(address).value_or(IpAddress{}), port};
}

// A client fetches 5 000 octets and closes first; captured beside the client. The client's end went
// through TIME-WAIT, which nobody can see; the server's last state is told by the final ACK.
inline Connection fetched_page() {
  using tcp::State;
  Connection made;
  made.id = 1;
  made.first_frame = 1;
  made.last_frame = 12;
  made.start = WallTime(1'700'000'000s + 250ms);
  made.duration = 1'300ms;
  made.observed = 61'300ms;
  made.originator = socket_address("192.0.2.10", 40000);
  made.responder = socket_address("198.51.100.7", 443);
  made.role_seen = true;
  made.vantage = Vantage::originator;
  ConnectionSide& client = made.side(Party::originator);
  client.state = State::closed;
  client.certainty = Certainty::inferred;
  client.since = 61'300ms;
  client.packets = 7;
  client.bytes = 300;
  client.ip_bytes = 664;
  client.unique_bytes = 300;
  client.mss = 1460;
  client.window_scale = 7;
  client.sack_permitted = true;
  client.timestamps = true;
  client.rtt = RttSummary{20ms, 21ms, 24ms, 25ms, 3};
  client.max_length = 300;
  client.last_window = 64'128;
  client.ttl = 64;
  client.last_at = 1'300ms;
  ConnectionSide& server = made.side(Party::responder);
  server.state = State::closed;
  server.certainty = Certainty::seen;
  server.since = 1'300ms;
  server.packets = 6;
  server.bytes = 6'448;
  server.ip_bytes = 6'760;
  server.unique_bytes = 5'000;
  server.retransmissions = 1;
  server.fast_retransmissions = 1;
  server.ttl = 57;
  server.last_at = 1'299ms;
  made.handshake = {true, 0, 0, 400us, 20ms};
  made.close = {CloseHow::fin, CloseFirst::originator, ResetBy::nobody, std::nullopt};
  made.timeline = {
      {0us, 1, Party::originator, State::closed, State::syn_sent, Certainty::seen, Cause::syn_sent},
      {1'250ms, 10, Party::originator, State::established, State::fin_wait_1, Certainty::seen,
       Cause::fin_sent},
      {1'299ms, 11, Party::responder, State::close_wait, State::last_ack, Certainty::seen,
       Cause::fin_sent},
      {61'300ms, 0, Party::originator, State::time_wait, State::closed, Certainty::inferred,
       Cause::time_wait_over},
  };
  made.history = "ShADadtFf";
  return made;
}

// Joined in the middle, in a VLAN and a tunnel; one direction only; still open.
inline Connection one_way_stream() {
  Connection made;
  made.id = 2;
  made.first_frame = 3;
  made.last_frame = 9;
  made.start = WallTime(1'700'000'001s);
  made.duration = 10s;
  made.observed = 60s;
  made.vlans = {10, 20};
  made.tunnels = {"vxlan 42"};
  made.originator = socket_address("2001:db8::1", 50001);
  made.responder = socket_address("2001:db8::2", 5432);
  ConnectionSide& sender = made.side(Party::originator);
  sender.state = tcp::State::established;
  sender.certainty = Certainty::inferred;
  sender.packets = 7;
  sender.bytes = 7'000;
  sender.ip_bytes = 7'420;
  sender.unique_bytes = 7'000;
  made.timeline = {{0us, 3, Party::originator, std::nullopt, tcp::State::established,
                    Certainty::inferred, Cause::mid_stream}};
  made.anomalies = {{AnomalyKind::mid_stream, 3, std::nullopt, ""},
                    {AnomalyKind::one_way, 3, Party::originator, "nothing of the responder"},
                    {AnomalyKind::capture_loss, 7, Party::originator, "1 460 octets"},
                    {AnomalyKind::capture_loss, 8, Party::originator, "1 460 octets"}};
  made.history = "D";
  return made;
}

// A SYN that was answered by a reset.
inline Connection refused() {
  Connection made;
  made.id = 3;
  made.first_frame = 20;
  made.last_frame = 21;
  made.start = WallTime(1'700'000'002s);
  made.duration = 1ms;
  made.observed = 58s;
  made.originator = socket_address("192.0.2.10", 40001);
  made.responder = socket_address("198.51.100.7", 81);
  made.role_seen = true;
  for (ConnectionSide& side : made.sides) {
    side.state = tcp::State::closed;
    side.certainty = Certainty::seen;
    side.since = 1ms;
    side.packets = 1;
    side.ip_bytes = 60;
  }
  made.side(Party::responder).resets = 1;
  made.close = {CloseHow::reset, CloseFirst::responder, ResetBy::responder, true};
  made.timeline = {{0us, 20, Party::originator, tcp::State::closed, tcp::State::syn_sent,
                    Certainty::seen, Cause::syn_sent},
                   {1ms, 21, Party::originator, tcp::State::syn_sent, tcp::State::closed,
                    Certainty::inferred, Cause::reset_received}};
  made.history = "Sr";
  return made;
}

}  // namespace tcpdx::view::testing
