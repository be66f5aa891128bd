#include "wire/dns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "wire/octets.hpp"

namespace tcpdx::wire {
namespace {

constexpr size_t kHeader = 12;
constexpr size_t kLongestLabel = 63;
constexpr size_t kLongestName = 255;
constexpr uint8_t kPointer = 0xC0;
constexpr uint16_t kInternet = 1;
constexpr uint16_t kExtendedErrorOption = 15;

constexpr uint16_t kAnswer = 0x8000;
constexpr uint16_t kAuthoritative = 0x0400;
constexpr uint16_t kTruncated = 0x0200;
constexpr uint16_t kRecursionDesired = 0x0100;
constexpr uint16_t kRecursionAvailable = 0x0080;
constexpr uint16_t kAuthentic = 0x0020;
constexpr uint16_t kCodeBits = 0x000F;
constexpr uint16_t kDnssecOk = 0x8000;

struct Named {
  uint16_t number;
  std::string_view name;
};
constexpr std::array kTypes{Named{1, "A"},    Named{2, "NS"},    Named{5, "CNAME"},
                            Named{6, "SOA"},  Named{12, "PTR"},  Named{15, "MX"},
                            Named{16, "TXT"}, Named{28, "AAAA"}, Named{33, "SRV"}};
constexpr std::array kCodes{Named{0, "NOERROR"},  Named{1, "FORMERR"}, Named{2, "SERVFAIL"},
                            Named{3, "NXDOMAIN"}, Named{4, "NOTIMP"},  Named{5, "REFUSED"}};
// RFC 8914 4, those that a resolver's user meets.
constexpr std::array kExtended{Named{0, "other error"},
                               Named{1, "unsupported DNSKEY algorithm"},
                               Named{3, "stale answer"},
                               Named{4, "forged answer"},
                               Named{6, "DNSSEC bogus"},
                               Named{7, "signature expired"},
                               Named{8, "signature not yet valid"},
                               Named{9, "DNSKEY missing"},
                               Named{10, "RRSIGs missing"},
                               Named{12, "NSEC missing"},
                               Named{13, "cached error"},
                               Named{14, "not ready"},
                               Named{15, "blocked"},
                               Named{16, "censored"},
                               Named{17, "filtered"},
                               Named{18, "prohibited"},
                               Named{22, "no reachable authority"},
                               Named{23, "network error"}};

std::string_view name_in(std::span<const Named> table, uint16_t number) {
  const auto at = std::ranges::find(table, number, &Named::number);
  return at == table.end() ? std::string_view{} : at->name;
}

void append_label(std::string& name, std::span<const std::byte> label) {
  if (!name.empty()) name += '.';
  for (const std::byte octet : label) {
    const auto c = std::to_integer<unsigned char>(octet);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (plain) {
      name += static_cast<char>(c);
    } else {
      name += fmt::format("\\{:03}", c);
    }
  }
}

// Reads from one place of a message on; whatever reaches beyond its end makes it not ok.
class Cursor {
 public:
  Cursor(std::span<const std::byte> message, size_t at) : message_(message), at_(at) {}

  bool ok() const { return ok_; }
  size_t at() const { return at_; }
  uint8_t u8() { return need(1) ? get8(&message_[std::exchange(at_, at_ + 1)]) : uint8_t{0}; }
  uint16_t u16() { return need(2) ? get16(&message_[std::exchange(at_, at_ + 2)]) : uint16_t{0}; }
  uint32_t u32() { return need(4) ? get32(&message_[std::exchange(at_, at_ + 4)]) : 0; }
  std::span<const std::byte> bytes(size_t count) {
    return need(count) ? message_.subspan(std::exchange(at_, at_ + count), count)
                       : std::span<const std::byte>{};
  }

  // Labels up to the root or a pointer, which must lead back (RFC 1035 4.1.4): so it ends.
  DnsName name() {
    DnsName name;
    size_t from = at_;
    size_t lowest = at_;
    bool jumped = false;
    size_t octets = 1;
    for (;;) {
      if (from >= message_.size()) return stop();
      const uint8_t length = get8(&message_[from]);
      if ((length & kPointer) == kPointer) {
        if (from + 2 > message_.size()) return stop();
        const size_t to = get16(&message_[from]) & 0x3FFFU;
        if (!std::exchange(jumped, true)) at_ = from + 2;
        if (to >= lowest) return stop();
        lowest = from = to;
        continue;
      }
      octets += size_t{length} + 1;
      if (length > kLongestLabel || octets > kLongestName || from + 1 + length > message_.size()) {
        return stop();
      }
      if (length == 0) {
        if (!jumped) at_ = from + 1;
        return name.empty() ? "." : name;
      }
      append_label(name, message_.subspan(from + 1, length));
      from += size_t{length} + 1;
    }
  }

