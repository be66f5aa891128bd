// The true states of the kernel's sockets over time. Changes come from the tracepoint
// sock:inet_sock_set_state, exactly. It knows neither half-open sockets (request sockets) nor
// TIME-WAIT, nor the FIN-WAIT-2 of a socket whose program is gone: those are asked of sock_diag(7),
// again and again.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "host/netlink.hpp"
#include "tcp/state.hpp"
#include "track_kernel/road.hpp"

namespace tcpdx::track_kernel {

// Times are since 1970. What the tracepoint tells began at one moment; what sock_diag shows began
// between the last look that did not show it and the first that did.
struct Moment {
  int64_t time_ns = 0;
  int64_t earliest_ns = 0;
  tcp::State state{};
};

// One end of a connection: its own address first.
struct Ends {
  SocketAddress local;
  SocketAddress remote;
  auto operator<=>(const Ends&) const = default;
};

class Tracepoint;
struct SetState;

class Watch {
 public:
  // Fails where the kernel's tracepoints are out of reach.
  static Result<std::unique_ptr<Watch>> start(const Road& road);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // From now on the end is asked for; the client's ends in the client, all others in the server.
  void follow(const Ends& ends);
  // The state that was asked last.
  std::optional<tcp::State> now(const Ends& ends);
  void stop();
  // After stop(): each state that the end was in, CLOSED at the beginning left out.
  std::vector<Moment> states(const Ends& ends) const;
  std::vector<Ends> followed() const;
  // After stop(): what shows that the tracepoint's record has a hole; empty: none. Without a record
  // that is whole there is no truth to compare with.
  std::vector<std::string> holes() const;

 private:
  // What sock_diag told; only where it differs from before.
  enum class Kind : uint8_t { none, request, full, time_wait };
  struct Answer {
    int64_t before_ns = 0;  // when the last one that differs was asked for
    int64_t asked_ns = 0;   // the answer is of a moment between these two
    int64_t time_ns = 0;
    Kind kind = Kind::none;
    tcp::State state = tcp::State::closed;
  };
  struct Followed {
    Ends ends;
    bool at_client = false;
    int64_t asked_ns = 0;  // last
    std::vector<Answer> answers;
  };

  explicit Watch(const Road& road);
  void ask(Followed& end);
  static Moment moment_of(const Followed& end, const SetState& event);

  const Road& road_;
  std::unique_ptr<Tracepoint> tracepoint_;
  std::optional<host::Netlink> client_;
  std::optional<host::Netlink> server_;
  std::mutex lock_;
  std::vector<std::unique_ptr<Followed>> followed_;
  std::jthread thread_;
};

}  // namespace tcpdx::track_kernel
