// Resets on the live machine, by the kernel's events: what shows a fault and what looks alike.
#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using tcp::State;

constexpr std::string_view kUnread = "TCP_ABORT_ON_CLOSE";

// A server on port 80 that had 500 connections within the window.
Scene server(uint64_t opened = 500) {
  Scene scene(30s);
  scene.process(2210, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  scene.count("Tcp.PassiveOpens", 1000, 1000 + opened);
  scene.count("Tcp.ActiveOpens", 0, 0);
  scene.watch();
  return scene;
}

TcpEvent reset(unsigned n, uint16_t local_port = 80) {
  TcpEvent event;
  event.kind = EventKind::reset_sent;
  event.at = n * 100ms;
  event.from = event.to = State::established;
  event.local = at("10.0.0.1", local_port);
  event.remote = at("10.0.0.2", 40000 + n);
  event.cookie = 9000 + n;
  event.carried = 1200;
  return event;
}

void resets(Scene& scene, unsigned count, const std::string& reason, uint16_t local_port = 80) {
  for (unsigned n = 0; n < count; ++n) scene.event(reset(n, local_port), reason);
}

TEST(rst_on_close_unread, shows_a_live_server_by_the_kernels_reason) {
  Scene scene = server();
  resets(scene, 20, std::string(kUnread));
  const Finding* f = scene.find("rst-on-close-unread");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 2210U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
  EXPECT_EQ(scene.find("rst-abortive-linger"), nullptr);
}

TEST(rst_on_close_unread, silent_on_a_program_that_ends) {
  Scene scene = server();
  for (unsigned n = 0; n < 20; ++n) {
    TcpEvent event = reset(n);
    event.at = 2s + n * 1ms;
    scene.event(event, std::string(kUnread));
  }
  EXPECT_EQ(scene.find("rst-on-close-unread"), nullptr);
}

// A namespace of which only counters are known.
Scene counted(uint64_t accepted, uint64_t called, uint64_t unread) {
  Scene scene(30s);
  scene.count("Tcp.PassiveOpens", 100, 100 + accepted);
  scene.count("Tcp.ActiveOpens", 100, 100 + called);
  scene.count("TcpExt.TCPAbortOnClose", 7, 7 + unread);
  return scene;
}

TEST(rst_on_close_unread, shows_a_suspicion_by_counters_alone) {
  Scene scene = counted(1000, 10, 60);
  const Finding* f = scene.find("rst-on-close-unread");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_FALSE(f->subject.pid);
}

TEST(rst_on_close_unread, silent_by_counters_on_callers_few_and_a_sudden_end) {
  EXPECT_EQ(counted(1000, 800, 60).find("rst-on-close-unread"), nullptr);
  EXPECT_EQ(counted(1000, 10, 9).find("rst-on-close-unread"), nullptr);
  Scene sudden(30s);
  sudden.count("Tcp.PassiveOpens", 100, 1100);
  std::vector<Sample>& samples = sudden.observation().samples;
  for (Sample& sample : samples) {
    const bool last = &sample == &samples.back();
    sample.counters[0].set("TcpExt.TCPAbortOnClose", last ? 67 : 7);
  }
  EXPECT_EQ(sudden.find("rst-on-close-unread"), nullptr);
}

TEST(rst_on_close_unread, silent_on_callers_who_cancel) {
  Scene scene = server();
  for (unsigned n = 0; n < 20; ++n)
    scene.event(reset(n, static_cast<uint16_t>(50000 + n)), std::string(kUnread));
  EXPECT_EQ(scene.find("rst-on-close-unread"), nullptr);
}

TEST(rst_on_close_unread, silent_on_few_of_many_and_on_few_at_all) {
  Scene busy = server(50'000);
  resets(busy, 20, std::string(kUnread));
  EXPECT_EQ(busy.find("rst-on-close-unread"), nullptr);
  Scene quiet = server(10);
  resets(quiet, 6, std::string(kUnread));
  EXPECT_EQ(quiet.find("rst-on-close-unread"), nullptr);
  Scene few = server();
  resets(few, 4, std::string(kUnread));
  EXPECT_EQ(few.find("rst-on-close-unread"), nullptr);
}

TEST(rst_abortive_linger, shows_a_live_program_that_aborts) {
  Scene scene = server();
  resets(scene, 30, "TCP_STATE");
  const Finding* f = scene.find("rst-abortive-linger");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 2210U);
}

TEST(rst_abortive_linger, silent_on_health_checks_and_on_what_is_not_known) {
  Scene checks = server();
  Scene unknown = server();
  for (unsigned n = 0; n < 80; ++n) {
    TcpEvent event = reset(n);
    event.carried = 0;  // a connection that is only opened
    checks.event(event, "TCP_STATE");
    event.carried.reset();
    unknown.event(event, "TCP_STATE");
  }
  EXPECT_EQ(checks.find("rst-abortive-linger"), nullptr);
  EXPECT_EQ(unknown.find("rst-abortive-linger"), nullptr);
}

TEST(rst_abortive_linger, silent_on_answers_to_strangers) {
  Scene scene = server();
  for (unsigned n = 0; n < 80; ++n) {
    TcpEvent event = reset(n);
    event.from = event.to = State::closed;
    event.cookie = 0;
    scene.event(event, "NO_SOCKET");
  }
  EXPECT_EQ(scene.find("rst-abortive-linger"), nullptr);
}

// Connections in CLOSE-WAIT at the first look, and a reset for each.
Scene writers(unsigned count, bool known, State state = State::close_wait) {
  Scene scene = server(100);
  for (unsigned n = 0; n < count; ++n) {
    const Scene::Row row{.state = State::close_wait,
                         .local = at("10.0.0.1", 80),
                         .remote = at("10.0.0.2", 40000 + n)};
    if (known) scene.add_gone(row);
    TcpEvent event = reset(n);
    event.kind = EventKind::reset_received;
    event.from = event.to = state;
    if (known) event.cookie = scene.observation().looks.front().sockets.back().cookie;
    scene.event(event);
  }
  return scene;
}

TEST(rst_to_closed_socket, shows_a_live_program_that_writes_on) {
  Scene scene = writers(20, true);
  const Finding* f = scene.find("rst-to-closed-socket");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->subject.pid, 2210U);
  EXPECT_EQ(f->severity, Severity::info);
}