 private:
  bool need(size_t count) {
    ok_ = ok_ && message_.size() - at_ >= count;
    return ok_;
  }
  DnsName stop() {
    ok_ = false;
    return {};
  }

  std::span<const std::byte> message_;
  size_t at_;
  bool ok_ = true;
};

// "text" with its quotes, as TXT has several of them.
std::string character_strings(std::span<const std::byte> data) {
  std::string text;
  while (!data.empty()) {
    const size_t length = std::min<size_t>(get8(data.data()), data.size() - 1);
    if (!text.empty()) text += ' ';
    text += '"';
    for (const std::byte octet : data.subspan(1, length)) {
      const auto c = std::to_integer<unsigned char>(octet);
      if (c == '"' || c == '\\') {
        text += '\\';
        text += static_cast<char>(c);
      } else if (c < 0x20 || c > 0x7E) {
        text += fmt::format("\\{:03}", c);
      } else {
        text += static_cast<char>(c);
      }
    }
    text += '"';
    data = data.subspan(1 + length);
  }
  return text;
}

std::string hex(std::span<const std::byte> data) {
  std::string text = fmt::format("\\# {}", data.size());  // RFC 3597 5
  if (!data.empty()) text += ' ';
  for (const std::byte octet : data) text += fmt::format("{:02x}", std::to_integer<int>(octet));
  return text;
}

// The data of a record; names inside it may point back into the message.
void read_data(std::span<const std::byte> message, size_t at, size_t length, DnsRecord& into) {
  const auto data = message.subspan(at, length);
  Cursor cursor(message.first(at + length), at);
  switch (into.type) {
    case DnsType::a:
    case DnsType::aaaa: {
      const Family family = into.type == DnsType::a ? Family::v4 : Family::v6;
      if (length != address_size(family)) break;
      into.address = get_address(data.data(), family);
      into.text = to_string(*into.address);
      return;
    }
    case DnsType::ns:
    case DnsType::cname:
    case DnsType::ptr: into.text = into.target = cursor.name(); break;
    case DnsType::mx: {
      const uint16_t preference = cursor.u16();
      into.target = cursor.name();
      into.text = fmt::format("{} {}", preference, into.target);
      break;
    }
    case DnsType::srv: {
      const uint16_t priority = cursor.u16();
      const uint16_t weight = cursor.u16();
      const uint16_t port = cursor.u16();
      into.target = cursor.name();
      into.text = fmt::format("{} {} {} {}", priority, weight, port, into.target);
      break;
    }
    case DnsType::soa: {
      const DnsName primary = cursor.name();
      const DnsName mailbox = cursor.name();
      into.text = fmt::format("{} {}", primary, mailbox);
      for (int i = 0; i < 5; ++i) into.text += fmt::format(" {}", cursor.u32());
      break;
    }
    case DnsType::txt: into.text = character_strings(data); return;
    default: into.text = hex(data); return;
  }
  if (cursor.ok() && !into.text.empty()) return;
  into.target.clear();
  into.text = hex(data);
}

void read_options(std::span<const std::byte> data, DnsMessage& into) {
  Cursor cursor(data, 0);
  while (cursor.at() + 4 <= data.size()) {
    const uint16_t code = cursor.u16();
    const auto value = cursor.bytes(cursor.u16());
    if (!cursor.ok()) return;
    if (code != kExtendedErrorOption || value.size() < 2) continue;
    const auto* text = static_cast<const char*>(static_cast<const void*>(value.data() + 2));
    into.extended_errors.push_back(
        {.code = get16(value.data()), .text = std::string(text, value.size() - 2)});
  }
}

bool read_records(std::span<const std::byte> message, Cursor& cursor, size_t count,
                  std::vector<DnsRecord>* into, DnsMessage& whole) {
  for (size_t i = 0; i < count; ++i) {
    DnsRecord record{.name = cursor.name(), .type = {}, .text = {}, .address = {}, .target = {}};
    record.type = static_cast<DnsType>(cursor.u16());
    const uint16_t cls = cursor.u16();
    record.ttl = cursor.u32();
    const uint16_t length = cursor.u16();
    const size_t at = cursor.at();
    const auto data = cursor.bytes(length);
    if (!cursor.ok()) return false;
    if (record.type == DnsType::opt) {
      whole.has_edns = true;
      read_options(data, whole);
    } else if (cls == kInternet && into != nullptr) {
      read_data(message, at, length, record);
      into->push_back(std::move(record));
    }
  }
  return true;
}

void append_name(std::vector<std::byte>& out, std::string_view name, bool& good) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const size_t start = out.size();
  for (const std::string_view label :
       name.empty() ? std::vector<std::string_view>{} : split(name, '.')) {
    good = good && !label.empty() && label.size() <= kLongestLabel;
    if (!good) return;
    out.push_back(static_cast<std::byte>(label.size()));
    for (const char c : label) out.push_back(static_cast<std::byte>(c));
  }
  out.push_back(std::byte{0});
  good = out.size() - start <= kLongestName;
}

void append16(std::vector<std::byte>& out, uint16_t number) {
  out.resize(out.size() + 2);
  put16(&out[out.size() - 2], number);
}

}  // namespace

