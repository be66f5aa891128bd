// What every fault asks of a capture: connections with a sign of something wrong, and how many
// there were in all, by place. Built one connection at a time, within bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "faults/signs.hpp"
#include "model/connection.hpp"

namespace tcpdx::faults {

// A connection that was kept because of a sign, and the end whose doing it is.
struct Kept {
  const Connection* connection = nullptr;
  Party by{};

  const Connection* operator->() const { return connection; }
};

// A service (address and port of responders), or the calls of a host (port 0).
struct End {
  uint64_t attempts = 0;  // SYNs seen, each connection once; of services only
  uint64_t complete = 0;  // handshakes among them
  uint64_t closes = 0;    // connections that ended, by FIN or by RST
  uint64_t pending = 0;   // attempts that were neither completed nor refused
  uint64_t unheard = 0;   // those of them whose SYN was not even answered
  std::array<uint32_t, kSigns> shown{};

  uint64_t count(Sign sign) const { return shown[static_cast<size_t>(sign)]; }
};

// An attempt to connect that did not succeed.
struct Attempt {
  WallTime at{};
  SocketAddress other;  // of a source: where it knocked; of a service: who did
};

// A host that opened connections, as a scanner would be seen.
struct Source {
  uint64_t attempts = 0;
  uint64_t failed = 0;    // refused, not answered, or dropped by the source itself
  uint64_t answered = 0;  // of them, those that drew an answer: the source is not forged
  std::vector<Attempt> failures;
};

// The text that went from hosts of one network (/24, /64) to those of another.
struct Path {
  IpAddress from;  // one of them
  IpAddress to;
  uint64_t flows = 0;
  uint64_t packets = 0;
  uint64_t data_packets = 0;
  uint64_t retransmissions = 0;
  uint64_t lost = 0;
  uint64_t spurious = 0;
  uint64_t out_of_order = 0;
  uint64_t bad_checksums = 0;
  WallTime first = WallTime::max();
  WallTime last = WallTime::min();
  uint64_t example = 0;  // the connection with the most repeats
  uint64_t example_repeats = 0;

  Duration span() const { return last > first ? last - first : Duration{}; }
};

inline constexpr unsigned network_bits(Family family) { return family == Family::v4 ? 24 : 64; }

class CaptureFacts {
 public:
  // `file` as commands in findings name it.
  explicit CaptureFacts(std::string file) : file_(std::move(file)) {}

  void add(const Connection& connection);
  // No more are coming; the capture is that long.
  void finish(Duration span) { span_ = span; }

  const std::string& file() const { return file_; }
  Duration span() const { return span_; }
  // Too short to call a thing sustained.
  bool is_short() const;

  uint64_t connections() const { return connections_; }
  // Those of which one direction was captured, and those that began before the capture.
  uint64_t one_way() const { return one_way_; }
  uint64_t mid_stream() const { return mid_stream_; }
  // Connections that were counted nowhere, or no longer kept, for want of room.
  uint64_t left_out() const { return left_out_; }

  // The first thousands with that sign.
  const std::vector<Kept>& with(Sign sign) const { return kept_[static_cast<size_t>(sign)]; }
  const std::map<SocketAddress, End>& ends() const { return ends_; }
  const End* end(const SocketAddress& place) const;
  // Attempts at a service that were neither completed nor refused; the first thousands.
  const std::vector<Attempt>& pending(const SocketAddress& service) const;
  const std::map<IpAddress, Source>& sources() const { return sources_; }
  const std::map<std::pair<IpAddress, IpAddress>, Path>& paths() const { return paths_; }
  // Whether the host sent anything after that moment, on whatever connection.
  bool heard_after(const IpAddress& host, WallTime moment) const;

 private:
  void count_end(const Connection& connection, Party by, const std::vector<Shown>& shown);
  void count_source(const Connection& connection);
  void count_path(const Connection& connection, Party by, bool stalled);
  void keep(const Connection& connection, const std::vector<Shown>& shown);

  std::string file_;
  Duration span_{};
  uint64_t connections_ = 0;
  uint64_t one_way_ = 0;
  uint64_t mid_stream_ = 0;
  uint64_t left_out_ = 0;
  uint64_t attempts_kept_ = 0;
  std::deque<Connection> odd_;
  std::array<std::vector<Kept>, kSigns> kept_;
  std::map<SocketAddress, End> ends_;
  std::map<SocketAddress, std::vector<Attempt>> pending_;
  std::map<IpAddress, Source> sources_;
  std::map<std::pair<IpAddress, IpAddress>, Path> paths_;
  std::map<IpAddress, WallTime> heard_;
};

// Where an end of a connection belongs: a responder to its service, an originator to its host.
SocketAddress place_of(const Connection& connection, Party by);

}  // namespace tcpdx::faults
