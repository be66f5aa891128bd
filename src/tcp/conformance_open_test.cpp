// Requirements of RFC 9293 about initial sequence numbers, options, opening, addresses, ICMP and
// what goes to IP. docs/rfc9293.md names the test of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tcp/test_rig.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::tcp {
namespace {

Settings with_addresses(std::vector<IpAddress> addresses) {
  Settings settings;
  settings.addresses = std::move(addresses);
  return settings;
}

Settings with_mtu(uint16_t mtu) {
  Settings settings;
  settings.mtu = mtu;
  return settings;
}

Seq isn_at(Duration now, uint16_t port, Secret secret) {
  Rig rig({}, secret);
  rig.now = now;
  rig.endpoint.advance(now);
  EXPECT_TRUE(rig.endpoint.connect(now, {kHere.addr, port}, kThere));
  return rig.one().seq;
}

TEST(ConformanceIsn, Must8CountsEveryFourMicroseconds) {
  const Seq first = isn_at(0s, 80, kSecret);
  EXPECT_EQ(isn_at(4us, 80, kSecret) - first, 1);
  EXPECT_EQ(isn_at(1s, 80, kSecret) - first, 250'000);
  EXPECT_EQ(isn_at(3600s, 80, kSecret), first + 900'000'000U);
}

// Off the clock, the numbers of other ends tell nothing: each pair of ends and each secret has an
// offset of its own, which does not stand at a fixed distance from its neighbour's.
TEST(ConformanceIsn, Shld1Must9EveryPairOfEndsHasASecretOffset) {
  std::set<uint32_t> offsets;
  std::set<int32_t> distances;
  for (uint64_t secret = 1; secret <= 20; ++secret) {
    const Seq one = isn_at(0s, 80, {secret, 99});
    const Seq next = isn_at(0s, 81, {secret, 99});
    offsets.insert(one.raw);
    offsets.insert(next.raw);
    distances.insert(next - one);
  }
  EXPECT_EQ(offsets.size(), 40U);
  EXPECT_EQ(distances.size(), 20U);
}

// --- Options (3.1, 3.2, 3.7.1)

std::vector<std::byte> octets(std::initializer_list<int> values) {
  std::vector<std::byte> all;
  for (const int value : values) all.push_back(static_cast<std::byte>(value));
  return all;
}

// A SYN from port 40000 to 80, sequence number 5000, window 1000, with these octets of options.
std::vector<std::byte> syn_with(std::initializer_list<int> options) {
  std::vector<std::byte> all =
      octets({0x9c, 0x40, 0, 80, 0, 0, 0x13, 0x88, 0, 0, 0, 0, 0, 0x02, 0x03, 0xe8, 0, 0, 0, 0});
  const std::vector<std::byte> more = octets(options);
  all.insert(all.end(), more.begin(), more.end());
  all[12] = static_cast<std::byte>(all.size() / 4 << 4U);
  return all;
}

// The MSS with which a listener answers to that SYN; nothing where it does not answer.
std::optional<uint16_t> eff_snd_mss_after(const std::vector<std::byte>& datagram) {
  Rig rig;
  rig.listen();
  const std::optional<wire::ParsedTcp> parsed = wire::parse_tcp(datagram);
  if (!parsed) return std::nullopt;
  Packet packet;
  packet.source = kThere.addr;
  packet.destination = kHere.addr;
  packet.header = parsed->header;
  rig.endpoint.arrive(rig.now, packet);
  const std::optional<ConnectionId> id = rig.endpoint.find(kHere, kThere);
  if (!id) return std::nullopt;
  return rig.status(*id).mss;
}

TEST(ConformanceOptions, Must4Must64ReadsEndNopAndMssOffWordBoundaries) {
  EXPECT_EQ(eff_snd_mss_after(syn_with({2, 4, 0x03, 0xe8})), 1000);              // MSS 1000
  EXPECT_EQ(eff_snd_mss_after(syn_with({1, 2, 4, 0x03, 0xe8, 0, 0, 0})), 1000);  // NOP first
  EXPECT_EQ(eff_snd_mss_after(syn_with({1, 1, 1, 2, 4, 0x03, 0xe8, 0})), 1000);
  // Behind the end of the list stands nothing.
  EXPECT_EQ(eff_snd_mss_after(syn_with({0, 2, 4, 0x03, 0xe8, 0, 0, 0})), 536);
}

TEST(ConformanceOptions, Must6PassesOverUnknownOptions) {
  EXPECT_EQ(eff_snd_mss_after(syn_with({99, 4, 7, 7, 2, 4, 0x03, 0xe8})), 1000);
  EXPECT_EQ(eff_snd_mss_after(syn_with({254, 2, 1, 1, 2, 4, 0x03, 0xe8})), 1000);
}

TEST(ConformanceOptions, Must7SurvivesIllegalLengths) {
  EXPECT_EQ(eff_snd_mss_after(syn_with({99, 0, 0, 0})), 536);
  EXPECT_EQ(eff_snd_mss_after(syn_with({99, 1, 0, 0})), 536);
  EXPECT_EQ(eff_snd_mss_after(syn_with({99, 40, 0, 0})), 536);
  EXPECT_EQ(eff_snd_mss_after(syn_with({2, 4, 0x03, 0xe8, 2, 0, 0, 0})), 1000);
  EXPECT_EQ(eff_snd_mss_after(syn_with({1, 1, 1, 2})), 536);
}

TEST(ConformanceOptions, Must5TakesOptionsInAnySegment) {
  Rig rig;
  const ConnectionId id = rig.open_passive();
  Segment data{.flags = kAck, .seq = rig.peer_nxt, .ack = rig.snd_nxt, .text = "text"};
  data.options.mss = 200;  // belongs into a SYN: it is read, and means nothing here
  data.options.window_scale = 7;
  data.options.timestamps = wire::Timestamps{1, 2};
  rig.arrive(data);
  EXPECT_EQ(rig.user_receive(id), "text");
  EXPECT_EQ(rig.status(id).mss, 536);
  rig.arrive({.flags = kFinAck, .seq = data.end(), .ack = rig.snd_nxt, .options = data.options});
  EXPECT_EQ(rig.state(id), State::close_wait);
}

std::vector<std::byte> on_the_wire(const Segment& segment) {
  std::vector<std::byte> bytes(wire::kMaxTcpHeaderSize + segment.text.size());
  const Packet packet = packet_of(segment);
  bytes.resize(
      wire::write_tcp(packet.header, packet.text, packet.source, packet.destination, bytes));
  return bytes;
}

// Walks over the options as written: each but End (0) and NOP (1) has a length that leads to the
// next; behind an End there are zeros.
TEST(ConformanceOptions, Must68Must69EveryOptionSentHasALengthAndPaddingIsZero) {
  Rig rig;
  rig.start_connect();
  const std::vector<std::byte> bytes = on_the_wire(rig.one());
  const size_t end = std::to_integer<size_t>(bytes[12]) / 16 * 4;
  std::set<int> kinds;
  size_t at = 20;
  while (at < end && bytes[at] != std::byte{0}) {
    const int kind = std::to_integer<int>(bytes[at]);
    if (kind == 1) {
      ++at;
      continue;
    }
    ASSERT_LT(at + 1, end);
    const size_t length = std::to_integer<size_t>(bytes[at + 1]);
    ASSERT_GE(length, 2U);
    kinds.insert(kind);
    at += length;
  }
  ASSERT_LE(at, end);
  for (; at < end; ++at) EXPECT_EQ(bytes[at], std::byte{0});
  EXPECT_EQ(kinds, (std::set<int>{2, 3, 4, 8}));  // MSS, window scale, SACK permitted, timestamps
}

// The sum of all 16-bit words, pseudo header and checksum included, is all ones (RFC 1071).
TEST(ConformanceChecksum, Must2Must3IsWrittenAndChecked) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.user_send(id, "odd");
  std::vector<std::byte> bytes = on_the_wire(rig.one());
  uint32_t sum = 6 + static_cast<uint32_t>(bytes.size());  // protocol and TCP length
  const auto add = [&sum](unsigned high, unsigned low) { sum += high << 8U | low; };
  for (const IpAddress& address : {kHere.addr, kThere.addr}) {
    add(address.bytes[0], address.bytes[1]);
    add(address.bytes[2], address.bytes[3]);
  }
  for (size_t i = 0; i < bytes.size(); i += 2) {
    add(std::to_integer<unsigned>(bytes[i]),
        i + 1 < bytes.size() ? std::to_integer<unsigned>(bytes[i + 1]) : 0);
  }
  while (sum >> 16U != 0) sum = (sum & 0xffff) + (sum >> 16U);
  EXPECT_EQ(sum, 0xffffU);
  EXPECT_TRUE(wire::tcp_checksum_ok(bytes, kHere.addr, kThere.addr));
  bytes.back() ^= std::byte{1};
  EXPECT_FALSE(wire::tcp_checksum_ok(bytes, kHere.addr, kThere.addr));
}

// RFC 6691: the MTU less the fixed headers, 20 + 20 or 40 + 20.
TEST(ConformanceMss, Must14Must67Shld5Shld6May3SynAndSynAckTellTheMssOfTheMtu) {
  for (const int mtu : {576, 1280, 1500, 9000, 65535}) {
    Rig client(with_mtu(static_cast<uint16_t>(mtu)));
    client.start_connect();
    EXPECT_EQ(client.one().options.mss, mtu - 40);
    Rig server(with_mtu(static_cast<uint16_t>(mtu)));
    server.listen();
    server.half_open();
    EXPECT_EQ(server.one().options.mss, mtu - 40);
  }
  const SocketAddress here6{*parse_address("2001:db8::1"), 80};
  const SocketAddress there6{*parse_address("2001:db8::2"), 81};
  Rig rig(with_mtu(1500));
  EXPECT_TRUE(rig.endpoint.connect(rig.now, here6, there6));
  EXPECT_EQ(rig.one().options.mss, 1440);
}

TEST(ConformanceMss, Must15DefaultIs536Or1220) {
  Rig rig;
  EXPECT_EQ(rig.status(rig.open_active()).mss, 536);
  const SocketAddress here6{*parse_address("2001:db8::1"), 80};
  const SocketAddress there6{*parse_address("2001:db8::2"), 81};
  Rig six;
  const auto id = six.endpoint.connect(six.now, here6, there6);
  ASSERT_TRUE(id);
  six.arrive(
      {.flags = kSynAck, .seq = kIrs, .ack = six.one().seq + 1, .from = there6, .to = here6});
  EXPECT_EQ(six.status(*id).mss, 1220);
}

// Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize, seen in what is sent.
TEST(ConformanceMss, Must16SegmentsAreAsLargeAsBothEndsAndOptionsAllow) {
  struct Case {
    uint16_t mtu, peer_mss;
    bool timestamps;
    size_t text;
  };
  for (const Case& c : {Case{1500, 1000, false, 1000}, Case{1000, 1460, false, 960},
                        Case{1500, 1460, true, 1448}, Case{1500, 1000, true, 988}}) {
    Rig rig(with_mtu(c.mtu));
    wire::TcpOptions peer = mss_option(c.peer_mss);
    if (c.timestamps) peer.timestamps = wire::Timestamps{1, 0};
    const ConnectionId id = rig.open_passive({}, peer);
    rig.user_send(id, pattern(3000));
    ASSERT_FALSE(rig.sent.empty());
    EXPECT_EQ(rig.sent.front().text.size(), c.text);
  }
}

TEST(ConformanceMss, Must65OnlySynsCarryTheMss) {
  Rig rig;
  const ConnectionId id = rig.open_active({}, mss_option(1460));
  rig.user_send(id, pattern(5000));
  rig.peer_ack_all();
  rig.peer_text("answer");
  rig.run_for(1s);
  rig.user_shutdown(id);
  ASSERT_GE(rig.sent.size(), 4U);
  for (const Segment& segment : rig.sent) EXPECT_FALSE(segment.options.mss) << rfc_text(segment);
}

// --- Opening

TEST(ConformanceOpen, Must10SupportsSimultaneousOpen) {
  Rig rig;
  const ConnectionId id = rig.start_connect();
  rig.forget();
  rig.arrive({.flags = kSyn, .seq = kIrs});
  EXPECT_EQ(rig.state(id), State::syn_received);
  const Segment answer = rig.one();
  EXPECT_EQ(answer.flags, kSynAck);
  EXPECT_EQ(answer.seq, rig.iss);
  EXPECT_EQ(answer.ack, kIrs + 1);
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1});
  EXPECT_EQ(rig.state(id), State::established);
}

