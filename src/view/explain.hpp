// `tcpdx explain`: what a state, a topic or a fault is, where it comes from, what to do.
#pragma once

#include <ostream>
#include <span>

#include "model/fault_info.hpp"
#include "tcp/state.hpp"
#include "view/style.hpp"
#include "view/topic_texts.hpp"

namespace tcpdx::view {

// All faults that there are; a state names those that pile up in it.
using FaultInfos = std::span<const FaultInfo* const>;

void explain_state(std::ostream& out, const Style& style, tcp::State state, FaultInfos faults);
void explain_topic(std::ostream& out, const Style& style, const TopicText& topic,
                   FaultInfos faults);
void explain_fault(std::ostream& out, const Style& style, const FaultInfo& fault);
// Each state, topic and fault in one line.
void list_explained(std::ostream& out, const Style& style, FaultInfos faults);

void explain_state_json(std::ostream& out, tcp::State state, FaultInfos faults);
void explain_topic_json(std::ostream& out, const TopicText& topic);
void explain_fault_json(std::ostream& out, const FaultInfo& fault);
void list_explained_json(std::ostream& out, FaultInfos faults);

}  // namespace tcpdx::view
