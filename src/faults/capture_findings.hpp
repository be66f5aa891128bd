// Faults that one captured connection shows by itself.
#pragma once

#include <string_view>
#include <vector>

#include "model/connection.hpp"

namespace tcpdx::faults {

// Ids of the catalogue, each once. A single connection is only an example: `doctor` asks for shares
// and numbers before it reports.
std::vector<std::string_view> findings_of(const Connection& connection);

}  // namespace tcpdx::faults
