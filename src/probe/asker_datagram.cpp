// Asking by datagrams: ICMP echoes over a ping socket (net/ipv4/ping.c) and UDP to a port that
// nobody has. Both have one socket, its error queue, and the kernel's times of what leaves and
// arrives.
#include "probe/asker_datagram.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "probe/error_words.hpp"
#include "wire/checksum.hpp"
#include "wire/octets.hpp"

namespace tcpdx::probe {
namespace {

constexpr size_t kEchoHeader = 8;
constexpr uint8_t kEchoRequest4 = 8;
constexpr uint8_t kEchoRequest6 = 128;
constexpr uint8_t kEchoReply4 = 0;
constexpr uint8_t kEchoReply6 = 129;
constexpr size_t kLongest = 65535;
constexpr size_t kNumber = 8;  // octets that hold the probe's number

// Text that no other program sends and that shows damage: the number, then a row that depends on
// it.
void fill(std::span<std::byte> text, uint64_t seq) {
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = i < kNumber ? static_cast<std::byte>(seq >> (8 * (kNumber - 1 - i)))
                          : static_cast<std::byte>(i + seq);
  }
}

}  // namespace

Result<std::unique_ptr<Asker>> DatagramAsker::open(Method method, const AskOptions& options) {
  const bool v4 = options.target.addr.family == Family::v4;
  int protocol = IPPROTO_UDP;
  if (method == Method::icmp) protocol = v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  auto socket = open_socket(SOCK_DGRAM, protocol, options);
  bool raw = false;
  if (!socket && method == Method::icmp) {  // no ping sockets for this group; CAP_NET_RAW does too
    auto instead = open_socket(SOCK_RAW, protocol, options);
    raw = instead.has_value();
    if (raw) socket = std::move(instead);
  }
  if (!socket) return std::unexpected(socket.error());
  return std::make_unique<DatagramAsker>(std::move(*socket), method, raw, options);
}

DatagramAsker::DatagramAsker(Fd socket, Method method, bool raw, const AskOptions& options)
    : socket_(std::move(socket)),
      method_(method),
      target_(options.target),
      header_(method == Method::icmp ? kEchoHeader : 0),
      raw_(raw),
      id_(static_cast<uint16_t>(std::random_device{}())),
      packet_(header_ + options.size),
      buffer_(kLongest) {
  if (method == Method::icmp) target_.port = 0;  // a raw socket of IPv6 takes no other (raw(7))
}

// A ping socket fills in the identifier and the checksum; on a raw one the kernel does it for
// ICMPv6's checksum alone (raw(7), RFC 3542 3.1).
std::span<const std::byte> DatagramAsker::write(uint64_t seq) {
  const bool v4 = target_.addr.family == Family::v4;
  fill(std::span(packet_).subspan(header_), seq);
  if (header_ == 0) return packet_;
  wire::put8(packet_.data(), v4 ? kEchoRequest4 : kEchoRequest6);
  wire::put16(&packet_[6], static_cast<uint16_t>(seq));
  if (!raw_) return packet_;
  wire::put16(&packet_[4], id_);
  wire::put16(&packet_[2], 0);
  if (v4) wire::put16(&packet_[2], wire::checksum(wire::add_words(packet_)));
  return packet_;
}

// Raw IPv4 sockets hand over the IP header too.
std::span<const std::byte> DatagramAsker::message_of(std::span<const std::byte> octets) const {
  if (!raw_ || target_.addr.family == Family::v6 || octets.empty()) return octets;
  const size_t header = size_t{wire::get8(octets.data()) & 0xFU} * 4;
  return octets.subspan(std::min(header, octets.size()));
}

bool DatagramAsker::is_ours(std::span<const std::byte> echo) const {
  return echo.size() >= kEchoHeader && (!raw_ || wire::get16(&echo[4]) == id_);
}

Result<void> DatagramAsker::send(uint64_t seq, uint8_t ttl) {
  if (ttl != 0 && ttl != ttl_) {
    if (!set_ttl(socket_.get(), target_.addr.family, ttl)) {
      return fail("cannot set the TTL {}: {}", ttl, errno_text(errno));
    }
    ttl_ = ttl;
  }
  const int error = send_datagram(socket_.get(), write(seq), target_);
  if (error != 0) return fail("{}", words_of_errno(error));
  // The kernel counts what left from 0 (SOF_TIMESTAMPING_OPT_ID).
  waiting_.push_back({.seq = seq, .stamp_id = sent_++, .left = {}});
  return {};
}

