// The table of columns: to add one, add a row to own_columns().
#include "view/socket_columns.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

using Text = fmt::memory_buffer;

void append(Text& into, std::string_view text) { into.append(text); }

void append_number(uint64_t number, Text& into) {
  const fmt::format_int digits(number);
  into.append(std::string_view(digits.data(), digits.size()));
}

void append_endpoint(const SocketAddress& endpoint, Text& into) {
  const size_t at = into.size();
  into.resize(at + kLongestEndpoint);
  const std::span<char, kLongestEndpoint> room(into.data() + at, kLongestEndpoint);
  into.resize(at + write_text(endpoint, room));
}

// A column of numbers: shown as they are, "-" where not known, sorted by value.
using Number = std::optional<uint64_t>;

template <Number (*kGet)(const Row&)>
constexpr auto kNumberText = [](const Column&, const Row& row, Text& into) {
  if (const Number number = kGet(row)) {
    append_number(*number, into);
  } else {
    append(into, "-");
  }
};
template <auto kGet>
constexpr auto kOrder = [](const Column&, const Row& a, const Row& b) -> std::weak_ordering {
  return kGet(a) <=> kGet(b);
};

template <Number (*kGet)(const Row&)>
constexpr Column number_column(std::string_view name, std::string_view title,
                               std::string_view about, Needs needs = {}) {
  return {name, title, about, Align::right, needs, kNumberText<kGet>, kOrder<kGet>};
}

template <std::string (*kGet)(const Row&)>
constexpr auto kText = [](const Column&, const Row& row, Text& into) {
  const std::string text = kGet(row);
  append(into, text.empty() ? "-" : text);
};

template <std::string (*kGet)(const Row&)>
constexpr Column text_column(std::string_view name, std::string_view title, std::string_view about,
                             Needs needs = {}) {
  return {name, title, about, Align::left, needs, kText<kGet>, kOrder<kGet>};
}

template <class T>
Number not_zero(T number) {
  return number == 0 ? Number() : Number(number);
}

const Process& process_of(const Row& row, const Owner& owner) {
  return row.observation.processes[owner.process];
}

const Process* first_process(const Row& row) {
  const auto owners = owners_of(row.look, row.socket);
  return owners.empty() ? nullptr : &process_of(row, owners.front());
}

void append_owners(const Row& row, const Socket& socket, Text& into) {
  bool first = true;
  for (const Owner& owner : owners_of(row.look, socket)) {
    const Process& process = process_of(row, owner);
    append(into, first ? "" : ", ");
    append(into, one_word(process.comm));
    append(into, " pid ");
    append_number(process.pid, into);
    append(into, " fd ");
    append_number(static_cast<uint64_t>(owner.fd), into);
    first = false;
  }
}

void owner_text(const Column&, const Row& row, Text& into) {
  if (row.socket.owner_count != 0) return append_owners(row, row.socket, into);
  if (!waits_for_accept(row.socket)) return append(into, "-");
  append(into, "not accepted");
  for (const Socket* listener : row.listeners.of(row.socket)) {
    if (listener->owner_count == 0) continue;
    append(into, " by ");
    return append_owners(row, *listener, into);
  }
}

void timer_text(const Column&, const Row& row, Text& into) {
  const Timer& timer = row.socket.timer;
  if (timer.kind == TimerKind::none) return append(into, "-");
  fmt::format_to(std::back_inserter(into), "{}({}ms,{})", to_string(timer.kind), timer.expires_ms,
                 timer.retransmits);
}

std::weak_ordering timer_order(const Column&, const Row& a, const Row& b) {
  const auto key = [](const Timer& t) { return std::tuple(t.kind, t.retransmits, t.expires_ms); };
  return key(a.socket.timer) <=> key(b.socket.timer);
}

void state_text(const Column&, const Row& row, Text& into) {
  append(into, tcp::to_string(row.socket.state));
}

// States in the order in which a connection's life is told.
std::weak_ordering state_order(const Column&, const Row& a, const Row& b) {
  const auto place = [](tcp::State state) { return std::ranges::find(tcp::kStates, state); };
  return place(a.socket.state) <=> place(b.socket.state);
}

template <SocketAddress Socket::* kEnd>
constexpr auto kEndpointText =
    [](const Column&, const Row& row, Text& into) { append_endpoint(row.socket.*kEnd, into); };

template <SocketAddress Socket::* kEnd>
constexpr auto kEndpointOrder =
    [](const Column&, const Row& a, const Row& b) -> std::weak_ordering {
  return a.socket.*kEnd <=> b.socket.*kEnd;
};

template <SocketAddress Socket::* kEnd>
constexpr Column endpoint_column(std::string_view name, std::string_view title,
                                 std::string_view about) {
  return {name, title, about, Align::left, {}, kEndpointText<kEnd>, kEndpointOrder<kEnd>};
}

// Ours first, then in the order in which they were found.
std::weak_ordering netns_order(const Column&, const Row& a, const Row& b) {
  return a.socket.netns <=> b.socket.netns;
}

std::string netns_text(const Row& row) {
  const Namespace& ns = row.observation.namespaces[row.socket.netns];
  return ns.name.empty() ? fmt::to_string(ns.inode) : one_word(ns.name);
}

std::string with_process(const Row& row, std::string Process::* member) {
  const Process* process = first_process(row);
  return process == nullptr || (process->*member).empty() ? "" : one_word(process->*member);
}

