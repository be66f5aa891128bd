// tcp-memory-pressure: the memory of all TCP sockets of the machine is near its limit.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kNear = 0.8;           // of the second number of tcp_mem, where pressure begins
constexpr double kPressedShare = 0.01;  // of the window; less is one moment of a burst
constexpr uint64_t kPage = 4096;        // tcp_mem counts pages
constexpr size_t kHoarders = 3;         // programs that are named
// tcp_check_oom() counts orphans up to four times their number (net/ipv4/tcp.c), so that below a
// quarter of the limit no abort can be for their sake.
constexpr uint64_t kOrphanPenalty = 4;

constexpr std::array kStates{tcp::State::established, tcp::State::close_wait,
                             tcp::State::fin_wait_1};
constexpr std::array kLookAlikes{
    LookAlike{"orphan-limit",
              "there the orphans are near tcp_max_orphans, and the memory is not short"},
    LookAlike{"the memory limit of a control group", "there only that group's sockets suffer"},
    LookAlike{"receive-buffer-prune", "there single buffers are full, not the machine's share"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"TcpExt.TCPAbortOnMemory", "TcpExt.TCPMemoryPressures", "TcpExt.TCPMemoryPressuresChrono",
     "sockstat.TCP.mem", "sockstat.TCP.orphan"});
constexpr FaultInfo kInfo{
    .id = "tcp-memory-pressure",
    .title = "The memory of all TCP sockets together is near its limit",
    .states = kStates,
    .signature =
        "sockstat's TCP mem, in pages, near or above the second number of tcp_mem; "
        "TCPMemoryPressures and TCPMemoryPressuresChrono (ms) rise: windows shrink, buffers stop "
        "growing. At the third number connections are aborted (TCPAbortOnMemory), and the kernel's "
        "log says \"out of memory -- consider tuning tcp_mem\".",
    .look_alikes = kLookAlikes,
    .trigger =
        "Memory at least 80 % of tcp_mem's second number in every sample: notice. Under pressure "
        "for more than 1 % of the window: warning. Connections aborted for want of memory while "
        "under pressure, or with too few orphans to be their fault: critical. Not reproduced on a "
        "live machine, whose programs would all suffer: tested on altered observations.",
    .severity = "notice, warning or critical, by the same three steps",
    .remedy =
        "Find who holds it: readers that do not read, senders to peers that do not. Limit "
        "buffers (tcp_rmem, tcp_wmem), or raise net.ipv4.tcp_mem if the machine has the memory.",
    .avoid = "Raising tcp_rmem and tcp_wmem: it fills the same memory faster.",
    .silent_on = "memory below the limit, however many sockets there are",
    .counters = kCounters,
};

struct Memory {
  std::optional<uint64_t> pages;  // now
  uint64_t least = 0;             // of all samples
  uint64_t most = 0;
  std::optional<uint64_t> pressure;  // where it begins, in pages; known in the first namespace only
  std::optional<uint64_t> limit;
  double pressed = 0;  // share of the window
  uint64_t entered = 0;
  uint64_t aborted = 0;
  bool orphans_explain = false;  // the aborts may be for the number of orphans
};

// sockstat's mem and orphan are of the whole machine wherever they are read.
void measure_samples(const Facts& facts, Memory& memory) {
  size_t above = 0;
  size_t samples = 0;
  for (const Sample& sample : facts.seen.samples) {
    if (sample.counters.empty()) continue;
    const auto pages = sample.counters[0].get("sockstat.TCP.mem");
    if (!pages) continue;
    memory.least = samples == 0 ? *pages : std::min(memory.least, *pages);
    memory.most = std::max(memory.most, *pages);
    ++samples;
    above += memory.pressure && *pages > *memory.pressure;
  }
  memory.pages = facts.counter(0, "sockstat.TCP.mem");
  memory.pressed = ratio(above, samples);
}

Memory measure(const Facts& facts) {
  Memory memory;
  std::optional<uint64_t> orphans_allowed;
  uint64_t pressed_ms = 0;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    if (const auto pressure = facts.sysctl(netns, "net.ipv4.tcp_mem", 1)) {
      memory.pressure = pressure;
      memory.limit = facts.sysctl(netns, "net.ipv4.tcp_mem", 2);
      orphans_allowed = facts.sysctl(netns, "net.ipv4.tcp_max_orphans");
    }
    // The rise is counted for the namespace of the socket that met, or ended, the pressure.
    pressed_ms += facts.rise(netns, "TcpExt.TCPMemoryPressuresChrono").value_or(0);
    memory.entered += facts.rise(netns, "TcpExt.TCPMemoryPressures").value_or(0);
    memory.aborted += facts.rise(netns, "TcpExt.TCPAbortOnMemory").value_or(0);
  }
  measure_samples(facts, memory);
  // The time is added when the pressure ends, and may have begun long before the window.
  const auto window = static_cast<uint64_t>(milliseconds(facts.seen.window));
  memory.pressed = std::max(memory.pressed, std::min(1.0, ratio(pressed_ms, window)));
  const auto orphans = facts.counter(0, "sockstat.TCP.orphan");
  memory.orphans_explain =
      !orphans || !orphans_allowed || *orphans * kOrphanPenalty > *orphans_allowed;
  return memory;
}

