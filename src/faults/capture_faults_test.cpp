// What the faults that captures show need to be shown, and what looks alike and is none.
#include "faults/capture_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum Party;
using tcp::State;

bool names(const Connection& c, std::string_view fault) {
  const std::vector<std::string_view> ids = findings_of(c);
  return std::ranges::find(ids, fault) != ids.end();
}

Connection refused(unsigned n, double at) { return reset(syn(n, at), responder, 1ms, true); }

Connection unanswered(unsigned n, double at = 0) {
  Connection c = syn(n, at);
  c.handshake.syn_retransmits = 4;
  c.side(originator).packets = 5;
  c.duration = c.side(originator).last_at = 7s;
  return c;
}

TEST(capture, silent_on_a_healthy_busy_one) {
  Captured capture;
  for (unsigned i = 0; i < 3000; ++i) {
    Connection c = closed(i, i * 0.02, i % 10 == 0 ? Duration(30s) : Duration(200ms));
    if (i % 50 == 0) c = reset(closed(i, i * 0.02), originator, 150ms, false);
    if (i % 10 == 0) {
      c.side(responder).data_packets = 1000;
      c.side(responder).packets = 1000;
      c.side(responder).retransmissions = 4;
      c.side(responder).spurious_retransmissions = 1;
    }
    if (i % 300 == 0) c.handshake.syn_retransmits = 1;
    capture.add(c);
  }
  for (unsigned i = 0; i < 2; ++i) capture.add(refused(4000 + i, i));
  capture.find("");
  for (const Finding& one : capture.found()) ADD_FAILURE() << one.headline;
}

TEST(capture, a_short_one_only_suspects_what_must_be_sustained) {
  Captured capture(5s);
  for (unsigned i = 0; i < 30; ++i) {
    Connection c = closed(i);
    c.handshake.syn_retransmits = i % 2;
    capture.add(c);
  }
  const Finding* f = capture.find("slow-handshake-syn-retransmit");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(capture, every_sign_names_a_fault_of_the_catalogue) {
  for (size_t i = 0; i < kSigns; ++i) {
    const Fault* fault = find_fault(fault_of(static_cast<Sign>(i)));
    ASSERT_NE(fault, nullptr) << fault_of(static_cast<Sign>(i));
    EXPECT_NE(fault->find_in_capture, nullptr) << fault->info->id;
  }
}

TEST(capture, many_places_with_one_fault_are_one_finding) {
  Captured capture;
  for (unsigned i = 0; i < 60; ++i) {
    Connection c = refused(i, i);
    c.responder.port = static_cast<uint16_t>(8000 + i % 10);
    c.originator.addr = parse_address("10.0.1." + std::to_string(i % 50 + 1)).value();
    capture.add(c);
  }
  const Finding* f = capture.find("connection-refused");
  ASSERT_NE(f, nullptr);
  EXPECT_NE(f->headline.find("9 more"), std::string::npos) << f->headline;
  EXPECT_EQ(std::ranges::count(capture.found(), f->fault, &Finding::fault), 1);
}

TEST(connection_refused, shows_a_port_where_nothing_listens) {
  Captured capture;
  for (unsigned i = 0; i < 4; ++i) capture.add(refused(i, i * 3));
  const Finding* f = capture.find("connection-refused");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.destination, place("10.0.2.1", 80));
  EXPECT_TRUE(names(refused(1, 0), "connection-refused"));
}

TEST(connection_refused, silent_while_a_service_restarts) {
  Captured capture;
  capture.add_healthy(40);
  for (unsigned i = 0; i < 30; ++i) capture.add(refused(i, 2 + i * 0.1));
  EXPECT_EQ(capture.find("connection-refused"), nullptr);
}

