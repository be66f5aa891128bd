// Records made by hand after bpf/records.h, whole, short and damaged.
#include "host/event_record.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "bpf/records.h"

namespace tcpdx::host {
namespace {

constexpr uint8_t kSynSent = 2;  // include/net/tcp_states.h
constexpr uint8_t kClosed = 7;
constexpr uint8_t kNewSynReceived = 12;

event_record refused() {
  event_record record{};
  record.at_ns = 1'234'567'890;
  record.cookie = 0x1122334455667788;
  inet_pton(AF_INET, "192.0.2.1", record.local);
  inet_pton(AF_INET, "198.51.100.7", record.remote);
  record.netns = 4026531840;
  record.pid = 321;
  std::strcpy(record.comm, "curl");
  record.error = ECONNREFUSED;
  record.duration_us = 450;
  record.family = AF_INET;
  record.local_port = 50001;
  record.remote_port = 443;
  record.kind = kEventConnect;
  record.from = kSynSent;
  record.to = kSynSent;
  return record;
}

template <class Record>
std::optional<KernelEvent> read(const Record& record) {
  return read_event_record(std::as_bytes(std::span(&record, 1)));
}

TEST(event_record, is_read_whole) {
  const auto event = read(refused());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->at, std::chrono::nanoseconds(1'234'567'890));
  EXPECT_EQ(event->kind, EventKind::connect);
  EXPECT_EQ(event->from, tcp::State::syn_sent);
  EXPECT_EQ(event->error, ECONNREFUSED);
  EXPECT_EQ(event->cookie, 0x1122334455667788U);
  EXPECT_EQ(event->netns, 4026531840U);
  EXPECT_EQ(event->pid, 321U);
  EXPECT_EQ(event->comm, "curl");
  EXPECT_EQ(to_string(event->local), "192.0.2.1:50001");
  EXPECT_EQ(to_string(event->remote), "198.51.100.7:443");
  EXPECT_EQ(event->duration, 450us);
  EXPECT_FALSE(event->only_user);
  EXPECT_FALSE(event->life);
}

TEST(event_record, knows_ipv6_and_request_sockets) {
  event_record record = refused();
  record.family = AF_INET6;
  inet_pton(AF_INET6, "2001:db8::1", record.local);
  inet_pton(AF_INET6, "2001:db8::2", record.remote);
  record.kind = kEventRetransmit;
  record.retransmit = kRetransmitSynAck;
  record.from = record.to = kNewSynReceived;
  const auto event = read(record);
  ASSERT_TRUE(event);
  EXPECT_EQ(to_string(event->local), "[2001:db8::1]:50001");
  EXPECT_EQ(event->from, tcp::State::syn_received);
  EXPECT_EQ(event->retransmit, RetransmitKind::syn_ack);
}

TEST(event_record, without_addresses_only_names_the_user) {
  event_record record{};
  record.cookie = 9;
  record.pid = 77;
  const auto event = read(record);
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->only_user);
  EXPECT_EQ(event->pid, 77U);
}

TEST(event_record, has_the_life_behind_it) {
  life_record record{};
  record.event = refused();
  record.event.kind = kEventState;
  record.event.to = kClosed;
  record.bytes_sent = 5'000'000'000;
  record.bytes_received = 12;
  record.retransmits = 3;
  record.srtt_us = 8 * 250;
  const auto event = read(record);
  ASSERT_TRUE(event && event->life);
  EXPECT_EQ(event->life->bytes_sent, 5'000'000'000U);
  EXPECT_EQ(event->life->bytes_received, 12U);
  EXPECT_EQ(event->life->retransmits, 3U);
  EXPECT_EQ(event->life->rtt, 250us);
}

TEST(event_record, a_name_of_sixteen_bytes_ends_there) {
  event_record record = refused();
  std::memset(record.comm, 'x', sizeof record.comm);
  EXPECT_EQ(read(record)->comm, std::string(16, 'x'));
}

TEST(event_record, nothing_is_read_of_short_or_strange_bytes) {
  const event_record good = refused();
  const auto bytes = std::as_bytes(std::span(&good, 1));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(read_event_record(bytes.first(size))) << size;
  }
  event_record record = good;
  record.kind = kEventKindCount;
  EXPECT_FALSE(read(record));
  record = good;
  record.from = 14;
  EXPECT_FALSE(read(record));
  record = good;
  record.to = 0;
  EXPECT_FALSE(read(record));
  record = good;
  record.family = 1;
  EXPECT_FALSE(read(record));
  record = good;
  record.retransmit = kRetransmitTailLossProbe + 1;
  EXPECT_FALSE(read(record));
}

}  // namespace
}  // namespace tcpdx::host
