#include "host/nft_firewall.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/text.hpp"
#include "host/nft_match.hpp"

namespace tcpdx::host {
namespace {

// Enough for any firewall made by hand or by firewalld; a machine with more (kube-proxy) is
// answered with "depends" rather than read for minutes.
constexpr size_t kMostChains = 256;
constexpr size_t kMostSteps = 20'000;
constexpr int kDeepest = 16;  // NFT_JUMP_STACK_SIZE, include/net/netfilter/nf_tables.h
constexpr size_t kNamedReasons = 3;

// The hooks that a packet to this machine passes, in their order.
constexpr std::array<std::string_view, 3> kHooks{"ingress", "prerouting", "input"};

// family, table, chain
using ChainName = std::tuple<std::string, std::string, std::string>;

struct BaseChain {
  size_t hook = 0;  // place in kHooks
  int64_t priority = 0;
  ChainName name;
  bool drops = false;  // its policy
  size_t place = 0;    // in the list: of equals the first was there first
};

std::string text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string{};
}

// "inet filter input"
std::string called(const ChainName& chain) {
  const auto& [family, table, name] = chain;
  return printable(fmt::format("{} {} {}", family, table, name));
}

std::optional<BaseChain> base_chain(const Json& chain) {
  const auto* hook = std::ranges::find(kHooks, text(member(chain, "hook")));
  if (hook == kHooks.end()) return std::nullopt;
  BaseChain base;
  base.hook = static_cast<size_t>(hook - kHooks.begin());
  const Json& priority = member(chain, "prio");
  base.priority = priority.is_number_integer() ? priority.get<int64_t>() : 0;
  base.name = {text(member(chain, "family")), text(member(chain, "table")),
               text(member(chain, "name"))};
  base.drops = text(member(chain, "policy")) == "drop";
  return base;
}

bool concerns(const std::string& family, const Arrival& arrival) {
  return family == "inet" || family == "netdev" ||
         family == (arrival.family == Family::v4 ? "ip" : "ip6");
}

enum class Refusal : uint8_t { dropped, rejected, diverted, queued };

struct Refused {
  Refusal how = Refusal::dropped;
  std::string by;  // "inet filter input"
};

// The ways out of a chain that some packets like ours may take.
struct Ways {
  bool on = false;  // back to the caller, or to the policy
  bool accepted = false;
  std::optional<Refused> refused;

  void add_ends(const Ways& other) {
    accepted = accepted || other.accepted;
    if (other.refused) refused = other.refused;
  }
};

std::optional<Refusal> refusal_of(const std::string& statement) {
  if (statement == "drop") return Refusal::dropped;
  if (statement == "reject") return Refusal::rejected;
  if (statement == "queue") return Refusal::queued;
  for (const std::string_view way : {"dnat", "redirect", "tproxy", "fwd", "synproxy"}) {
    if (statement == way) return Refusal::diverted;
  }
  return std::nullopt;
}

// Statements that act as matches whose answer depends on the load or is written in another way.
bool holds_sometimes(const std::string& statement) {
  for (const std::string_view one : {"limit", "quota", "xt", "ct count"}) {
    if (statement == one) return true;
  }
  return false;
}

Passed passed(const Refused& refused) {
  switch (refused.how) {
    case Refusal::dropped: return {Passage::dropped, "dropped by " + refused.by};
    case Refusal::rejected: return {Passage::rejected, "rejected by " + refused.by};
    case Refusal::diverted: return {Passage::diverted, "sent elsewhere by " + refused.by};
    case Refusal::queued: return {Passage::depends, refused.by + " asks a program"};
  }
  std::unreachable();
}

}  // namespace

struct NftFirewall::Rules {
  RunNft run;
  std::vector<BaseChain> bases;
  std::map<ChainName, Json> chains;  // their rules, as far as they were asked for
  std::map<ChainName, Json> sets;    // elements of named sets

  // Null where they cannot be read, or where there are too many.
  const Json& rules_of(const ChainName& chain);
  const Json& elements_of(const ChainName& set);

 private:
  std::optional<Json> list(std::string_view what, const ChainName& name);
};