TEST(connection_refused, shows_a_notice_when_it_was_brief) {
  Captured capture;
  for (unsigned i = 0; i < 3; ++i) capture.add(refused(i, i * 0.1));
  const Finding* f = capture.find("connection-refused");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(connect_blackhole, shows_unanswered_syns_of_a_capture) {
  Captured capture;
  for (unsigned i = 0; i < 3; ++i) capture.add(unanswered(i));
  const Finding* f = capture.find("connect-blackhole");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_TRUE(names(unanswered(0), "connect-blackhole"));
}

TEST(connect_blackhole, silent_on_a_capture_where_one_attempt_succeeds) {
  Captured capture;
  for (unsigned i = 0; i < 9; ++i) capture.add(unanswered(i));
  capture.add(closed(20));
  EXPECT_EQ(capture.find("connect-blackhole"), nullptr);
}

Connection unreachable(unsigned n, uint8_t code) {
  Connection c = syn(n);
  c.icmp.push_back({.frame = 2,
                    .reporter = parse_address("10.0.1.254").value(),
                    .type = 3,
                    .code = code,
                    .mtu = std::nullopt,
                    .about = originator});
  return c;
}

TEST(host_unreachable, shows_icmp_errors_of_a_capture) {
  Captured capture;
  for (unsigned i = 0; i < 2; ++i) capture.add(unreachable(i, 1));
  const Finding* f = capture.find("host-unreachable");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_NE(f->cause.find("10.0.1.254"), std::string::npos);
}

TEST(host_unreachable, silent_on_a_capture_with_path_mtu_discovery) {
  Captured capture;
  for (unsigned i = 0; i < 5; ++i) {
    Connection c = closed(i);
    c.icmp = unreachable(i, 4).icmp;
    capture.add(c);
  }
  EXPECT_EQ(capture.find("host-unreachable"), nullptr);
}

Connection slow(unsigned n) {
  Connection c = closed(n, n * 2.0);
  c.handshake.syn_retransmits = 1;
  return c;
}

TEST(slow_handshake_syn_retransmit, shows_repeated_syns) {
  Captured capture;
  capture.add_healthy(20);
  for (unsigned i = 0; i < 5; ++i) capture.add(slow(i));
  const Finding* f = capture.find("slow-handshake-syn-retransmit");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
}

TEST(slow_handshake_syn_retransmit, silent_on_single_repeats) {
  Captured capture;
  capture.add_healthy(300);
  for (unsigned i = 0; i < 2; ++i) capture.add(slow(i));
  EXPECT_EQ(capture.find("slow-handshake-syn-retransmit"), nullptr);
}

Connection knock(unsigned port, double at) {
  Connection c = refused(7, at);
  c.responder.port = static_cast<uint16_t>(port);
  return c;
}

TEST(port_scan_inbound, shows_one_source_at_many_ports) {
  Captured capture;
  for (unsigned i = 0; i < 20; ++i) capture.add(knock(i + 1, i * 0.5));
  const Finding* f = capture.find("port-scan-inbound");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->subject.remote->addr, parse_address("10.0.1.8"));
  EXPECT_EQ(capture.find("connection-refused"), nullptr);
}

TEST(port_scan_inbound, silent_on_one_wrong_port_and_on_slow_noise) {
  Captured capture(3600s);
  for (unsigned i = 0; i < 20; ++i) capture.add(knock(81, i * 0.5));
  for (unsigned i = 0; i < 20; ++i) {
    Connection c = knock(i + 1, i * 100.0);
    c.originator = place("10.0.9.9", 5000);
    capture.add(c);
  }
  EXPECT_EQ(capture.find("port-scan-inbound"), nullptr);
}

Connection forged_syn(unsigned n) {
  Connection c = syn(n, n * 0.01);
  c.originator =
      place("10." + std::to_string(n % 250 + 3) + "." + std::to_string(n % 100) + ".7", 1024 + n);
  c.history = "Sh";
  c.handshake.server_rtt = 1ms;
  c.handshake.syn_ack_retransmits = 2;
  c.side(responder).packets = 3;
  return c;
}

