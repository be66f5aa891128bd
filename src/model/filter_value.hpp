// What may stand after each word of a filter: addresses, ports, states, names.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "model/filter.hpp"

namespace tcpdx {

// What the user wrote before a value. portrange is a port whose value is A-B.
enum class FilterKeyword : uint8_t {
  host,
  net,
  port,
  portrange,
  state,
  pid,
  comm,
  uid,
  netns,
  cgroup
};

// A test of `keyword` for this value. The error is the reason alone, without the place.
Result<FilterTest> filter_value(FilterKeyword keyword, std::string_view value);

// `net ADDRESS mask MASK`: the length of a netmask such as 255.255.240.0.
Result<unsigned> netmask_bits(std::string_view mask);

}  // namespace tcpdx
