// Where a look takes its sockets and their owners from, and the words for it (--source).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace tcpdx::host {

enum class TableSource : uint8_t { automatic, sock_diag, proc_net };
enum class OwnerSource : uint8_t { automatic, bpf, proc };

struct Sources {
  TableSource tables = TableSource::automatic;
  OwnerSource owners = OwnerSource::automatic;
};

// "auto", "bpf", "proc", "sock_diag", "proc-net", or one for each separated by a comma.
Result<Sources> parse_sources(std::string_view words);

// As Observation::sources names them.
std::string_view name_of(TableSource source);
std::string_view name_of(OwnerSource source);

}  // namespace tcpdx::host