TEST(syn_flood, shows_half_open_ones_of_a_capture) {
  Captured capture;
  for (unsigned i = 0; i < 300; ++i) capture.add(forged_syn(i));
  capture.add_healthy(10);
  const Finding* f = capture.find("syn-flood");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->subject.listener, place("10.0.2.1", 80));
}

TEST(syn_flood, silent_on_a_capture_where_clients_of_one_network_cannot_hear) {
  Captured capture;
  for (unsigned i = 0; i < 150; ++i) {
    Connection c = forged_syn(i);
    c.originator = syn(i).originator;
    capture.add(c);
  }
  EXPECT_EQ(capture.find("syn-flood"), nullptr);
}

Connection challenged(unsigned n) {
  Connection c = slow(n);
  c.anomalies.push_back(
      {.kind = AnomalyKind::challenge_ack, .frame = 2, .side = responder, .detail = ""});
  return c;
}

TEST(stale_tuple_collision, shows_syns_that_meet_old_connections) {
  Captured capture;
  capture.add_healthy(100);
  for (unsigned i = 0; i < 12; ++i) capture.add(challenged(i));
  const Finding* f = capture.find("stale-tuple-collision");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(stale_tuple_collision, silent_on_a_client_that_was_restarted) {
  Captured capture;
  capture.add_healthy(100);
  capture.add(challenged(1));
  EXPECT_EQ(capture.find("stale-tuple-collision"), nullptr);
}

// The client closed at that second; the server acknowledged and does nothing more.
Connection left_open(unsigned n, double at) {
  Connection c = open(n, at);
  move(c, 100ms, originator, State::fin_wait_1, Cause::fin_sent);
  move(c, 110ms, responder, State::close_wait, Cause::fin_received);
  move(c, 120ms, originator, State::fin_wait_2, Cause::fin_acked);
  c.duration = 120ms;
  return c;
}

TEST(close_wait_leak, shows_those_held_across_a_capture) {
  Captured capture;
  for (unsigned i = 0; i < 6; ++i) capture.add(left_open(i, i * 5));
  const Finding* f = capture.find("close-wait-leak");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.listener, place("10.0.2.1", 80));
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "fin-wait2-stuck");
}

TEST(close_wait_leak, silent_on_a_capture_of_half_closed_ones_that_still_send) {
  Captured capture;
  for (unsigned i = 0; i < 6; ++i) {
    Connection c = left_open(i, i * 5);
    c.side(responder).last_data_at = 90s;
    capture.add(c);
  }
  EXPECT_EQ(capture.find("close-wait-leak"), nullptr);
  EXPECT_EQ(capture.find("fin-wait2-stuck"), nullptr);
}

TEST(close_wait_leak, silent_on_a_capture_with_a_few_among_many) {
  Captured capture;
  capture.add_healthy(200);
  for (unsigned i = 0; i < 6; ++i) capture.add(left_open(i, i * 5));
  EXPECT_EQ(capture.find("close-wait-leak"), nullptr);
}

TEST(fin_wait2_stuck, silent_on_a_capture_that_ends_soon) {
  Captured capture;
  for (unsigned i = 0; i < 6; ++i) {
    Connection c = left_open(i, i);
    c.observed = 20s;
    capture.add(c);
  }
  EXPECT_EQ(capture.find("fin-wait2-stuck"), nullptr);
}

Connection zero_window(unsigned n, Duration longest) {
  Connection c = open(n);
  c.duration = 60s;
  c.side(responder).last_window = 0;
  c.side(responder).zero_windows = 5;
  c.side(responder).zero_window_longest = longest;
  c.side(originator).zero_window_probes = 5;
  return c;
}

TEST(zero_window_stuck_reader, shows_a_window_that_stays_closed_in_a_capture) {
  Captured capture;
  capture.add(zero_window(1, 40s));
  const Finding* f = capture.find("zero-window-stuck-reader");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.listener, place("10.0.2.1", 80));
}