Number memory_of(const Row& row, uint32_t TcpInfo::* member) {
  const TcpInfo* info = info_of(row.look, row.socket);
  // No socket has a receive buffer of zero bytes: zero means that the kernel gave no SKMEMINFO.
  return info == nullptr || info->mem_receive_max == 0 ? Number() : Number(info->*member);
}

Number number_of_field(const Column& column, const Row& row) {
  const TcpInfo* info = info_of(row.look, row.socket);
  if (info == nullptr || !field_known(*info, *column.field)) return std::nullopt;
  return field_value(*info, *column.field);
}

void field_text(const Column& column, const Row& row, Text& into) {
  const Number number = number_of_field(column, row);
  append(into, number ? fmt::to_string(*number) : "-");
}

std::weak_ordering field_order(const Column& column, const Row& a, const Row& b) {
  return number_of_field(column, a) <=> number_of_field(column, b);
}

// What the number columns show, one function each.
Number recv_q(const Row& row) { return row.socket.recv_q; }
Number send_q(const Row& row) {
  if (row.socket.state == tcp::State::listen) return queue_limit(row.socket);
  return row.socket.send_q;
}
Number inode(const Row& row) { return not_zero(row.socket.inode); }
Number cookie(const Row& row) { return not_zero(row.socket.cookie); }
Number mark(const Row& row) { return not_zero(row.socket.mark); }
Number interface(const Row& row) { return not_zero(row.socket.interface); }
// Without an inode the kernel has no file to ask for its owner (sock_i_uid) and says 0.
Number uid(const Row& row) { return row.socket.inode == 0 ? Number() : Number(row.socket.uid); }
Number pid(const Row& row) {
  const Process* process = first_process(row);
  return process == nullptr ? Number() : Number(process->pid);
}
Number drops(const Row& row) { return memory_of(row, &TcpInfo::drops); }
Number mem_receive(const Row& row) { return memory_of(row, &TcpInfo::mem_receive); }
Number mem_send(const Row& row) { return memory_of(row, &TcpInfo::mem_send); }

// And the text columns.
std::string comm(const Row& row) { return with_process(row, &Process::comm); }
std::string exe(const Row& row) { return with_process(row, &Process::exe); }
std::string unit(const Row& row) { return with_process(row, &Process::unit); }
std::string container(const Row& row) { return with_process(row, &Process::container); }
std::string cgroup(const Row& row) { return with_process(row, &Process::cgroup); }
std::string congestion(const Row& row) {
  return row.observation.congestion_names[row.socket.congestion];
}

std::weak_ordering owner_order(const Column&, const Row& a, const Row& b) {
  return std::tuple(comm(a), pid(a)) <=> std::tuple(comm(b), pid(b));
}

constexpr Needs kInfos{.infos = true};
constexpr Needs kOwners{.owners = true};

std::vector<Column> own_columns() {
  return {
      {"netns",
       "Netns",
       "network namespace: its name, or its inode",
       Align::left,
       {},
       kText<netns_text>,
       netns_order},
      {"state", "State", "state of the connection", Align::left, {}, state_text, state_order},
      number_column<recv_q>("recv_q", "Recv-Q", "bytes not read; LISTEN: connections to accept"),
      number_column<send_q>("send_q", "Send-Q", "bytes not acknowledged; LISTEN: their limit"),
      endpoint_column<&Socket::local>("local", "Local", "address and port here"),
      endpoint_column<&Socket::remote>("remote", "Remote", "address and port there"),
      {"timer",
       "Timer",
       "running timer(time left,repeats)",
       Align::left,
       {},
       timer_text,
       timer_order},
      {"owner", "Owner", "each program that holds it, with pid and descriptor", Align::left,
       kOwners, owner_text, owner_order},
      number_column<pid>("pid", "Pid", "process of the first owner", kOwners),
      text_column<comm>("comm", "Comm", "its name", kOwners),
      text_column<exe>("exe", "Exe", "its program file", kOwners),
      text_column<unit>("unit", "Unit", "its systemd unit", kOwners),
      text_column<container>("container", "Container", "its container", kOwners),
      text_column<cgroup>("cgroup", "Cgroup", "its control group", kOwners),
      number_column<uid>("uid", "Uid", "user of the socket"),
      number_column<inode>("inode", "Inode", "inode number of the socket"),
      number_column<cookie>("cookie", "Cookie", "the kernel's name of the socket"),
      text_column<congestion>("congestion", "Congestion", "congestion control", kInfos),
      number_column<interface>("interface", "Interface", "interface it is bound to"),
      number_column<mark>("mark", "Mark", "SO_MARK"),
      number_column<drops>("drops", "Drops", "packets this socket dropped", kInfos),
      number_column<mem_receive>("mem_receive", "Mem-Receive", "bytes of receive memory", kInfos),
      number_column<mem_send>("mem_send", "Mem-Send", "bytes of send memory", kInfos),
  };
}

std::string normal_name(std::string_view name) {
  std::string text = lower(name);
  std::ranges::replace(text, '-', '_');
  return text;
}

}  // namespace

std::span<const Column> all_columns() {
  static const std::vector<Column> columns = [] {
    std::vector<Column> all = own_columns();
    for (const TcpInfoField& field : tcp_info_fields()) {
      all.push_back({field.name, field.name, "of tcp_info", Align::right, kInfos, field_text,
                     field_order, &field});
    }
    return all;
  }();
  return columns;
}

const Column* find_column(std::string_view name) {
  const auto found = std::ranges::find(all_columns(), normal_name(name), &Column::name);
  return found == all_columns().end() ? nullptr : &*found;
}

}  // namespace tcpdx::view
