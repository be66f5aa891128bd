#include "lab/peer.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tcpdx::lab {

Peer::Peer(Tun tun, const tcp::Settings& settings, const tcp::Secret& secret)
    : tun_(std::move(tun)), endpoint_(settings, secret, *this) {}

tcp::Time Peer::now() const {
  return std::chrono::duration_cast<tcp::Time>(std::chrono::steady_clock::now() - start_);
}

void Peer::impair(Direction direction, const Impairment& impairment) {
  (direction == Direction::in ? in_ : out_) = Line(impairment);
}

bool Peer::turn(size_t limit) {
  size_t count = 0;
  for (; count < limit; ++count) {
    const auto datagram = tun_.read(incoming_);
    if (datagram.empty()) break;
    onto(in_, Direction::in, datagram);
    release();
  }
  release();
  endpoint_.advance(now());
  release();
  const bool told = tell();
  return count > 0 || told;
}

void Peer::wait(Duration longest) const {
  const tcp::Time from = now();
  Duration sleep = longest;
  for (const auto& due : {endpoint_.next_deadline(), in_.next(), out_.next()}) {
    if (due) sleep = std::clamp(*due - from, Duration{}, sleep);
  }
  if (!told_.empty()) sleep = {};
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(sleep);
  const timespec timeout{whole.count(), std::chrono::nanoseconds(sleep - whole).count()};
  pollfd tun{.fd = tun_.fd(), .events = POLLIN, .revents = 0};
  ::ppoll(&tun, 1, &timeout, nullptr);
}

void Peer::inject(std::span<const std::byte> datagram) {
  log_.add(now(), Direction::out, datagram, 1);
  tun_.write(datagram);
}

void Peer::send(const tcp::Packet& packet) {
  const size_t size = write_datagram(packet, id_++, outgoing_);
  onto(out_, Direction::out, std::span(outgoing_).first(size));
  out_.release(now(), [this](std::span<const std::byte> datagram) { tun_.write(datagram); });
}

void Peer::notify(tcp::ConnectionId id, tcp::Notice notice) {
  if (hooks_.notice) told_.emplace_back(Noticed{id, notice});
}

void Peer::acceptable(tcp::ListenerId id) {
  if (hooks_.acceptable) told_.emplace_back(id);
}

void Peer::moved(tcp::ConnectionId id, tcp::State from, tcp::Event on, tcp::State to) {
  if (hooks_.moved) hooks_.moved(id, from, on, to);
}

void Peer::onto(Line& line, Direction direction, std::span<const std::byte> datagram) {
  const bool passes = !hooks_.pass || hooks_.pass(direction, datagram);
  const tcp::Time at = now();
  log_.add(at, direction, datagram, passes ? line.put(at, datagram) : 0);
}

void Peer::arrive(std::span<const std::byte> datagram) {
  wire::SourceRoute route;
  const Arrival arrival = read_datagram(datagram, route);
  if (const auto* packet = std::get_if<tcp::Packet>(&arrival)) endpoint_.arrive(now(), *packet);
  if (const auto* error = std::get_if<tcp::IcmpError>(&arrival)) endpoint_.arrive(now(), *error);
}

void Peer::release() {
  in_.release(now(), [this](std::span<const std::byte> datagram) { arrive(datagram); });
  out_.release(now(), [this](std::span<const std::byte> datagram) { tun_.write(datagram); });
}

// What a hook causes is told in the next turn.
bool Peer::tell() {
  const std::vector<Told> told = std::exchange(told_, {});
  for (const Told& what : told) {
    if (const auto* noticed = std::get_if<Noticed>(&what)) {
      if (hooks_.notice) hooks_.notice(noticed->id, noticed->notice);
    } else if (hooks_.acceptable) {
      hooks_.acceptable(std::get<tcp::ListenerId>(what));
    }
  }
  return !told.empty();
}

}  // namespace tcpdx::lab
