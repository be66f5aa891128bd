// The parts from which faults build their findings, so that all of them read alike.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "faults/facts.hpp"
#include "model/fault_info.hpp"
#include "model/finding.hpp"

namespace tcpdx::faults {

using Sockets = std::vector<const Socket*>;
using Value = std::variant<uint64_t, double, std::string>;

Finding make_finding(const FaultInfo& info, Severity severity, Confidence confidence);

// One step down; used where an input that would decide could not be read.
Confidence lowered(Confidence confidence);
// What a look without decisive sign may claim: `suspected` when it was short.
Confidence at_most_for(const Facts& facts, Confidence wanted);

void add_fact(Finding& finding, std::string fact, Value value, std::string source);
// `limit` is the whole that the value is a part of: 16 of 16 descriptors.
void add_fact(Finding& finding, std::string fact, Value value, Value limit, std::string source);
// `threshold` is what the fault's rule held the value against.
void add_judged(Finding& finding, std::string fact, Value value, Value threshold,
                std::string source);

// Fills netns, pid and comm of the subject. Without a visible owner the finding falls one
// confidence step and says which right would show it.
void set_owner(const Facts& facts, const Socket& socket, Finding& finding);

// The same for what happened to a process whose socket is no longer there; null: not known.
void set_process(
    const Facts& facts, size_t netns, const Process* process, Finding& finding,
    std::string_view unknown = "not seen: the answer came before a look saw the socket");

// "billing-api (pid 2210)", or "a program that cannot be seen" where the owner is unknown.
std::string owner_name(const Facts& facts, const Socket& socket);
std::string name_of(const Process* process);
// How a command is run where the socket is: "", "ip netns exec blue ", "nsenter -n -t 2210 ".
std::string run_inside(const Facts& facts, const Socket& socket);
std::string run_inside(const Facts& facts, size_t netns);
// `process` is one that runs there, if any is known.
std::string run_inside(const Facts& facts, size_t netns, const Process* process);
// "", or " in namespace blue" when the machine has more than one and it is not ours.
std::string in_namespace(const Facts& facts, const Socket& socket);
std::string in_namespace(const Facts& facts, size_t netns);
// "12 connections", "1 connection".
std::string counted(size_t count, std::string_view noun);
// 3 of 40 as "8 %", with one decimal below 10 %, two below 0.1 %.
std::string percent(double share);
// One of so many; 0 of none.
double ratio(uint64_t part, uint64_t whole);
// "26/s", "0.4/s"; empty when nothing grew or there was no window.
std::string per_second(double rate);

// Whether the socket's local port is one that a program listens on.
bool serves(const Facts& facts, const Socket& socket);

// Where a group of sockets belongs, for a headline: "on port 80", "to 192.0.2.1:443",
// "to 192.0.2.1", "on 12 ports".
std::string place_of(const Facts& facts, const Sockets& sockets);

// The same fault of one program at many places is one finding, not a page of them: "; 7 more
// destinations of the same program REFUSE as well".
std::vector<Finding> merged_by_program(std::vector<Finding> findings, std::string_view as_well,
                                       std::string_view fact);

Age oldest(const Facts& facts, const Sockets& sockets);

// Whether a counter went up again and again, not in one burst: in a short look in three samples at
// least, else in two of three windows.
bool keeps_rising(const Facts& facts, size_t netns, std::string_view counter);

// By first owner; sockets without a visible one are grouped by namespace.
std::map<std::pair<uint16_t, uint32_t>, Sockets> by_owner(const Facts& facts,
                                                          const Sockets& sockets);

template <class Key>
auto group_by(const Sockets& sockets, Key key) {
  std::map<decltype(key(*sockets.front())), Sockets> groups;
  for (const Socket* s : sockets) groups[key(*s)].push_back(s);
  return groups;
}

}  // namespace tcpdx::faults
