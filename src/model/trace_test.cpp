#include "model/trace.hpp"

#include <gtest/gtest.h>

#include <string>

#include "model/filter.hpp"

namespace tcpdx {
namespace {

TraceEvent event() {
  TraceEvent made;
  made.from = tcp::State::closed;
  made.to = tcp::State::syn_sent;
  made.who.local = {ipv4(192, 0, 2, 1), 50001};
  made.who.remote = {ipv4(198, 51, 100, 7), 443};
  made.who.netns = 77;
  made.who.netns_name = "blue";
  made.who.uid = 1000;
  made.who.owner = TraceOwner{321, "curl", {}};
  return made;
}

bool passes(const std::string& text, const TraceEvent& on = event()) {
  return matches(parse_filter(text).value(), on);
}

TEST(trace_filter, asks_what_events_know) {
  for (const char* text :
       {"", "port 443", "src port 50001", "dst host 198.51.100.7", "net 192.0.2.0/24", "ip", "tcp",
        "state syn-sent", "state closed", "pid 321", "comm curl", "uid 1000", "netns blue",
        "netns 77", "not port 80"}) {
    EXPECT_TRUE(passes(text)) << text;
  }
  for (const char* text : {"src port 443", "ip6", "state listen", "pid 1", "comm wget", "uid 0",
                           "netns red", "not port 443"}) {
    EXPECT_FALSE(passes(text)) << text;
  }
}

TEST(trace_filter, what_is_not_known_matches_nothing) {
  TraceEvent unknown = event();
  unknown.who.owner.reset();
  unknown.who.uid.reset();
  for (const char* text : {"pid 0", "uid 0", "pid 321", "comm curl"}) {
    EXPECT_FALSE(passes(text, unknown)) << text;
  }
}

TEST(trace_filter, refuses_the_cgroup) {
  EXPECT_FALSE(check_for_events(parse_filter("port 80 and cgroup /x").value()));
  EXPECT_TRUE(check_for_events(parse_filter("port 80 and pid 3").value()));
}

std::string ports(const std::string& text) {
  std::string joined;
  for (const uint16_t port : bounds_of(parse_filter(text).value(), 4, 4).ports) {
    joined += std::to_string(port) + " ";
  }
  return joined;
}

// The kernel may leave out only what cannot match.
TEST(event_bounds, are_what_every_match_must_have) {
  EXPECT_EQ(ports("port 80"), "80 ");
  EXPECT_EQ(ports("port 80 or port 443"), "80 443 ");
  EXPECT_EQ(ports("port 80 and comm nginx"), "80 ");
  EXPECT_EQ(ports("portrange 80-82"), "80 81 82 ");
  EXPECT_EQ(ports("port 80 or comm nginx"), "");
  EXPECT_EQ(ports("not port 80"), "");
  EXPECT_EQ(ports("portrange 1-1000"), "");
  EXPECT_EQ(ports("(port 80 or port 81) and (src port 81 or src port 90 or src port 91)"),
            "80 81 ");
  EXPECT_EQ(ports("not (port 80 and pid 3)"), "");
  EXPECT_EQ(ports(""), "");
}

TEST(event_bounds, an_ipv4_net_may_stand_mapped_into_ipv6) {
  const auto bounds = bounds_of(parse_filter("net 10.0.0.0/8").value(), 4, 4);
  ASSERT_EQ(bounds.nets.size(), 2U);
  EXPECT_EQ(bounds.nets[0].bits, 8U);
  EXPECT_EQ(bounds.nets[1].bits, 104U);
  EXPECT_EQ(bounds.nets[1].address.unmapped(), bounds.nets[0].address);
  EXPECT_TRUE(bounds_of(parse_filter("host 10.0.0.1 or port 80").value(), 4, 4).nets.empty());
  EXPECT_EQ(bounds_of(parse_filter("host ::1").value(), 4, 4).nets.size(), 1U);
}

}  // namespace
}  // namespace tcpdx
