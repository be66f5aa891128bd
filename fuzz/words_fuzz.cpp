// Any text as each of the single words that a command line or a file of /proc may hold.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/address.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "tcp/state.hpp"
#include "view/socket_table.hpp"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpdx;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto duration = parse_duration(text)) must(*duration >= Duration::zero());
  if (const auto address = parse_address(text)) must(parse_address(to_string(*address)) == address);
  if (const auto state = tcp::parse_state(text)) {
    must(tcp::parse_state(tcp::to_string(*state)) == state);
  }
  if (const auto columns = view::parse_columns(text)) must(!columns->empty());
  if (const auto keys = view::parse_sort(text)) must(!keys->empty());
  // What is printable stays as it is, and one word stays on one line.
  must(printable(printable(text)) == printable(text));
  must(one_word(text).find_first_of("\n\r\x1b") == std::string::npos);
  return 0;
}
