#include "lab/topology_json.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace tcpdx::lab {
namespace {

using Json = nlohmann::json;

// Thrown within this file only, with the whole sentence.
struct Wrong {
  std::string sentence;
};

template <class... Args>
[[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) {
  throw Wrong{fmt::format(format, std::forward<Args>(args)...)};
}

constexpr double kMostMs = 1e7;  // some hours: no delay of a test is longer

void read(const Json& json, std::string_view word, std::string& into) {
  if (!json.is_string()) wrong("\"{}\" is no text", word);
  into = json.get<std::string>();
}

void read(const Json& json, std::string_view word, bool& into) {
  if (!json.is_boolean()) wrong("\"{}\" is neither true nor false", word);
  into = json.get<bool>();
}

void read(const Json& json, std::string_view word, double& into) {
  if (!json.is_number()) wrong("\"{}\" is no number", word);
  into = json.get<double>();
}

template <std::integral Number>
void read(const Json& json, std::string_view word, Number& into) {
  if (!json.is_number_unsigned() || !std::in_range<Number>(json.get<uint64_t>())) {
    wrong("\"{}\" is no number from 0 to {}", word, std::numeric_limits<Number>::max());
  }
  into = static_cast<Number>(json.get<uint64_t>());
}

void read(const Json& json, std::string_view word, Duration& into) {
  double ms = -1;
  read(json, word, ms);
  if (ms < 0 || ms > kMostMs) wrong("\"{}\" is no time in milliseconds", word);
  into = Duration(static_cast<int64_t>(ms * 1000));
}

void read(const Json& json, std::string_view word, Prefix& into) {
  std::string text;
  read(json, word, text);
  const auto prefix = parse_prefix(text);
  if (!prefix) wrong("'{}' is no address with the length of its prefix", printable(text));
  into = *prefix;
}

void read(const Json& json, std::string_view word, std::optional<IpAddress>& into) {
  std::string text;
  read(json, word, text);
  into = parse_address(text);
  if (!into) wrong("'{}' is no address", printable(text));
}

void read(const Json& json, std::string_view word, Service& into) {
  std::string text;
  read(json, word, text);
  const auto service = parse_service(text);
  if (!service) wrong("no server does '{}'", printable(text));
  into = *service;
}

void read(const Json& json, std::string_view word, RouteKind& into) {
  constexpr std::array kKinds{std::pair{RouteKind::unicast, std::string_view("unicast")},
                              std::pair{RouteKind::blackhole, std::string_view("blackhole")},
                              std::pair{RouteKind::unreachable, std::string_view("unreachable")},
                              std::pair{RouteKind::prohibit, std::string_view("prohibit")}};
  std::string text;
  read(json, word, text);
  const auto* at = std::ranges::find(kKinds, text, &decltype(kKinds)::value_type::second);
  if (at == kKinds.end()) wrong("'{}' is no kind of route", printable(text));
  into = at->first;
}

void read(const Json& json, std::string_view word, std::vector<Sysctl>& into) {
  if (!json.is_object()) wrong("\"{}\" is no object", word);
  for (const auto& [name, value] : json.items()) {
    Sysctl& one = into.emplace_back();
    one.name = name;
    read(value, word, one.value);
  }
}

void read(const Json& json, std::string_view word, Route& into);
void read(const Json& json, std::string_view word, Server& into);
void read(const Json& json, std::string_view word, Host& into);
void read(const Json& json, std::string_view word, LinkEnd& into);
void read(const Json& json, std::string_view word, LinkSettings& into);
void read(const Json& json, std::string_view word, std::optional<Impairment>& into);
void read(const Json& json, std::string_view, Json& into) { into = json; }

// A word of an object, and what reads its value into a `Type`.
template <class Type>
struct Word {
  std::string_view name;
  std::function<void(const Json&, std::string_view, Type&)> read;
};

template <class Type, class Member>
Word<Type> word(std::string_view name, Member Type::* member) {
  return {name, [member](const Json& json, std::string_view called, Type& into) {
            read(json, called, into.*member);
          }};
}

template <class Type>
void read_object(const Json& json, std::string_view what, std::span<const Word<Type>> words,
                 Type& into) {
  if (!json.is_object()) wrong("{} is no object", what);
  for (const auto& [name, value] : json.items()) {
    const auto known = std::ranges::find(words, std::string_view(name), &Word<Type>::name);
    if (known == words.end()) wrong("{} has no \"{}\"", what, printable(name));
    known->read(value, name, into);
  }
}

template <class Item>
void read_list(const Json& json, std::string_view word, std::vector<Item>& into) {
  if (!json.is_array()) wrong("\"{}\" is no list", word);
  for (const Json& one : json) read(one, word, into.emplace_back());
}

void read(const Json& json, std::string_view, Route& into) {
  static const std::vector<Word<Route>> kWords{
      word("to", &Route::to), word("via", &Route::via), word("device", &Route::device),
      word("kind", &Route::kind), word("mtu", &Route::mtu)};
  read_object<Route>(json, "a route", kWords, into);
}

void read(const Json& json, std::string_view, Server& into) {
  static const std::vector<Word<Server>> kWords{
      word("port", &Server::port), word("service", &Server::service),
      word("backlog", &Server::backlog), word("octets", &Server::octets),
      word("after_ms", &Server::after)};
  read_object<Server>(json, "a server", kWords, into);
}

template <class Type, class Item>
Word<Type> list(std::string_view name, std::vector<Item> Type::* member) {
  return {name, [member](const Json& json, std::string_view called, Type& into) {
            read_list(json, called, into.*member);
          }};
}

void read(const Json& json, std::string_view, Host& into) {
  static const std::vector<Word<Host>> kWords{
      word("name", &Host::name),     word("forwards", &Host::forwards),
      list("routes", &Host::routes), word("sysctls", &Host::sysctls),
      word("rules", &Host::rules),   list("servers", &Host::servers)};
  read_object<Host>(json, "a host", kWords, into);
}

const std::vector<Word<Impairment>>& words_of_impairment() {
  static const std::vector<Word<Impairment>> kWords{word("loss", &Impairment::loss),
                                                    word("duplication", &Impairment::duplication),
                                                    word("reordering", &Impairment::reordering),
                                                    word("delay_ms", &Impairment::delay),
                                                    word("jitter_ms", &Impairment::jitter),
                                                    word("held_back_ms", &Impairment::held_back),
                                                    word("rate", &Impairment::rate),
                                                    word("queue", &Impairment::queue),
                                                    word("queue_length", &Impairment::queue_length),
                                                    word("mtu", &Impairment::mtu),
                                                    word("tells_mtu", &Impairment::tells_mtu),
                                                    word("seed", &Impairment::seed)};
  return kWords;
}

void read(const Json& json, std::string_view, std::optional<Impairment>& into) {
  read_object<Impairment>(json, "\"sends\"", words_of_impairment(), into.emplace());
}

void read(const Json& json, std::string_view, LinkEnd& into) {
  static const std::vector<Word<LinkEnd>> kWords{
      word("host", &LinkEnd::host), word("device", &LinkEnd::device),
      list("addresses", &LinkEnd::addresses), word("mtu", &LinkEnd::mtu),
      word("sends", &LinkEnd::sends)};
  read_object<LinkEnd>(json, "an end of a link", kWords, into);
}

void read(const Json& json, std::string_view, LinkSettings& into) {
  static const std::vector<Word<LinkSettings>> kWords{
      {"ends", [](const Json& ends, std::string_view called, LinkSettings& link) {
         if (!ends.is_array() || ends.size() != 2) wrong("\"{}\" is no list of two", called);
         for (size_t i = 0; i < 2; ++i) read(ends[i], called, link.ends.at(i));
       }}};
  read_object<LinkSettings>(json, "a link", kWords, into);
}

// The document, before what adds to a chain has been added.
struct Document {
  std::vector<std::string> chain;
  std::vector<Host> hosts;
  std::vector<LinkSettings> links;
  std::vector<Json> sends;
  bool routed = true;
};

// Takes "link" and "end" out of the object; the rest is the impairment.
void add_sends(Json json, Topology& topology) {
  size_t link = 0;
  size_t end = 0;
  if (!json.is_object() || !json.contains("link") || !json.contains("end")) {
    wrong("an entry of \"sends\" has no \"link\" or no \"end\"");
  }
  read(json["link"], "link", link);
  read(json["end"], "end", end);
  if (link >= topology.links.size() || end > 1) {
    wrong("the chain has no link {} with an end {}", link, end);
  }
  json.erase("link");
  json.erase("end");
  read(json, "sends", topology.links[link].ends.at(end).sends);
}

// A host that the chain has gets what the entry says of it.
void add_host(Host host, Topology& topology) {
  const auto known = std::ranges::find(topology.hosts, host.name, &Host::name);
  if (known == topology.hosts.end()) {
    topology.hosts.push_back(std::move(host));
    return;
  }
  host.forwards = host.forwards || known->forwards;
  host.routes.insert(host.routes.begin(), known->routes.begin(), known->routes.end());
  *known = std::move(host);
}

Topology read_document(const Json& json) {
  static const std::vector<Word<Document>> kWords{
      list("chain", &Document::chain), list("hosts", &Document::hosts),
      list("links", &Document::links), list("sends", &Document::sends),
      word("routed", &Document::routed)};
  Document document;
  read_object<Document>(json, "a topology", kWords, document);
  constexpr size_t kMostInChain = 100;
  if (document.chain.size() > kMostInChain) wrong("the chain has more than {} hosts", kMostInChain);
  Topology topology;
  if (!document.chain.empty()) topology = chain(document.chain);
  for (Host& host : document.hosts) add_host(std::move(host), topology);
  for (const Json& one : document.sends) add_sends(one, topology);
  if (document.links.empty()) return topology;
  for (LinkSettings& link : document.links) topology.links.push_back(std::move(link));
  if (document.routed) add_routes(topology);
  return topology;
}

template <class Value>
Result<Value> read_text(std::string_view text, const std::function<Value(const Json&)>& reader) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail("this is no JSON");
  try {
    return reader(json);
  } catch (const Wrong& wrong) {
    return fail("{}", wrong.sentence);
  }
}

}  // namespace

Result<Topology> read_topology(std::string_view json) {
  return read_text<Topology>(json, read_document);
}

Result<Impairment> read_impairment(std::string_view json) {
  return read_text<Impairment>(json, [](const Json& parsed) {
    std::optional<Impairment> read_one;
    read(parsed, "sends", read_one);
    return read_one.value_or(Impairment{});
  });
}

}  // namespace tcpdx::lab
