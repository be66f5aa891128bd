// libbpf_set_print() is for the whole program; the thread tells whose the message is.
#include "host/libbpf_messages.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"

namespace tcpdx::host {
namespace {

thread_local LibbpfMessages* listener = nullptr;

[[gnu::format(printf, 2, 0)]] int print(libbpf_print_level level, const char* format,
                                        va_list arguments) {
  if (listener == nullptr || level != LIBBPF_WARN) return 0;
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  listener->hear(line.data());
  return 0;
}

}  // namespace

LibbpfMessages::LibbpfMessages() : outer_(std::exchange(listener, this)) {
  libbpf_set_print(print);
}

LibbpfMessages::~LibbpfMessages() { listener = outer_; }

void LibbpfMessages::hear(std::string_view text) {
  if (!first_.empty()) return;
  constexpr std::string_view kName = "libbpf: ";
  if (text.starts_with(kName)) text.remove_prefix(kName.size());
  first_ = printable(trim(text.substr(0, text.find('\n'))));
}

std::string libbpf_reason(int error, const LibbpfMessages& messages) {
  const std::string reason = errno_text(-error);
  return messages.first().empty() ? reason
                                  : fmt::format("{} (libbpf: {})", reason, messages.first());
}

}  // namespace tcpdx::host
