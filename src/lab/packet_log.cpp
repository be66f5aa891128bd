#include "lab/packet_log.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::lab {
namespace {

// An IPv6 header and the longest TCP header.
constexpr size_t kHead = 100;

std::string options_text(const wire::TcpOptions& options, Seq first) {
  std::string text;
  if (options.mss) text += fmt::format(" mss {}", *options.mss);
  if (options.window_scale) text += fmt::format(" wscale {}", *options.window_scale);
  if (options.sack_permitted) text += " sackOK";
  if (options.timestamps) {
    text += fmt::format(" TS {}/{}", options.timestamps->value, options.timestamps->echo);
  }
  for (const wire::SackBlock& block : options.sacks()) {
    text += fmt::format(" sack {}:{}", octets(first, block.left), octets(first, block.right));
  }
  return text;
}

}  // namespace

void PacketLog::add(tcp::Time at, Direction direction, std::span<const std::byte> datagram,
                    unsigned copies) {
  ++count_;
  if (entries_.size() == limit_) entries_.pop_front();
  const auto head = datagram.first(std::min(datagram.size(), kHead));
  entries_.push_back({at, direction, copies, datagram.size(), {head.begin(), head.end()}});
  const auto ip = wire::parse_ip(head);
  if (!ip || ip->header.protocol != wire::kProtocolTcp) return;
  const auto segment = wire::parse_tcp(ip->payload);
  if (!segment || !segment->header.flags.syn) return;
  first_[{{ip->header.source, segment->header.source_port},
          {ip->header.destination, segment->header.destination_port}}] = segment->header.seq;
}

Seq PacketLog::first_of(const SocketAddress& from, const SocketAddress& to) const {
  const auto found = first_.find({from, to});
  return found == first_.end() ? Seq{} : found->second;
}

std::string PacketLog::line(const Entry& entry) const {
  std::string text = fmt::format("{:10.6f} {:3} ", seconds(entry.at),
                                 entry.direction == Direction::in ? "in" : "out");
  const auto ip = wire::parse_ip(entry.head);
  const auto segment =
      ip && ip->header.protocol == wire::kProtocolTcp ? wire::parse_tcp(ip->payload) : std::nullopt;
  if (segment) {
    const wire::TcpHeader& header = segment->header;
    const SocketAddress from{ip->header.source, header.source_port};
    const SocketAddress to{ip->header.destination, header.destination_port};
    const size_t length = segment->text.size() + ip->missing;
    const uint32_t seq = octets(first_of(from, to), header.seq);
    text += fmt::format("{} > {}: Flags [{}], seq {}:{}", to_string(from), to_string(to),
                        wire::to_string(header.flags), seq, seq + length);
    const Seq other = first_of(to, from);
    if (header.flags.ack) text += fmt::format(", ack {}", octets(other, header.ack));
    if (header.flags.urg) text += fmt::format(", urg {}", header.urgent);
    text += fmt::format(", win {}{}, length {}", header.window, options_text(header.options, other),
                        length);
  } else if (ip) {
    text += fmt::format("{} > {}: protocol {}, {} octets", to_string(ip->header.source),
                        to_string(ip->header.destination), ip->header.protocol, entry.size);
    if (const auto error = wire::parse_icmp_error(*ip)) {
      text += fmt::format(", ICMP {}/{} about {} > {}", error->cause.type, error->cause.code,
                          error->source_port, error->destination_port);
    }
  } else {
    text += fmt::format("{} octets that are no IP datagram", entry.size);
  }
  if (entry.copies != 1) text += entry.copies == 0 ? "  (lost)" : "  (doubled)";
  return text;
}

std::string PacketLog::text() const {
  std::string text;
  if (count_ > entries_.size()) {
    text = fmt::format("... {} datagrams before these\n", count_ - entries_.size());
  }
  for (const Entry& entry : entries_) text += line(entry) + "\n";
  return text;
}

}  // namespace tcpdx::lab
