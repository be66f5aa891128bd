// Holds COUNT connected TCP sockets on loopback until its standard input ends:
//
//   hold_sockets COUNT
//
// Spread over several processes, because the hard limit of descriptors may be far below COUNT.
// Prints "ready COUNT" once all are open. Run it in a network namespace of its own.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <utility>

namespace {

constexpr int kBacklog = 4096;
constexpr long kOtherDescriptors = 32;
// A destination has no more source ports than this (ip_local_port_range, default).
constexpr long kConnectionsPerListener = 20'000;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

long descriptors_per_process() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t kEnough = 2 * kConnectionsPerListener;
  return static_cast<long>(std::min(limit.rlim_cur, kEnough)) - kOtherDescriptors;
}

int tcp_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  return fd;
}

// A listener on a port that the kernel chooses, and its address.
std::pair<int, sockaddr_in> listen_somewhere() {
  const int fd = tcp_socket();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  if (bind(fd, generic, length) != 0 || listen(fd, kBacklog) != 0) fail("listen");
  getsockname(fd, generic, &length);
  return {fd, address};
}

// Opens both ends of each connection here, reports one byte, and waits to be ended.
[[noreturn]] void hold(long connections, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto [listener, address] = listen_somewhere();
  for (long i = 0; i < connections; ++i) {
    const int client = tcp_socket();
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (connect(client, generic, sizeof address) != 0) fail("connect");
    if (accept(listener, nullptr, nullptr) < 0) fail("accept");
  }
  close(listener);
  if (write(report, "+", 1) != 1) fail("write");
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::span words(argv, static_cast<size_t>(argc));
  const long count = words.size() == 2 ? std::strtol(words[1], nullptr, 10) : 0;
  if (count < 2) {
    std::fputs("usage: hold_sockets COUNT\n", stderr);
    return 64;
  }
  const long most = descriptors_per_process() / 2;
  int report[2];
  if (pipe(report) != 0) fail("pipe");
  long processes = 0;
  for (long left = count / 2; left > 0; left -= most, ++processes) {
    if (fork() == 0) hold(std::min(left, most), report[1]);
  }
  close(report[1]);
  char byte = 0;
  for (long i = 0; i < processes; ++i) {
    if (read(report[0], &byte, 1) != 1) fail("a holder ended early");
  }
  std::printf("ready %ld\n", count);
  std::fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
