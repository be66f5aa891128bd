// Our endpoints as one side of the comparison: two of them, a client and a server, that hand their
// packets to each other as whole IPv4 datagrams, or as they are.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "tcp/endpoint.hpp"
#include "tcp_sides.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::bench {
namespace {

using tcp::ConnectionId;
using tcp::Notice;
using tcp::Packet;

constexpr size_t kMtu = 1500;
constexpr uint16_t kLwipBuffer = 65535;  // its TCP_WND and TCP_SND_BUF

tcp::Settings settings_of(const EndpointChoice& choice) {
  tcp::Settings settings;
  if (!choice.as_lwip) return settings;
  settings.timestamps = false;
  settings.window_scaling = false;
  settings.sack = false;
  settings.receive_buffer = kLwipBuffer;
  settings.send_buffer = kLwipBuffer;
  return settings;
}

void must(const auto& result, std::string_view what) {
  if (!result) give_up(what);
}

// A packet on its way, in memory that is used again.
struct Frame {
  tcp::Endpoint* to = nullptr;
  Packet packet;  // used where nothing is written as bytes; its text lies in `bytes`
  size_t size = 0;
  std::array<std::byte, kMtu> bytes{};
};

class Wire {
 public:
  explicit Wire(bool as_bytes) : as_bytes_(as_bytes) {}

  // Room for so many packets at once, so that none is made while memory is counted.
  void reserve(size_t packets) {
    if (queue_.size() < packets) queue_.resize(packets);
    if (now_.size() < packets) now_.resize(packets);
  }
  void put(const Packet& packet, tcp::Endpoint* to) {
    if (used_ == queue_.size()) reserve(2 * used_ + 64);
    Frame& frame = queue_[used_++];
    frame.to = to;
    as_bytes_ ? write(packet, frame) : copy(packet, frame);
    ++handed_over;
  }
  // Hands over what was there when it was called, `tick` apart; `after` follows each packet.
  bool deliver(tcp::Time& now, Duration tick, const auto& after) {
    const size_t count = std::exchange(used_, 0);
    std::swap(queue_, now_);
    for (Frame& frame : std::span(now_).first(count)) {
      now += tick;
      as_bytes_ ? read(now, frame) : frame.to->arrive(now, frame.packet);
      after();
    }
    return count != 0;
  }

  uint64_t handed_over = 0;

 private:
  static void copy(const Packet& packet, Frame& frame) {
    if (!packet.text.empty())
      std::memcpy(frame.bytes.data(), packet.text.data(), packet.text.size());
    frame.packet = packet;
    frame.packet.text = std::span(frame.bytes).first(packet.text.size());
  }

  static void write(const Packet& packet, Frame& frame) {
    wire::IpHeader ip;
    ip.source = packet.source;
    ip.destination = packet.destination;
    ip.ttl = packet.ttl;
    ip.traffic_class = packet.traffic_class;
    ip.dont_fragment = true;
    const size_t payload = wire::header_size(packet.header) + packet.text.size();
    const size_t head = wire::write_ip(ip, payload, frame.bytes);
    frame.size = head + wire::write_tcp(packet.header, packet.text, packet.source,
                                        packet.destination, std::span(frame.bytes).subspan(head));
  }

  static void read(tcp::Time now, const Frame& frame) {
    const auto ip = wire::parse_ip(std::span(frame.bytes).first(frame.size));
    if (!ip || !ip->checksum_ok) give_up("our IP header is wrong");
    const wire::IpHeader& header = ip->header;
    if (!wire::tcp_checksum_ok(ip->payload, header.source, header.destination)) {
      give_up("our checksum is wrong");
    }
    const auto segment = wire::parse_tcp(ip->payload);
    if (!segment) give_up("our segment cannot be read");
    frame.to->arrive(now, {.source = header.source,
                           .destination = header.destination,
                           .header = segment->header,
                           .text = segment->text,
                           .ttl = header.ttl,
                           .traffic_class = header.traffic_class,
                           .source_route = {}});
  }

  bool as_bytes_;
  std::vector<Frame> queue_;  // the first used_ are on their way
  std::vector<Frame> now_;
  size_t used_ = 0;
};

// One of the two hosts. What its endpoint tells is kept until its program looks.
class Host final : public tcp::Sink {
 public:
  struct Told {
    ConnectionId id;
    Notice notice{};
  };

