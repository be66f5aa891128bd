// Names and kernel numbers of the states, as tables.
#include "tcp/state.hpp"

#include <algorithm>

namespace tcpdx::tcp {
namespace {

struct Name {
  State state;
  std::string_view rfc;
  unsigned kernel;  // include/net/tcp_states.h
};

constexpr std::array kNames{
    Name{State::closed, "CLOSED", 7},           Name{State::listen, "LISTEN", 10},
    Name{State::syn_sent, "SYN-SENT", 2},       Name{State::syn_received, "SYN-RECEIVED", 3},
    Name{State::established, "ESTABLISHED", 1}, Name{State::fin_wait_1, "FIN-WAIT-1", 4},
    Name{State::fin_wait_2, "FIN-WAIT-2", 5},   Name{State::close_wait, "CLOSE-WAIT", 8},
    Name{State::closing, "CLOSING", 11},        Name{State::last_ack, "LAST-ACK", 9},
    Name{State::time_wait, "TIME-WAIT", 6},
};

constexpr const Name& name_of(State state) { return kNames[static_cast<size_t>(state)]; }
static_assert(std::ranges::all_of(kStates, [](State s) { return name_of(s).state == s; }));

constexpr unsigned kNewSynRecv = 12;
constexpr unsigned kBoundInactive = 13;

// A '-' stands for '-', '_' or nothing.
struct Spelling {
  std::string_view pattern;
  State state;
};
constexpr std::array kSpellings{
    Spelling{"closed", State::closed},
    Spelling{"close", State::closed},           // kernel, /proc, netstat, conntrack
    Spelling{"unconn", State::closed},          // ss
    Spelling{"bound-inactive", State::closed},  // kernel, since 6.8
    Spelling{"listen", State::listen},
    Spelling{"listening", State::listen},  // ss, Windows
    Spelling{"syn-sent", State::syn_sent},
    Spelling{"syn-received", State::syn_received},
    Spelling{"syn-recv", State::syn_received},      // kernel, ss, netstat
    Spelling{"syn-rcvd", State::syn_received},      // BSD, Windows
    Spelling{"new-syn-recv", State::syn_received},  // kernel
    Spelling{"syn-ack-sent", State::syn_received},  // Zeek's TCP_ENDPOINT_SYN_ACK_SENT
    Spelling{"established", State::established},
    Spelling{"estab", State::established},  // ss, Windows
    Spelling{"fin-wait-1", State::fin_wait_1},
    Spelling{"fin-wait-2", State::fin_wait_2},
    Spelling{"close-wait", State::close_wait},
    Spelling{"closing", State::closing},
    Spelling{"last-ack", State::last_ack},
    Spelling{"time-wait", State::time_wait},
};

// Linux, BSD, Windows (iprtrmib.h), Zeek.
constexpr std::array<std::string_view, 4> kPrefixes{"tcp-", "tcps-", "mib-tcp-state-",
                                                    "tcp-endpoint-"};

constexpr char folded(char c) {
  if (c == '_') return '-';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool spelled(std::string_view text, std::string_view pattern) {
  for (const char wanted : pattern) {
    const bool same = !text.empty() && folded(text.front()) == wanted;
    if (same) {
      text.remove_prefix(1);
    } else if (wanted != '-') {
      return false;
    }
  }
  return text.empty();
}

constexpr bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.size() > prefix.size() &&
         std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, folded);
}

constexpr std::optional<State> spelling(std::string_view text) {
  for (const Spelling& row : kSpellings) {
    if (spelled(text, row.pattern)) return row.state;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(State state) { return name_of(state).rfc; }

std::optional<State> parse_state(std::string_view text) {
  if (const auto state = spelling(text)) return state;
  for (const std::string_view prefix : kPrefixes) {
    if (!has_prefix(text, prefix)) continue;
    if (const auto state = spelling(text.substr(prefix.size()))) return state;
  }
  return std::nullopt;
}

std::optional<State> from_kernel(unsigned number) {
  if (number == kNewSynRecv) return State::syn_received;
  if (number == kBoundInactive) return State::closed;
  const auto* const row = std::ranges::find(kNames, number, &Name::kernel);
  if (row == kNames.end()) return std::nullopt;
  return row->state;
}

unsigned to_kernel(State state) { return name_of(state).kernel; }

}  // namespace tcpdx::tcp
