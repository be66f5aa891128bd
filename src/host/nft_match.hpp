// Does a match of an nftables rule, as libnftables-json(5) writes it, hold for the first SYN of a
// new connection to a listener? From where it comes is not known, so the answer may be "maybe".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/address.hpp"

namespace tcpdx::host {

using Json = nlohmann::json;

// A SYN on its way to a listener.
struct Arrival {
  Family family = Family::v4;
  std::optional<IpAddress> to;  // nothing: any address of the machine
  uint16_t port = 0;
  bool over_loopback = false;  // else over some other interface
};

enum class Truth : uint8_t { no, maybe, yes };
Truth operator!(Truth truth);

// Null where there is no such member, or where `value` is no object.
const Json& member(const Json& value, const char* name);

// The elements of the named set of the rule's table; null: not known.
using NamedSet = std::function<const Json&(const std::string& name)>;

// `match` is what stands under "match". Writes into `unknown` what it could not answer: "ip saddr".
Truth holds(const Json& match, const Arrival& arrival, const NamedSet& sets, std::string& unknown);

// Is the value of `key` ("key" of a "vmap") the element?
Truth is_element(const Json& key, const Json& element, const Arrival& arrival, const NamedSet& sets,
                 std::string& unknown);

}  // namespace tcpdx::host
