// The scenarios of `tcpdx sim`: small stories between a client and a server, each a row of a table
// with what the two users do and what the network does to them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.hpp"
#include "sim/link.hpp"
#include "sim/recording.hpp"
#include "tcp/settings.hpp"

namespace tcpdx::sim {

enum class Do : uint8_t {
  listen,        // amount: the backlog; 0: the default
  connect,       // the next connection, to the server's port
  connect_back,  // actively towards the client's port: half of a simultaneous open
  opened,        // waits until the connection is ESTABLISHED
  accept,        // waits for a connection and takes it
  send,          // amount octets, waiting for room
  read_end,      // reads until the other side has closed
  shutdown,      // no more data from here: RFC 9293's CLOSE
  close,         // close(2): done with the connection
  abort,
  over,           // waits until the connection is gone
  pause,          // amount one-way delays
  sleep,          // amount milliseconds
  connect_again,  // from the port of the first connection
  crash,          // the host forgets everything
  cut,            // from now on nothing passes the path
  // What a third party does.
  old_syn,      // an old SYN of the client's reaches the server
  old_data,     // old data of the server's reaches the client
  spoofed_syn,  // amount SYNs from addresses where nobody is
};

struct Step {
  Do what{};
  uint32_t amount = 0;
};

// What a scenario needs beside the defaults.
struct Setup {
  tcp::Settings client;
  tcp::Settings server;
  tcp::ConnectionOptions options;    // of the client's connections
  unsigned held_back_percent = 500;  // how late a reordered segment is, of the one-way delay
};

struct Scenario {
  std::string_view name;
  std::string_view sentence;
  std::span<const Step> client;
  std::span<const Step> server;
  std::span<const Step> third{};
  std::span<const ScriptedFate> from_client{};
  std::span<const ScriptedFate> from_server{};
  void (*adjust)(Setup&) = nullptr;
};

std::span<const Scenario> scenarios();
const Scenario* find_scenario(std::string_view name);

struct RunOptions {
  double loss = 0;  // in both directions, beside what the scenario loses
  Duration delay = 10ms;
  uint64_t seed = 1;
};

// Runs until nothing will ever happen again, or for a day.
Recording run(const Scenario& scenario, const RunOptions& options);

}  // namespace tcpdx::sim
