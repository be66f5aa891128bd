// JSON lines of connections, against the contract in docs/json.md.
#include "view/connection_json.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "view/test_connection.hpp"

namespace tcpdx::view {
namespace {

using nlohmann::json;

json parsed(const Connection& connection, const std::vector<std::string_view>& findings = {}) {
  fmt::memory_buffer text;
  append_connection_json(text, connection, findings);
  const std::string line = fmt::to_string(text);
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line, ended";
  return json::parse(line);
}

json pointed(const json& document, const std::string& path) {
  return document.at(json::json_pointer(path));
}

TEST(ConnectionJson, HasEveryMemberOfTheContract) {
  const json line = parsed(testing::fetched_page(), {"packet-loss"});
  for (const std::string name :
       {"schema", "id", "first_frame", "start", "duration_us", "originator", "responder", "role",
        "sides", "handshake", "close", "timeline", "anomalies", "findings"}) {
    EXPECT_TRUE(line.contains(name)) << name;
  }
  for (const std::string name : {"state",
                                 "certainty",
                                 "since_us",
                                 "packets",
                                 "bytes",
                                 "unique_bytes",
                                 "retransmissions",
                                 "fast_retransmissions",
                                 "spurious_retransmissions",
                                 "out_of_order",
                                 "duplicate_acks",
                                 "capture_duplicates",
                                 "zero_windows",
                                 "zero_window_probes",
                                 "keep_alives",
                                 "resets",
                                 "refused_resets",
                                 "lost_segments",
                                 "window_full",
                                 "mss",
                                 "window_scale",
                                 "sack_permitted",
                                 "rtt_us"}) {
    for (const std::string side : {"originator", "responder"}) {
      EXPECT_TRUE(line["sides"][side].contains(name)) << name;
    }
  }
}

TEST(ConnectionJson, TellsTheValues) {
  const json line = parsed(testing::fetched_page(), {"packet-loss"});
  const std::vector<std::pair<std::string, json>> cases{
      {"/schema", "tcpdx/1"},
      {"/id", 1},
      {"/first_frame", 1},
      {"/start", "2023-11-14T22:13:20.250000Z"},
      {"/duration_us", 1'300'000},
      {"/originator", {{"addr", "192.0.2.10"}, {"port", 40000}}},
      {"/responder", {{"addr", "198.51.100.7"}, {"port", 443}}},
      {"/role", "seen"},
      {"/vantage", "originator"},
      {"/sides/originator/state", "CLOSED"},
      {"/sides/originator/certainty", "inferred"},
      {"/sides/originator/since_us", 61'300'000},
      {"/sides/originator/mss", 1460},
      {"/sides/originator/sack_permitted", true},
      {"/sides/originator/rtt_us",
       {{"min", 20'000}, {"median", 21'000}, {"p99", 24'000}, {"max", 25'000}, {"samples", 3}}},
      {"/sides/responder/bytes", 6'448},
      {"/sides/responder/unique_bytes", 5'000},
      {"/sides/responder/retransmissions", 1},
      {"/sides/responder/fast_retransmissions", 1},
      {"/sides/responder/retransmissions", 1},
      {"/sides/responder/rtt_us", nullptr},
      {"/sides/responder/mss", nullptr},
      {"/handshake",
       {{"complete", true},
        {"syn_retransmits", 0},
        {"syn_ack_retransmits", 0},
        {"client_rtt_us", 400},
        {"server_rtt_us", 20'000}}},
      {"/close",
       {{"how", "fin"}, {"first", "originator"}, {"reset_by", nullptr}, {"reset_acks", nullptr}}},
      {"/timeline/1",
       {{"t_us", 1'250'000},
        {"frame", 10},
        {"side", "originator"},
        {"from", "ESTABLISHED"},
        {"to", "FIN-WAIT-1"},
        {"certainty", "seen"},
        {"cause", "FIN sent"}}},
      {"/timeline/3/frame", nullptr},  // a timer's doing
      {"/history", "ShADadtFf"},
      {"/findings", {"packet-loss"}},
  };
  for (const auto& [path, wanted] : cases) EXPECT_EQ(pointed(line, path), wanted) << path;
  EXPECT_FALSE(line.contains("link"));
}

TEST(ConnectionJson, WhatIsNotKnownIsNull) {
  const json line = parsed(testing::one_way_stream());
  const std::vector<std::pair<std::string, json>> cases{
      {"/link", {{"vlan", {10, 20}}, {"tunnel", {"vxlan 42"}}}},
      {"/role", "inferred"},
      {"/vantage", nullptr},
      {"/sides/responder/state", nullptr},
      {"/sides/responder/certainty", "unknown"},
      {"/sides/responder/since_us", nullptr},
      {"/sides/responder/ttl", nullptr},
      {"/sides/responder/last_at_us", nullptr},
      {"/handshake/client_rtt_us", nullptr},
      {"/close",
       {{"how", "open"}, {"first", nullptr}, {"reset_by", nullptr}, {"reset_acks", nullptr}}},
      {"/timeline/0/from", nullptr},
      {"/anomalies/0", {{"kind", "mid-stream"}, {"frame", 3}, {"side", nullptr}}},
      {"/anomalies/1",
       {{"kind", "one-way"},
        {"frame", 3},
        {"side", "originator"},
        {"detail", "nothing of the responder"}}},
      {"/findings", json::array()},
  };
  for (const auto& [path, wanted] : cases) EXPECT_EQ(pointed(line, path), wanted) << path;
}

TEST(ConnectionJson, TellsWhoReset) {
  EXPECT_EQ(parsed(testing::refused())["close"], json({{"how", "reset"},
                                                       {"first", "responder"},
                                                       {"reset_by", "responder"},
                                                       {"reset_acks", true}}));
  Connection forged = testing::fetched_page();
  forged.close = {CloseHow::reset, CloseFirst::both, ResetBy::third_party, std::nullopt};
  EXPECT_EQ(parsed(forged)["close"], json({{"how", "reset"},
                                           {"first", "both"},
                                           {"reset_by", "third-party"},
                                           {"reset_acks", nullptr}}));
}

TEST(ConnectionJson, TextsFromOutsideAreEscaped) {
  Connection odd = testing::one_way_stream();
  odd.anomalies = {{AnomalyKind::forged_reset, 9, std::nullopt, "ttl \"9\"\n\x1b[2J \xff µ"}};
  const json line = parsed(odd);
  EXPECT_EQ(line["anomalies"][0]["detail"], "ttl \"9\"\n\x1b[2J \uFFFD µ");
}

TEST(ConnectionJson, IcmpErrorsAreTold) {
  Connection told = testing::refused();
  told.icmp = {{5, ipv4(203, 0, 113, 1), 3, 4, 1400, Party::originator},
               {6, ipv4(203, 0, 113, 2), 3, 1, std::nullopt, Party::responder}};
  const json line = parsed(told);
  EXPECT_EQ(line["icmp"][0], json({{"frame", 5},
                                   {"from", "203.0.113.1"},
                                   {"type", 3},
                                   {"code", 4},
                                   {"mtu", 1400},
                                   {"about", "originator"}}));
  EXPECT_EQ(line["icmp"][1]["mtu"], nullptr);
}

TEST(ConnectionJson, DamageIsALineOfItsOwn) {
  fmt::memory_buffer text;
  append_damage_json(text, std::vector<DamagedPlace>{{"a\".pcap", 7, 1234, "cut off"}});
  EXPECT_EQ(fmt::to_string(text),
            "{\"schema\":\"tcpdx/1\",\"damage\":[{\"file\":\"a\\\".pcap\",\"frame\":7,"
            "\"offset\":1234,\"what\":\"cut off\"}]}\n");
}

}  // namespace
}  // namespace tcpdx::view
