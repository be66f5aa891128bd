// The table of `tcpdx sockets`: which columns there are, how each is shown and sorted.
#pragma once

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/runner.hpp"
#include "model/observation.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

struct Column;  // one row of the table of columns in socket_columns.cpp

using Columns = std::vector<const Column*>;

// What a look must have asked the kernel for so that these columns have something to show.
struct Needs {
  bool infos = false;
  bool owners = false;
};
Needs needs_of(const Columns& columns);

// "local,remote,rtt_us". An error names the word, and lists the columns.
Result<Columns> parse_columns(std::string_view names);
// The columns shown when none are named; with that of the namespace if there are several.
Columns default_columns(bool several_namespaces);

// "state,-recv_q": by state, then by recv_q, the greatest first.
struct SortKey {
  const Column* column;
  bool descending;
};
Result<std::vector<SortKey>> parse_sort(std::string_view names);

// Sorts indices of sockets of the last look; without keys by namespace, state, IPv4 before
// IPv6, local and remote end.
void sort_sockets(const Observation& observation, std::span<const SortKey> keys,
                  std::vector<uint32_t>& indices);

// Every name and title, as the help lists them.
std::string describe_columns();

// Cells are cut only in the last column, and only where lines have an end (style.width).
void write_socket_table(std::ostream& out, const Style& style, const Observation& observation,
                        const Columns& columns, std::span<const uint32_t> shown,
                        const Runner& run = run_in_turn);

}  // namespace tcpdx::view