  Host(Wire& wire, const EndpointChoice& choice, const tcp::Secret& secret)
      : endpoint(settings_of(choice), secret, *this), wire_(wire) {}

  void send(const Packet& packet) override { wire_.put(packet, peer); }
  void notify(ConnectionId id, Notice notice) override { told.push_back({id, notice}); }
  void acceptable(tcp::ListenerId /*id*/) override { ++waiting; }
  void moved(ConnectionId /*id*/, tcp::State /*from*/, tcp::Event /*on*/, tcp::State to) override {
    if (to == tcp::State::closed) ++ended;
  }

  std::vector<Told> told;
  size_t waiting = 0;  // for accept()
  size_t ended = 0;    // connections that came to CLOSED
  tcp::Endpoint* peer = nullptr;
  tcp::Endpoint endpoint;

 private:
  Wire& wire_;
};

// Both hosts, what joins them, and their clock.
class World {
 public:
  explicit World(const EndpointChoice& choice)
      : wire(choice.bytes), client(wire, choice, {1, 2}), server(wire, choice, {3, 4}) {
    client.peer = &server.endpoint;
    server.peer = &client.endpoint;
    const auto id = server.endpoint.listen(now, kServer);
    must(id, "we do not listen");
    listener = *id;
  }

  ConnectionId connect() {
    const auto id = client.endpoint.connect(now, {kClient, 0}, kServer);
    must(id, "we do not connect");
    return *id;
  }

  // Hands packets over, and the programs what they are told, until nothing is under way.
  void run(auto& programs) {
    do {
      look(programs);
    } while (wire.deliver(now, 1us, [&] { look(programs); }));
  }
  // The same; where nothing is under way, time passes up to the next deadline.
  void run_until(auto& programs, const auto& done) {
    for (int idle = 0; !done();) {
      run_timers();
      look(programs);
      if (wire.deliver(now, 1us, [&] { look(programs); })) {
        idle = 0;
        continue;
      }
      if (done()) return;
      if (++idle > 100) give_up("we do not come to an end");
      now = std::max(now, std::min(deadline(client), deadline(server)));
    }
  }
  void pass(auto& programs, Duration time) {
    now += time;
    run_timers();
    run(programs);
  }

  tcp::Time now = 1s;
  Wire wire;
  Host client;
  Host server;
  tcp::ListenerId listener;

 private:
  tcp::Time deadline(const Host& host) const {
    return host.endpoint.next_deadline().value_or(now + 1s);
  }
  void run_timers() {
    client.endpoint.advance(now);
    server.endpoint.advance(now);
  }
  void look(auto& programs) {
    for (; server.waiting != 0; --server.waiting) {
      if (const auto id = server.endpoint.accept(now, listener)) programs.accepted(*id);
    }
    // By index: a program's call may tell more.
    for (size_t i = 0; i < client.told.size(); ++i) {
      programs.at_client(client.told[i].id, client.told[i].notice);
    }
    client.told.clear();
    for (size_t i = 0; i < server.told.size(); ++i) {
      programs.at_server(server.told[i].id, server.told[i].notice);
    }
    server.told.clear();
  }

  const IpAddress kClient = ipv4(192, 0, 2, 1);
  const SocketAddress kServer{ipv4(198, 51, 100, 1), kServerPort};
};

// The client sends as fast as it may, the server reads whatever comes.
struct BulkPrograms {
  World& world;
  uint64_t wanted;
  uint64_t sent = 0;
  uint64_t received = 0;
  ConnectionId server{};
  std::vector<std::byte> buffer = std::vector<std::byte>(131072);