std::string to_string(DnsType type) {
  const auto name = name_in(kTypes, std::to_underlying(type));
  return name.empty() ? fmt::format("TYPE{}", std::to_underlying(type)) : std::string(name);
}

std::optional<DnsType> parse_dns_type(std::string_view text) {
  const std::string wanted = lower(text);
  for (const Named& one : kTypes) {
    if (lower(one.name) == wanted) return static_cast<DnsType>(one.number);
  }
  return std::nullopt;
}

std::string to_string(DnsCode code) {
  const auto name = name_in(kCodes, std::to_underlying(code));
  return name.empty() ? fmt::format("RCODE{}", std::to_underlying(code)) : std::string(name);
}

std::string_view meaning(const DnsExtendedError& error) { return name_in(kExtended, error.code); }

std::optional<DnsMessage> parse_dns(std::span<const std::byte> message) {
  if (message.size() < kHeader) return std::nullopt;
  Cursor cursor(message, 0);
  DnsMessage parsed;
  parsed.id = cursor.u16();
  const uint16_t bits = cursor.u16();
  parsed.is_answer = (bits & kAnswer) != 0;
  parsed.authoritative = (bits & kAuthoritative) != 0;
  parsed.truncated = (bits & kTruncated) != 0;
  parsed.recursion_desired = (bits & kRecursionDesired) != 0;
  parsed.recursion_available = (bits & kRecursionAvailable) != 0;
  parsed.authentic = (bits & kAuthentic) != 0;
  parsed.code = static_cast<DnsCode>(bits & kCodeBits);
  const uint16_t questions = cursor.u16();
  const uint16_t answers = cursor.u16();
  const uint16_t authority = cursor.u16();
  const uint16_t additional = cursor.u16();
  for (uint16_t i = 0; i < questions; ++i) {
    DnsQuestion question{.name = cursor.name()};
    question.type = static_cast<DnsType>(cursor.u16());
    cursor.u16();
    if (!cursor.ok()) return std::nullopt;
    if (!parsed.question) parsed.question = std::move(question);
  }
  const bool whole = read_records(message, cursor, answers, &parsed.answers, parsed) &&
                     read_records(message, cursor, authority, &parsed.authority, parsed) &&
                     read_records(message, cursor, additional, nullptr, parsed);
  if (!whole) return std::nullopt;
  return parsed;
}

std::vector<std::byte> write_dns_query(const DnsQuery& query) {
  std::vector<std::byte> out;
  append16(out, query.id);
  append16(out, query.recursion_desired ? kRecursionDesired : 0);
  append16(out, 1);
  append16(out, 0);
  append16(out, 0);
  append16(out, query.udp_size ? 1 : 0);
  bool good = true;
  append_name(out, query.question.name, good);
  if (!good) return {};
  append16(out, std::to_underlying(query.question.type));
  append16(out, kInternet);
  if (query
          .udp_size) {  // RFC 6891 6.1.2: the root, OPT, the size, code and version, flags, nothing
    out.push_back(std::byte{0});
    append16(out, std::to_underlying(DnsType::opt));
    append16(out, *query.udp_size);
    append16(out, 0);
    append16(out, query.dnssec ? kDnssecOk : 0);
    append16(out, 0);
  }
  return out;
}

DnsName reverse_name(const IpAddress& address) {
  std::string name;
  if (address.family == Family::v4) {
    const auto& b = address.bytes;
    return fmt::format("{}.{}.{}.{}.in-addr.arpa", b[3], b[2], b[1], b[0]);
  }
  for (size_t i = address.bytes.size(); i-- > 0;) {
    name += fmt::format("{:x}.{:x}.", address.bytes[i] & 0xFU, address.bytes[i] >> 4U);
  }
  return name + "ip6.arpa";
}

}  // namespace tcpdx::wire