TEST(ConformanceOpen, Must11SynReceivedRemembersHowItWasReached) {
  Rig passive;
  const auto record = passive.endpoint.open_passive(passive.now, kHere);
  ASSERT_TRUE(record);
  passive.half_open();
  passive.arrive({.flags = kRst, .seq = kIrs + 1});
  EXPECT_EQ(passive.state(*record), State::listen);
  EXPECT_TRUE(passive.notices.empty());

  Rig active;
  const ConnectionId id = active.start_connect();
  active.half_open();
  active.arrive({.flags = kRst, .seq = kIrs + 1});
  EXPECT_EQ(active.state(id), State::closed);
  EXPECT_TRUE(active.told(Notice::refused));
}

TEST(ConformanceOpen, Must41APassiveOpenTouchesNoEarlierRecord) {
  Rig rig;
  const ConnectionId first = rig.open_passive();
  EXPECT_FALSE(rig.endpoint.listen(rig.now, kHere));  // the port is listened on
  EXPECT_EQ(rig.state(first), State::established);
  rig.peer_text("still here");
  EXPECT_EQ(rig.user_receive(first), "still here");
}

TEST(ConformanceOpen, Must42ListensWhileThePortIsOpening) {
  Rig rig;
  const ConnectionId opening = rig.start_connect();
  const ListenerId listener = rig.listen();  // beside SYN-SENT
  EXPECT_EQ(rig.state(opening), State::syn_sent);
  rig.forget();
  const SocketAddress other{ipv4(203, 0, 113, 5), 1234};
  rig.arrive({.flags = kSyn, .seq = kIrs, .from = other});
  EXPECT_EQ(rig.one().flags, kSynAck);
  EXPECT_EQ(rig.endpoint.status(listener)->half_open, 1U);

  Rig beside;
  beside.start_connect();
  beside.half_open();  // SYN-RECEIVED
  beside.listen();
  EXPECT_EQ(beside.state(), State::syn_received);
}