TEST(zero_window_stuck_reader, silent_on_a_capture_where_it_opens_again) {
  Captured capture;
  Connection c = zero_window(1, 8s);
  c.side(responder).last_window = 65535;
  capture.add(c);
  capture.add(zero_window(2, 2s));
  EXPECT_EQ(capture.find("zero-window-stuck-reader"), nullptr);
}

// Text of that length is repeated so often; the peer sends its last segment at `heard`.
Connection stuck(unsigned n, uint32_t length, uint32_t repeats, Duration heard) {
  Connection c = open(n);
  c.side(originator).unanswered = {.first_at = 1s, .length = length, .repeats = repeats};
  c.side(originator).last_at = 30s;
  c.side(originator).max_length = std::max(length, 500U);
  c.side(originator).retransmissions = repeats;
  c.side(responder).last_at = heard;
  c.duration = 30s;
  return c;
}

TEST(half_open_busy, shows_text_repeated_into_the_void_in_a_capture) {
  Captured capture;
  capture.add(stuck(1, 100, 7, 500ms));
  const Finding* f = capture.find("half-open-busy");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
}

TEST(half_open_busy, silent_on_a_capture_where_the_peer_still_talks) {
  Captured capture;
  capture.add(stuck(1, 100, 7, 29s));
  EXPECT_EQ(capture.find("half-open-busy"), nullptr);
}

TEST(mtu_black_hole, shows_big_segments_that_vanish) {
  Captured capture;
  for (unsigned i = 0; i < 2; ++i) capture.add(stuck(i, 1460, 5, 2s));
  const Finding* f = capture.find("mtu-black-hole");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(capture.find("half-open-busy"), nullptr);
  EXPECT_TRUE(names(stuck(1, 1460, 5, 2s), "mtu-black-hole"));
}

TEST(mtu_black_hole, silent_on_a_peer_that_is_gone) {
  Captured capture;
  for (unsigned i = 0; i < 3; ++i) capture.add(stuck(i, 1460, 5, 500ms));
  EXPECT_EQ(capture.find("mtu-black-hole"), nullptr);
}

TEST(mtu_black_hole, silent_where_big_segments_had_passed) {
  Captured capture;
  for (unsigned i = 0; i < 3; ++i) {
    Connection c = stuck(i, 1460, 5, 2s);
    c.side(originator).largest_acked = 1460;
    capture.add(c);
  }
  EXPECT_EQ(capture.find("mtu-black-hole"), nullptr);
}

Connection bulk(unsigned n, uint32_t repeats, uint32_t spurious, uint32_t out_of_order = 0) {
  Connection c = closed(n, 0, 60s);
  ConnectionSide& side = c.side(responder);
  side.packets = side.data_packets = 5000;
  side.retransmissions = repeats;
  side.spurious_retransmissions = spurious;
  side.out_of_order = out_of_order;
  return c;
}

TEST(packet_loss_retransmission, shows_loss_by_its_share) {
  for (const auto& [repeats, severity] :
       {std::pair(100U, Severity::notice), {250U, Severity::warning}, {600U, Severity::critical}}) {
    Captured capture;
    capture.add(bulk(1, repeats, 2));
    const Finding* f = capture.find("packet-loss-retransmission");
    ASSERT_NE(f, nullptr) << repeats;
    EXPECT_EQ(f->severity, severity);
    EXPECT_EQ(f->subject.local->addr, parse_address("10.0.2.1"));
  }
}

TEST(packet_loss_retransmission, silent_on_little_loss_and_on_needless_repeats) {
  Captured capture;
  capture.add(bulk(1, 20, 0));
  capture.add(bulk(2, 200, 190));
  EXPECT_EQ(capture.find("packet-loss-retransmission"), nullptr);
}