std::optional<Json> NftFirewall::Rules::list(std::string_view what, const ChainName& name) {
  const auto& [family, table, object] = name;
  // Names are words of letters, digits and "/\_." in nft's language; anything else is not asked.
  for (const std::string* part : {&family, &table, &object}) {
    const bool word = std::ranges::all_of(*part, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '/' || c == '\\' || c == '_' || c == '.' || c == '-';
    });
    if (part->empty() || !word) return std::nullopt;
  }
  const auto answer = run(fmt::format("list {} {} {} {}", what, family, table, object));
  if (!answer) return std::nullopt;
  Json document = Json::parse(*answer, nullptr, false);
  return document.is_object() ? std::optional(member(document, "nftables")) : std::nullopt;
}

const Json& NftFirewall::Rules::rules_of(const ChainName& chain) {
  static const Json kNone;
  if (const auto at = chains.find(chain); at != chains.end()) return at->second;
  if (chains.size() >= kMostChains) return kNone;
  Json& rules = chains[chain];
  if (const auto listed = list("chain", chain); listed && listed->is_array()) {
    rules = Json::array();
    for (const Json& one : *listed) {
      if (const Json& rule = member(one, "rule"); rule.is_object()) {
        rules.push_back(member(rule, "expr"));
      }
    }
  }
  return rules;
}

const Json& NftFirewall::Rules::elements_of(const ChainName& set) {
  if (const auto at = sets.find(set); at != sets.end()) return at->second;
  Json& elements = sets[set];
  if (const auto listed = list("set", set); listed && listed->is_array()) {
    for (const Json& one : *listed) {
      // A set without elements has no such member.
      if (const Json& found = member(one, "set"); found.is_object()) {
        elements = found.value("elem", Json::array());
      }
    }
  }
  return elements;
}

namespace {

// The walk of one SYN, and of all that are like it, through the chains.
template <class Rules>
class Walk {
 public:
  Walk(Rules& rules, const Arrival& arrival) : rules_(rules), arrival_(arrival) {}

  Passed go() {
    for (const BaseChain& base : rules_.bases) {
      if (!concerns(std::get<0>(base.name), arrival_)) continue;
      Ways ways = chain(base.name, 0);
      if (ways.on && base.drops) ways.refused = Refused{Refusal::dropped, called(base.name)};
      const bool some_pass = ways.accepted || (ways.on && !base.drops) ||
                             base.hook == 0;  // of one device; the packet may come by another
      if (ways.refused && !some_pass) return passed(*ways.refused);
      if (ways.refused && depends_.empty()) depends_ = called(base.name);
    }
    if (depends_.empty()) return {Passage::open, "open"};
    return {Passage::depends,
            fmt::format("depends: {} asks for {}", depends_,
                        doubts_.empty() ? "what is not evaluated"
                                        : fmt::format("{}", fmt::join(doubts_, ", ")))};
  }

 private:
  Ways chain(const ChainName& name, int depth) {
    const Json& rules = rules_.rules_of(name);
    if (!rules.is_array() || depth > kDeepest) return anything(called(name));
    Ways out;
    for (const Json& rule : rules) {
      if (++steps_ > kMostSteps) return anything(called(name));
      if (!goes_on(rule, name, depth, out)) return out;
    }
    out.on = true;
    return out;
  }

  // What may become of packets in a chain that cannot be read.
  Ways anything(const std::string& name) {
    doubt("rules that cannot be read");
    return {.on = true, .accepted = true, .refused = Refused{Refusal::dropped, name}};
  }

  // Does any packet reach the next rule? Adds the ways out that this one opens.
  bool goes_on(const Json& rule, const ChainName& name, int depth, Ways& out) {
    Truth holding = Truth::yes;
    if (!rule.is_array()) return true;
    for (const Json& expression : rule) {
      if (!expression.is_object() || expression.empty()) continue;
      const std::string& kind = expression.begin().key();
      const Json& value = expression.begin().value();
      if (kind == "match") {
        holding = std::min(holding, asked([&](std::string& unknown) {
                             return holds(value, arrival_, sets_of(name), unknown);
                           }));
      } else if (holds_sometimes(kind)) {
        doubt(kind == "xt" ? "an extension of iptables" : kind);
        holding = std::min(holding, Truth::maybe);
      } else if (kind == "vmap") {
        if (!map_goes_on(value, name, depth, holding, out)) return false;
      } else if (!verdict_goes_on(kind, value, name, depth, holding, out)) {
        return false;
      }
      if (holding == Truth::no) return true;
    }
    return true;
  }

