// Whole-file reading and writing by system calls: /proc wants one read, snapshots want rename.
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace tcpdx {
namespace {

// 0 or errno. `into` keeps its capacity, so that a loop over many files allocates once.
int read_all(int fd, std::string& into) {
  constexpr size_t kFirst = 4096;
  into.resize(std::max(into.capacity(), kFirst));
  size_t used = 0;
  for (;;) {
    if (used == into.size()) into.resize(2 * used);
    const ssize_t got = ::read(fd, into.data() + used, into.size() - used);
    if (got < 0 && errno == EINTR) continue;
    const int error = got < 0 ? errno : 0;
    if (got <= 0) {
      into.resize(used);
      return error;
    }
    used += static_cast<size_t>(got);
  }
}

int write_all(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return 0;
}

// A device or a pipe is written to, never replaced.
int write_in_place(const std::string& path, std::span<const char> bytes) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  return fd ? write_all(fd.get(), bytes) : errno;
}

// The file keeps mkstemp(3)'s mode 0600: what is saved may hold command lines of other users.
int write_beside(const std::string& target, std::span<const char> bytes) {
  std::string name = target + ".XXXXXX";
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return errno;
  int error = write_all(fd.get(), bytes);
  if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
  fd.reset();
  if (error == 0 && std::rename(name.c_str(), target.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(name.c_str());
  return error;
}

// The file behind a symbolic link, so that the link survives the rename.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? std::string(real.get()) : path;
}

}  // namespace

int read_file_at(int dir, const char* path, std::string& into) {
  const Fd fd(::openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    const int error = errno;
    into.clear();
    return error;
  }
  return read_all(fd.get(), into);
}

Result<std::string> read_file(const std::string& path) {
  std::string text;
  const int error = read_file_at(AT_FDCWD, path.c_str(), text);
  if (error != 0) return fail("cannot read {}: {}", path, errno_text(error));
  return text;
}

Result<void> write_file(const std::string& path, std::span<const char> bytes) {
  struct stat found{};
  const bool special = ::stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode);
  const int error = special ? write_in_place(path, bytes) : write_beside(resolved(path), bytes);
  if (error != 0) return fail("cannot write {}: {}", path, errno_text(error));
  return {};
}

}  // namespace tcpdx
