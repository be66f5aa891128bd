// The rights of this process (capabilities(7)).
#pragma once

#include <initializer_list>
#include <string>

namespace tcpdx::host {

// In effect in our user namespace, whatever that is.
bool has_capability(unsigned capability);

// Capabilities of any other user namespace do not count for what belongs to the whole machine.
bool in_initial_user_namespace();

// "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH": those of `wanted` that are not in effect; empty when
// all of them are. In a user namespace of our own none of them counts, and the text says so.
std::string lacking(std::initializer_list<unsigned> wanted);

}  // namespace tcpdx::host
