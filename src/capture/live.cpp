#include "capture/live.hpp"

#include <net/if.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace tcpdx::capture {
namespace {

constexpr int kSnaplen = 262144;            // MAXIMUM_SNAPLEN of libpcap
constexpr uint16_t kLinkTypeRaw = 101;      // LINKTYPE_RAW; DLT_RAW is 12 on Linux
constexpr int64_t kSecond = 1'000'000'000;  // in nanoseconds

struct CloseHandle {
  void operator()(pcap_t* handle) const { pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, CloseHandle>;

// Names for people who mistyped one: "any, lo, eth0".
std::string known_interfaces() {
  std::string names(kAnyInterface);
  const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(if_nameindex(),
                                                                              if_freenameindex);
  if (all == nullptr) return names;
  for (const struct if_nameindex* one = all.get(); one->if_index != 0; ++one) {
    names += ", " + printable(one->if_name);
  }
  return names;
}

// libpcap's own words, those of the code where it left none.
std::string reason_of(pcap_t* handle, int code) {
  const std::string_view own = pcap_geterr(handle);
  return printable(own.empty() ? std::string_view(pcap_statustostr(code)) : own);
}

std::unexpected<Error> cannot_open(pcap_t* handle, int code, const std::string& interface) {
  const std::string name = printable(interface);
  switch (code) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return fail(
          "cannot capture on {}: not permitted; it needs the capability CAP_NET_RAW, as root has "
          "it",
          name);
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return fail("there is no interface {}; there are {}", name, known_interfaces());
    case PCAP_ERROR_IFACE_NOT_UP:
      return fail("cannot capture on {}: the interface is down; ip link set {} up", name, name);
    default: return fail("cannot capture on {}: {}", name, reason_of(handle, code));
  }
}

// The cooked header with interface numbers, where this libpcap has it.
void prefer_numbered_interfaces(pcap_t* handle) {
  int* types = nullptr;
  const int count = pcap_list_datalinks(handle, &types);
  if (count <= 0) return;
  const bool cooked = pcap_datalink(handle) == DLT_LINUX_SLL;
  const bool numbered = std::find(types, types + count, DLT_LINUX_SLL2) != types + count;
  pcap_free_datalinks(types);
  if (cooked && numbered) static_cast<void>(pcap_set_datalink(handle, DLT_LINUX_SLL2));
}

// `vlan` in a filter shifts what stands behind it by the tag (pcap-filter(7)). Cooked frames have
// lost their tags; libpcap knows none for them.
std::string with_tagged_frames(pcap_t* handle, const std::string& filter) {
  if (filter.empty() || pcap_datalink(handle) != DLT_EN10MB) return filter;
  return fmt::format("({0}) or (vlan and (({0}) or (vlan and ({0}))))", filter);
}

Result<void> set_filter(pcap_t* handle, const std::string& wanted) {
  const std::string filter = with_tagged_frames(handle, wanted);
  bpf_program program{};
  if (pcap_compile(handle, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return fail("libpcap cannot compile the filter '{}': {}", printable(filter),
                reason_of(handle, PCAP_ERROR));
  }
  const int set = pcap_setfilter(handle, &program);
  pcap_freecode(&program);
  if (set == 0) return {};
  return fail("the kernel does not take the filter: {}", reason_of(handle, set));
}

class PcapLive final : public Live {
 public:
  PcapLive(Handle handle, LiveOptions options)
      : handle_(std::move(handle)),
        options_(std::move(options)),
        nanoseconds_(pcap_get_tstamp_precision(handle_.get()) == PCAP_TSTAMP_PRECISION_NANO),
        numbered_(pcap_datalink(handle_.get()) == DLT_LINUX_SLL2) {
    if (!numbered_) interfaces_.push_back({0, options_.interface});
  }

  size_t read(std::span<Frame> frames) override;
  std::span<const Damage> damage() const override { return {}; }
  Progress progress() const override { return {}; }

  uint16_t link_type() const override {
    const int type = pcap_datalink(handle_.get());
    return type == DLT_RAW ? kLinkTypeRaw : static_cast<uint16_t>(type);
  }
  bool nanoseconds() const override { return nanoseconds_; }
  const std::string& interface_name(uint16_t interface) const override {
    return interfaces_[interface].name;
  }
  LiveStats stats() const override;
  const std::string& failure() const override { return failure_; }

 private:
  struct Interface {
    uint32_t index = 0;  // the kernel's
    std::string name;
  };

  size_t take(std::span<Frame> frames);
  Frame frame_of(const pcap_pkthdr& header, const u_char* data);
  uint16_t interface_of(std::span<const std::byte> data);
  void wait() const;

  Handle handle_;
  LiveOptions options_;
  bool nanoseconds_;
  bool numbered_;  // frames tell their interface
  std::vector<Interface> interfaces_;
  std::vector<std::byte> octets_;  // of the frames handed out last
  uint64_t frames_ = 0;
  std::string failure_;
};

size_t PcapLive::read(std::span<Frame> frames) {
  while (failure_.empty() && (!options_.go_on || options_.go_on())) {
    const size_t count = take(frames);
    if (count != 0) return count;
    if (failure_.empty()) wait();
  }
  return 0;
}

// Copies, because libpcap gives its buffer back to the kernel with the next packet.
size_t PcapLive::take(std::span<Frame> frames) {
  octets_.clear();
  size_t count = 0;
  while (count < frames.size()) {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int code = pcap_next_ex(handle_.get(), &header, &data);
    if (code < 0) {
      failure_ = fmt::format("the capture on {} has ended: {}", printable(options_.interface),
                             reason_of(handle_.get(), code));
    }
    if (code <= 0) break;
    frames[count++] = frame_of(*header, data);
  }
  const std::byte* begin = octets_.data();
  for (Frame& frame : frames.first(count)) {
    frame.data = {begin, frame.data.size()};
    begin += frame.data.size();
  }
  return count;
}

Frame PcapLive::frame_of(const pcap_pkthdr& header, const u_char* data) {
  const std::span octets = std::as_bytes(std::span(data, header.caplen));
  octets_.insert(octets_.end(), octets.begin(), octets.end());
  const int64_t fraction = int64_t{header.ts.tv_usec} * (nanoseconds_ ? 1 : 1000);
  return {.number = ++frames_,
          .time_ns = int64_t{header.ts.tv_sec} * kSecond + fraction,
          .original_size = header.len,
          .link_type = link_type(),
          .interface = numbered_ ? interface_of(octets) : uint16_t{0},
          .data = octets};
}

// Interfaces by the order of their first frames: the kernel's numbers only grow, and may be large.
uint16_t PcapLive::interface_of(std::span<const std::byte> data) {
  uint32_t index = 0;
  constexpr size_t kOffset = offsetof(sll2_header, sll2_if_index);
  if (data.size() >= kOffset + sizeof index) {
    for (const std::byte octet : data.subspan(kOffset, sizeof index)) {
      index = index << 8U | std::to_integer<uint32_t>(octet);
    }
  }
  auto known = std::ranges::find(interfaces_, index, &Interface::index);
  if (known == interfaces_.end()) {
    if (interfaces_.size() > std::numeric_limits<uint16_t>::max()) return 0;
    std::array<char, IF_NAMESIZE> name{};
    const bool named = if_indextoname(index, name.data()) != nullptr;
    interfaces_.push_back({index, named ? printable(name.data()) : fmt::format("if{}", index)});
    known = interfaces_.end() - 1;
  }
  return static_cast<uint16_t>(known - interfaces_.begin());
}

// libpcap itself would wait without end: with TPACKET_V3 the kernel wakes nobody for an empty
// block.
void PcapLive::wait() const {
  pollfd readable{pcap_get_selectable_fd(handle_.get()), POLLIN, 0};
  poll(&readable, 1, kLiveWaitMs);
  // packet_notifier() of net/packet/af_packet.c: ENETDOWN. libpcap goes on waiting.
  if ((readable.revents & POLLERR) != 0 && options_.tell) {
    options_.tell(fmt::format("{} went down; the capture goes on when it is up again",
                              printable(options_.interface)));
  }
}

LiveStats PcapLive::stats() const {
  pcap_stat counted{};
  if (pcap_stats(handle_.get(), &counted) != 0) return {};
  return {.received = counted.ps_recv,
          .dropped = counted.ps_drop,
          .dropped_by_interface = counted.ps_ifdrop};
}

}  // namespace

Result<std::unique_ptr<Live>> open_live(LiveOptions options) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  Handle handle(pcap_create(options.interface.c_str(), why.data()));
  if (handle == nullptr) {
    return fail("cannot capture on {}: {}", printable(options.interface), printable(why.data()));
  }
  pcap_t* pcap = handle.get();
  // None of these can fail before pcap_activate(); a precision that is not to be had stays coarse.
  pcap_set_snaplen(pcap, kSnaplen);
  pcap_set_promisc(pcap, options.promiscuous && options.interface != kAnyInterface ? 1 : 0);
  pcap_set_timeout(pcap, kLiveWaitMs);
  pcap_set_buffer_size(pcap, static_cast<int>(std::min<size_t>(options.buffer, INT_MAX)));
  static_cast<void>(pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO));
  // Positive codes are warnings: everything else works.
  if (const int code = pcap_activate(pcap); code < 0) {
    return cannot_open(pcap, code, options.interface);
  }
  prefer_numbered_interfaces(pcap);
  if (const auto set = set_filter(pcap, options.filter); !set) return std::unexpected(set.error());
  if (pcap_setnonblock(pcap, 1, why.data()) != 0) {
    return fail("cannot capture on {}: {}", printable(options.interface), printable(why.data()));
  }
  return std::make_unique<PcapLive>(std::move(handle), std::move(options));
}

}  // namespace tcpdx::capture
