// Wanted lines: tcpdump's manner (tcpdump(8), "TCP Packets"), states of RFC 9293 figures 5 and 12.
#include "view/packet_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <set>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "view/packet_words.hpp"

namespace tcpdx::view {
namespace {

using track::PacketReport;
using track::Remark;
using track::StateNow;
using enum tcp::State;

constexpr int64_t kNoon = 1'700'000'000'000'000'000 + 123'456'789;  // 22:13:20 UTC

StateNow seen(tcp::State state) { return {state, Certainty::seen}; }
StateNow inferred(tcp::State state) { return {state, Certainty::inferred}; }

// A packet between 192.0.2.1:40000, the client, and 192.0.2.2:80.
struct Made {
  track::Sighting sighting;
  PacketReport report;

  explicit Made(const char* flags, Party from = Party::originator) {
    const SocketAddress client{ipv4(192, 0, 2, 1), 40000};
    const SocketAddress server{ipv4(192, 0, 2, 2), 80};
    const SocketAddress& source = from == Party::originator ? client : server;
    const SocketAddress& destination = from == Party::originator ? server : client;
    wire::Packet& packet = sighting.packet;
    packet.source = source.addr;
    packet.source_port = source.port;
    packet.destination = destination.addr;
    packet.destination_port = destination.port;
    for (const char* flag = flags; *flag != '\0'; ++flag) {
      packet.flags.syn |= *flag == 'S';
      packet.flags.fin |= *flag == 'F';
      packet.flags.rst |= *flag == 'R';
      packet.flags.psh |= *flag == 'P';
      packet.flags.ack |= *flag == '.';
    }
    sighting.frame = 7;
    sighting.time_ns = kNoon;
    report.connection = 1;
    report.from = from;
    report.originator = client;
    report.responder = server;
    report.window = 64'240;
    if (packet.flags.ack) report.ack = 1;
  }

  Made& length(uint32_t octets) {
    sighting.packet.length = octets;
    return *this;
  }
  Made& seq(uint32_t number) {
    report.seq = number;
    return *this;
  }
  Made& remark(Remark remark) {
    report.remarks.add(remark);
    return *this;
  }
  Made& states(StateNow client, StateNow server, StateNow client_after, StateNow server_after) {
    report.before = {client, server};
    report.after = {client_after, server_after};
    return *this;
  }
  Made& states(StateNow client, StateNow server) { return states(client, server, client, server); }

