#include "lab/server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace tcpdx::lab {
namespace {

constexpr std::array kServices{
    std::pair{Service::echo, std::string_view("echo")},
    std::pair{Service::discard, std::string_view("discard")},
    std::pair{Service::source, std::string_view("source")},
    std::pair{Service::reply, std::string_view("reply")},
    std::pair{Service::hold, std::string_view("hold")},
    std::pair{Service::deaf, std::string_view("deaf")},
    std::pair{Service::close, std::string_view("close")},
    std::pair{Service::reset, std::string_view("reset")},
};
constexpr size_t kChunk = 65536;
constexpr size_t kMostEcho = 1 << 20;  // then the client has to wait

void reset(Fd& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket.reset();
}

}  // namespace

std::string_view to_string(Service service) {
  return std::ranges::find(kServices, service, &decltype(kServices)::value_type::first)->second;
}

std::optional<Service> parse_service(std::string_view word) {
  const auto* at = std::ranges::find(kServices, word, &decltype(kServices)::value_type::second);
  return at == kServices.end() ? std::nullopt : std::optional(at->first);
}

Result<RunningServer> RunningServer::start(const Server& server) {
  Fd listener(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int off = 0;
  const int on = 1;
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(server.port);
  const auto* name = static_cast<const sockaddr*>(static_cast<const void*>(&any));
  const bool listens =
      listener && ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0 &&
      ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(listener.get(), name, sizeof any) == 0 &&
      ::listen(listener.get(), server.backlog) == 0;
  if (!listens) return fail("cannot listen on port {}: {}", server.port, errno_text(errno));
  return RunningServer(server, std::move(listener));
}

bool RunningServer::accept_all() {
  if (server_.service == Service::deaf) return false;
  bool any = false;
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return any;
    any = true;
    ++accepted_;
    if (server_.service == Service::close) continue;
    if (server_.service == Service::reset) {
      reset(fd);
      continue;
    }
    Client& client = clients_.emplace_back();
    client.fd = std::move(fd);
    if (server_.service == Service::source) client.to_send = server_.octets;
  }
}

bool RunningServer::reads(const Client& client) const {
  return !client.ended && server_.service != Service::hold && client.echo.size() < kMostEcho;
}

bool RunningServer::writes(const Client& client) const {
  return client.to_send > 0 || !client.echo.empty();
}

bool RunningServer::receive(Client& client, tcp::Time now) const {
  std::array<std::byte, kChunk> buffer;
  const ssize_t size = ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size < 0) {
    client.over = true;
  } else if (size == 0) {
    client.ended = true;
  } else if (server_.service == Service::echo) {
    client.echo.insert(client.echo.end(), buffer.begin(), buffer.begin() + size);
  } else if (server_.service == Service::reply && !client.reply_at) {
    client.reply_at = now + server_.after;
  }
  return true;
}

bool RunningServer::send_octets(Client& client) const {
  static constexpr std::array<std::byte, kChunk> kZeros{};
  const bool echo = !client.echo.empty();
  const auto from = echo ? std::span<const std::byte>(client.echo)
                         : std::span(kZeros).first(std::min<uint64_t>(kChunk, client.to_send));
  const ssize_t sent = ::send(client.fd.get(), from.data(), from.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    client.over = errno != EAGAIN && errno != EINTR;
    return client.over;
  }
  if (echo) {
    client.echo.erase(client.echo.begin(), client.echo.begin() + sent);
  } else {
    client.to_send -= static_cast<uint64_t>(sent);
    client.over = client.to_send == 0;
  }
  return true;
}

bool RunningServer::serve(Client& client, tcp::Time now) const {
  bool any = reads(client) && receive(client, now);
  if (client.reply_at && *client.reply_at <= now && client.to_send == 0) {
    client.reply_at = tcp::Time::max();  // no second reply
    client.to_send = server_.octets;
    client.over = server_.octets == 0;
    any = true;
  }
  if (writes(client) && !client.over) any = send_octets(client) || any;
  const bool waits = client.reply_at && *client.reply_at != tcp::Time::max();
  if (client.ended && !writes(client) && !waits) client.over = true;
  return any;
}

bool RunningServer::turn(tcp::Time now) {
  bool any = accept_all();
  for (Client& client : clients_) any = serve(client, now) || any;
  std::erase_if(clients_, &Client::over);
  return any;
}

std::optional<tcp::Time> RunningServer::next() const {
  std::optional<tcp::Time> next;
  for (const Client& client : clients_) {
    if (!client.reply_at || *client.reply_at == tcp::Time::max()) continue;
    next = std::min(next.value_or(*client.reply_at), *client.reply_at);
  }
  return next;
}

void RunningServer::add_polls(std::vector<pollfd>& into) const {
  if (server_.service != Service::deaf) {
    into.push_back({.fd = listener_.get(), .events = POLLIN, .revents = 0});
  }
  for (const Client& client : clients_) {
    const int events = (reads(client) ? POLLIN : 0) | (writes(client) ? POLLOUT : 0);
    // Whom nothing is awaited from would wake the caller by its end, again and again.
    if (events == 0) continue;
    into.push_back({.fd = client.fd.get(), .events = static_cast<int16_t>(events), .revents = 0});
  }
}

}  // namespace tcpdx::lab
