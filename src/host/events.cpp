// Chooses the programs that fit the kernel, loads and attaches them, and empties their ring buffer.
#include "host/events.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <events.skel.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "bpf/records.h"
#include "host/btf.hpp"
#include "host/capabilities.hpp"
#include "host/libbpf_messages.hpp"

namespace tcpdx::host {

namespace {

constexpr std::string_view kWhat =
    "what happens between looks: refused and abandoned connects, resets, retransmissions, drops";
constexpr ino_t kInitialPidNamespace = 0xEFFFFFFCU;  // PROC_PID_INIT_INO, linux/proc_ns.h

// Reasons with which a kernel that is well frees packets: they are no losses. A keepalive probe is
// an old sequence, an ACK that says nothing new an old ACK, and what is not specified is not known.
constexpr std::string_view kOrdinary[] = {
    "SKB_NOT_DROPPED_YET", "SKB_CONSUMED", "NOT_SPECIFIED", "TCP_OLD_SEQUENCE",
    "TCP_OLD_ACK",         "TCP_RESET",    "TCP_OFOMERGE",  "OTHERHOST",
};

// One program of the skeleton: which tracepoint, with how many arguments at least and at most, and
// for which kinds.
struct Choice {
  bpf_program* program;
  std::string_view tracepoint;
  unsigned least;
  unsigned most;
  std::initializer_list<EventKind> kinds;
};

constexpr unsigned kAny = 99;

bool asked(const EventOptions& options, EventKind kind) {
  return std::ranges::find(options.kinds, kind) != options.kinds.end();
}

Missing refused(std::string why, int error) {
  std::string needs;
  if (error == EPERM) {
    needs = lacking({CAP_BPF, CAP_PERFMON});
    if (needs.empty()) needs = "CAP_BPF and CAP_PERFMON in the initial user namespace";
  }
  return {std::string(kWhat), std::move(why), std::move(needs)};
}

uint32_t own_pid_namespace() {
  struct stat status{};
  if (::stat("/proc/self/ns/pid", &status) != 0) return 0;
  return status.st_ino == kInitialPidNamespace ? 0 : static_cast<uint32_t>(status.st_ino);
}

using Reasons = std::map<uint32_t, std::string>;

void add_net(const Net& net, uint32_t place, event_settings& settings) {
  const auto address = net.address.prefix(net.bits).bytes;
  std::ranges::copy(address, settings.nets[place]);
  for (unsigned bit = 0; bit < net.bits && bit < 128; ++bit) {
    settings.masks[place][bit / 8] |= static_cast<uint8_t>(0x80U >> (bit % 8));
  }
}

event_settings settings_of(const EventOptions& options, const Reasons& drops) {
  event_settings settings{};
  for (const EventKind kind : options.kinds) settings.kinds |= 1U << std::to_underlying(kind);
  settings.chosen_namespaces = !options.namespaces.empty();
  settings.pid_namespace = own_pid_namespace();
  settings.most = options.most;
  settings.ports_known = static_cast<uint32_t>(std::min(options.ports.size(), kMostPorts));
  std::copy_n(options.ports.begin(), settings.ports_known, settings.ports);
  settings.nets_known = static_cast<uint32_t>(std::min(options.nets.size(), kMostNets));
  for (uint32_t i = 0; i < settings.nets_known; ++i) add_net(options.nets[i], i, settings);
  settings.rare_states = options.rare_states;
  settings.lives = options.lives;
  settings.accepts = options.accepts;
  settings.tallies = options.tallies > 0;
  for (const auto& [number, name] : drops) {
    if (number >= 256 || std::ranges::find(kOrdinary, name) != std::end(kOrdinary)) continue;
    settings.reasons[number / 64] |= uint64_t{1} << (number % 64);
  }
  return settings;
}

}  // namespace

bool sees_all_processes() { return own_pid_namespace() == 0; }

struct Events::Parts {
  struct Destroy {
    void operator()(events_bpf* loaded) const { events_bpf__destroy(loaded); }
    void operator()(ring_buffer* made) const { ring_buffer__free(made); }
  };

