#include "sim/network.hpp"

#include <algorithm>
#include <tuple>

#include "sim/datagram.hpp"

namespace tcpdx::sim {
namespace {

// An endpoint may need a few calls for what is due at one time, never this many.
constexpr unsigned kMostAdvances = 10000;

// Address and port of both ends and the TCP header, of a datagram that was just written.
tcp::Packet packet_of(std::span<const std::byte> datagram) {
  return from_datagram(datagram).value_or(tcp::Packet{});
}

}  // namespace

void Network::Mouth::send(const tcp::Packet& packet) {
  said.push_back({order++, to_datagram(packet), {}, {}, {}});
}

void Network::Mouth::notify(tcp::ConnectionId id, tcp::Notice notice) {
  said.push_back({order++, {}, id, notice, {}});
}

void Network::Mouth::moved(tcp::ConnectionId id, tcp::State from, tcp::Event on, tcp::State to) {
  said.push_back({order++, {}, id, {}, Move{.from = from, .on = on, .to = to}});
}

tcp::Secret Network::secret_of(HostId host) const {
  Random random(seed_ ^ (0xA5A5 + host));
  const uint64_t first = random.next();
  return {first, random.next()};
}

HostId Network::add_host(Side side, const IpAddress& address, tcp::Settings settings) {
  const HostId id = hosts_.size();
  settings.addresses = {address};
  auto& host =
      *hosts_.emplace_back(std::make_unique<Host>(order_, side, address, std::move(settings)));
  host.endpoint = std::make_unique<tcp::Endpoint>(host.settings, secret_of(id), host.mouth, now_);
  return id;
}

void Network::set_link(HostId from, HostId to, LinkSettings settings) {
  const uint64_t seed = Random(seed_ + 1000 * from + to + 1).next();
  links_.insert_or_assign(std::pair(from, to), Link(std::move(settings), seed));
}

Link& Network::link(HostId from, HostId to) {
  if (!links_.contains({from, to})) set_link(from, to, {});
  return links_.at({from, to});
}

std::optional<HostId> Network::host_at(const IpAddress& address) const {
  for (HostId id = 0; id < hosts_.size(); ++id) {
    if (hosts_[id]->address == address) return id;
  }
  return std::nullopt;
}

void Network::at(Time when, std::function<void()> action) {
  events_.push({std::max(when, now_), order_++, {}, std::move(action)});
}

void Network::note(std::optional<Side> side, std::string what) {
  recording_.calls.push_back({order_++, now_, side, std::move(what)});
}

void Network::inject(const tcp::Packet& packet) {
  const auto owner = host_at(packet.source);
  const auto victim = host_at(packet.destination);
  const Side side = owner    ? hosts_[*owner]->side
                    : victim ? other(hosts_[*victim]->side)
                             : Side::client;
  transmit(order_++, to_datagram(packet), side, std::nullopt);
}

void Network::crash(HostId id) {
  Host& host = *hosts_[id];
  for (size_t i = 0; i < recording_.conversations.size(); ++i) {
    Conversation& one = recording_.conversations[i];
    if (one.of(host.side).addr == host.address) one.now.of(host.side) = tcp::State::closed;
  }
  host.known.clear();
  host.listening.clear();
  host.endpoint = std::make_unique<tcp::Endpoint>(host.settings, secret_of(id), host.mouth, now_);
}

size_t Network::conversation_of(const SocketAddress& from, const SocketAddress& to, Side sender) {
  const bool by_client = sender == Side::client;
  const auto& client = by_client ? from : to;
  const auto& server = by_client ? to : from;
  const auto [place, is_new] =
      by_ends_.try_emplace({client, server}, recording_.conversations.size());
  if (!is_new) return place->second;
  Conversation made{client, server, {}, {}};
  for (const Side side : {Side::client, Side::server}) {
    const auto host = host_at(made.of(side).addr);
    if (!host) continue;
    const auto& ports = hosts_[*host]->listening;
    if (std::ranges::find(ports, made.of(side).port) != ports.end()) {
      made.start.of(side) = tcp::State::listen;
    }
  }
  made.now = made.start;
  recording_.conversations.push_back(made);
  isn_.emplace_back();
  return place->second;
}

// Which conversation an endpoint's record belongs to: known from before; or the call was the
// arrival of one of its segments; or its status tells. Nothing for a record in LISTEN.
std::optional<size_t> Network::resolve(Host& host, tcp::ConnectionId id,
                                       std::optional<size_t> arrived_in) {
  const auto known = std::ranges::find(host.known, id, &Known::id);
  if (known != host.known.end()) return known->conversation;
  std::optional<size_t> found = arrived_in;
  if (!found) {
    const auto status = host.endpoint->status(id);
    if (!status || status->remote.port == 0) return std::nullopt;
    found = conversation_of(status->local, status->remote, host.side);
  }
  host.known.push_back({id, *found});
  return found;
}

void Network::record_move(Host& host, const Mouth::Said& said, std::optional<size_t> arrived_in) {
  if (!said.move) return;
  const auto conversation = resolve(host, said.id, arrived_in);
  Move move = *said.move;
  // What happens before the other end is known belongs to the first conversation.
  move.conversation = conversation.value_or(0);
  move.order = said.order;
  move.at = now_;
  move.side = host.side;
  recording_.moves.push_back(move);
  if (!conversation) return;
  recording_.conversations[*conversation].now.of(host.side) = move.to;
  if (move.to == tcp::State::closed || move.to == tcp::State::listen) {
    std::erase_if(host.known, [&](const Known& known) { return known.id == said.id; });
  }
}

void Network::settle(HostId id, std::optional<size_t> arrived_in) {
  Host& host = *hosts_[id];
  const auto said = std::exchange(host.mouth.said, {});
  for (const Mouth::Said& one : said) {
    record_move(host, one, arrived_in);
    if (one.notice) {
      const auto conversation = resolve(host, one.id, arrived_in).value_or(0);
      recording_.told.push_back({one.order, now_, host.side, conversation, *one.notice});
    }
  }
  for (const Mouth::Said& one : said) {
    if (!one.datagram.empty()) transmit(one.order, one.datagram, host.side, id);
  }
  if (!said.empty() || arrived_in) host.user_due = true;
}

// tcpdump's relative numbers: counted from the SYN, or from the first number seen.
void Network::number(Segment& segment) {
  auto& mine = isn_[segment.conversation][static_cast<size_t>(segment.from)];
  auto& theirs = isn_[segment.conversation][static_cast<size_t>(other(segment.from))];
  const wire::TcpHeader& header = segment.header;
  if (!mine || (!segment.injected && header.flags.syn)) mine = header.seq;
  segment.seq = mine ? header.seq - *mine : 0;
  if (!header.flags.ack) return;
  segment.ack = theirs ? header.ack - *theirs : 0;
}

void Network::transmit(uint64_t order, std::vector<std::byte> datagram, Side side,
                       std::optional<HostId> from) {
  const tcp::Packet packet = packet_of(datagram);
  Segment segment;
  segment.order = order;
  segment.at = now_;
  segment.from = side;
  segment.injected = !from.has_value();
  segment.conversation = conversation_of(packet.from(), packet.to(), side);
  segment.header = packet.header;
  segment.length = static_cast<uint32_t>(packet.text.size());
  number(segment);
  segment.states = recording_.conversations[segment.conversation].now;

  Passage passage{Fate::lost, now_, {}};  // to an address that nobody has
  if (const auto to = host_at(packet.destination)) {
    if (!from) {
      passage = {Fate::delivered, now_, {{now_, now_, {}}}};
    } else {
      passage = link(*from, *to).pass(now_, datagram.size(), ip_header_size(datagram));
    }
  }
  segment.fate = passage.fate;
  segment.middle = passage.middle;
  segment.datagram = std::move(datagram);
  const size_t index = recording_.segments.size();
  for (const Copy& copy : passage.copies) {
    events_.push({copy.arrives, order_++, std::pair(index, segment.arrivals.size()), {}});
    segment.arrivals.push_back({0, copy.arrives, copy.middle, copy.flipped_bit, {}});
  }
  recording_.segments.push_back(std::move(segment));
}

void Network::arrive(size_t index, size_t copy) {
  Segment& segment = recording_.segments[index];
  const size_t conversation = segment.conversation;
  std::vector<std::byte> datagram = segment.datagram;
  Arrival& arrival = segment.arrivals[copy];
  arrival.order = order_++;
  const IpAddress destination = recording_.conversations[conversation].of(other(segment.from)).addr;
  if (arrival.flipped_bit) flip_bit(datagram, *arrival.flipped_bit);
  const auto packet = from_datagram(datagram);
  const auto to = host_at(destination);
  if (packet && to) {
    hosts_[*to]->endpoint->arrive(now_, *packet);
    settle(*to, conversation);
  }
  // Not `arrival`: what was sent in answer may have moved the segments.
  recording_.segments[index].arrivals[copy].states = recording_.conversations[conversation].now;
}

std::optional<Time> Network::next_time() const {
  std::optional<Time> next;
  if (!events_.empty()) next = events_.top().at;
  for (const auto& host : hosts_) {
    const auto deadline = host->endpoint->next_deadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

void Network::advance_hosts() {
  for (HostId id = 0; id < hosts_.size(); ++id) {
    const auto deadline = hosts_[id]->endpoint->next_deadline();
    if (!deadline || *deadline > now_) continue;
    hosts_[id]->endpoint->advance(now_);
    settle(id, std::nullopt);
    if (++same_time_ > kMostAdvances) stuck_ = true;
  }
}

void Network::run_users() {
  for (bool again = true; again;) {
    again = false;
    for (const auto& host : hosts_) {
      if (!std::exchange(host->user_due, false) || !host->user) continue;
      host->user();
      again = true;
    }
  }
}

bool Network::step(Time until) {
  const auto next = next_time();
  if (!next || *next > until || stuck_) return false;
  if (*next > now_) same_time_ = 0;
  now_ = std::max(now_, *next);
  if (!events_.empty() && events_.top().at <= now_) {
    const Event event = events_.top();
    events_.pop();
    if (event.arrival) arrive(event.arrival->first, event.arrival->second);
    if (event.action) event.action();
  } else {
    advance_hosts();
  }
  run_users();
  return true;
}

void Network::run(Time until) {
  run_users();
  while (step(until)) {
  }
  if (!stuck_ && until > now_ && next_time()) now_ = until;
}

bool Network::silent() const { return !next_time(); }

}  // namespace tcpdx::sim
