// conn.log lines, against the field descriptions and the thirteen values of conn_state in Zeek's
// reference (base/protocols/conn/main.zeek).
#include "view/connection_zeek.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "view/test_connection.hpp"

namespace tcpdx::view {
namespace {

std::string line_of(const Connection& connection) {
  fmt::memory_buffer text;
  append_zeek_line(text, connection);
  return fmt::to_string(text);
}

std::vector<std::string> fields_of(const Connection& connection) {
  const std::string line = line_of(connection);
  EXPECT_TRUE(line.ends_with('\n'));
  std::vector<std::string> fields;
  for (const std::string_view field :
       split(std::string_view(line).substr(0, line.size() - 1), '\t'))
    fields.emplace_back(field);
  return fields;
}

TEST(Zeek, HeadAndFootNameTheLayout) {
  fmt::memory_buffer text;
  append_zeek_head(text, WallTime(1'400'868'124s));
  append_zeek_foot(text, WallTime(1'400'868'125s));
  EXPECT_EQ(fmt::to_string(text),
            "#separator \\x09\n"
            "#set_separator\t,\n"
            "#empty_field\t(empty)\n"
            "#unset_field\t-\n"
            "#path\tconn\n"
            "#open\t2014-05-23-18-02-04\n"
            "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration"
            "\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory"
            "\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n"
            "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount"
            "\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n"
            "#close\t2014-05-23-18-02-05\n");
}

TEST(Zeek, ALineHasTheFieldsInTheirOrder) {
  std::vector<std::string> fields = fields_of(testing::fetched_page());
  ASSERT_EQ(fields.size(), 21U);
  EXPECT_EQ(fields[1].front(), 'C');
  EXPECT_TRUE(std::ranges::all_of(fields[1], [](unsigned char c) { return std::isalnum(c) != 0; }));
  fields[1] = "uid";
  // The duration leaves the last ACK out. 192.0.2.10 is no private address.
  EXPECT_EQ(fields, (std::vector<std::string>{"1700000000.250000",
                                              "uid",
                                              "192.0.2.10",
                                              "40000",
                                              "198.51.100.7",
                                              "443",
                                              "tcp",
                                              "-",
                                              "1.299000",
                                              "300",
                                              "5000",
                                              "SF",
                                              "F",
                                              "F",
                                              "0",
                                              "ShADadtFf",
                                              "7",
                                              "664",
                                              "6",
                                              "6760",
                                              "-"}));
}

TEST(Zeek, WhatIsNotThereIsUnset) {
  Connection one_packet = testing::one_way_stream();
  one_packet.duration = 0us;
  one_packet.history = "";
  const std::vector<std::string> fields = fields_of(one_packet);
  for (const size_t unset : {7U, 8U, 9U, 10U, 15U, 20U}) EXPECT_EQ(fields[unset], "-") << unset;
}

TEST(Zeek, UidsAreStableAndDiffer) {
  const auto uid = [](const Connection& connection) { return fields_of(connection)[1]; };
  const Connection base = testing::fetched_page();
  Connection same = base;
  same.id = 77;  // in another file
  EXPECT_EQ(uid(base), uid(same));
  std::vector<std::string> uids{uid(base)};
  for (int i = 0; i < 5; ++i) {
    Connection changed = base;
    if (i == 0) changed.originator.port = 40001;
    if (i == 1) changed.responder.port = 444;
    if (i == 2) changed.start += 1us;
    if (i == 3) changed.vlans = {7};
    if (i == 4) std::swap(changed.originator, changed.responder);
    uids.push_back(uid(changed));
  }
  std::ranges::sort(uids);
  EXPECT_EQ(std::ranges::adjacent_find(uids), uids.end());
}

TEST(Zeek, PrivateAddressesAreLocal) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"10.1.2.3", "T"},       {"172.31.0.1", "T"}, {"172.32.0.1", "F"},  {"192.168.0.1", "T"},
      {"100.64.0.1", "T"},     {"8.8.8.8", "F"},    {"127.0.0.1", "T"},   {"169.254.1.1", "T"},
      {"fd00::1", "T"},        {"fe80::1", "T"},    {"2001:db8::1", "F"}, {"::1", "T"},
      {"::ffff:10.0.0.1", "T"}};
  for (const auto& [address, wanted] : cases) {
    Connection connection = testing::refused();
    connection.originator = testing::socket_address(address, 1);
    EXPECT_EQ(fields_of(connection)[12], wanted) << address;
    connection.responder = connection.originator;
    EXPECT_EQ(fields_of(connection)[13], wanted) << address;
  }
}

struct StateCase {
  std::string_view history;
  std::string_view state;
  std::string_view why;
};

// With octets, unless the reset answers everything.
std::string_view state_of(std::string_view history, uint64_t octets) {
  static Connection connection;
  connection = {};
  connection.history = history;
  connection.side(Party::originator).unique_bytes = octets;
  return zeek_conn_state(connection);
}

TEST(Zeek, ConnStateSaysWhatWasSent) {
  const std::vector<StateCase> cases{
      {"S", "S0", "attempt seen, no reply"},
      {"SW", "S0", "attempt seen, no reply"},
      {"ShA", "S1", "established, not terminated"},
      {"ShADad", "S1", "established, not terminated"},
      {"Sh", "S1", "by Zeek the SYN-ACK establishes"},
      {"ShADadFf", "SF", "normal establishment and termination"},
      {"ShADadfF", "SF", "normal establishment and termination"},
      {"ShADadFfR", "SF", "a reset after both FINs is no abort"},
      {"ShADadFRf", "SF", "FIN and RST, then the peer's FIN: normal"},
      {"ShADadTFf", "SF", "repeats move nothing"},
      {"Sr", "REJ", "attempt rejected"},
      {"SaR", "RSTOS0", "the ACK of a responder is no reply to a SYN"},
      {"ShADaF", "S2", "originator's close, no reply"},
      {"ShADaf", "S3", "responder's close, no reply"},
      {"ShADadR", "RSTO", "originator aborted"},
      {"ShADadfR", "RSTO", "originator aborted after the responder's FIN"},
      {"ShADadr", "RSTR", "responder sent a reset"},
      {"ShADadFr", "RSTR", "responder sent a reset after the originator's FIN"},
      {"SR", "RSTOS0", "SYN and reset, no SYN-ACK"},
      {"^SR", "RSTOS0", "the same, turned round"},
      {"hr", "RSTRH", "SYN-ACK and reset, no SYN"},
      {"SF", "SH", "SYN and FIN, no SYN-ACK"},
      {"hf", "SHR", "SYN-ACK and FIN, no SYN"},
      {"DdA", "OTH", "no SYN seen"},
      {"Da", "OTH", "no SYN seen"},
      {"R", "OTH", "a lone reset"},
      {"", "OTH", "nothing"},
      {"^hA", "S1", "SYN-ACK, then an ACK: only the SYN was missed"},
      {"Ss", "S1", "simultaneous open"},
      {"DFdf", "SF", "no SYN seen, but both FINs"},
  };
  for (const auto& [history, state, why] : cases) {
    EXPECT_EQ(state_of(history, 1), state) << history << ": " << why;
  }
  EXPECT_EQ(state_of("ShRr", 0), "REJ") << "both reset, and nothing had passed";
  EXPECT_EQ(state_of("ShRr", 1), "RSTR");
}

}  // namespace
}  // namespace tcpdx::view
