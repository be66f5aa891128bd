// The effective set decides, as it does in the kernel.
#include "host/capabilities.hpp"

#include <cap-ng.h>
#include <fmt/core.h>

#include <string_view>
#include <vector>

#include "base/file.hpp"
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

// The whole range of numbers maps to itself, and nothing else does (user_namespaces(7)).
bool in_initial_user_namespace() {
  const Result<std::string> map = read_file("/proc/thread-self/uid_map");
  if (!map) return true;
  const std::vector<std::string_view> columns = words(trim(*map));
  return columns.size() == 3 && columns[0] == "0" && columns[1] == "0" &&
         columns[2] == "4294967295";
}

bool has_capability(unsigned capability) {
  return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
}

std::string lacking(std::initializer_list<unsigned> wanted) {
  const bool initial = in_initial_user_namespace();
  std::string names;
  for (const unsigned capability : wanted) {
    if (initial && has_capability(capability)) continue;
    if (!names.empty()) names += " and ";
    names += name_of(capability);
  }
  if (!initial) names += " outside this user namespace";
  return names;
}

}  // namespace tcpdx::host
