// A match compares a key of the packet with a value. Keys whose value is known for every such SYN
// are answered; a key of another protocol never matches; all others are "maybe".
#include "host/nft_match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include "base/text.hpp"

namespace tcpdx::host {
namespace {

constexpr int64_t kTcp = 6;            // IPPROTO_TCP
constexpr int64_t kLoopbackIndex = 1;  // LOOPBACK_IFINDEX
constexpr unsigned kSynBit = 1;        // of kFlags
constexpr std::array kFlags{"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};

// What is known of a key.
struct Never {};    // the packet does not have it: another protocol
struct Unknown {};  // it may have any value
struct Port {
  uint16_t number;
};
struct Word {
  std::string_view text;
  int64_t number = -1;  // the same as a number, -1: has none
};
struct Interface {
  bool loopback;
};
struct Address {
  IpAddress address;
};
using Key = std::variant<Never, Unknown, Port, Word, Interface, Address>;

std::string_view text_of(const Json& value) {
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>())
                           : std::string_view{};
}

Truth truth(bool holds) { return holds ? Truth::yes : Truth::no; }

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

Key payload_key(const Json& payload, const Arrival& arrival) {
  const std::string_view protocol = text_of(member(payload, "protocol"));
  const std::string_view field = text_of(member(payload, "field"));
  const bool v4 = arrival.family == Family::v4;
  if (one_of(protocol, {"udp", "udplite", "icmp", "icmpv6", "igmp", "sctp", "dccp", "ah", "esp",
                        "comp", "arp"})) {
    return Never{};
  }
  if (protocol == "tcp" || protocol == "th") {
    if (field == "dport") return Port{arrival.port};
    return Unknown{};
  }
  if (protocol == "ip" || protocol == "ip6") {
    if ((protocol == "ip") != v4) return Never{};
    if (field == "daddr" && arrival.to) return Address{*arrival.to};
    if (field == "protocol" || field == "nexthdr") return Word{"tcp", kTcp};
  }
  return Unknown{};
}

Key meta_key(std::string_view key, const Arrival& arrival) {
  const bool v4 = arrival.family == Family::v4;
  if (key == "l4proto") return Word{"tcp", kTcp};
  if (key == "nfproto") return Word{v4 ? "ipv4" : "ipv6"};
  if (key == "protocol") return Word{v4 ? "ip" : "ip6"};
  if (key == "iif" || key == "iifname") return Interface{arrival.over_loopback};
  return Unknown{};
}

Key key_of(const Json& left, const Arrival& arrival) {
  if (const Json& payload = member(left, "payload"); !payload.is_null()) {
    return payload_key(payload, arrival);
  }
  if (const Json& meta = member(left, "meta"); !meta.is_null()) {
    return meta_key(text_of(member(meta, "key")), arrival);
  }
  if (const Json& ct = member(left, "ct"); !ct.is_null()) {
    const std::string_view key = text_of(member(ct, "key"));
    if (key == "state") return Word{"new"};
    if (key == "direction") return Word{"original"};
    return Unknown{};
  }
  if (const Json& fib = member(left, "fib"); text_of(member(fib, "result")) == "type") {
    const Json& flags = member(fib, "flags");
    const bool destination =
        text_of(flags) == "daddr" || (flags.is_array() && flags.size() == 1 && flags[0] == "daddr");
    if (destination) return Word{"local"};
  }
  return Unknown{};
}

// "ip saddr", "limit": how the key is called in a rule.
std::string name_of(const Json& left) {
  if (!left.is_object() || left.empty()) return "an expression";
  const Json& inner = left.begin().value();
  const std::string& kind = left.begin().key();
  if (kind == "payload") {
    return printable(
        fmt::format("{} {}", text_of(member(inner, "protocol")), text_of(member(inner, "field"))));
  }
  return printable(fmt::format("{} {}", kind, text_of(member(inner, "key"))));
}

Truth is_number(const Json& value, int64_t wanted) {
  return truth(value.is_number_integer() && value.get<int64_t>() == wanted);
}

Truth within(const Json& prefix, const IpAddress& address) {
  const auto network = parse_address(text_of(member(prefix, "addr")));
  const Json& length = member(prefix, "len");
  if (!network || !length.is_number_integer()) return Truth::maybe;
  const auto bits = length.get<int64_t>();
  if (bits < 0 || bits > 128) return Truth::maybe;
  return truth(network->family == address.family &&
               address.prefix(static_cast<unsigned>(bits)) == *network);
}

Truth in_range(const Json& range, uint16_t port) {
  if (!range.is_array() || range.size() != 2 || !range[0].is_number_integer() ||
      !range[1].is_number_integer()) {
    return Truth::maybe;
  }
  return truth(range[0].get<int64_t>() <= port && port <= range[1].get<int64_t>());
}

// Is the key's value this one element, which is neither a set nor a list?
struct IsElement {
  const Json& element;

