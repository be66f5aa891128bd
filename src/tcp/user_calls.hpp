// The user's calls on one connection (RFC 9293 3.10.2 to 3.10.5), once the record is found.
#pragma once

#include <span>

#include "base/result.hpp"
#include "tcp/core.hpp"

namespace tcpdx::tcp {

Result<size_t> user_send(Core& core, Tcb& tcb, std::span<const std::byte> octets,
                         SendOptions options);
Result<size_t> user_receive(Core& core, Tcb& tcb, std::span<std::byte> out);
Result<void> user_shutdown(Core& core, Tcb& tcb);
// The program lets go: afterwards nobody holds the record.
void user_close(Core& core, Tcb& tcb);
void user_abort(Core& core, Tcb& tcb);
Status status_of(const Core& core, const Tcb& tcb);
Readiness readiness_of(const Core& core, const Tcb& tcb);

}  // namespace tcpdx::tcp
