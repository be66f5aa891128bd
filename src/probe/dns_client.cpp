#include "probe/dns_client.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <random>
#include <span>
#include <utility>

#include "base/stopwatch.hpp"
#include "base/text.hpp"
#include "probe/error_queue.hpp"
#include "probe/error_words.hpp"
#include "probe/socket.hpp"
#include "probe/socket_address.hpp"
#include "wire/octets.hpp"

namespace tcpdx::probe {
namespace {

constexpr size_t kLongest = 65535;

class Deadline {
 public:
  Deadline(Duration longest, const std::function<bool()>& stop) : longest_(longest), stop_(stop) {}
  Duration elapsed() const { return watch_.elapsed(); }
  // False when the time is up or someone says stop.
  bool wait(int socket, int16_t events) const {
    return wait_for(socket, events, longest_ - elapsed(), stop_);
  }

 private:
  Duration longest_;
  const std::function<bool()>& stop_;
  Stopwatch watch_;
};

bool answers(const wire::DnsMessage& message, uint16_t id, const wire::DnsQuestion& question) {
  if (!message.is_answer || message.id != id) return false;
  // Some servers leave the question out of an error.
  if (!message.question) return message.code != wire::DnsCode::no_error;
  std::string name = lower(question.name);
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return message.question->type == question.type && lower(message.question->name) == name;
}

// What an ICMP error or this host says of the server; empty: nothing.
std::string refusal(int socket) {
  while (const auto error = next_error(socket)) {
    if (error->origin != Origin::sent) return words_of(*error);
  }
  return {};
}

void over_udp(int socket, std::span<const std::byte> query, uint16_t id, const Deadline& deadline,
              DnsReply& reply) {
  const int error = send_datagram(socket, query, reply.asked.server);
  if (error != 0) {
    reply.error = words_of_errno(error);
    return;
  }
  std::vector<std::byte> buffer(kLongest);
  while (deadline.wait(socket, POLLIN)) {
    while (const auto got = next_datagram(socket, buffer)) {
      auto message = wire::parse_dns(got->octets);
      const bool ours = got->from.addr == reply.asked.server.addr && message &&
                        answers(*message, id, reply.asked.question);
      if (!ours) continue;
      reply.octets = got->octets.size();
      reply.message = std::move(message);
      return;
    }
    reply.error = refusal(socket);
    if (!reply.error.empty()) return;
  }
  reply.silent = true;
  reply.error = "no answer";
}

// Reads exactly that many octets; false when the time is up or the connection ends.
bool read_all(int socket, std::span<std::byte> into, const Deadline& deadline) {
  while (!into.empty()) {
    const ssize_t size = ::recv(socket, into.data(), into.size(), MSG_DONTWAIT);
    if (size > 0) {
      into = into.subspan(static_cast<size_t>(size));
      continue;
    }
    const bool ended = size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    if (ended || !deadline.wait(socket, POLLIN)) return false;
  }
  return true;
}

// RFC 7766: each message has its length before it.
void over_tcp(int socket, std::span<const std::byte> query, uint16_t id, const Deadline& deadline,
              DnsReply& reply) {
  const SystemAddress to = system_address(reply.asked.server);
  if (::connect(socket, to.get(), to.size) != 0 && errno != EINPROGRESS) {
    reply.error = words_of_errno(errno);
    return;
  }
  if (!deadline.wait(socket, POLLOUT)) {
    reply.silent = true;
    reply.error = "no answer to the SYN";
    return;
  }
  reply.error = refusal(socket);
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (reply.error.empty() && error != 0) {
    reply.error = error == ECONNREFUSED ? "refused" : words_of_errno(error);
  }
  if (!reply.error.empty()) return;
  std::vector<std::byte> framed(2 + query.size());
  wire::put16(framed.data(), static_cast<uint16_t>(query.size()));
  std::ranges::copy(query, framed.begin() + 2);
  std::array<std::byte, 2> length{};
  std::vector<std::byte> octets;
  bool read = ::send(socket, framed.data(), framed.size(), MSG_NOSIGNAL) ==
                  static_cast<ssize_t>(framed.size()) &&
              read_all(socket, length, deadline);
  if (read) {
    octets.resize(wire::get16(length.data()));
    read = read_all(socket, octets, deadline);
  }
  auto message = read ? wire::parse_dns(octets) : std::nullopt;
  if (message && answers(*message, id, reply.asked.question)) {
    reply.octets = octets.size();
    reply.message = std::move(message);
  } else {
    reply.error = read ? "its answer is damaged" : "connected, but no whole answer came";
  }
}

}  // namespace

std::string_view to_string(Transport transport) {
  return transport == Transport::udp ? "udp" : "tcp";
}

DnsReply ask(const DnsAsk& asked, const std::function<bool()>& stop) {
  DnsReply reply{.asked = asked, .message = {}, .error = {}};
  const auto id = static_cast<uint16_t>(std::random_device{}());
  const auto query =
      wire::write_dns_query({.id = id, .question = asked.question, .dnssec = asked.dnssec});
  if (query.empty()) {
    reply.error = "that is no name: labels have at most 63 octets, a name 255";
    return reply;
  }
  const bool udp = asked.transport == Transport::udp;
  AskOptions options;
  options.target = asked.server;
  const auto socket = open_socket(udp ? SOCK_DGRAM : SOCK_STREAM, 0, options);
  if (!socket) {
    reply.error = socket.error().sentence;
    return reply;
  }
  const Deadline deadline(asked.timeout, stop);
  (udp ? over_udp : over_tcp)(socket->get(), query, id, deadline, reply);
  reply.took = deadline.elapsed();
  return reply;
}

}  // namespace tcpdx::probe
