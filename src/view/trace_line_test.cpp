#include "view/trace_line.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <sstream>
#include <string>

#include "base/text.hpp"
#include "view/json.hpp"
#include "view/trace_summary.hpp"

namespace tcpdx::view {
namespace {

using tcp::State;

TraceEvent connect(int error) {
  TraceEvent event;
  event.kind = EventKind::connect;
  event.from = event.to = State::syn_sent;
  event.who.local = {ipv4(192, 0, 2, 1), 50001};
  event.who.remote = {ipv4(198, 51, 100, 7), 443};
  event.who.cookie = 7;
  event.who.netns = 4026531840;
  event.who.owner = TraceOwner{321, "curl", {}};
  event.error = error;
  event.duration = 22ms;
  return event;
}

TEST(event_words, say_what_happened) {
  EXPECT_EQ(event_words(connect(0)), "connected in 22 ms");
  EXPECT_EQ(event_words(connect(ECONNREFUSED)), "refused after 22 ms");
  EXPECT_EQ(event_words(connect(ECANCELED)), "given up by the program after 22 ms");
  TraceEvent state = connect(ECONNRESET);
  state.kind = EventKind::state;
  state.from = State::established;
  state.to = State::closed;
  EXPECT_EQ(event_words(state), "ESTABLISHED → CLOSED: Connection reset by peer");
  TraceEvent reset = connect(0);
  reset.kind = EventKind::reset_sent;
  reset.reason = "NO_SOCKET";
  reset.who.cookie = 0;
  EXPECT_EQ(event_words(reset), "NO_SOCKET");
  reset.reason.clear();
  EXPECT_EQ(event_words(reset), "reason not told");
}

std::string table_line(const TraceEvent& event) {
  std::ostringstream out;
  const Style style{.colour = false, .width = 0};
  TraceTable table(out, style);
  table.set_home(4026531840);
  table.write(event);
  return out.str().substr(out.str().find(' ') + 1);  // without the local time
}

TEST(trace_table, has_a_line_for_each_event) {
  EXPECT_EQ(table_line(connect(0)),
            "connect        curl/321             192.0.2.1:50001       198.51.100.7:443      "
            "connected in 22 ms\n");
  TraceEvent elsewhere = connect(0);
  elsewhere.who.netns = 77;
  elsewhere.who.netns_name = "blue";
  EXPECT_TRUE(table_line(elsewhere).ends_with("connected in 22 ms  netns blue\n"));
}

TEST(trace_table, a_name_cannot_forge_a_line) {
  TraceEvent event = connect(0);
  event.who.owner->comm = "a\nb \x1b[2J";
  const std::string line = table_line(event);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(trace_table, a_socket_that_leaves_an_entry_is_told_by_the_entry) {
  TraceEvent event = connect(0);
  event.kind = EventKind::state;
  event.from = State::fin_wait_2;
  event.to = State::closed;
  EXPECT_EQ(table_line(event), "");
  event.to = State::time_wait;
  event.joined = true;
  EXPECT_NE(table_line(event).find("FIN-WAIT-2 → TIME-WAIT (joined)"), std::string::npos);
  event.joined = false;
  event.to = State::closed;
  event.error = ECONNRESET;
  EXPECT_NE(table_line(event), "");
}

TEST(trace_table, columns_stay_as_wide_as_they_became) {
  std::ostringstream out;
  const Style style{.colour = false, .width = 0};
  TraceTable table(out, style);
  TraceEvent wide = connect(0);
  wide.who.local.addr = *parse_address("2001:db8:1234:5678:9abc:def0:1234:5678");
  table.write(wide);
  table.write(connect(0));
  std::istringstream lines(out.str());
  std::string first;
  std::string second;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_EQ(first.find("connected"), second.find("connected"));
}

TEST(trace_json, is_the_same_as_the_library_would_write) {
  std::ostringstream out;
  TraceJson json(out);
  TraceEvent event = connect(ECONNREFUSED);
  event.who.owner->comm = "a\"b\\\xff";
  event.who.uid = 0;
  json.write(event);
  json.write(connect(0));
  json.write_lost(WallTime{}, 5);
  std::istringstream lines(out.str());
  std::string line;
  std::getline(lines, line);
  const Json first = Json::parse(line);
  EXPECT_EQ(first["schema"], "tcpdx/1");
  EXPECT_EQ(first["t"], "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(first["error"], "ECONNREFUSED");
  EXPECT_EQ(first["owner"]["comm"], "a\"b\\\xEF\xBF\xBD");
  EXPECT_EQ(first["owner"]["fd"], nullptr);
  EXPECT_EQ(first["uid"], 0);
  EXPECT_EQ(first["local"], (Json{{"addr", "192.0.2.1"}, {"port", 50001}}));
  EXPECT_FALSE(first.contains("joined"));
  std::getline(lines, line);
  EXPECT_FALSE(Json::parse(line).contains("schema"));
  std::getline(lines, line);
  EXPECT_EQ(Json::parse(line)["count"], 5);
}

TEST(trace_json, what_is_not_known_is_null) {
  std::ostringstream out;
  TraceJson json(out);
  TraceLife life;
  life.who.remote.port = 80;
  json.write(life);
  const Json line = Json::parse(out.str());
  for (const char* name : {"cookie", "netns", "owner", "duration_us", "rtt_us", "last_state"}) {
    EXPECT_EQ(line.at(name), nullptr) << name;
  }
  EXPECT_EQ(line["closed_by"], "unknown");
}

TEST(trace_summary, adds_up_by_program_and_peer) {
  TraceSummary summary;
  summary.add(connect(0));
  TraceEvent slower = connect(0);
  slower.who.local.port = 50002;
  slower.duration = 44ms;
  summary.add(slower);
  summary.add(connect(ETIMEDOUT));
  TraceEvent accepted = connect(0);
  accepted.kind = EventKind::state;
  accepted.from = State::syn_received;
  accepted.to = State::established;
  std::swap(accepted.who.local, accepted.who.remote);
  summary.add(accepted);
  std::ostringstream out;
  summary.write_json(out, WallTime{});
  const Json rows = Json::parse(out.str())["rows"];
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1]["way"], "out");
  EXPECT_EQ(rows[1]["peer"], "198.51.100.7");
  EXPECT_EQ(rows[1]["port"], 443);
  EXPECT_EQ(rows[1]["opened"], 2);
  EXPECT_EQ(rows[1]["failed"], 1);
  EXPECT_EQ(rows[1]["connect_mean_us"], 33'000);
  EXPECT_EQ(rows[0]["way"], "in");
  EXPECT_EQ(rows[0]["peer"], "192.0.2.1");
  EXPECT_EQ(rows[0]["port"], 443);
}

TEST(trace_summary, has_a_bounded_number_of_rows) {
  TraceSummary summary;
  TraceEvent event = connect(0);
  for (uint32_t pid = 1; pid <= TraceSummary::kMostRows + 500; ++pid) {
    event.who.owner->pid = pid;
    summary.add(event);
  }
  std::ostringstream out;
  summary.write_json(out, WallTime{});
  EXPECT_LE(Json::parse(out.str())["rows"].size(), TraceSummary::kMostRows + 1);
}

}  // namespace
}  // namespace tcpdx::view
