// The columns of the socket table, one row each.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/observation.hpp"
#include "view/listeners.hpp"
#include "view/socket_table.hpp"

namespace tcpdx::view {

// A socket and what is needed to tell about it.
struct Row {
  const Observation& observation;
  const Look& look;
  const Listeners& listeners;
  const Socket& socket;
};

enum class Align : uint8_t { left, right };

struct Column {
  std::string_view name;   // as on the command line and, where it is there, in JSON
  std::string_view title;  // over the column
  std::string_view about;
  Align align = Align::left;
  Needs needs;
  void (*text)(const Column&, const Row&, fmt::memory_buffer&);
  std::weak_ordering (*order)(const Column&, const Row&, const Row&);
  const TcpInfoField* field = nullptr;  // the columns of tcp_info differ in nothing else
};

// Own columns first, then one for each field of tcp_info.
std::span<const Column> all_columns();
// A name in any case, '-' and '_' alike; null if there is none.
const Column* find_column(std::string_view name);

}  // namespace tcpdx::view
