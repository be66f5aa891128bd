// Any text as a filter: it is read or refused with a sentence, and what was read can be tried.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/filter.hpp"
#include "model/observation.hpp"

namespace {

tcpdx::Observation one_socket() {
  tcpdx::Observation seen;
  seen.namespaces.resize(1);
  seen.namespaces[0].name = "blue";
  seen.processes.resize(1);
  seen.processes[0].comm = "nginx";
  seen.processes[0].cgroup = "/system.slice/nginx.service";
  seen.looks.resize(1);
  seen.looks[0].owners = {{.inode = 1, .process = 0, .fd = 3}};
  tcpdx::Socket socket;
  socket.local = {.addr = tcpdx::ipv4(10, 0, 0, 1), .port = 80};
  socket.first_owner = 0;
  socket.owner_count = 1;
  seen.looks[0].sockets.push_back(socket);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const tcpdx::Observation kSeen = one_socket();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto filter = tcpdx::parse_filter(text);
  if (!filter) {
    if (filter.error().sentence.empty()) std::abort();
    return 0;
  }
  const tcpdx::Look& look = kSeen.now();
  const bool once = tcpdx::matches(*filter, kSeen, look, look.sockets[0]);
  // A filter that was read can stand in parentheses, negated, and then matches the opposite.
  if (size > 0 && !filter->steps.empty()) {
    const auto negated = tcpdx::parse_filter("not (" + std::string(text) + ")");
    if (negated && tcpdx::matches(*negated, kSeen, look, look.sockets[0]) == once) std::abort();
  }
  return 0;
}