  void accepted(ConnectionId id) { server = id; }
  void at_client(ConnectionId id, Notice notice) {
    if (notice == Notice::opened || notice == Notice::writable) feed(id);
  }
  void at_server(ConnectionId id, Notice notice) {
    if (notice != Notice::readable) return;
    const auto got = world.server.endpoint.receive(world.now, id, buffer);
    must(got, "we do not receive");
    Stream::check(received, std::span(buffer).first(*got));
    received += *got;
  }
  void feed(ConnectionId id) {
    while (sent < wanted) {
      const auto octets = Stream::at(sent, std::min<uint64_t>(wanted - sent, UINT16_MAX));
      const auto taken = world.client.endpoint.send(world.now, id, octets);
      must(taken, "we do not send");
      sent += *taken;
      if (*taken < octets.size()) return;
    }
  }
};

// A request, a response, and the client closes or stays.
struct ExchangePrograms {
  World& world;
  bool close_after;
  size_t done = 0;
  std::array<std::byte, 2 * kMessage> buffer{};

  void accepted(ConnectionId /*id*/) {}
  void at_client(ConnectionId id, Notice notice) {
    if (notice == Notice::opened) send(world.client, id);
    if (notice != Notice::readable || read(world.client, id) == 0) return;
    ++done;
    if (close_after) must(world.client.endpoint.close(world.now, id), "we do not close");
  }
  void at_server(ConnectionId id, Notice notice) {
    if (notice != Notice::readable) return;
    if (read(world.server, id) != 0) return send(world.server, id);
    must(world.server.endpoint.close(world.now, id), "we do not close");
  }

 private:
  void send(Host& host, ConnectionId id) {
    const auto taken = host.endpoint.send(world.now, id, Stream::at(0, kMessage));
    must(taken, "we do not send");
  }
  size_t read(Host& host, ConnectionId id) {
    const auto got = host.endpoint.receive(world.now, id, buffer);
    must(got, "we do not receive");
    if (*got != 0 && *got != kMessage) give_up("we cut a message");
    Stream::check(0, std::span(buffer).first(*got));
    return *got;
  }
};

class Endpoints final : public Side {
 public:
  explicit Endpoints(const EndpointChoice& choice)
      : name_(choice.name), time_wait_(settings_of(choice).time_wait), world_(choice) {}
  std::string_view name() const override { return name_; }

  uint64_t bulk(uint64_t octets) override {
    BulkPrograms programs{.world = world_, .wanted = octets};
    world_.wire.handed_over = 0;
    const ConnectionId client = world_.connect();
    world_.run_until(programs, [&] { return programs.received == octets; });
    const uint64_t segments = world_.wire.handed_over;
    must(world_.client.endpoint.abort(world_.now, client), "we do not abort");
    world_.run(programs);
    must(world_.server.endpoint.close(world_.now, programs.server), "we do not close");
    return segments;
  }

  void connections(size_t count, size_t in_time_wait) override {
    ExchangePrograms programs{.world = world_, .close_after = true};
    world_.server.ended = 0;
    for (size_t i = 1; i <= count; ++i) {
      (void)world_.connect();
      world_.run_until(programs, [&] { return world_.server.ended == i; });
      if (i % in_time_wait == 0) pass_time_wait(programs);
    }
    if (programs.done != count) give_up("we lost responses");
    pass_time_wait(programs);
  }

  double idle_octets(size_t connections) override {
    ExchangePrograms programs{.world = world_, .close_after = false};
    std::vector<ConnectionId> clients;
    clients.reserve(connections);
    world_.wire.reserve(2 * connections);
    const size_t before = octets_in_use();
    for (size_t i = 1; i <= connections; ++i) {
      clients.push_back(world_.connect());
      world_.run_until(programs, [&] { return programs.done == i; });
    }
    world_.pass(programs, 1s);  // the delayed acknowledgments
    world_.pass(programs, 1s);
    const size_t after = octets_in_use();
    for (const ConnectionId id : clients) {
      must(world_.client.endpoint.abort(world_.now, id), "we do not abort");
      world_.run(programs);
    }
    return static_cast<double>(after - before) / (2.0 * static_cast<double>(connections));
  }

 private:
  void pass_time_wait(ExchangePrograms& programs) {
    world_.pass(programs, time_wait_);
    if (world_.client.endpoint.connections() + world_.server.endpoint.connections() != 0) {
      give_up("we keep connections");
    }
  }

  std::string_view name_;
  Duration time_wait_;
  World world_;
};

}  // namespace

std::unique_ptr<Side> make_endpoints(const EndpointChoice& choice) {
  return std::make_unique<Endpoints>(choice);
}

}  // namespace tcpdx::bench
