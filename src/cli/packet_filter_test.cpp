// Wanted kernel filters: whatever the tracker may still select must pass (pcap-filter(7)).
#include "cli/packet_filter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tcpdx::cli {
namespace {

// What stands for the segments in the kernel's filter.
std::string segments(std::string_view filter) {
  const auto parsed = parse_filter(filter);
  EXPECT_TRUE(parsed) << filter;
  if (!parsed) return "";
  const std::string text = kernel_filter(*parsed, false);
  return text.substr(0, text.find(" or (ip proto 6"));
}

TEST(KernelFilter, HasTheWordsThatTheKernelKnows) {
  EXPECT_EQ(segments(""), "tcp");
  EXPECT_EQ(segments("port 80"), "(tcp and portrange 80-80)");
  EXPECT_EQ(segments("192.0.2.1 and src portrange 1-9"),
            "(tcp and (host 192.0.2.1 and src portrange 1-9))");
  EXPECT_EQ(segments("not net 2001:db8::/32 or ip"), "(tcp and ((not net 2001:db8::/32) or ip))");
  EXPECT_EQ(segments("src and dst host ::1"), "(tcp and (src host ::1 and dst host ::1))");
}

TEST(KernelFilter, LeavesStatesToTheTracker) {
  EXPECT_EQ(segments("state established"), "tcp");
  EXPECT_EQ(segments("not state established"), "tcp");
  EXPECT_EQ(segments("port 80 and state established"), "(tcp and portrange 80-80)");
  EXPECT_EQ(segments("port 80 or state established"), "tcp");
  EXPECT_EQ(segments("not (port 80 and state established)"), "tcp");
  EXPECT_EQ(segments("not (port 80 or state established)"), "(tcp and (not portrange 80-80))");
}

TEST(KernelFilter, LooksIntoTunnelsWhereAsked) {
  EXPECT_EQ(kernel_filter({}, false).find("4789"), std::string::npos);
  EXPECT_NE(kernel_filter({}, true).find("udp port 4789"), std::string::npos);
}

bool selects(std::string_view filter, Party from) {
  track::PacketReport report;
  report.from = from;
  report.originator = {ipv4(192, 0, 2, 1), 40000};
  report.responder = {ipv4(192, 0, 2, 2), 80};
  report.after[0] = {tcp::State::fin_wait_1, Certainty::seen};
  report.after[1] = {tcp::State::close_wait, Certainty::inferred};
  const auto parsed = parse_filter(filter);
  EXPECT_TRUE(parsed) << filter;
  return parsed && matches(*parsed, report);
}

TEST(PacketFilter, TakesTheSenderForTheSource) {
  EXPECT_TRUE(selects("src port 80", Party::responder));
  EXPECT_FALSE(selects("src port 80", Party::originator));
  EXPECT_TRUE(selects("dst host 192.0.2.2", Party::originator));
  EXPECT_TRUE(selects("net 192.0.2.0/24 and not ip6", Party::originator));
}

TEST(PacketFilter, AsksEitherEndForItsState) {
  EXPECT_TRUE(selects("state fin-wait-1", Party::originator));
  EXPECT_TRUE(selects("state close-wait", Party::originator));
  EXPECT_FALSE(selects("state established", Party::originator));
}

}  // namespace
}  // namespace tcpdx::cli