TEST(packet_loss_retransmission, silent_on_the_first_second_of_a_transfer) {
  Captured capture;
  Connection c = bulk(1, 1000, 0);
  c.duration = 900ms;
  capture.add(c);
  EXPECT_EQ(capture.find("packet-loss-retransmission"), nullptr);
}

TEST(reordering_spurious_retransmit, shows_needless_repeats) {
  Captured capture;
  capture.add(bulk(1, 80, 70));
  ASSERT_NE(capture.find("reordering-spurious-retransmit"), nullptr);
  EXPECT_EQ(capture.find("packet-loss-retransmission"), nullptr);
}

TEST(reordering_spurious_retransmit, shows_segments_out_of_order) {
  Captured capture;
  capture.add(bulk(1, 10, 5, 300));
  EXPECT_NE(capture.find("reordering-spurious-retransmit"), nullptr);
}

TEST(reordering_spurious_retransmit, silent_on_loss_and_on_a_shuffled_capture) {
  Captured capture;
  capture.add(bulk(1, 200, 5, 100));
  Connection c = bulk(2, 0, 0, 4000);
  c.anomalies.push_back(
      {.kind = AnomalyKind::capture_reordered, .frame = 1, .side = {}, .detail = ""});
  capture.add(c);
  EXPECT_EQ(capture.find("reordering-spurious-retransmit"), nullptr);
}

TEST(bad_checksum, shows_damaged_segments_that_are_repeated) {
  Captured capture;
  Connection c = bulk(1, 12, 0);
  c.side(responder).bad_checksums = 10;
  capture.add(c);
  const Finding* f = capture.find("bad-checksum");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
}

TEST(bad_checksum, silent_where_the_capture_is_to_blame) {
  Captured capture;
  Connection c = bulk(1, 0, 0);
  c.side(responder).bad_checksums = 5000;
  capture.add(c);
  Connection whole = bulk(3, 0, 0);
  whole.originator = place("10.8.8.8", 5);
  whole.side(responder).bad_checksums = 20;
  whole.side(responder).missed_bytes = 20000;
  capture.add(whole);
  Connection few = bulk(2, 0, 0);
  few.originator = place("10.9.9.9", 5);
  few.side(responder).bad_checksums = 3;
  capture.add(few);
  EXPECT_EQ(capture.find("bad-checksum"), nullptr);
}

TEST(rst_by_middlebox, shows_resets_of_a_third_party) {
  Captured capture;
  for (unsigned i = 0; i < 2; ++i) {
    Connection c = reset(open(i), responder, 10s, true);
    c.close.reset_by = ResetBy::third_party;
    c.anomalies.push_back(
        {.kind = AnomalyKind::forged_reset, .frame = 9, .side = responder, .detail = "TTL 64"});
    capture.add(c);
  }
  const Finding* f = capture.find("rst-by-middlebox");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(capture.found().size(), 1U);
}

TEST(rst_by_middlebox, silent_on_resets_of_the_endpoint) {
  Captured capture;
  for (unsigned i = 0; i < 5; ++i) capture.add(reset(open(i), responder, 10s, true));
  EXPECT_EQ(capture.find("rst-by-middlebox"), nullptr);
}

// The request is the last text, the server resets without FIN.
Connection unread(unsigned n) {
  Connection c = open(n, n);
  c.side(originator).last_data_at = 500ms;
  return reset(c, responder, 510ms, true);
}

TEST(rst_on_close_unread, shows_a_server_that_closes_unread) {
  Captured capture;
  capture.add_healthy(60);
  for (unsigned i = 0; i < 6; ++i) capture.add(unread(i));
  const Finding* f = capture.find("rst-on-close-unread");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->subject.listener, place("10.0.2.1", 80));
}

