// Many short connections at a steady rate: connect, one request, one answer, close.
//
//   short_connections serve   ADDRESS PORT PORTS client|server
//   short_connections connect ADDRESS PORT PORTS client|server RATE SECONDS
//
// PORTS listeners from PORT on; the last word of `serve` says who closes first. `connect` prints
// "ok N" when all N connections were answered, else "failed F of N" with exit code 1.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kRequest = "request of 18 byte";
constexpr std::string_view kAnswer = "answer of 17 byte";

struct Options {
  sockaddr_in address{};
  uint16_t port = 0;
  uint16_t ports = 1;
  bool server_closes_first = false;
  int rate = 0;
  int seconds = 0;
};

sockaddr_in at_port(const Options& options, unsigned n) {
  sockaddr_in address = options.address;
  address.sin_port = htons(static_cast<uint16_t>(options.port + n % options.ports));
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void watch(int epoll, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// True while the connection goes on.
bool answer_or_close(int fd, bool close_first) {
  std::array<char, 256> buffer{};
  if (read(fd, buffer.data(), buffer.size()) <= 0) return false;
  return write(fd, kAnswer.data(), kAnswer.size()) > 0 && !close_first;
}

void accept_all(int epoll, int listener) {
  for (int fd = 0; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
    watch(epoll, fd, EPOLLIN);
  }
}

std::vector<bool> listen_on_all(int epoll, const Options& options) {
  std::vector<bool> is_listener;
  for (unsigned n = 0; n < options.ports; ++n) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = at_port(options, n);
    if (fd < 0 || bind(fd, generic(address), sizeof address) != 0 || listen(fd, 1024) != 0) {
      std::perror("listen");
      std::exit(1);
    }
    is_listener.resize(static_cast<size_t>(fd) + 1);
    is_listener[static_cast<size_t>(fd)] = true;
    watch(epoll, fd, EPOLLIN);
  }
  return is_listener;
}

int serve(const Options& options) {
  const int epoll = epoll_create1(0);
  const std::vector<bool> is_listener = listen_on_all(epoll, options);
  std::puts("ready");
  std::fflush(stdout);
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      const auto index = static_cast<size_t>(fd);
      if (index < is_listener.size() && is_listener[index]) {
        accept_all(epoll, fd);
      } else if (!answer_or_close(fd, options.server_closes_first)) {
        close(fd);
      }
    }
  }
}

struct Tally {
  int opened = 0;
  int answered = 0;
  int failed = 0;
};

void open_one(int epoll, const Options& options, Tally& tally) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const sockaddr_in address = at_port(options, static_cast<unsigned>(tally.opened));
  ++tally.opened;
  if (fd < 0 || (connect(fd, generic(address), sizeof address) != 0 && errno != EINPROGRESS)) {
    ++tally.failed;
    if (fd >= 0) close(fd);
    return;
  }
  watch(epoll, fd, EPOLLOUT);
}

// Sends the request when connected; closes after the answer, or after the server's end of file
// when the server closes first.
void advance(int epoll, const epoll_event& event, bool server_closes_first, Tally& tally) {
  const int fd = event.data.fd;
  std::array<char, 256> buffer{};
  if ((event.events & EPOLLOUT) != 0) {
    if (write(fd, kRequest.data(), kRequest.size()) <= 0) {
      ++tally.failed;
      close(fd);
      return;
    }
    epoll_event next{};
    next.events = EPOLLIN;
    next.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &next);
    return;
  }
  const ssize_t length = read(fd, buffer.data(), buffer.size());
  if (length > 0) ++tally.answered;
  if (length < 0) ++tally.failed;
  if (length <= 0 || !server_closes_first) close(fd);
}

int connect_at_rate(const Options& options) {
  const int epoll = epoll_create1(0);
  const int total = options.rate * options.seconds;
  const auto began = Clock::now();
  const auto end = began + std::chrono::seconds(options.seconds + 10);
  Tally tally;
  std::array<epoll_event, 256> events{};
  while (tally.answered + tally.failed < total && Clock::now() < end) {
    const std::chrono::duration<double> elapsed = Clock::now() - began;
    const auto due = static_cast<int>(elapsed.count() * options.rate);
    while (tally.opened < total && tally.opened < due) open_one(epoll, options, tally);
    const int count = epoll_wait(epoll, events.data(), events.size(), 1);
    for (int i = 0; i < count; ++i) {
      advance(epoll, events[static_cast<size_t>(i)], options.server_closes_first, tally);
    }
  }
  if (tally.answered < total) {
    std::printf("failed %d of %d\n", total - tally.answered, total);
    return 1;
  }
  std::printf("ok %d\n", total);
  return 0;
}

int number(const char* text) { return static_cast<int>(std::strtol(text, nullptr, 10)); }

}  // namespace

int main(int argc, char** argv) {
  const std::span words(argv, static_cast<size_t>(argc));
  Options options;
  if (words.size() < 6 || inet_pton(AF_INET, words[2], &options.address.sin_addr) != 1) {
    std::fputs("usage: see the head of short_connections.cpp\n", stderr);
    return 64;
  }
  options.address.sin_family = AF_INET;
  options.port = static_cast<uint16_t>(number(words[3]));
  options.ports = static_cast<uint16_t>(number(words[4]));
  options.server_closes_first = std::string_view(words[5]) == "server";
  if (words.size() < 8) return serve(options);
  options.rate = number(words[6]);
  options.seconds = number(words[7]);
  return connect_at_rate(options);
}
