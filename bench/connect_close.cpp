// Connects and closes over loopback as fast as it goes, for bench/events.py.
//
//   connect_close COUNT
// One process accepts, reads the end and closes; this one connects and closes, COUNT times, to many
// addresses, because each has its own ports. Prints microseconds per connection.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr uint16_t kPort = 9000;
constexpr uint32_t kAddresses = 200;

sockaddr_in loopback(uint32_t host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = htonl(host == 0 ? INADDR_ANY : 0x7f000100U + host);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

[[noreturn]] void serve(int listener) {
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    char byte = 0;
    if (read(fd, &byte, 1) < 0) std::perror("read");
    close(fd);
  }
}

}  // namespace

int main(int words, char** word) {
  if (words != 2) return 64;
  const int count = std::atoi(word[1]);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0) die("socket");
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in any = loopback(0);
  if (bind(listener, generic(any), sizeof any) != 0) die("bind");
  if (listen(listener, 4096) != 0) die("listen");
  const pid_t server = fork();
  if (server == 0) serve(listener);
  close(listener);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) die("socket");
    const sockaddr_in address = loopback(1 + static_cast<uint32_t>(i) % kAddresses);
    if (connect(fd, generic(address), sizeof address) != 0) die("connect");
    close(fd);
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  std::printf("%.3f\n", took.count() / count);
  return 0;
}