  const PacketReport& done() {
    report.sighting = &sighting;
    return report;
  }
  std::string words() { return packet_words(done()).text; }
  std::string line(size_t width = 0, std::string_view interface = "") {
    setenv("TZ", "UTC", 1);
    tzset();
    std::ostringstream out;
    write_packet_line(out, {.colour = false, .width = width}, done(), interface);
    return out.str();
  }
};

TEST(PacketLine, IsTcpdumpsWithStatesAndWords) {
  Made made("S.", Party::responder);
  made.states(seen(syn_sent), inferred(listen), seen(syn_sent), seen(syn_received));
  EXPECT_EQ(made.line(),
            "22:13:20.123456 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [S.], seq 0, ack 1, "
            "win 64240, length 0    SYN-SENT / SYN-RECEIVED      SYN-ACK: server accepts\n");
}

TEST(PacketLine, ShowsSequenceNumbersWhereSequenceSpaceIsTaken) {
  const StateNow open = seen(established);
  EXPECT_NE(Made("P.")
                .seq(101)
                .length(50)
                .states(open, open)
                .line()
                .find(": Flags [P.], seq 101:151, ack 1, win 64240, length 50"),
            std::string::npos);
  EXPECT_NE(
      Made(".").seq(101).states(open, open).line().find(": Flags [.], ack 1, win 64240, length 0"),
      std::string::npos);
  EXPECT_NE(Made("F.").seq(101).states(open, open).line().find(": Flags [F.], seq 101, ack 1,"),
            std::string::npos);
  EXPECT_NE(Made("R").seq(5).states(open, open).line().find(": Flags [R], seq 5, win"),
            std::string::npos);
}

TEST(PacketLine, ShowsSackBlocksAsTcpdump) {
  Made made(".");
  made.report.sack = {1449, 2897, 4345, 5793};
  made.report.sack_blocks = 2;
  EXPECT_NE(made.line().find(", options [sack 2 {1449:2897}{4345:5793}], length 0"),
            std::string::npos);
}

TEST(PacketLine, NamesTheInterfaceAndTheFamily) {
  Made made("S");
  EXPECT_TRUE(made.line(0, "eth0").starts_with("22:13:20.123456 eth0 IP 192.0.2.1.40000 > "));
  made.sighting.packet.source = *parse_address("2001:db8::1");
  made.sighting.packet.destination = *parse_address("2001:db8::2");
  EXPECT_TRUE(
      made.line().starts_with("22:13:20.123456 IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [S]"));
}

TEST(PacketLine, FoldsWhereTheTerminalIsNarrow) {
  Made made(".");
  made.states(seen(syn_sent), seen(syn_received), seen(established), inferred(established));
  made.remark(Remark::handshake_complete);
  made.report.handshake_rtt = 1234us;
  const std::string narrow = made.line(100);
  EXPECT_EQ(narrow,
            "22:13:20.123456 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [.], ack 1, win 64240, "
            "length 0\n"
            "                ESTABLISHED / ESTABLISHED~   third ACK: handshake complete, 1.2 ms\n");
  const std::string wide = made.line(200);
  EXPECT_EQ(std::ranges::count(wide, '\n'), 1);
}

TEST(PacketLine, UnknownStatesAreQuestionMarks) {
  Made made("P.");
  made.length(3).states({}, {}, seen(established), {});
  EXPECT_NE(made.line().find("  ESTABLISHED / ?  "), std::string::npos);
}

TEST(PacketLine, ShowsIcmpErrorsWithWhatTheyAreAbout) {
  wire::IcmpError error;
  error.cause = {.type = wire::icmp4::kUnreachable, .code = wire::icmp4::kHost};
  error.reporter = ipv4(192, 0, 2, 254);
  error.quoted.source = ipv4(192, 0, 2, 1);
  error.quoted.destination = ipv4(192, 0, 2, 2);
  error.source_port = 40000;
  error.destination_port = 80;
  Made made("");
  made.report.icmp = &error;
  made.states(seen(syn_sent), {});
  EXPECT_EQ(made.line(100),
            "22:13:20.123456 IP 192.0.2.254 > 192.0.2.1: ICMP host unreachable, about "
            "192.0.2.1.40000 > 192.0.2.2.80\n"
            "                SYN-SENT / ?                 ICMP error: client is told host "
            "unreachable\n");
}

struct Story {
  const char* flags;
  Party from;
  StateNow client;
  StateNow server;
  StateNow client_after;
  StateNow server_after;
  std::string_view words;
};

TEST(PacketWords, FollowAConnectionFromSynToTimeWait) {
  constexpr Party kClient = Party::originator;
  constexpr Party kServer = Party::responder;
  const StateNow none{};
  const Story kStories[] = {
      {"S", kClient, none, none, seen(syn_sent), inferred(listen), "SYN: client asks to connect"},
      {"S.", kServer, seen(syn_sent), inferred(listen), seen(syn_sent), seen(syn_received),
       "SYN-ACK: server accepts"},
      {"P.", kClient, seen(established), seen(established), seen(established), seen(established),
       ""},
      {"F.", kClient, seen(established), seen(established), seen(fin_wait_1), seen(established),
       "first FIN: client closes"},
      {".", kServer, seen(fin_wait_1), seen(established), inferred(fin_wait_2), seen(close_wait),
       "FIN acknowledged: server may still send"},
      {"F.", kServer, seen(fin_wait_2), seen(close_wait), seen(fin_wait_2), seen(last_ack),
       "second FIN: server closes too"},
      {".", kClient, seen(fin_wait_2), seen(last_ack), seen(time_wait), inferred(closed),
       "last ACK: server is done, client waits in TIME-WAIT"},
      {".", kClient, seen(fin_wait_2), inferred(closed), seen(time_wait), inferred(closed),
       "last ACK: client waits in TIME-WAIT"},
      {"F.", kServer, seen(fin_wait_1), seen(established), seen(fin_wait_1), seen(fin_wait_1),
       "FIN: both ends close at once"},
      {"R.", kServer, seen(syn_sent), inferred(closed), inferred(closed), inferred(closed),
       "RST: connection refused"},
      {"R", kClient, seen(established), seen(established), seen(closed), inferred(closed),
       "RST: client resets the connection"},
      {"P.", kServer, none, none, inferred(established), seen(established),
       "already open when the capture began"},
  };
  for (const Story& story : kStories) {
    Made made(story.flags, story.from);
    made.states(story.client, story.server, story.client_after, story.server_after);
    EXPECT_EQ(made.words(), story.words) << story.flags;
  }
}

TEST(PacketWords, TellTheHandshakesTime) {
  Made made(".");
  made.states(seen(syn_sent), seen(syn_received), seen(established), inferred(established));
  made.remark(Remark::handshake_complete);
  EXPECT_EQ(made.words(), "third ACK: handshake complete");
  made.report.handshake_rtt = 1234us;
  EXPECT_EQ(made.words(), "third ACK: handshake complete, 1.2 ms");
  made.remark(Remark::window_update);  // the first window that is scaled
  EXPECT_EQ(made.words(), "third ACK: handshake complete, 1.2 ms");
  made.length(5);
  EXPECT_EQ(made.words(), "first data: handshake complete, 1.2 ms");
}

TEST(PacketWords, TellWhatASynOffers) {
  // MSS 1460, no operation, window scale 7 (RFC 9293 3.2, RFC 7323 2.2).
  constexpr std::array kOptions{std::byte{2}, std::byte{4}, std::byte{5}, std::byte{0xb4},
                                std::byte{1}, std::byte{3}, std::byte{3}, std::byte{7}};
  Made made("S");
  made.sighting.packet.options = kOptions;
  made.states({}, {}, seen(syn_sent), {});
  EXPECT_EQ(made.words(), "SYN: client asks to connect (mss 1460, wscale 7)");
}

TEST(PacketWords, SayEachRemarkOnce) {
  const StateNow open = seen(established);
  const auto words = [&](const char* flags, std::initializer_list<Remark> remarks) {
    Made made(flags);
    made.states(open, open);
    for (const Remark remark : remarks) made.remark(remark);
    return made.words();
  };
  EXPECT_EQ(words("P.", {Remark::retransmission}), "retransmission");
  EXPECT_EQ(words("S", {Remark::retransmission}), "SYN retransmission");
  EXPECT_EQ(words("F.", {Remark::retransmission}), "FIN retransmission");
  EXPECT_EQ(words("P.", {Remark::retransmission, Remark::fast_retransmission}),
            "fast retransmission");
  EXPECT_EQ(words("R", {Remark::refused_reset}), "RST refused: not at RCV.NXT");
  EXPECT_EQ(words(".", {Remark::zero_window}), "zero window: client takes no more");
  EXPECT_EQ(words("P.", {Remark::window_full, Remark::gap}),
            "segments before it missing; fills the window of the server");
  EXPECT_EQ(words("P.", {Remark::offloaded_checksum}), "");
}

TEST(PacketWords, EveryRemarkHasAnIdOfItsOwn) {
  std::set<std::string_view> ids;
  for (size_t i = 0; i < track::kRemarks; ++i) {
    const std::string_view id = remark_id(static_cast<Remark>(i));
    EXPECT_FALSE(id.empty());
    EXPECT_TRUE(ids.insert(id).second) << id;
  }
}

TEST(PacketWords, ShortTimesKeepTheDigitsThatMatter) {
  EXPECT_EQ(short_time(340us), "340 µs");
  EXPECT_EQ(short_time(1234us), "1.2 ms");
  EXPECT_EQ(short_time(34'560us), "34.5 ms");
  EXPECT_EQ(short_time(250ms), "250 ms");
  EXPECT_EQ(short_time(2100ms), "2.1 s");
}

TEST(PacketJson, IsOneLineWithRawAndRelativeNumbers) {
  Made made("P.");
  made.seq(1).length(10).states(seen(established), inferred(established));
  made.sighting.packet.seq = {1000};
  made.sighting.packet.ack = {2000};
  made.remark(Remark::zero_window_probe);
  std::ostringstream out;
  write_packet_json(out, made.done(), "lo");
  const std::string text = out.str();
  ASSERT_EQ(text.find('\n'), text.size() - 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["schema"], "tcpdx/1");
  EXPECT_EQ(json["t"], "2023-11-14T22:13:20.123456Z");
  EXPECT_EQ(json["interface"], "lo");
  EXPECT_EQ(json["flags"], "P.");
  EXPECT_EQ(json["seq"], 1);
  EXPECT_EQ(json["seq_raw"], 1000);
  EXPECT_EQ(json["ack_raw"], 2000);
  EXPECT_EQ(json["states"]["originator"]["state"], "ESTABLISHED");
  EXPECT_EQ(json["states"]["responder"]["certainty"], "inferred");
  EXPECT_EQ(json["remarks"], nlohmann::json::array({"zero-window-probe"}));
  EXPECT_TRUE(json["rtt_us"].is_null());
}

}  // namespace
}  // namespace tcpdx::view
