// Messages by hand from RFC 1035, RFC 6891 and RFC 8914.
#include "wire/dns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>

namespace tcpdx::wire {
namespace {

class Bytes {
 public:
  Bytes& add(std::initializer_list<int> values) {
    for (const int value : values) bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  Bytes& text(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  const std::vector<std::byte>& get() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Header, and the question "a.example A" from octet 12 on.
Bytes answer(int answers, int authority = 0, int additional = 0, int code = 0, int flags = 0x84) {
  Bytes bytes;
  bytes.add({0x12, 0x34, flags, 0x80 | code, 0, 1, 0, answers, 0, authority, 0, additional});
  bytes.add({1}).text("a").add({7}).text("example").add({0, 0, 1, 0, 1});
  return bytes;
}

TEST(Dns, WritesAQueryAsRfc1035HasIt) {
  const auto query =
      write_dns_query({.id = 0x1234, .question = {"a.example", DnsType::aaaa}, .udp_size = {}});
  Bytes want;
  want.add({0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1}).text("a").add({7}).text("example");
  want.add({0, 0, 28, 0, 1});
  EXPECT_EQ(query, want.get());
}

TEST(Dns, SaysHowLargeAnAnswerMayBe) {
  const auto query =
      write_dns_query({.id = 1, .question = {".", DnsType::ns}, .udp_size = 1232, .dnssec = true});
  Bytes want;
  want.add({0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1});
  want.add({0, 0, 41, 0x04, 0xD0, 0, 0, 0x80, 0, 0, 0});
  EXPECT_EQ(query, want.get());
}

TEST(Dns, WritesNoNameThatIsNone) {
  for (const std::string& name :
       {std::string("a..example"), std::string(64, 'a') + ".example", std::string(300, 'a')}) {
    EXPECT_TRUE(write_dns_query({.question = {name, DnsType::a}}).empty()) << name;
  }
  EXPECT_FALSE(write_dns_query({.question = {std::string(63, 'a'), DnsType::a}}).empty());
}

TEST(Dns, ReadsAnswersBehindPointers) {
  Bytes bytes = answer(2);
  // a.example CNAME b.example; b.example A 192.0.2.7
  bytes.add({0xC0, 12, 0, 5, 0, 1, 0, 0, 1, 44, 0, 4, 1}).text("b").add({0xC0, 14});
  bytes.add({0xC0, 39, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7});
  const auto message = parse_dns(bytes.get());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, 0x1234);
  EXPECT_TRUE(message->is_answer);
  EXPECT_TRUE(message->authoritative);
  EXPECT_TRUE(message->recursion_available);
  EXPECT_EQ(message->question->name, "a.example");
  ASSERT_EQ(message->answers.size(), 2U);
  EXPECT_EQ(message->answers[0].type, DnsType::cname);
  EXPECT_EQ(message->answers[0].target, "b.example");
  EXPECT_EQ(message->answers[0].ttl, 300U);
  EXPECT_EQ(message->answers[1].name, "b.example");
  EXPECT_EQ(message->answers[1].address, ipv4(192, 0, 2, 7));
  EXPECT_EQ(message->answers[1].text, "192.0.2.7");
}

TEST(Dns, ReadsEveryKind) {
  Bytes bytes = answer(4, 1);
  bytes.add({0xC0, 12, 0, 15, 0, 1, 0, 0, 0, 1, 0, 6, 0, 10, 1}).text("m").add({0xC0, 14});
  bytes.add({0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 1, 0, 6, 2}).text("ab").add({2}).text("c\"");
  bytes.add({0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 1, 0, 8, 0, 1, 0, 2, 0x1F, 0x90, 0xC0, 12});
  bytes.add({0xC0, 12, 0, 65, 0, 1, 0, 0, 0, 1, 0, 2, 0xAB, 0xCD});
  bytes.add({0xC0, 14, 0, 6, 0, 1, 0, 0, 0, 1, 0, 24, 0xC0, 12, 0xC0, 14});
  bytes.add({0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 6, 0, 0, 0, 5});
  const auto message = parse_dns(bytes.get());
  ASSERT_TRUE(message);
  ASSERT_EQ(message->answers.size(), 4U);
  EXPECT_EQ(message->answers[0].text, "10 m.example");
  EXPECT_EQ(message->answers[1].text, R"("ab" "c\"")");
  EXPECT_EQ(message->answers[2].text, "1 2 8080 a.example");
  EXPECT_EQ(to_string(message->answers[3].type), "TYPE65");
  EXPECT_EQ(message->answers[3].text, "\\# 2 abcd");
  ASSERT_EQ(message->authority.size(), 1U);
  EXPECT_EQ(message->authority[0].text, "a.example example 9 8 7 6 5");
}

// RFC 8914 2: option 15, code 6 (bogus) and a text.
TEST(Dns, ReadsWhyAServerFails) {
  Bytes bytes = answer(0, 0, 1, 2);
  bytes.add({0, 0, 41, 4, 0xD0, 0, 0, 0, 0, 0, 9, 0, 15, 0, 5, 0, 6}).text("sig");
  const auto message = parse_dns(bytes.get());
  ASSERT_TRUE(message);
  EXPECT_EQ(to_string(message->code), "SERVFAIL");
  EXPECT_TRUE(message->has_edns);
  ASSERT_EQ(message->extended_errors.size(), 1U);
  EXPECT_EQ(message->extended_errors[0].code, 6);
  EXPECT_EQ(message->extended_errors[0].text, "sig");
  EXPECT_EQ(meaning(message->extended_errors[0]), "DNSSEC bogus");
}

TEST(Dns, DoesNotFollowPointersThatLeadNowhere) {
  for (const auto& name : {std::initializer_list<int>{0xC0, 12}, {0xC0, 14}, {0xFF, 0xFF}, {64}}) {
    Bytes bytes;
    bytes.add({0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0}).add(name).add({0, 1, 0, 1});
    EXPECT_FALSE(parse_dns(bytes.get()));
  }
}

TEST(Dns, IsNothingWhenCutAnywhere) {
  Bytes bytes = answer(1);
  bytes.add({0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7});
  for (size_t size = 0; size < bytes.get().size(); ++size) {
    EXPECT_FALSE(parse_dns(std::span(bytes.get()).first(size))) << size;
  }
  EXPECT_TRUE(parse_dns(bytes.get()));
}

TEST(Dns, EscapesWhatIsNoNameOfAHost) {
  Bytes bytes;
  bytes.add({0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3}).text("a.b").add({1, 7, 0, 0, 1, 0, 1});
  const auto message = parse_dns(bytes.get());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->question->name, "a\\046b.\\007");
}

TEST(Dns, NamesAddresses) {
  EXPECT_EQ(reverse_name(ipv4(192, 0, 2, 1)), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(reverse_name(parse_address("2001:db8::1").value()),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(Dns, KnowsTypesByName) {
  EXPECT_EQ(parse_dns_type("aaaa"), DnsType::aaaa);
  EXPECT_EQ(parse_dns_type("SRV"), DnsType::srv);
  EXPECT_FALSE(parse_dns_type("nonsense"));
}

}  // namespace
}  // namespace tcpdx::wire
