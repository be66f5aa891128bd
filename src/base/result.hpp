// Errors are values with a sentence: what was tried, on what, why it failed, what to do about it.
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <system_error>
#include <utility>

namespace tcpdx {

struct Error {
  std::string sentence;
};

template <class T>
using Result = std::expected<T, Error>;

// fail("cannot read {}: {}", path, reason) as a return value of any Result<T>.
template <class... Args>
std::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

// The system's words for an errno value, without its number.
inline std::string errno_text(int error) { return std::generic_category().message(error); }

}  // namespace tcpdx