  int load(const EventOptions& options, const KernelTypes& types, bool helpers);
  void choose(const EventOptions& options, const KernelTypes& types, bool helpers);
  int attach();
  std::vector<uint64_t> counts() const;
  uint64_t skipped() const;

  std::unique_ptr<events_bpf, Destroy> skeleton;
  std::unique_ptr<ring_buffer, Destroy> ring;
  std::function<void(KernelEvent&&)> on_event;
  Reasons drops;
  Reasons resets;
  std::vector<std::string> absent;
};

void Events::Parts::choose(const EventOptions& options, const KernelTypes& types, bool helpers) {
  using enum EventKind;
  const auto& programs = skeleton->progs;
  const bool learn = helpers && options.accepts;
  const Choice choices[] = {
      {programs.set_state, "inet_sock_set_state", 3, kAny, {state, connect}},
      {programs.set_state_again, "inet_sock_set_state", 3, kAny, {state, connect}},
      {programs.retransmit, "tcp_retransmit_skb", 2, kAny, {EventKind::retransmit}},
      {programs.retransmit_synack, "tcp_retransmit_synack", 2, kAny, {EventKind::retransmit}},
      {programs.reset_sent, "tcp_send_reset", 3, kAny, {reset_sent}},
      {programs.reset_sent_no_reason, "tcp_send_reset", 2, 2, {reset_sent}},
      {programs.reset_received, "tcp_receive_reset", 1, kAny, {reset_received}},
      {programs.drop, "kfree_skb", 4, kAny, {drop}},
      {programs.drop_no_socket, "kfree_skb", 3, 3, {drop}},
      {programs.call_ends, "sys_exit", 2, kAny, {bind_failed}},
      {programs.received, "tcp_rcv_space_adjust", learn ? 1 : kAny, kAny, {state, connect}},
      {programs.sent, "sock_send_length", learn ? 1 : kAny, kAny, {state, connect}},
  };
  absent.clear();
  for (const Choice& choice : choices) {
    const unsigned arguments = types.tracepoint_arguments(choice.tracepoint);
    const bool useful =
        std::ranges::any_of(choice.kinds, [&](EventKind kind) { return asked(options, kind); });
    const bool fits = arguments >= choice.least && arguments <= choice.most;
    bpf_program__set_autoload(choice.program, useful && fits);
    if (useful && arguments == 0) absent.emplace_back(choice.tracepoint);
  }
}

// Negative errno. `storage`: programs use socket storage, which not every kernel lets them.
int Events::Parts::load(const EventOptions& options, const KernelTypes& types, bool helpers) {
  skeleton.reset(events_bpf__open());
  if (skeleton == nullptr) return -errno;
  choose(options, types, helpers);
  const_cast<event_settings&>(skeleton->rodata->settings) = settings_of(options, drops);
  skeleton->rodata->has_helpers = helpers;
  bpf_map__set_max_entries(skeleton->maps.events, options.buffer);
  bpf_map__set_max_entries(skeleton->maps.connects, std::max(options.tallies, 1U));
  const auto chosen = static_cast<uint32_t>(options.namespaces.size());
  bpf_map__set_max_entries(skeleton->maps.namespaces, std::max(chosen, 1U));
  if (const int error = events_bpf__load(skeleton.get()); error != 0) return error;
  for (const uint32_t inode : options.namespaces) {
    constexpr uint8_t kYes = 1;
    const int error = bpf_map__update_elem(skeleton->maps.namespaces, &inode, sizeof inode, &kYes,
                                           sizeof kYes, BPF_ANY);
    if (error != 0) return error;
  }
  return 0;
}

// In the order of the skeleton: of the two programs for changes of state the second relies on the
// first.
int Events::Parts::attach() { return events_bpf__attach(skeleton.get()); }

std::vector<uint64_t> Events::Parts::counts() const {
  std::vector<uint64_t> sums(::kEventKindCount + 1);
  std::vector<uint64_t> per_cpu(static_cast<size_t>(std::max(libbpf_num_possible_cpus(), 1)));
  for (uint32_t which = 0; which < sums.size(); ++which) {
    if (bpf_map__lookup_elem(skeleton->maps.counts, &which, sizeof which, per_cpu.data(),
                             per_cpu.size() * sizeof(uint64_t), 0) != 0) {
      continue;
    }
    for (const uint64_t count : per_cpu) sums[which] += count;
  }
  return sums;
}

// What one of the two programs for changes of state is skipped for, the other one takes.
uint64_t Events::Parts::skipped() const {
  const auto& programs = skeleton->progs;
  uint64_t sum = 0;
  for (const bpf_program* program :
       {programs.retransmit, programs.retransmit_synack, programs.reset_sent,
        programs.reset_sent_no_reason, programs.reset_received, programs.drop,
        programs.drop_no_socket}) {
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    const int fd = bpf_program__fd(program);
    if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) sum += info.recursion_misses;
  }
  return sum;
}

