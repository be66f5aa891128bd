// What the programs at both ends of a connection do: each way to open, to use and to end one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "track_kernel/road.hpp"
#include "track_kernel/watch.hpp"

namespace tcpdx::track_kernel {

// Where a play has its sockets, and what tells the watch about them.
class Scene {
 public:
  Scene(const Road& road, Watch& watch, uint16_t number)
      : road_(road), watch_(watch), number_(number) {}

  const Road& road() const { return road_; }
  Fd listen(int backlog = 16, int receive_buffer = 0);
  // Returns at once; the client's port is its own for each call.
  Fd start_connect(bool wait, int send_buffer = 0);
  struct Pair {
    Fd client;
    Fd server;
  };
  // A connection that is open at both ends, the listener gone.
  Pair open(int receive_buffer = 0, int send_buffer = 0);
  // Stays open until the states are no longer watched.
  void keep(Fd fd) { kept_.push_back(std::move(fd)); }
  void wait_for(bool client, tcp::State state, int connection = 0) const;

 private:
  SocketAddress server() const {
    return {road_.server(), static_cast<uint16_t>(road_.first_port() + number_)};
  }

  const Road& road_;
  Watch& watch_;
  uint16_t number_;
  uint16_t connections_ = 0;
  std::vector<Fd> kept_;
};

struct Play {
  std::string_view name;
  void (*act)(Scene&);
  int at_once = 6;  // so many of them side by side
  // Done once before and once while they run; may be null.
  void (*before)(const Road&) = nullptr;
  void (*during)(const Road&) = nullptr;
};

std::vector<Play> all_plays();

}  // namespace tcpdx::track_kernel
