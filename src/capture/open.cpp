#include "capture/open.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "capture/input.hpp"
#include "capture/merge.hpp"
#include "capture/stream.hpp"

namespace tcpdx::capture {
namespace {

Result<std::unique_ptr<Source>> open_with(const std::string& path, size_t block) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : path;
  Fd fd(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail("cannot read {}: {}", name, errno_text(errno));
  return open_input(file_input(std::move(fd)), name, block);
}

}  // namespace

Result<std::unique_ptr<Source>> open_file(const std::string& path) {
  return open_with(path, kReadBlock);
}

Result<std::unique_ptr<Source>> open_files(std::span<const std::string> paths) {
  if (paths.size() == 1) return open_file(paths.front());
  constexpr size_t kForAll = 64 * kReadBlock;
  constexpr size_t kSmallest = 64 * size_t{1024};
  const size_t share = kForAll / std::max<size_t>(paths.size(), 1);
  const size_t block = std::clamp(share, kSmallest, kReadBlock);
  std::vector<std::unique_ptr<Source>> parts;
  parts.reserve(paths.size());
  for (const std::string& path : paths) {
    Result<std::unique_ptr<Source>> part = open_with(path, block);
    if (!part) return part;
    parts.push_back(*std::move(part));
  }
  return merge(std::move(parts));
}

}  // namespace tcpdx::capture
