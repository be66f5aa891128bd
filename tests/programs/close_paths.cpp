// Connections over loopback that end in every way there is, between two processes, for what
// follows their states.
//
//   close_paths ADDRESS PORT COUNT
// A server ("cp-server") listens on PORT, nobody on PORT + 1. The client ("cp-client") opens ten
// connections, the program says "ready CLIENT SERVER" (pids) and waits for a line. Then COUNT
// connections are made, one after the other, each ended in the next way of kWays, and the first
// ten.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

// The first byte that the client sends says how the server is to behave.
enum class Way : char {
  client_first = 'a',   // the server closes when it reads the end
  server_first = 'b',   // the client closes when it reads the end
  at_once = 'c',        // both close without waiting for each other
  client_resets = 'd',  // SO_LINGER 0
  unread = 'e',         // the server closes with data that it has not read
  half_closed = 'f',    // the client shuts down, the server answers and closes
  refused = 'g',
  old = 'h'
};
constexpr std::array kWays{Way::client_first, Way::server_first, Way::at_once, Way::client_resets,
                           Way::unread,       Way::half_closed,  Way::refused};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in address_of(const char* text, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) die("address");
  return address;
}

int connect_to(const sockaddr_in& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  const auto* common = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (connect(fd, common, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

void drain(int fd) {
  std::array<char, 64> bytes;
  while (read(fd, bytes.data(), bytes.size()) > 0) {
  }
}

void serve(int listener) {
  prctl(PR_SET_NAME, "cp-server");
  std::vector<int> old;
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) die("accept");
    char way = 0;
    if (read(fd, &way, 1) != 1) {
      close(fd);
      continue;
    }
    switch (Way{way}) {
      case Way::old: old.push_back(fd); continue;
      case Way::client_first:
      case Way::client_resets: drain(fd); break;
      case Way::half_closed:
        drain(fd);
        static_cast<void>(!write(fd, "ok", 2));
        break;
      case Way::unread: recv(fd, &way, 1, MSG_PEEK); break;  // it has come
      case Way::server_first:
      case Way::at_once:
      case Way::refused: break;
    }
    close(fd);
  }
}

void end(int fd, Way way) {
  const char first = static_cast<char>(way);
  if (write(fd, &first, 1) != 1) die("write");
  const linger at_once{1, 0};
  switch (way) {
    case Way::client_resets: setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); break;
    case Way::server_first: drain(fd); break;
    case Way::unread:
      static_cast<void>(!write(fd, "unread", 6));
      drain(fd);
      break;
    case Way::half_closed:
      shutdown(fd, SHUT_WR);
      drain(fd);
      break;
    case Way::client_first:
    case Way::at_once:
    case Way::refused:
    case Way::old: break;
  }
  close(fd);
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 64;
  std::signal(SIGPIPE, SIG_IGN);
  const int port = std::atoi(words[2]);
  const sockaddr_in address = address_of(words[1], port);
  const sockaddr_in nobody = address_of(words[1], port + 1);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0) die("socket");
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto* common = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (bind(listener, common, sizeof address) != 0) die("bind");
  if (listen(listener, 128) != 0) die("listen");
  const pid_t server = fork();
  if (server == 0) serve(listener);
  close(listener);
  prctl(PR_SET_NAME, "cp-client");
  std::vector<int> old;
  for (int i = 0; i < 10; ++i) {
    old.push_back(connect_to(address));
    const char way = static_cast<char>(Way::old);
    if (write(old.back(), &way, 1) != 1) die("write");
  }
  usleep(200'000);  // the server has taken them
  std::printf("ready %d %d\n", getpid(), server);
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;
  const int wanted = std::atoi(words[3]);
  for (int i = 0; i < wanted; ++i) {
    const Way way = kWays[static_cast<size_t>(i) % kWays.size()];
    const int fd = connect_to(way == Way::refused ? nobody : address);
    if (fd >= 0) end(fd, way);
  }
  for (const int fd : old) close(fd);
  usleep(300'000);
  kill(server, SIGKILL);  // its ends of the old connections go with it
  waitpid(server, nullptr, 0);
  std::puts("done");
  return 0;
}
