// What people need to know of each state: the texts of `tcpdx explain STATE`.
#pragma once

#include <string_view>

#include "tcp/state.hpp"

namespace tcpdx::view {

struct StateText {
  tcp::State state;
  std::string_view summary;  // one line
  std::string_view who;      // client or server, and which user call waits or has been made
  std::string_view waits;    // for whom or what a connection in this state waits
  std::string_view lasts;    // how long Linux lets it last, and what ends it
  std::string_view healthy;  // how many, for how long, on a well machine
  std::string_view trouble;  // what many or old ones mean
  std::string_view note;     // what else people ask about it; may be empty
};

const StateText& state_text(tcp::State state);

}  // namespace tcpdx::view
