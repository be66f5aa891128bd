// Comma-separated values, against RFC 4180 section 2.
#include "view/connection_csv.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "view/test_connection.hpp"

namespace tcpdx::view {
namespace {

// The grammar of RFC 4180: records of fields, quoted or not.
std::vector<std::vector<std::string>> records_of(std::string_view text) {
  std::vector<std::vector<std::string>> records(1, {""});
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string& field = records.back().back();
    if (quoted && text.substr(i, 2) == "\"\"") {
      field += text[i++];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == ',') {
      records.back().emplace_back();
    } else if (!quoted && text.substr(i, 2) == "\r\n") {
      records.push_back({""});
      ++i;
    } else {
      field += text[i];
    }
  }
  EXPECT_EQ(records.back(), std::vector<std::string>{""}) << "the last record is ended";
  records.pop_back();
  return records;
}

std::map<std::string, std::string> row_of(const Connection& connection) {
  fmt::memory_buffer text;
  append_csv_head(text);
  append_csv_line(text, connection);
  const auto records = records_of({text.data(), text.size()});
  EXPECT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].size(), records[1].size()) << "each line has the same number of fields";
  std::map<std::string, std::string> row;
  for (size_t i = 0; i < records[0].size(); ++i) {
    EXPECT_TRUE(row.emplace(records[0][i], records[1][i]).second) << records[0][i];
  }
  return row;
}

TEST(Csv, TellsTheValues) {
  const auto row = row_of(testing::fetched_page());
  const std::map<std::string, std::string> wanted{
      {"id", "1"},
      {"start", "2023-11-14T22:13:20.250000Z"},
      {"duration_us", "1300000"},
      {"orig_addr", "192.0.2.10"},
      {"orig_port", "40000"},
      {"resp_addr", "198.51.100.7"},
      {"resp_port", "443"},
      {"role", "seen"},
      {"handshake_complete", "true"},
      {"client_rtt_us", "400"},
      {"server_rtt_us", "20000"},
      {"close", "fin"},
      {"close_first", "originator"},
      {"reset_by", ""},
      {"orig_state", "CLOSED"},
      {"orig_certainty", "inferred"},
      {"orig_rtt_median_us", "21000"},
      {"orig_rtt_samples", "3"},
      {"resp_bytes", "6448"},
      {"resp_retransmissions", "1"},
      {"resp_rtt_min_us", ""},
      {"history", "ShADadtFf"},
  };
  for (const auto& [name, value] : wanted) {
    ASSERT_TRUE(row.contains(name)) << name;
    EXPECT_EQ(row.at(name), value) << name;
  }
}

TEST(Csv, WhatIsNotKnownIsEmpty) {
  const auto row = row_of(testing::one_way_stream());
  for (const std::string name : {"resp_state", "resp_since_us", "client_rtt_us", "resp_mss",
                                 "close_first", "reset_by", "vantage"}) {
    EXPECT_EQ(row.at(name), "") << name;
  }
  EXPECT_EQ(row.at("resp_packets"), "0");
  EXPECT_EQ(row.at("vlans"), "10 20");
  EXPECT_EQ(row.at("tunnels"), "vxlan 42");
  EXPECT_EQ(row.at("anomalies"), "mid-stream one-way capture-loss");
}

TEST(Csv, OddTextIsQuoted) {
  Connection odd = testing::refused();
  odd.tunnels = {"a,b", "say \"hi\"\r\n"};
  const auto row = row_of(odd);
  EXPECT_EQ(row.at("tunnels"), "a,b say \"hi\"\r\n");
  EXPECT_EQ(row.at("reset_by"), "responder");
}

}  // namespace
}  // namespace tcpdx::view