TEST(ConformanceOpen, Must43TheLocalAddressMayBeGiven) {
  const IpAddress first = ipv4(192, 0, 2, 1);
  const IpAddress second = ipv4(192, 0, 2, 2);
  Rig rig(with_addresses({first, second}));
  EXPECT_TRUE(rig.endpoint.connect(rig.now, {second, 5000}, kThere));
  EXPECT_EQ(rig.one().from, (SocketAddress{second, 5000}));

  EXPECT_TRUE(rig.endpoint.listen(rig.now, {second, 80}));
  rig.arrive({.flags = kSyn, .seq = kIrs, .to = {first, 80}});
  EXPECT_EQ(control_bits(rig.one().flags), "RST,ACK");
  rig.arrive({.flags = kSyn, .seq = kIrs, .to = {second, 80}});
  EXPECT_EQ(rig.one().flags, kSynAck);
}

TEST(ConformanceOpen, Must44Must45TheAddressIsChosenBeforeTheSynAndKept) {
  const IpAddress first = ipv4(192, 0, 2, 1);
  const IpAddress second = ipv4(192, 0, 2, 2);
  Rig rig(with_addresses({first, second}));
  const auto id = rig.endpoint.connect(rig.now, {ipv4(0, 0, 0, 0), 5000}, kThere);
  ASSERT_TRUE(id);
  EXPECT_EQ(rig.one().from.addr, first);

  Rig server(with_addresses({first, second}));
  const auto listener = server.endpoint.listen(server.now, {ipv4(0, 0, 0, 0), 80});
  ASSERT_TRUE(listener);
  const SocketAddress called{second, 80};
  server.arrive({.flags = kSyn, .seq = kIrs, .to = called});
  server.arrive({.flags = kAck, .seq = kIrs + 1, .ack = server.snd_nxt, .to = called});
  const auto accepted = server.endpoint.accept(server.now, *listener);
  ASSERT_TRUE(accepted);
  server.user_send(*accepted, "hello");
  server.run_for(5s);
  server.user_shutdown(*accepted);
  ASSERT_GE(server.sent.size(), 3U);
  for (const Segment& segment : server.sent) EXPECT_EQ(segment.from, called);
}

