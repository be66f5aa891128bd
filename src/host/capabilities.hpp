// The rights of this process (capabilities(7)).
#pragma once

#include <initializer_list>
#include <string>

namespace tcpdx::host {

bool has_capability(unsigned capability);

// "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH": those of `wanted` that are not in effect; empty when
// all of them are.
std::string lacking(std::initializer_list<unsigned> wanted);

}  // namespace tcpdx::host