std::expected<Events, Missing> Events::open(const EventOptions& options) {
  const LibbpfMessages messages;
  const Result<KernelTypes> types = KernelTypes::open();
  if (!types) return std::unexpected(Missing{std::string(kWhat), types.error().sentence, ""});
  auto parts = std::make_unique<Parts>();
  parts->drops = types->enumeration("skb_drop_reason", "SKB_DROP_REASON_");
  parts->resets = types->enumeration("sk_rst_reason", "SK_RST_REASON_");
  int error = parts->load(options, *types, true);
  if (error != 0 && error != -EPERM) error = parts->load(options, *types, false);
  if (error != 0) {
    return std::unexpected(
        refused(fmt::format("the kernel refuses BPF programs: {}", libbpf_reason(error, messages)),
                -error));
  }
  if (error = parts->attach(); error != 0) {
    return std::unexpected(
        refused(fmt::format("BPF programs cannot be attached: {}", libbpf_reason(error, messages)),
                -error));
  }
  const auto hand_over = [](void* given, void* data, size_t size) {
    auto* self = static_cast<Parts*>(given);
    const std::span bytes(static_cast<const std::byte*>(data), size);
    if (auto event = read_event_record(bytes)) self->on_event(std::move(*event));
    return 0;
  };
  parts->ring.reset(
      ring_buffer__new(bpf_map__fd(parts->skeleton->maps.events), hand_over, parts.get(), nullptr));
  if (parts->ring == nullptr) {
    return std::unexpected(
        refused(fmt::format("the ring buffer cannot be mapped: {}", errno_text(errno)), errno));
  }
  return Events(std::move(parts));
}

void Events::poll(const std::function<void(KernelEvent&&)>& on_event) {
  parts_->on_event = on_event;
  ring_buffer__consume(parts_->ring.get());
}

std::array<uint64_t, kEventKinds> Events::counted() const {
  std::array<uint64_t, kEventKinds> counted{};
  const std::vector<uint64_t> sums = parts_->counts();
  std::copy_n(sums.begin(), counted.size(), counted.begin());
  return counted;
}

uint64_t Events::lost() const { return parts_->counts().back() + parts_->skipped(); }

std::vector<CallerTally> Events::tallies() const {
  const bpf_map* map = parts_->skeleton->maps.connects;
  std::vector<CallerTally> found;
  connect_key key{};
  const connect_key* before = nullptr;
  while (bpf_map__get_next_key(map, before, &key, sizeof key) == 0) {
    connect_tally tally{};
    if (bpf_map__lookup_elem(map, &key, sizeof key, &tally, sizeof tally, 0) == 0) {
      found.push_back(read_caller_tally(key, tally));
    }
    before = &key;
  }
  return found;
}

std::string Events::reason(EventKind kind, uint16_t number) const {
  if (kind != EventKind::drop && kind != EventKind::reset_sent) return {};
  if (number == 0) return {};
  const Reasons& names = kind == EventKind::drop ? parts_->drops : parts_->resets;
  const auto name = names.find(number);
  return name == names.end() ? std::to_string(number) : name->second;
}

const std::vector<std::string>& Events::absent() const { return parts_->absent; }

Events::Events(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Events::Events(Events&&) noexcept = default;
Events& Events::operator=(Events&&) noexcept = default;
Events::~Events() = default;

}  // namespace tcpdx::host