Settings with_broadcast() {
  Settings settings;
  settings.broadcasts = {ipv4(192, 0, 2, 255)};
  return settings;
}

const std::array kNoPeers{ipv4(224, 0, 0, 1), ipv4(239, 1, 2, 3), ipv4(255, 255, 255, 255),
                          ipv4(192, 0, 2, 255)};

TEST(ConformanceAddress, Must46OpenToAnInvalidAddressIsAnError) {
  Rig rig(with_broadcast());
  for (const IpAddress& address : kNoPeers) {
    EXPECT_FALSE(rig.endpoint.connect(rig.now, kHere, {address, 80})) << to_string(address);
  }
  const SocketAddress here6{*parse_address("2001:db8::1"), 80};
  EXPECT_FALSE(rig.endpoint.connect(rig.now, here6, {*parse_address("ff02::1"), 80}));
  EXPECT_TRUE(rig.sent.empty());
  EXPECT_EQ(rig.endpoint.connections(), 0U);
}

TEST(ConformanceAddress, Must63SynsFromInvalidAddressesAreIgnored) {
  Rig rig(with_broadcast());
  rig.listen();
  for (const IpAddress& address : kNoPeers) {
    rig.arrive({.flags = kSyn, .seq = kIrs, .from = {address, 40000}});
    EXPECT_TRUE(rig.sent.empty()) << to_string(address);
  }
  EXPECT_EQ(rig.endpoint.connections(), 0U);
}