  Truth operator()(const Never&) const { return Truth::no; }
  Truth operator()(const Unknown&) const { return Truth::maybe; }
  Truth operator()(const Port& port) const {
    if (const Json& range = member(element, "range"); !range.is_null()) {
      return in_range(range, port.number);
    }
    return element.is_number_integer() ? is_number(element, port.number) : Truth::maybe;
  }
  Truth operator()(const Word& word) const {
    if (element.is_string()) return truth(text_of(element) == word.text);
    if (element.is_number_integer() && word.number >= 0) return is_number(element, word.number);
    return Truth::maybe;
  }
  Truth operator()(const Interface& interface) const {
    const bool is_lo = text_of(element) == "lo" || element == kLoopbackIndex;
    const bool a_name = element.is_string() && !text_of(element).ends_with('*');
    if (is_lo) return truth(interface.loopback);
    return interface.loopback && (a_name || element.is_number_integer()) ? Truth::no : Truth::maybe;
  }
  Truth operator()(const Address& known) const {
    if (const Json& prefix = member(element, "prefix"); !prefix.is_null()) {
      return within(prefix, known.address);
    }
    const auto address = parse_address(text_of(element));
    return address ? truth(*address == known.address) : Truth::maybe;
  }
};

Truth is_any_of(const Key& key, const Json& elements, const NamedSet& sets);

Truth is_value(const Key& key, const Json& value, const NamedSet& sets) {
  if (value.is_array()) return is_any_of(key, value, sets);
  if (const Json& set = member(value, "set"); !set.is_null()) return is_any_of(key, set, sets);
  if (const Json& elem = member(value, "elem"); !elem.is_null()) {
    return is_value(key, member(elem, "val"), sets);
  }
  if (const std::string_view name = text_of(value); name.starts_with('@')) {
    if (!std::holds_alternative<Port>(key)) return Truth::maybe;  // sets of addresses may be huge
    const Json& elements = sets(std::string(name.substr(1)));
    return elements.is_array() ? is_any_of(key, elements, sets) : Truth::maybe;
  }
  return std::visit(IsElement{value}, key);
}

Truth is_any_of(const Key& key, const Json& elements, const NamedSet& sets) {
  Truth best = Truth::no;
  if (!elements.is_array()) return is_value(key, elements, sets);
  for (const Json& element : elements) {
    // A list within a list, or a set that names another, is nothing that nft writes.
    if (element.is_array() || text_of(element).starts_with('@')) return Truth::maybe;
    best = std::max(best, is_value(key, element, sets));
  }
  return best;
}

Truth ordered(const Key& key, std::string_view op, const Json& right) {
  const Port* port = std::get_if<Port>(&key);
  if (port == nullptr || !right.is_number_integer()) return Truth::maybe;
  const auto limit = right.get<int64_t>();
  if (op == "<") return truth(port->number < limit);
  if (op == ">") return truth(port->number > limit);
  if (op == "<=") return truth(port->number <= limit);
  if (op == ">=") return truth(port->number >= limit);
  return Truth::maybe;
}

// A flag, a list of flags, or flags joined by "|", as bits; nothing for anything else.
std::optional<unsigned> flag_bits(const Json& value) {
  if (const Json& joined = member(value, "|"); !joined.is_null()) return flag_bits(joined);
  if (value.is_array()) {
    unsigned bits = 0;
    for (const Json& one : value) {
      const auto flag = one.is_array() ? std::nullopt : flag_bits(one);
      if (!flag) return std::nullopt;
      bits |= *flag;
    }
    return bits;
  }
  const auto* at = std::ranges::find(kFlags, text_of(value));
  if (at == kFlags.end()) return std::nullopt;
  return 1U << static_cast<unsigned>(at - kFlags.begin());
}

bool is_tcp_flags(const Json& left) {
  const Json& payload = member(left, "payload");
  return text_of(member(payload, "protocol")) == "tcp" &&
         text_of(member(payload, "field")) == "flags";
}

// Only SYN is set: "tcp flags & (fin|syn|rst|ack) == syn", "tcp flags syn".
std::optional<Truth> flags_hold(const Json& left, std::string_view op, const Json& right) {
  const Json& masked = member(left, "&");
  const bool with_mask = masked.is_array() && masked.size() == 2 && is_tcp_flags(masked[0]);
  if (!with_mask && !is_tcp_flags(left)) return std::nullopt;
  const auto mask = with_mask ? flag_bits(masked[1]) : std::optional(~0U);
  const auto wanted = right == 0 ? std::optional(0U) : flag_bits(right);
  if (!mask || !wanted) return Truth::maybe;
  const unsigned have = (1U << kSynBit) & *mask;
  if (op == "==") return truth(have == *wanted);
  if (op == "!=") return truth(have != *wanted);
  if (op == "in") return truth((have & *wanted) != 0);
  return Truth::maybe;
}

}  // namespace

Truth operator!(Truth truth) {
  switch (truth) {
    case Truth::no: return Truth::yes;
    case Truth::maybe: return Truth::maybe;
    case Truth::yes: return Truth::no;
  }
  return Truth::maybe;
}

const Json& member(const Json& value, const char* name) {
  static const Json kNone;
  if (!value.is_object()) return kNone;
  const auto at = value.find(name);
  return at == value.end() ? kNone : *at;
}

Truth holds(const Json& match, const Arrival& arrival, const NamedSet& sets, std::string& unknown) {
  const Json& left = member(match, "left");
  const Json& right = member(match, "right");
  const std::string_view op = text_of(member(match, "op"));
  Truth answer = Truth::maybe;
  if (const auto flags = flags_hold(left, op, right)) {
    answer = *flags;
  } else {
    const Key key = key_of(left, arrival);
    if (std::holds_alternative<Never>(key)) return Truth::no;
    // "==" with a list compares whole bit masks.
    const bool mask = op == "==" && right.is_array();
    if ((op == "==" && !mask) || op == "in") {
      answer = is_value(key, right, sets);
    } else if (op == "!=" && !right.is_array()) {
      answer = !is_value(key, right, sets);
    } else {
      answer = ordered(key, op, right);
    }
  }
  if (answer == Truth::maybe) unknown = name_of(left);
  return answer;
}

Truth is_element(const Json& key, const Json& element, const Arrival& arrival, const NamedSet& sets,
                 std::string& unknown) {
  const Truth answer = is_value(key_of(key, arrival), element, sets);
  if (answer == Truth::maybe) unknown = name_of(key);
  return answer;
}

}  // namespace tcpdx::host
