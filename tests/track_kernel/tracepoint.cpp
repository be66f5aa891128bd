#include "track_kernel/tracepoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include "base/file.hpp"

namespace tcpdx::track_kernel {
namespace {

constexpr size_t kRingPages = 256;
constexpr const char* kTracefs = "/sys/kernel/tracing";
constexpr const char* kId = "/sys/kernel/tracing/events/sock/inet_sock_set_state/id";

// The fields of the tracepoint (include/trace/events/sock.h), as its "format" file places them.
struct Fields {
  uint64_t common = 0;
  uint64_t socket = 0;
  int32_t old_state = 0;
  int32_t new_state = 0;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint16_t family = 0;
  uint16_t protocol = 0;
  std::array<uint8_t, 4> source{};
  std::array<uint8_t, 4> destination{};
};

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Result<uint64_t> number_of_tracepoint() {
  // main() gave this process mounts of its own.
  uint64_t id = 0;
  if (std::ifstream(kId) >> id) return id;
  if (::mount("nodev", kTracefs, "tracefs", 0, nullptr) != 0) {
    return fail("cannot mount tracefs: {}", errno_text(errno));
  }
  if (std::ifstream(kId) >> id) return id;
  return fail("the kernel has no tracepoint sock:inet_sock_set_state");
}

template <class Value>
Value at(std::span<const std::byte> octets, size_t offset) {
  Value value{};
  if (offset + sizeof value <= octets.size()) {
    std::memcpy(&value, octets.data() + offset, sizeof value);
  }
  return value;
}

}  // namespace

struct Tracepoint::Ring {
  Fd event;
  std::byte* start = nullptr;  // one page of control, then the data
  size_t page = 0;

  ~Ring() {
    if (start != nullptr) ::munmap(start, page * (kRingPages + 1));
  }
  perf_event_mmap_page& control() const {
    return *static_cast<perf_event_mmap_page*>(static_cast<void*>(start));
  }
};

Tracepoint::~Tracepoint() = default;

Result<std::unique_ptr<Tracepoint>> Tracepoint::open(uint16_t first, uint16_t ports) {
  const Result<uint64_t> id = number_of_tracepoint();
  if (!id) return std::unexpected(id.error());
  std::unique_ptr<Tracepoint> made(new Tracepoint);
  made->to_wall_ns_ = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof attr;
  attr.config = *id;
  attr.sample_period = 1;
  attr.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  attr.disabled = 1;
  const std::string filter = fmt::format(
      "(sport >= {0} && sport < {1}) || (dport >= {0} && dport < {1})", first, first + ports);
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  for (int cpu = 0; cpu < cpus; ++cpu) {
    auto ring = std::make_unique<Ring>();
    ring->page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    ring->event = Fd(
        static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
    if (!ring->event) return fail("cannot open the tracepoint: {}", errno_text(errno));
    void* start = ::mmap(nullptr, ring->page * (kRingPages + 1), PROT_READ | PROT_WRITE, MAP_SHARED,
                         ring->event.get(), 0);
    if (start == MAP_FAILED) return fail("cannot map the tracepoint: {}", errno_text(errno));
    ring->start = static_cast<std::byte*>(start);
    if (::ioctl(ring->event.get(), PERF_EVENT_IOC_SET_FILTER, filter.c_str()) != 0) {
      return fail("cannot filter the tracepoint: {}", errno_text(errno));
    }
    ::ioctl(ring->event.get(), PERF_EVENT_IOC_ENABLE, 0);
    made->rings_.push_back(std::move(ring));
  }
  return made;
}

void Tracepoint::drain() {
  std::vector<std::byte> record;
  for (const auto& ring : rings_) {
    perf_event_mmap_page& control = ring->control();
    const uint64_t head = __atomic_load_n(&control.data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = control.data_tail;
    const std::byte* data = ring->start + ring->page;
    const size_t room = ring->page * kRingPages;
    while (tail < head) {
      const auto octet = [&](uint64_t where) { return data[where % room]; };
      perf_event_header header{};
      std::array<std::byte, sizeof header> first{};
      for (size_t i = 0; i < first.size(); ++i) first[i] = octet(tail + i);
      std::memcpy(&header, first.data(), sizeof header);
      record.resize(header.size);
      for (size_t i = 0; i < record.size(); ++i) record[i] = octet(tail + i);
      tail += header.size;
      if (header.type == PERF_RECORD_LOST) ++lost_;
      if (header.type == PERF_RECORD_SAMPLE) take(record);
    }
    __atomic_store_n(&control.data_tail, tail, __ATOMIC_RELEASE);
  }
}

void Tracepoint::take(std::span<const std::byte> record) {
  // perf_event_open(2): header, time, size of the raw part, raw part.
  constexpr size_t kTime = sizeof(perf_event_header);
  constexpr size_t kRaw = kTime + sizeof(uint64_t) + sizeof(uint32_t);
  const auto time = at<uint64_t>(record, kTime);
  const auto fields = at<Fields>(record, kRaw);
  const auto state = tcp::from_kernel(static_cast<unsigned>(fields.new_state));
  if (!state || fields.family != AF_INET) return;
  const auto& from = fields.source;
  const auto& to = fields.destination;
  events_.push_back({.time_ns = static_cast<int64_t>(time) + to_wall_ns_,
                     .ends = {{ipv4(from[0], from[1], from[2], from[3]), fields.source_port},
                              {ipv4(to[0], to[1], to[2], to[3]), fields.destination_port}},
                     .to = *state});
}

std::vector<SetState> Tracepoint::events() const {
  std::vector<SetState> sorted = events_;
  std::ranges::sort(sorted, {}, &SetState::time_ns);
  return sorted;
}

}  // namespace tcpdx::track_kernel