TEST(ConformanceAddress, Must57SynsToBroadcastAndMulticastAreDiscardedSilently) {
  Rig rig(with_broadcast());
  EXPECT_TRUE(rig.endpoint.listen(rig.now, {ipv4(0, 0, 0, 0), 80}));
  for (const IpAddress& address : kNoPeers) {
    rig.arrive({.flags = kSyn, .seq = kIrs, .to = {address, 80}});
    rig.arrive({.flags = kSyn, .seq = kIrs, .to = {address, 81}});  // no RST either
    EXPECT_TRUE(rig.sent.empty()) << to_string(address);
  }
  rig.arrive({.flags = kSyn, .seq = kIrs});
  EXPECT_EQ(rig.sent.size(), 1U);
}

// --- What goes to IP and comes from it

TEST(ConformanceIp, Must48Must49Shld21Shld22May9DiffservAndTtlAreTheUsers) {
  Rig rig;
  ConnectionOptions options;
  options.ttl = 7;
  options.traffic_class = 0xb8;  // DSCP EF
  const ConnectionId id = rig.start_connect(options);
  EXPECT_EQ(rig.sent.back().ttl, 7);
  EXPECT_EQ(rig.sent.back().traffic_class, 0xb8);
  rig.forget();
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1, .traffic_class = 0x28});
  EXPECT_EQ(rig.one().traffic_class, 0xb8);
  EXPECT_EQ(rig.status(id).received_traffic_class, 0x28);
  options.traffic_class = 0x48;
  options.ttl = 9;
  EXPECT_TRUE(rig.endpoint.set_options(rig.now, id, options));
  rig.user_send(id, "x");
  const Segment sent = rig.one();
  EXPECT_EQ(sent.traffic_class, 0x48);
  EXPECT_EQ(sent.ttl, 9);
}

using Route = std::vector<IpAddress>;
const Route kWay{ipv4(10, 0, 0, 1), ipv4(10, 0, 0, 2)};
const Route kOtherWay{ipv4(10, 9, 9, 9)};

