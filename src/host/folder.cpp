// See folder.hpp.
#include "host/folder.hpp"

namespace tcpdx::host {

std::vector<uint32_t> numbered_entries(int folder) {
  std::vector<uint32_t> numbers;
  FolderReader().for_each(folder, [&](const char* name) {
    if (const auto number = parse_number<uint32_t>(name)) numbers.push_back(*number);
  });
  return numbers;
}

}  // namespace tcpdx::host
