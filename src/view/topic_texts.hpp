// What is wider than one state: queues, opening, closing, half-open connections. The texts of
// `tcpdx explain TOPIC`.
#pragma once

#include <span>
#include <string_view>

#include "tcp/state.hpp"

namespace tcpdx::view {

struct TopicPart {
  std::string_view label;  // one short word
  std::string_view text;
};

struct TopicText {
  std::string_view name;  // kebab-case
  std::string_view summary;
  std::span<const std::string_view> other_names;
  std::span<const TopicPart> parts;
  std::span<const tcp::State> states;
  std::span<const std::string_view> faults;  // ids
  std::string_view look;                     // a command that shows it on this machine
};

std::span<const TopicText> topics();
// By name or other name, in any case, with '_' or ' ' for '-'. Null for other words.
const TopicText* find_topic(std::string_view word);

}  // namespace tcpdx::view
