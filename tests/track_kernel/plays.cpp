#include "track_kernel/plays.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

namespace tcpdx::track_kernel {
namespace {

using tcp::State;
using namespace std::chrono_literals;

constexpr size_t kMuch = 300'000;
constexpr int kPatienceSeconds = 15;

sockaddr_in system_address(const SocketAddress& of) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(of.port);
  std::memcpy(&in.sin_addr, of.addr.bytes.data(), sizeof in.sin_addr);
  return in;
}
sockaddr* generic(sockaddr_in& in) { return static_cast<sockaddr*>(static_cast<void*>(&in)); }

void set(const Fd& fd, int level, int option, int value) {
  ::setsockopt(fd.get(), level, option, &value, sizeof value);
}

// Nothing waits for ever, whatever is lost.
void limit(const Fd& fd) {
  const timeval time{kPatienceSeconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

void say(const Fd& fd, size_t octets) {
  const std::string text(octets, 'x');
  size_t done = 0;
  while (done < octets) {
    const ssize_t sent = ::send(fd.get(), text.data() + done, octets - done, MSG_NOSIGNAL);
    if (sent <= 0) return;
    done += static_cast<size_t>(sent);
  }
}
void hear(const Fd& fd, size_t octets) {
  std::string room(64 << 10U, ' ');
  for (size_t done = 0; done < octets;) {
    const ssize_t got = ::recv(fd.get(), room.data(), std::min(room.size(), octets - done), 0);
    if (got <= 0) return;
    done += static_cast<size_t>(got);
  }
}
void hear_all(const Fd& fd) { hear(fd, SIZE_MAX); }
void end_sending(const Fd& fd) { ::shutdown(fd.get(), SHUT_WR); }
void abort(Fd& fd) {
  const linger now{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd.reset();
}
void pause(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

void talk(const Scene::Pair& pair) {
  say(pair.client, 500);
  hear(pair.server, 500);
  say(pair.server, 3000);
  hear(pair.client, 3000);
}

}  // namespace

Fd Scene::listen(int backlog, int receive_buffer) {
  road_.enter(Host::server);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  limit(fd);
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (receive_buffer > 0) set(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  sockaddr_in at = system_address(server());
  EXPECT_EQ(::bind(fd.get(), generic(at), sizeof at), 0) << errno_text(errno);
  EXPECT_EQ(::listen(fd.get(), backlog), 0) << errno_text(errno);
  return fd;
}

Fd Scene::start_connect(bool wait, int send_buffer) {
  const auto port = static_cast<uint16_t>(50000 + number_ * 16 + connections_++);
  const SocketAddress own{road_.client(), port};
  watch_.follow({own, server()});
  watch_.follow({server(), own});
  road_.enter(Host::client);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0));
  if (!fd) return fd;
  limit(fd);
  if (send_buffer > 0) set(fd, SOL_SOCKET, SO_SNDBUF, send_buffer);
  sockaddr_in from = system_address(own);
  sockaddr_in to = system_address(server());
  EXPECT_EQ(::bind(fd.get(), generic(from), sizeof from), 0) << errno_text(errno);
  // Whether it was taken, refused or is under way is the play's business.
  const int begun = ::connect(fd.get(), generic(to), sizeof to);
  EXPECT_LE(begun, 0);
  return fd;
}

Scene::Pair Scene::open(int receive_buffer, int send_buffer) {
  const Fd listener = listen(16, receive_buffer);
  Pair pair;
  pair.client = start_connect(true, send_buffer);
  pair.server = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  limit(pair.server);
  return pair;
}

void Scene::wait_for(bool client, State state, int connection) const {
  const SocketAddress own{road_.client(), static_cast<uint16_t>(50000 + number_ * 16 + connection)};
  const Ends ends = client ? Ends{own, server()} : Ends{server(), own};
  for (int i = 0; i < 1000 && watch_.now(ends) != state; ++i) pause(10ms);
}

std::vector<Play> all_plays() {
  std::vector<Play> plays;
  plays.push_back({"client_closes_first", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     pair.client.reset();
                     hear_all(pair.server);
                   }});
  plays.push_back({"server_closes_first", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     pair.server.reset();
                     hear_all(pair.client);
                   }});
  plays.push_back({"close_long_after_the_other", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     pair.client.reset();
                     hear_all(pair.server);
                     pause(400ms);
                   }});
  plays.push_back({"no_data_at_all", [](Scene& scene) { scene.open(); }});
  plays.push_back({"half_close_then_data", [](Scene& scene) {
                     auto pair = scene.open();
                     say(pair.client, 2000);
                     end_sending(pair.client);
                     hear_all(pair.server);
                     pause(100ms);
                     std::jthread reader([&] { hear_all(pair.client); });
                     say(pair.server, kMuch);
                     end_sending(pair.server);
                   }});
  plays.push_back({"both_close_at_once", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     std::jthread other([&] { pair.server.reset(); });
                     pair.client.reset();
                   }});
  // The first FINs are lost, so that both ends have sent theirs when one arrives.
  plays.push_back({"crossing_fins",
                   [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     scene.wait_for(true, State::established);
                     pause(1000ms);
                     end_sending(pair.client);
                     end_sending(pair.server);
                     pause(700ms);
                     hear_all(pair.client);
                     hear_all(pair.server);
                   },
                   6, nullptr,
                   [](const Road& road) {
                     pause(700ms);
                     road.stop("'tcp flags & fin == fin'");
                     pause(700ms);
                     road.pass_all();
                   }});
  plays.push_back({"reset_by_linger", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     abort(pair.client);
                     hear_all(pair.server);
                   }});
  plays.push_back({"reset_by_linger_of_the_server", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     abort(pair.server);
                     hear_all(pair.client);
                   }});
  plays.push_back({"reset_by_unread_data", [](Scene& scene) {
                     auto pair = scene.open();
                     say(pair.client, 5000);
                     pause(300ms);
                     pair.server.reset();
                     hear_all(pair.client);
                   }});
  plays.push_back({"data_to_one_that_closed", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     pair.server.reset();
                     pause(100ms);
                     say(pair.client, 1000);
                     pause(100ms);
                     hear_all(pair.client);
                   }});
  plays.push_back({"refused", [](Scene& scene) { scene.start_connect(true); }});
  plays.push_back({"silent_address",
                   [](Scene& scene) {
                     scene.keep(scene.start_connect(false));
                     pause(2500ms);
                   },
                   6, [](const Road& road) { road.stop("'tcp flags & syn == syn'"); }});
  // Three fit behind a backlog of two, so one client believes that it is connected, and the server
  // does not until it accepts.
  plays.push_back({"accept_queue_full",
                   [](Scene& scene) {
                     const Fd listener = scene.listen(2);
                     std::vector<Fd> clients;
                     clients.push_back(scene.start_connect(true));
                     clients.push_back(scene.start_connect(true));
                     scene.wait_for(false, State::established, 1);
                     clients.push_back(scene.start_connect(false));
                     clients.push_back(scene.start_connect(false));
                     pause(2500ms);
                     std::vector<Fd> servers;
                     servers.reserve(4);
                     for (int i = 0; i < 4; ++i) {
                       servers.emplace_back(
                           ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
                     }
                     clients.clear();
                   },
                   3,
                   [](const Road& road) {
                     road.run(Host::server, "echo 0 > /proc/sys/net/ipv4/tcp_syncookies");
                   }});
  plays.push_back({"slow_reader", [](Scene& scene) {
                     auto pair = scene.open(8 << 10U);
                     std::jthread writer([&] {
                       say(pair.client, kMuch);
                       pair.client.reset();
                     });
                     pause(1500ms);
                     hear_all(pair.server);
                   }});
  plays.push_back({"close_with_data_waiting", [](Scene& scene) {
                     auto pair = scene.open(8 << 10U, 1 << 20U);
                     say(pair.client, kMuch);
                     pair.client.reset();
                     pause(700ms);
                     hear_all(pair.server);
                   }});
  plays.push_back({"both_close_with_data_waiting", [](Scene& scene) {
                     auto pair = scene.open(8 << 10U, 1 << 20U);
                     say(pair.client, 100'000);
                     end_sending(pair.client);
                     pause(300ms);
                     end_sending(pair.server);
                     pause(300ms);
                     hear_all(pair.server);
                     hear_all(pair.client);
                   }});
  plays.push_back({"keep_alives", [](Scene& scene) {
                     auto pair = scene.open();
                     talk(pair);
                     set(pair.client, SOL_SOCKET, SO_KEEPALIVE, 1);
                     set(pair.client, IPPROTO_TCP, TCP_KEEPIDLE, 1);
                     set(pair.client, IPPROTO_TCP, TCP_KEEPINTVL, 1);
                     pause(2500ms);
                     pair.client.reset();
                     hear_all(pair.server);
                   }});
  plays.push_back({"much_both_ways", [](Scene& scene) {
                     auto pair = scene.open();
                     const auto work = [](const Fd& fd) {
                       std::jthread reader([&] { hear(fd, kMuch); });
                       say(fd, kMuch);
                     };
                     std::jthread server([&] { work(pair.server); });
                     work(pair.client);
                     server.join();
                     pair.client.reset();
                     hear_all(pair.server);
                   }});
  return plays;
}

}  // namespace tcpdx::track_kernel