TEST(rst_on_close_unread, silent_on_cancelled_downloads_and_after_a_fin) {
  Captured capture;
  for (unsigned i = 0; i < 40; ++i) {
    Connection c = open(i, i);
    c.originator.addr = parse_address("10.0.1.1").value();
    capture.add(reset(c, originator, 100ms, true));
  }
  for (unsigned i = 50; i < 80; ++i) {
    Connection c = closed(i, i);
    c.timeline.resize(3);  // the server had not closed yet
    capture.add(reset(c, responder, 150ms, true));
  }
  EXPECT_EQ(capture.find("rst-on-close-unread"), nullptr);
}

TEST(rst_abortive_linger, shows_resets_instead_of_fins) {
  Captured capture;
  for (unsigned i = 0; i < 30; ++i) capture.add(reset(open(i, i), responder, 100ms, true));
  ASSERT_NE(capture.find("rst-abortive-linger"), nullptr);
  EXPECT_EQ(capture.find("rst-abortive-linger")->severity, Severity::info);
}

TEST(rst_abortive_linger, silent_on_health_checks) {
  Captured capture;
  for (unsigned i = 0; i < 30; ++i) {
    Connection c = open(i, i);
    for (ConnectionSide& side : c.sides) side.last_data_at.reset();
    c.originator.addr = parse_address("10.0.1.1").value();
    capture.add(reset(c, originator, 30ms, true));
  }
  EXPECT_EQ(capture.find("rst-abortive-linger"), nullptr);
}

// The server closed at 100 ms; text of the client follows at `text`, the reset at `answer`.
Connection after_fin(unsigned n, Duration closed_at, Duration text, Duration answer) {
  Connection c = open(n, n);
  move(c, closed_at, responder, State::fin_wait_1, Cause::fin_sent);
  c.side(originator).last_data_at = text;
  return reset(c, responder, answer, false);
}

TEST(rst_to_closed_socket, shows_text_long_after_the_fin) {
  Captured capture;
  for (unsigned i = 0; i < 25; ++i) capture.add(after_fin(i, 100ms, 3s, 3s));
  EXPECT_NE(capture.find("rst-to-closed-socket"), nullptr);
}

TEST(rst_to_closed_socket, silent_on_text_under_way) {
  Captured capture;
  for (unsigned i = 0; i < 25; ++i) capture.add(after_fin(i, 100ms, 110ms, 115ms));
  EXPECT_EQ(capture.find("rst-to-closed-socket"), nullptr);
  EXPECT_EQ(capture.find("keepalive-reuse-race"), nullptr);
}

TEST(keepalive_reuse_race, shows_requests_that_cross_the_fin) {
  Captured capture;
  for (unsigned i = 0; i < 6; ++i) {
    capture.add(after_fin(i, 5s + i * 10ms, 5s + i * 10ms + 5ms, 5s + i * 10ms + 15ms));
  }
  const Finding* f = capture.find("keepalive-reuse-race");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(keepalive_reuse_race, silent_when_the_pauses_differ) {
  Captured capture;
  for (unsigned i = 0; i < 6; ++i) {
    const Duration fin = std::chrono::seconds(3 * (i + 1));
    capture.add(after_fin(i, fin, fin + 5ms, fin + 15ms));
  }
  EXPECT_EQ(capture.find("keepalive-reuse-race"), nullptr);
}

Connection forgotten(unsigned n, double at) {
  Connection c = open(n, at);
  c.side(originator).last_data_at = 30s;
  return reset(c, responder, 30s + 20ms, false);
}

TEST(reset_peer_lost_state, shows_a_host_that_forgot_its_connections) {
  Captured capture;
  for (unsigned i = 0; i < 3; ++i) capture.add(forgotten(i, i));
  const Finding* f = capture.find("reset-peer-lost-state");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->subject.listener, place("10.0.2.1", 80));
}

TEST(reset_peer_lost_state, silent_on_single_ones) {
  Captured capture;
  for (unsigned i = 0; i < 6; ++i) capture.add(forgotten(i, i * 100));
  EXPECT_EQ(capture.find("reset-peer-lost-state"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
