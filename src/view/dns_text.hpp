// What a look at a name shows: as text and as JSON.
#pragma once

#include <ostream>
#include <span>

#include "probe/dns_look.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

void write_dns(std::ostream& out, const Style& style, const probe::DnsLook& look,
               std::span<const probe::DnsFinding> findings);
// docs/json.md, `tcpdx dns --json`.
void write_dns_json(std::ostream& out, const probe::DnsLook& look,
                    std::span<const probe::DnsFinding> findings);

}  // namespace tcpdx::view
