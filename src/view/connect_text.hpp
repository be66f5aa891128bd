// Attempts to connect, as text and as JSON.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "probe/connect.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// The line of one attempt and, where there is more to say, lines under it.
void write_attempt(std::ostream& out, const Style& style, const probe::Attempt& attempt);

// Of several attempts: how many came about, how long they took, why the others did not.
void write_attempts_summary(std::ostream& out, std::span<const probe::Attempt> attempts);

// Of addresses of both families: in which order clients that race them try them (RFC 8305).
void write_racing_order(std::ostream& out, const std::vector<IpAddress>& addresses);

// docs/json.md, `tcpdx connect --json`; `addresses` are those of the target.
void write_attempts_json(std::ostream& out, const std::string& target,
                         const std::vector<IpAddress>& addresses,
                         std::span<const probe::Attempt> attempts);

}  // namespace tcpdx::view