  bool verdict_goes_on(const std::string& kind, const Json& value, const ChainName& name, int depth,
                       Truth holding, Ways& out) {
    const bool all = holding == Truth::yes;
    if (const auto refusal = refusal_of(kind)) {
      out.refused = Refused{*refusal, called(name)};
      return !all;
    }
    if (kind == "accept") {
      out.accepted = true;
      return !all;
    }
    if (kind == "return") {
      out.on = true;
      return !all;
    }
    if (kind != "jump" && kind != "goto") return true;
    const ChainName target{std::get<0>(name), std::get<1>(name), text(member(value, "target"))};
    const Ways there = chain(target, depth + 1);
    out.add_ends(there);
    if (kind == "jump") return !all || there.on;
    out.on = out.on || there.on;
    return !all;
  }

  // Each key stands in a map once: a certain hit is the only one.
  bool map_goes_on(const Json& map, const ChainName& name, int depth, Truth holding, Ways& out) {
    const Json& key = member(map, "key");
    const Json& pairs = member(member(map, "data"), "set");
    if (!pairs.is_array()) {
      doubt("a named map");
      out.add_ends(anything(called(name)));
      return true;
    }
    for (const Json& pair : pairs) {
      if (!pair.is_array() || pair.size() != 2 || !pair[1].is_object() || pair[1].empty()) continue;
      const Truth hit = asked([&](std::string& unknown) {
        return is_element(key, pair[0], arrival_, sets_of(name), unknown);
      });
      if (hit == Truth::no) continue;
      const auto verdict = pair[1].begin();
      const bool on =
          verdict_goes_on(verdict.key(), verdict.value(), name, depth, std::min(holding, hit), out);
      if (hit == Truth::yes) return on;
    }
    return true;
  }

  template <class Question>
  Truth asked(const Question& question) {
    std::string unknown;
    const Truth answer = question(unknown);
    if (answer == Truth::maybe) doubt(unknown);
    return answer;
  }

  void doubt(const std::string& reason) {
    if (doubts_.size() < kNamedReasons && std::ranges::find(doubts_, reason) == doubts_.end()) {
      doubts_.push_back(reason);
    }
  }

  NamedSet sets_of(const ChainName& name) {
    return [this, &name](const std::string& set) -> const Json& {
      return rules_.elements_of({std::get<0>(name), std::get<1>(name), set});
    };
  }

  Rules& rules_;
  const Arrival& arrival_;
  size_t steps_ = 0;
  std::string depends_;              // the first base chain that refuses some
  std::vector<std::string> doubts_;  // why only some
};

}  // namespace

Result<NftFirewall> NftFirewall::read(RunNft run) {
  const auto listed = run("list chains");
  if (!listed) return std::unexpected(listed.error());
  const Json document = Json::parse(*listed, nullptr, false);
  const Json& objects = member(document, "nftables");
  if (!objects.is_array()) return fail("nftables answered in a way that is not understood");
  auto rules = std::make_unique<Rules>();
  rules->run = std::move(run);
  for (const Json& object : objects) {
    if (auto base = base_chain(member(object, "chain"))) {
      base->place = rules->bases.size();
      rules->bases.push_back(std::move(*base));
    }
  }
  std::ranges::sort(rules->bases, {}, [](const BaseChain& base) {
    return std::tuple(base.hook, base.priority, base.place);
  });
  return NftFirewall(std::move(rules));
}

Passed NftFirewall::ask(const SocketAddress& listener) {
  const IpAddress address = listener.addr.unmapped();
  Arrival arrival{.family = address.family,
                  .to = address.is_any() ? std::nullopt : std::optional(address),
                  .port = listener.port,
                  .over_loopback = address.is_loopback()};
  Passed own = Walk(*rules_, arrival).go();
  if (address.family == Family::v4 || !address.is_any()) return own;
  arrival.family = Family::v4;
  const Passed four = Walk(*rules_, arrival).go();
  if (four.words == own.words) return own;
  if (four.passage == own.passage && own.passage != Passage::depends) return own;
  return {Passage::depends, fmt::format("IPv4 {}; IPv6 {}", four.words, own.words)};
}

NftFirewall::NftFirewall(std::unique_ptr<Rules> rules) : rules_(std::move(rules)) {}
NftFirewall::NftFirewall(NftFirewall&&) noexcept = default;
NftFirewall& NftFirewall::operator=(NftFirewall&&) noexcept = default;
NftFirewall::~NftFirewall() = default;

}  // namespace tcpdx::host