TEST(ConformanceIp, Must51Must52TheUsersRouteIsUsedWhateverArrives) {
  Rig rig;
  ConnectionOptions options;
  options.source_route = kWay;
  const ConnectionId id = rig.start_connect(options);
  EXPECT_EQ(rig.one().source_route, kWay);
  rig.arrive({.flags = kSynAck, .seq = kIrs, .ack = rig.iss + 1, .source_route = kOtherWay});
  rig.user_send(id, "x");
  ASSERT_GE(rig.sent.size(), 2U);
  for (const Segment& segment : rig.sent) EXPECT_EQ(segment.source_route, kWay);
}

TEST(ConformanceIp, Must53Shld24ThePassiveSideAnswersOverTheLatestReturnRoute) {
  Rig rig;
  const ListenerId listener = rig.listen();
  rig.arrive({.flags = kSyn, .seq = kIrs, .source_route = kWay});
  EXPECT_EQ(rig.one().source_route, (Route{kWay[1], kWay[0]}));
  rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .source_route = kWay});
  const auto id = rig.endpoint.accept(rig.now, listener);
  ASSERT_TRUE(id);
  rig.user_send(*id, "x");
  EXPECT_EQ(rig.one().source_route, (Route{kWay[1], kWay[0]}));
  rig.arrive({.flags = kAck, .seq = kIrs + 1, .ack = rig.snd_nxt, .source_route = kOtherWay});
  rig.user_send(*id, "y");
  EXPECT_EQ(rig.one().source_route, kOtherWay);
}

// --- ICMP (3.9.2.2)

IcmpError icmp(const Rig& rig, IcmpKind kind) {
  return {.kind = kind, .local = kHere, .remote = kThere, .seq = rig.snd_nxt - 1};
}

TEST(ConformanceIcmp, Must54GoesToTheConnectionThatCausedIt) {
  Rig rig(Settings::rfc9293());
  const ConnectionId id = rig.open_active();
  rig.user_send(id, "x");
  IcmpError other = icmp(rig, IcmpKind::hard_error);
  other.remote.port = 1;
  rig.endpoint.arrive(rig.now, other);
  EXPECT_EQ(rig.state(id), State::established);
  rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::hard_error));
  EXPECT_EQ(rig.state(id), State::closed);
}

TEST(ConformanceIcmp, Must55SourceQuenchIsDiscardedSilently) {
  Rig rig;
  const ConnectionId id = rig.open_active();
  rig.user_send(id, "x");
  const Status before = rig.status(id);
  rig.forget();
  rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::source_quench));
  EXPECT_TRUE(rig.notices.empty());
  EXPECT_TRUE(rig.sent.empty());
  EXPECT_EQ(rig.status(id).cwnd, before.cwnd);
}

TEST(ConformanceIcmp, Must56Must47Shld25SoftErrorsAreToldAndAbortNothing) {
  for (const bool open : {false, true}) {
    Rig rig(Settings::rfc9293());
    const ConnectionId id = open ? rig.open_active() : rig.start_connect();
    if (open) rig.user_send(id, "x");
    rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::soft_error));
    EXPECT_EQ(rig.state(id), open ? State::established : State::syn_sent);
    EXPECT_TRUE(rig.told(Notice::soft_error));
  }
}

TEST(ConformanceIcmp, Shld26HardErrorsAbort) {
  for (const bool open : {false, true}) {
    Rig rig(Settings::rfc9293());
    const ConnectionId id = open ? rig.open_active() : rig.start_connect();
    if (open) rig.user_send(id, "x");
    rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::hard_error));
    EXPECT_EQ(rig.state(id), State::closed);
    EXPECT_TRUE(rig.told(Notice::aborted) || rig.told(Notice::refused));
  }
}

TEST(ConformanceIcmp, Shld20ErrorReportsCanBeTurnedOff) {
  Rig rig;
  ConnectionOptions options;
  options.report_errors = false;
  const ConnectionId id = rig.open_active(options);
  rig.user_send(id, "x");
  rig.endpoint.arrive(rig.now, icmp(rig, IcmpKind::soft_error));
  rig.run_for(30s);  // beyond R1
  EXPECT_GE(rig.status(id).retransmissions, 3U);
  EXPECT_TRUE(rig.notices.empty());
}

}  // namespace
}  // namespace tcpdx::tcp