bool under_pressure(const Memory& memory) { return memory.pressed > kPressedShare; }

bool aborts(const Memory& memory) {
  return memory.aborted > 0 && (under_pressure(memory) || !memory.orphans_explain);
}

bool is_near(const Memory& memory) {
  return memory.pressure && *memory.pressure > 0 && ratio(memory.least, *memory.pressure) >= kNear;
}

// Programs by the memory of their sockets' queues, most first: "backup (pid 41) 120 MiB".
std::vector<std::string> hoarders(const Facts& facts) {
  std::map<uint32_t, uint64_t> bytes;
  for (const Socket& s : facts.now.sockets) {
    const TcpInfo* info = facts.info(s);
    if (info != nullptr) bytes[facts.owner_index(s)] += info->mem_receive + info->mem_send;
  }
  std::vector<std::pair<uint64_t, uint32_t>> sorted;
  sorted.reserve(bytes.size());
  for (const auto& [owner, held] : bytes) sorted.emplace_back(held, owner);
  std::ranges::sort(sorted, std::greater{});
  std::vector<std::string> named;
  for (const auto& [held, owner] : sorted) {
    if (named.size() == kHoarders || held == 0) break;
    named.push_back(fmt::format(
        "{}: {} kB",
        owner == kNoIndex ? "programs that cannot be seen" : describe(facts.seen.processes[owner]),
        grouped(held / 1000)));
  }
  return named;
}

std::string headline(const Memory& memory) {
  const std::string mem = memory.pages && memory.pressure
                              ? fmt::format("{} MB of socket memory, {} of where pressure begins",
                                            grouped(*memory.pages * kPage / 1'000'000),
                                            percent(ratio(*memory.pages, *memory.pressure)))
                              : "TCP socket memory";
  if (aborts(memory)) {
    return fmt::format("the kernel aborted {} for want of memory ({})",
                       counted(memory.aborted, "connection"), mem);
  }
  if (under_pressure(memory)) {
    return fmt::format("TCP was under memory pressure for {} of the window ({})",
                       percent(memory.pressed), mem);
  }
  return fmt::format("TCP holds {}", mem);
}

void add_numbers(const Facts& facts, const Memory& memory, Finding& f) {
  if (memory.pages && memory.pressure) {
    add_judged(f, "pages of TCP memory, now", *memory.pages,
               static_cast<uint64_t>(kNear * static_cast<double>(*memory.pressure)),
               "sockstat TCP mem");
    add_fact(f, "pages at most in the window", memory.most, memory.limit.value_or(0),
             "net.ipv4.tcp_mem");
  } else {
    add_fact(f, "limit", std::string("not known: tcp_mem is shown in the first namespace only"),
             "net.ipv4.tcp_mem");
  }
  add_judged(f, "under pressure", percent(memory.pressed), percent(kPressedShare),
             "TcpExt.TCPMemoryPressuresChrono, sockstat");
  add_fact(f, "times that pressure began", memory.entered, "TcpExt.TCPMemoryPressures");
  add_fact(f, "connections aborted", memory.aborted, "TcpExt.TCPAbortOnMemory");
  for (const std::string& one : hoarders(facts)) {
    add_fact(f, "holds most", one, "sock_diag SK_MEMINFO");
  }
}

Confidence confidence_of(const Memory& memory) {
  if (aborts(memory)) return Confidence::confirmed;
  // Nothing but the memory itself against its limit: one source, but it is the cause as such.
  return under_pressure(memory) && memory.entered > 0 ? Confidence::confirmed : Confidence::likely;
}

std::vector<Finding> find(const Facts& facts) {
  const Memory memory = measure(facts);
  const bool aborted = aborts(memory);
  const bool pressed = under_pressure(memory);
  if (!aborted && !pressed && !is_near(memory)) return {};
  const Severity pressed_or_near = pressed ? Severity::warning : Severity::notice;
  Finding f =
      make_finding(kInfo, aborted ? Severity::critical : pressed_or_near, confidence_of(memory));
  f.headline = headline(memory);
  f.cause =
      "all sockets of all namespaces share this memory: under pressure the kernel shrinks windows "
      "and buffers, at the limit it aborts connections";
  add_numbers(facts, memory, f);
  f.confirm.push_back("cat /proc/net/sockstat /proc/sys/net/ipv4/tcp_mem; dmesg | grep tcp_mem");
  f.remedy.push_back(
      "find why the programs named above hold so much: readers that do not read, or "
      "writers to peers that do not");
  f.remedy.push_back(
      "lower the last numbers of net.ipv4.tcp_rmem and tcp_wmem, or raise "
      "net.ipv4.tcp_mem (in pages) if the machine has the memory");
  f.avoid.push_back("raising tcp_rmem and tcp_wmem: it fills the same memory faster");
  f.see.push_back("tcpdx sockets --sort -mem_receive");
  return {std::move(f)};
}

}  // namespace

const Fault tcp_memory_pressure{&kInfo, find};

}  // namespace tcpdx::faults
