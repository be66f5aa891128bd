// A named fault with its evidence, as reports show it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/address.hpp"

namespace tcpdx {

// Harm to users.
enum class Severity : uint8_t { info, notice, warning, critical };
// Our certainty. confirmed: a decisive sign and none against; likely: two independent sources
// agree, nothing against; suspected: one source.
enum class Confidence : uint8_t { suspected, likely, confirmed };

std::string_view to_string(Severity severity);
std::string_view to_string(Confidence confidence);

// What the finding is about; those that apply.
struct Subject {
  std::optional<uint64_t> netns;
  std::optional<uint32_t> pid;
  std::optional<std::string> comm;
  std::optional<SocketAddress> local;
  std::optional<SocketAddress> remote;
  std::optional<SocketAddress> listener;
  std::optional<SocketAddress> destination;
};

struct Evidence {
  std::string fact;  // "CLOSE-WAIT sockets older than 60 s"
  std::variant<uint64_t, double, std::string> value;
  std::optional<std::variant<uint64_t, double, std::string>> limit;  // what it is held against
  bool limit_is_threshold = false;  // judged against it ("above 5 s"), not a part of it ("3 of 8")
  std::string source;               // "sock_diag", "TcpExt.ListenOverflows", "/proc/PID/limits" ...
};

struct Finding {
  std::string_view fault;  // kebab-case id, of the catalogue
  std::string title;
  Severity severity = Severity::info;
  Confidence confidence = Confidence::suspected;
  Subject subject;
  std::string headline;  // one sentence: who, what, how many, since when, how fast
  std::string cause;     // "because ..."
  std::vector<Evidence> evidence;
  std::vector<std::string> confirm;  // commands or checks that settle it
  std::vector<std::string> remedy;
  std::vector<std::string> avoid;   // what not to do, and why
  std::vector<std::string> see;     // tcpdx commands that show more
  std::vector<Finding> explains;    // consequences folded under this cause
  bool gains_from_probing = false;  // FaultInfo::gains_from_probing
};

}  // namespace tcpdx
