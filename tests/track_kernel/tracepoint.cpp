#include "track_kernel/tracepoint.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/order.hpp"

namespace tcpdx::track_kernel {
namespace {

constexpr std::string_view kTracefs = "/sys/kernel/tracing";
constexpr std::string_view kEvent = "events/sock/inet_sock_set_state";
constexpr std::string_view kPrefix = "tcpdx_track_";
constexpr auto kSurelyForgotten = std::chrono::hours(1);
constexpr int kBufferKb = 4096;  // for each processor

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string path(std::string_view in, std::string_view name) {
  return fmt::format("{}/{}", in, name);
}

bool write(const std::string& to, std::string_view text) {
  std::ofstream file(to);
  file << text << std::flush;
  return file.good();
}

// main() gave this process mounts of its own.
Result<void> mount_tracefs() {
  if (::access(path(kTracefs, "instances").c_str(), W_OK) == 0) return {};
  if (::mount("nodev", kTracefs.data(), "tracefs", 0, nullptr) == 0) return {};
  return fail("cannot mount tracefs: {}", errno_text(errno));
}

// What a run that was killed has left. One that still records cannot be removed (EBUSY).
void remove_forgotten() {
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(path(kTracefs, "instances"), ignored)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    struct stat status{};
    if (::stat(entry.path().c_str(), &status) != 0) continue;
    const int64_t age = clock_ns(CLOCK_REALTIME) / 1'000'000'000 - status.st_mtim.tv_sec;
    if (std::chrono::seconds(age) > kSurelyForgotten) ::rmdir(entry.path().c_str());
  }
}

// The value of " name=value".
std::string_view field(std::string_view line, std::string_view name) {
  const size_t start = line.find(fmt::format(" {}=", name));
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start + name.size() + 2);
  return line.substr(0, line.find(' '));
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "  name-123  [001] ..s1. 28198.128087: inet_sock_set_state: ...": seconds and microseconds.
std::optional<int64_t> time_of(std::string_view line) {
  line = line.substr(0, line.find(": inet_sock_set_state:"));
  line.remove_prefix(std::min(line.size(), line.rfind(' ') + 1));
  const size_t point = line.find('.');
  if (point == std::string_view::npos) return std::nullopt;
  const auto seconds = number<int64_t>(line.substr(0, point));
  const auto micros = number<int64_t>(line.substr(point + 1));
  if (!seconds || !micros) return std::nullopt;
  return *seconds * 1'000'000'000 + *micros * 1000;
}

std::optional<SocketAddress> end_of(std::string_view line, std::string_view address,
                                    std::string_view port) {
  const auto addr = parse_address(field(line, address));
  const auto its_port = number<uint16_t>(field(line, port));
  if (!addr || !its_port) return std::nullopt;
  return SocketAddress{*addr, *its_port};
}

// "overrun: 12" and "dropped events: 0" of one processor's statistics.
bool is_whole(const std::string& stats) {
  std::ifstream file(stats);
  std::string line;
  int counted = 0;
  while (std::getline(file, line)) {
    const bool counts = line.starts_with("overrun:") || line.starts_with("commit overrun:") ||
                        line.starts_with("dropped events:");
    if (counts && !line.ends_with(": 0")) return false;
    counted += counts ? 1 : 0;
  }
  return counted > 0;
}

}  // namespace

Tracepoint::Tracepoint(std::string folder) : folder_(std::move(folder)) {}

Tracepoint::~Tracepoint() {
  write(path(folder_, path(kEvent, "enable")), "0");
  ::rmdir(folder_.c_str());
}

Result<std::unique_ptr<Tracepoint>> Tracepoint::open(uint16_t first, uint16_t ports) {
  if (auto mounted = mount_tracefs(); !mounted) return std::unexpected(mounted.error());
  remove_forgotten();
  // The first port is this process's own (road.hpp).
  const std::string folder =
      fmt::format("{}/instances/{}{}_{}", kTracefs, kPrefix, ::getpid(), first);
  if (::mkdir(folder.c_str(), 0700) != 0) {
    return fail("cannot make an instance of the kernel's tracer: {}", errno_text(errno));
  }
  std::unique_ptr<Tracepoint> made(new Tracepoint(folder));
  const std::string filter = fmt::format(
      "(sport >= {0} && sport < {1}) || (dport >= {0} && dport < {1})", first, first + ports);
  const bool begun = write(path(folder, "trace_clock"), "mono") &&
                     write(path(folder, "buffer_size_kb"), fmt::to_string(kBufferKb)) &&
                     write(path(folder, path(kEvent, "filter")), filter) &&
                     write(path(folder, path(kEvent, "enable")), "1");
  if (!begun) return fail("cannot record the tracepoint sock:inet_sock_set_state");
  made->to_wall_ns_ = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
  return made;
}

void Tracepoint::stop() {
  write(path(folder_, path(kEvent, "enable")), "0");
  std::ifstream trace(path(folder_, "trace"));
  for (std::string line; std::getline(trace, line);) take(line);
  sort_keeping_order(events_, {}, &SetState::time_ns);
  lost_ = trace.bad();
  std::error_code error;
  for (const auto& cpu : std::filesystem::directory_iterator(path(folder_, "per_cpu"), error)) {
    lost_ = lost_ || !is_whole(cpu.path() / "stats");
  }
  lost_ = lost_ || error;
}

void Tracepoint::take(std::string_view line) {
  const auto time = time_of(line);
  const auto local = end_of(line, "saddr", "sport");
  const auto remote = end_of(line, "daddr", "dport");
  const auto from = tcp::parse_state(field(line, "oldstate"));
  const auto to = tcp::parse_state(field(line, "newstate"));
  if (!time || !local || !remote || !from || !to) return;
  events_.push_back({*time + to_wall_ns_, {*local, *remote}, *from, *to});
}

}  // namespace tcpdx::track_kernel
