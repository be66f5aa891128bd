// What a ping says: a line per probe, a line that is alive, and the account at the end.
#pragma once

#include <deque>
#include <optional>
#include <ostream>
#include <span>
#include <string>

#include "probe/ping.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// One of the hosts that are asked, as people know it.
struct PingHost {
  std::string name;   // as it was given
  IpAddress address;  // that is asked
};

// "3.42 ms", "812 µs": three digits, because more are noise.
std::string rtt_text(Duration rtt);
// "10 % (1.8 % to 40 %)": a share is nothing without its interval.
std::string share_text(const probe::Share& share);

// "PING example.net (192.0.2.1): ICMP, 56 octets".
void write_ping_head(std::ostream& out, const PingHost& host, const probe::Ping& ping, size_t size);

// `name` stands before each line where several hosts are asked; else it is empty.
void write_probe(std::ostream& out, const Style& style, const std::string& name,
                 const probe::ProbeReport& report);

// The last round trips of one host as a line that replaces itself.
class PingPulse {
 public:
  void add(const probe::ProbeReport& report);
  std::string line(const Style& style, const std::string& name,
                   const probe::PingSummary& summary) const;

 private:
  std::deque<std::optional<double>> last_;  // nothing: lost
};

void write_ping_summary(std::ostream& out, const Style& style, const PingHost& host,
                        const probe::PingSummary& summary);

// docs/json.md, `tcpdx ping --json`: a line per probe, and one with the summary of each host.
void write_probe_json(std::ostream& out, const PingHost& host, probe::Method method,
                      const probe::ProbeReport& report, bool first);
void write_ping_summary_json(std::ostream& out, const PingHost& host, probe::Method method,
                             const probe::PingSummary& summary);

}  // namespace tcpdx::view
