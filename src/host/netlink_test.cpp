// Answers of the kernel made by hand after linux/netlink.h, and one real refusal.
#include "host/netlink.hpp"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include <cerrno>

namespace tcpdx::host {
namespace {

void append(std::vector<std::byte>& bytes, const void* data, size_t length) {
  const auto* begin = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), begin, begin + length);
  bytes.resize(netlink_aligned(bytes.size()));
}

void append_message(std::vector<std::byte>& bytes, uint16_t type, uint16_t flags,
                    std::span<const std::byte> payload, uint32_t sequence = 7) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(sizeof header + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  append(bytes, &header, sizeof header);
  append(bytes, payload.data(), payload.size());
}

std::vector<std::byte> error_payload(int error, const char* words) {
  std::vector<std::byte> payload;
  nlmsgerr message{};
  message.error = error;
  message.msg.nlmsg_len = sizeof(nlmsghdr);
  append(payload, &message, sizeof message);
  const nlattr head{static_cast<uint16_t>(sizeof(nlattr) + strlen(words) + 1), NLMSGERR_ATTR_MSG};
  append(payload, &head, sizeof head);
  append(payload, words, strlen(words) + 1);
  return payload;
}

struct Received {
  Answer answer;
  size_t messages = 0;
  bool more = false;
};

Received receive(const std::vector<std::byte>& bytes, bool dump = true) {
  Received received;
  received.more = read_messages(
      bytes, 7, dump, [&](std::span<const std::byte>) { ++received.messages; }, received.answer);
  return received;
}

TEST(Netlink, EndsADumpAtDone) {
  std::vector<std::byte> bytes;
  const int zero = 0;
  append_message(bytes, 20, NLM_F_MULTI, {});
  append_message(bytes, 20, NLM_F_MULTI, {});
  EXPECT_TRUE(receive(bytes).more);
  append_message(bytes, NLMSG_DONE, NLM_F_MULTI, std::as_bytes(std::span(&zero, 1)));
  const Received received = receive(bytes);
  EXPECT_FALSE(received.more);
  EXPECT_EQ(received.messages, 2);
  EXPECT_EQ(received.answer.refusal.error, 0);
  EXPECT_FALSE(received.answer.interrupted);
}

TEST(Netlink, KeepsTheMarkOfAnInterruptedDumpAndReadsOn) {
  std::vector<std::byte> bytes;
  append_message(bytes, 20, NLM_F_MULTI | NLM_F_DUMP_INTR, {});
  append_message(bytes, 20, NLM_F_MULTI, {});
  const Received received = receive(bytes);
  EXPECT_TRUE(received.answer.interrupted);
  EXPECT_EQ(received.messages, 2);
}

TEST(Netlink, TellsTheKernelsOwnWords) {
  std::vector<std::byte> bytes;
  append_message(bytes, NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS,
                 error_payload(-EINVAL, "bad things"));
  const Received received = receive(bytes);
  EXPECT_FALSE(received.more);
  EXPECT_EQ(received.answer.refusal.error, EINVAL);
  EXPECT_EQ(received.answer.refusal.sentence(), "bad things (Invalid argument)");
}

TEST(Netlink, TellsErrorsAtTheEndOfADump) {
  std::vector<std::byte> bytes;
  const int error = -EPERM;
  append_message(bytes, NLMSG_DONE, NLM_F_MULTI, std::as_bytes(std::span(&error, 1)));
  EXPECT_EQ(receive(bytes).answer.refusal.error, EPERM);
}

TEST(Netlink, PassesOverAnswersToEarlierRequests) {
  std::vector<std::byte> bytes;
  append_message(bytes, NLMSG_DONE, NLM_F_MULTI, {}, 6);
  append_message(bytes, 20, NLM_F_MULTI, {});
  const Received received = receive(bytes);
  EXPECT_TRUE(received.more);
  EXPECT_EQ(received.messages, 1);
}

TEST(Netlink, SurvivesEveryCutOfAnAnswer) {
  std::vector<std::byte> bytes;
  append_message(bytes, NLMSG_ERROR, NLM_F_ACK_TLVS, error_payload(-EINVAL, "bad things"));
  for (size_t length = 0; length < bytes.size(); ++length) {
    const Received received = receive({bytes.begin(), bytes.begin() + static_cast<long>(length)});
    EXPECT_TRUE(received.more) << length;
  }
}

TEST(Netlink, AMessageLongerThanAnyAnswerIsNone) {
  std::vector<std::byte> bytes;
  append_message(bytes, 20, NLM_F_MULTI, {});
  const uint32_t length = 0x80000010;  // negative as an int
  std::memcpy(bytes.data(), &length, sizeof length);
  const Received received = receive(bytes);
  EXPECT_TRUE(received.more);
  EXPECT_EQ(received.messages, 0);
}

TEST(Netlink, AttributesEndWhereTheyReachBeyondTheMessage) {
  std::vector<std::byte> bytes(4);
  const nlattr whole{6, 1};
  append(bytes, &whole, sizeof whole);
  append(bytes, "ab", 2);
  const nlattr too_long{100, 2};
  append(bytes, &too_long, sizeof too_long);
  std::vector<std::string> seen;
  for_each_attribute(bytes, 4, [&](uint16_t type, std::span<const std::byte> value) {
    seen.push_back(fmt::format("{} {}", type, text_of(value)));
  });
  EXPECT_EQ(seen, std::vector<std::string>{"1 ab"});
}

TEST(Netlink, AsksTheRealKernel) {
  Result<Netlink> netlink = Netlink::open(NETLINK_ROUTE);
  ASSERT_TRUE(netlink.has_value()) << netlink.error().sentence;
  rtmsg nonsense{};
  nonsense.rtm_family = 255;
  size_t messages = 0;
  const Result<Answer> refused =
      netlink->ask(RTM_GETROUTE, 0, std::as_bytes(std::span(&nonsense, 1)),
                   [&](std::span<const std::byte>) { ++messages; });
  ASSERT_TRUE(refused.has_value()) << refused.error().sentence;
  EXPECT_NE(refused->refusal.error, 0);
  EXPECT_FALSE(refused->refusal.sentence().empty());
  EXPECT_EQ(messages, 0);
}

}  // namespace
}  // namespace tcpdx::host
