// What the program's exit codes mean. doctor's follow the convention of monitoring plugins.
#pragma once

namespace tcpdx::cli {

inline constexpr int kOk = 0;
inline constexpr int kWarning = 1;
inline constexpr int kCritical = 2;
inline constexpr int kCannotLook = 3;  // no such file, not permitted, damaged input
inline constexpr int kUsage = 64;      // EX_USAGE of sysexits.h

}  // namespace tcpdx::cli