TEST(rst_to_closed_socket, silent_on_text_that_may_have_crossed_the_fin) {
  EXPECT_EQ(writers(20, false).find("rst-to-closed-socket"), nullptr);
}

TEST(rst_to_closed_socket, silent_on_resets_of_open_connections_and_on_few) {
  EXPECT_EQ(writers(20, true, State::established).find("rst-to-closed-socket"), nullptr);
  EXPECT_EQ(writers(5, true).find("rst-to-closed-socket"), nullptr);
}

Scene table(uint64_t entries, uint64_t drops = 0, uint64_t early = 0) {
  Scene scene(30s);
  scene.count("nf_conntrack.count", entries, entries);
  scene.count("nf_conntrack.max", 100'000, 100'000);
  scene.count("nf_conntrack.drop", 7, 7 + drops);
  scene.count("nf_conntrack.early_drop", 3, 3 + early);
  return scene;
}

TEST(conntrack_table_full, shows_by_fill_and_drops) {
  Scene notice = table(90'000);
  Scene warning = table(97'000);
  Scene early = table(86'000, 0, 12);
  Scene full = table(100'000, 9);
  ASSERT_NE(notice.find("conntrack-table-full"), nullptr);
  EXPECT_EQ(notice.found().front().severity, Severity::notice);
  ASSERT_NE(warning.find("conntrack-table-full"), nullptr);
  EXPECT_EQ(warning.found().front().severity, Severity::warning);
  ASSERT_NE(early.find("conntrack-table-full"), nullptr);
  EXPECT_EQ(early.found().front().severity, Severity::warning);
  const Finding* worst = full.find("conntrack-table-full");
  ASSERT_NE(worst, nullptr);
  EXPECT_EQ(worst->severity, Severity::critical);
  EXPECT_NE(worst->headline.find("9 new connections dropped"), std::string::npos);
}

TEST(conntrack_table_full, silent_on_many_entries_with_room) {
  EXPECT_EQ(table(84'000).find("conntrack-table-full"), nullptr);
}

// Two packets of one connection at once: the loser is counted as dropped.
TEST(conntrack_table_full, silent_on_clashes) {
  EXPECT_EQ(table(500, 40).find("conntrack-table-full"), nullptr);
}

TEST(conntrack_table_full, silent_on_clashes_in_a_fuller_table_but_for_its_fill) {
  Scene scene = table(90'000, 40);
  scene.count("nf_conntrack.insert_failed", 2, 42);
  ASSERT_NE(scene.find("conntrack-table-full"), nullptr);
  EXPECT_EQ(scene.found().front().severity, Severity::notice);
}

TEST(conntrack_table_full, silent_where_no_table_is_known) {
  Scene scene(30s);
  EXPECT_EQ(scene.find("conntrack-table-full"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
