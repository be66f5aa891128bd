// What the kernel's counters count, and what they do not: the texts of `tcpdx explain COUNTER`.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace tcpdx::view {

struct CounterText {
  std::string_view name;      // as Counters has it: "TcpExt.ListenOverflows"
  std::string_view counts;    // exactly
  std::string_view not_this;  // what it is taken for and is not
  std::string_view where;     // kernel file and function
  std::string_view advice;    // what to do when it rises, or is high
  bool level = false;         // a value that goes up and down, not a count since boot
  bool machine = false;       // of the whole machine, in whichever namespace it is read
};

// Those that have a text, by subject.
std::span<const CounterText> counter_texts();

// By full name, or by the part behind the group where only one counter has it; in any case.
const CounterText* find_counter_text(std::string_view word);

// What stands before the last point: "TcpExt", "sockstat.TCP"; "Ip6" or "Icmp6" of snmp6's names.
std::string_view counter_group(std::string_view name);

}  // namespace tcpdx::view