DatagramAsker::Waiting* DatagramAsker::find(uint64_t seq) {
  const auto at = std::ranges::find(waiting_, seq, &Waiting::seq);
  return at == waiting_.end() ? nullptr : &*at;
}

// The probe whose number ends in these bits; the latest, because numbers wrap.
DatagramAsker::Waiting* DatagramAsker::find_short(uint16_t number) {
  const auto at = std::find_if(waiting_.rbegin(), waiting_.rend(), [&](const Waiting& one) {
    return static_cast<uint16_t>(one.seq) == number;
  });
  return at == waiting_.rend() ? nullptr : &*at;
}

// A router may quote as little as eight octets: of an echo its number, of UDP no text at all.
DatagramAsker::Waiting* DatagramAsker::find_quoted(std::span<const std::byte> quoted) {
  if (method_ == Method::icmp) {
    return is_ours(quoted) ? find_short(wire::get16(&quoted[6])) : nullptr;
  }
  if (quoted.size() >= kNumber) return find(wire::get<uint64_t>(quoted.data()));
  return waiting_.size() == 1 ? &waiting_.front() : nullptr;
}

void DatagramAsker::hear_error(const ErrorMessage& error, std::vector<Heard>& into) {
  if (error.origin == Origin::sent) {
    const auto at = std::ranges::find(waiting_, error.stamp_id, &Waiting::stamp_id);
    if (at != waiting_.end()) at->left = error.at;
    return;
  }
  Waiting* probe = find_quoted(error.quoted);
  if (probe == nullptr) return;
  // Nobody has that port: this is how UDP says "I am here".
  const bool here =
      method_ == Method::udp && says_port_unreachable(error) && error.offender == target_.addr;
  Heard heard{.seq = probe->seq,
              .what = here ? Heard::What::answer : Heard::What::error,
              .rtt = {},
              .from = error.offender,
              .ttl = error.ttl,
              .damaged = false,
              .words = here ? std::string{} : words_of(error),
              .message = error};
  if (probe->left && error.at) heard.rtt = *error.at - *probe->left;
  into.push_back(std::move(heard));
}

void DatagramAsker::hear_datagram(const Received& received, std::vector<Heard>& into) {
  const auto message = message_of(received.octets);
  Waiting* probe = nullptr;
  if (method_ == Method::icmp) {
    const bool v4 = target_.addr.family == Family::v4;
    if (!is_ours(message)) return;
    if (wire::get8(message.data()) != (v4 ? kEchoReply4 : kEchoReply6)) return;
    probe = find_short(wire::get16(&message[6]));
  } else if (message.size() >= kNumber) {
    probe = find(wire::get<uint64_t>(message.data()));
  }
  if (probe == nullptr) return;
  const auto text = write(probe->seq).subspan(header_);
  Heard heard{.seq = probe->seq,
              .what = Heard::What::answer,
              .rtt = {},
              .from = received.from.addr,
              .ttl = received.ttl,
              .damaged = !std::ranges::equal(message.subspan(header_), text),
              .words = {},
              .message = {}};
  if (probe->left && received.at) heard.rtt = *received.at - *probe->left;
  into.push_back(std::move(heard));
}

// Errors first: the time at which a probe left comes that way, and its answer needs it.
void DatagramAsker::hear(std::vector<Heard>& into) {
  while (const auto error = next_error(socket_.get())) hear_error(*error, into);
  while (const auto received = next_datagram(socket_.get(), buffer_)) {
    hear_datagram(*received, into);
  }
}

void DatagramAsker::forget(uint64_t seq) {
  std::erase_if(waiting_, [&](const Waiting& one) { return one.seq == seq; });
}

void DatagramAsker::add_polls(std::vector<pollfd>& into) const {
  into.push_back({.fd = socket_.get(), .events = POLLIN, .revents = 0});
}

}  // namespace tcpdx::probe
