// Which lines a packet ladder has: every packet, or only what tells something.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/connection.hpp"
#include "view/packet_log.hpp"

namespace tcpdx::view {

struct LadderItem {
  enum class Kind : uint8_t {
    packet,    // log[first]
    transfer,  // from log[first] to log[last]: plain data and ACKs
    probes,    // the same: keep-alives, zero-window probes and answers
    silence,   // for `silence_ns`
    silent_end,
    left_out,  // of the log
    change,    // connection.timeline[first], which no packet of the log stands for
  };

  Kind kind{};
  size_t first = 0;
  size_t last = 0;
  int64_t silence_ns = 0;
};

std::vector<LadderItem> ladder_items(const Connection& connection, const PacketLog& log, bool all);

}  // namespace tcpdx::view
