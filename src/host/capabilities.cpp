// The effective set decides, as it does in the kernel.
#include "host/capabilities.hpp"

#include <cap-ng.h>
#include <fmt/core.h>

#include <string_view>

#include "base/text.hpp"

namespace tcpdx::host {

namespace {

std::string name_of(unsigned capability) {
  const char* name = capng_capability_to_name(capability);
  std::string text = fmt::format("cap_{}", name == nullptr ? std::to_string(capability) : name);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace

bool has_capability(unsigned capability) {
  return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
}

std::string lacking(std::initializer_list<unsigned> wanted) {
  std::string names;
  for (const unsigned capability : wanted) {
    if (has_capability(capability)) continue;
    if (!names.empty()) names += " and ";
    names += name_of(capability);
  }
  return names;
}

}  // namespace tcpdx::host
