#include "track_kernel/tap.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <optional>

namespace tcpdx::track_kernel {
namespace {

constexpr int kRoom = 64 << 20;
constexpr size_t kLargest = 256 << 10;  // beyond any segment that is cut later (GSO)

int64_t time_of(const msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(part), sizeof time);
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }
  return 0;
}

template <class Number>
void put(std::ofstream& file, Number number) {
  std::array<char, sizeof number> octets{};
  std::memcpy(octets.data(), &number, sizeof number);
  file.write(octets.data(), octets.size());
}

}  // namespace

Tap::Tap(const Road& road, Host host) {
  std::thread([&] {  // enters the host and is gone
    road.enter(host);
    socket_ = Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    EXPECT_TRUE(socket_) << errno_text(errno);
    if (!socket_) return;
    const int room = kRoom;
    const int on = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = static_cast<int>(::if_nametoindex(device_of(host).c_str()));
    EXPECT_EQ(::bind(socket_.get(), static_cast<sockaddr*>(static_cast<void*>(&at)), sizeof at), 0)
        << errno_text(errno);
  })
      .join();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    pollfd ready{socket_.get(), POLLIN, 0};
    while (true) {
      const bool more = ::poll(&ready, 1, 20) > 0;
      if (more) take();
      if (!more && stop.stop_requested()) return;
    }
  });
}

Tap::~Tap() { stop(); }

void Tap::take() {
  static thread_local std::vector<std::byte> room(kLargest);
  std::array<std::byte, 128> control{};
  iovec into{room.data(), room.size()};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
  if (size <= 0) return;
  seen_.push_back({time_of(message), {room.begin(), room.begin() + size}});
}

std::vector<Seen> Tap::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
    tpacket_stats stats{};
    socklen_t size = sizeof stats;
    ::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size);
    dropped_ = stats.tp_drops;
  }
  return std::move(seen_);
}

void save(const std::string& path, const std::vector<Seen>& seen) {
  std::ofstream file(path, std::ios::binary);
  put<uint32_t>(file, 0xa1b23c4d);
  put<uint32_t>(file, 0x00040002);  // version 2.4
  put<uint64_t>(file, 0);
  put<uint32_t>(file, kLargest);
  put<uint32_t>(file, 1);  // LINKTYPE_ETHERNET
  for (const Seen& one : seen) {
    put(file, static_cast<uint32_t>(one.time_ns / 1'000'000'000));
    put(file, static_cast<uint32_t>(one.time_ns % 1'000'000'000));
    put(file, static_cast<uint32_t>(one.octets.size()));
    put(file, static_cast<uint32_t>(one.octets.size()));
    for (const std::byte octet : one.octets) file.put(static_cast<char>(octet));
  }
}

}  // namespace tcpdx::track_kernel
