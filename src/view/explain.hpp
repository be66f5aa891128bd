// `tcpdx explain`: what a state, a topic, a fault or a counter is, where it comes from, what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string_view>

#include "model/fault_info.hpp"
#include "tcp/state.hpp"
#include "view/counter_texts.hpp"
#include "view/style.hpp"
#include "view/topic_texts.hpp"

namespace tcpdx::view {

// All faults that there are; a state names those that pile up in it.
using FaultInfos = std::span<const FaultInfo* const>;

void explain_state(std::ostream& out, const Style& style, tcp::State state, FaultInfos faults);
void explain_topic(std::ostream& out, const Style& style, const TopicText& topic,
                   FaultInfos faults);
void explain_fault(std::ostream& out, const Style& style, const FaultInfo& fault);
// A counter of the kernel: by its text, or by what can be said without one (null).
struct CounterSubject {
  std::string_view name;  // as Counters has it
  const CounterText* text = nullptr;
  std::optional<uint64_t> value;  // in our namespace, now
};
void explain_counter(std::ostream& out, const Style& style, const CounterSubject& counter,
                     FaultInfos faults);

// Each state, topic and fault in one line, and the counters that have a text.
void list_explained(std::ostream& out, const Style& style, FaultInfos faults);

void explain_state_json(std::ostream& out, tcp::State state, FaultInfos faults);
void explain_topic_json(std::ostream& out, const TopicText& topic);
void explain_fault_json(std::ostream& out, const FaultInfo& fault);
void explain_counter_json(std::ostream& out, const CounterSubject& counter, FaultInfos faults);
void list_explained_json(std::ostream& out, FaultInfos faults);

}  // namespace tcpdx::view
