#include "view/listen_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"

namespace tcpdx::view {
namespace {

using Group = std::span<const ListeningSocket>;

const Namespace& space_of(const Observation& observation, const ListeningSocket& one) {
  return observation.namespaces[one.socket->netns];
}

std::string netns_text(const Namespace& space) {
  if (space.name.empty() && !space.ours) return fmt::to_string(space.inode);
  return one_word(lasting_name(space, nullptr));
}

bool folds_with(const ListeningSocket& a, const ListeningSocket& b) {
  const auto program = [](const ListeningSocket& one) {
    return one.holder == nullptr ? std::string_view{} : std::string_view(one.holder->exe);
  };
  return a.socket->netns == b.socket->netns && a.socket->local == b.socket->local &&
         a.socket->uid == b.socket->uid && program(a) == program(b) &&
         (a.holder == nullptr) == (b.holder == nullptr);
}

std::vector<Group> folded(Group all) {
  std::vector<Group> groups;
  for (size_t first = 0; first < all.size();) {
    size_t end = first + 1;
    while (end < all.size() && folds_with(all[first], all[end])) ++end;
    groups.push_back(all.subspan(first, end - first));
    first = end;
  }
  return groups;
}

const ListeningSocket& fullest(Group group) {
  return *std::ranges::max_element(group, {}, [](const ListeningSocket& one) {
    return std::tuple(one.full_share, one.drains_least, one.socket->recv_q);
  });
}

// "nginx 2210", "nginx 2210 +3" for four sockets or four processes in all.
std::string program_text(const Observation& observation, Group group) {
  const Process* holder = group.front().holder;
  if (holder == nullptr) return observation.closer.every_process ? "(no process)" : "?";
  std::vector<uint32_t> processes;
  for (const ListeningSocket& one : group) {
    for (const Owner& owner : owners_of(observation.now(), *one.socket)) {
      if (std::ranges::find(processes, owner.process) == processes.end()) {
        processes.push_back(owner.process);
      }
    }
  }
  return fmt::format("{} {}{}", one_word(holder->comm), holder->pid,
                     processes.size() > 1 ? fmt::format(" +{}", processes.size() - 1) : "");
}

std::string unit_text(const ListeningSocket& one) {
  if (one.holder == nullptr) return "-";
  const std::string& name =
      one.holder->container.empty() ? one.holder->unit : one.holder->container;
  return name.empty() ? "-" : one_word(name);
}

std::string queue_text(const ListeningSocket& one) {
  const auto limit = queue_limit(*one.socket);
  return fmt::format("{}/{}{}", one.socket->recv_q, limit ? fmt::to_string(*limit) : "?",
                     one.clamped == true ? "*" : "");
}

std::string full_text(const ListeningSocket& one) {
  if (one.samples == 0 || !queue_limit(*one.socket)) return "-";
  return fmt::format("{:.0f}%", 100 * one.full_share);
}

std::string drops_text(const Observation& observation, Group group) {
  uint64_t sum = 0;
  for (const ListeningSocket& one : group) {
    const TcpInfo* info = info_of(observation.now(), *one.socket);
    if (info == nullptr || info->mem_receive_max == 0) return "-";
    sum += info->drops;
  }
  return fmt::to_string(sum);
}

std::string since_text(const ListeningSocket& one) {
  return one.holder == nullptr || !one.holder->age ? "-" : human(*one.holder->age);
}

std::string user_text(const ListeningSocket& one) {
  return one.socket->inode == 0 ? "-" : fmt::to_string(one.socket->uid);
}

std::string firewall_text(const ListeningSocket& one) {
  return one.firewall == nullptr ? "-" : printable(one.firewall->words);
}

// Where a terminal is too narrow for all, columns leave: those of the greatest `spare` first.
struct Column {
  std::string_view title;
  bool right = false;
  int spare = 0;
  bool needless = false;  // where no cell says anything
};
constexpr std::array kColumns{
    Column{"Netns", false, 0, true},
    Column{"Address"},
    Column{"Reach", false, 1},
    Column{"Program"},
    Column{"Unit", false, 2, true},
    Column{"Uid", true, 3},
    Column{"Queue", true},
    Column{"Full", true},
    Column{"Drops", true},
    Column{"Program up", true, 4},
    Column{"Firewall"},
};
using Line = std::array<std::string, kColumns.size()>;

Line line_of(const Observation& observation, Group group) {
  const ListeningSocket& one = fullest(group);
  const bool several = observation.namespaces.size() > 1;
  return {several ? netns_text(space_of(observation, one)) : "-",
          fmt::format("{}{}", to_string(one.socket->local),
                      group.size() > 1 ? fmt::format(" x{}", group.size()) : ""),
          std::string(to_string(exposure_of(one.socket->local.addr))),
          program_text(observation, group),
          unit_text(group.front()),
          user_text(one),
          queue_text(one),
          full_text(one),
          drops_text(observation, group),
          since_text(group.front()),
          firewall_text(one)};
}

using Layout = std::vector<std::pair<size_t, size_t>>;

size_t width_of(const Layout& shown) {
  size_t width = 0;
  for (const auto& [i, columns] : shown) width += columns + 2;
  return width - 2;
}

// The columns that are shown, and how wide each is.
Layout layout(const Style& style, std::span<const Line> lines) {
  Layout shown;
  for (size_t i = 0; i < kColumns.size(); ++i) {
    size_t width = columns(kColumns[i].title);
    for (const Line& line : lines) width = std::max(width, columns(line[i]));
    const bool empty = std::ranges::all_of(lines, [&](const Line& line) { return line[i] == "-"; });
    if (!kColumns[i].needless || !empty) shown.emplace_back(i, width);
  }
  while (style.width > 0 && width_of(shown) > style.width) {
    const auto least = std::ranges::max_element(
        shown, {}, [](const auto& one) { return kColumns[one.first].spare; });
    if (kColumns[least->first].spare == 0) break;
    shown.erase(least);
  }
  return shown;
}

std::string cells(const Style& style, const Layout& shown, const auto& text_of) {
  std::string line;
  for (const auto& [i, width] : shown) {
    const std::string_view cell = text_of(i);
    const std::string blanks(width - std::min(width, columns(cell)), ' ');
    if (!line.empty()) line += "  ";
    const bool last = i + 1 == kColumns.size();
    line.append(kColumns[i].right ? blanks : "").append(cell);
    if (!kColumns[i].right && !last) line += blanks;
  }
  return style.width == 0 ? line : ellipsis(line, style.width);
}

Ink ink_of(Group group) {
  bool odd = false;
  for (const ListeningSocket& one : group) {
    if (std::ranges::any_of(one.signs, &OddSign::critical)) return Ink::red;
    odd = odd || !one.signs.empty();
  }
  return odd || fullest(group).full_share > 0 ? Ink::yellow : Ink::plain;
}

std::string place_text(const Observation& observation, const Namespace& space,
                       std::string_view place) {
  if (observation.namespaces.size() < 2) return std::string(place);
  return fmt::format("{} in {}", place, netns_text(space));
}

void write_item(std::ostream& out, const Style& style, Ink ink, std::string_view head,
                const std::string& text) {
  out << paint(style, ink, fmt::format("{:<8}", head)) << "  " << wrapped(style, 10, text) << '\n';
}

std::string hidden_text(const Observation& observation, const HiddenPort& hidden) {
  const std::string place = place_text(observation, observation.namespaces[hidden.netns],
                                       fmt::format("port {}", hidden.port));
  return place + (hidden.answers
                      ? ": takes connections, but no table shows a socket that listens there"
                      : ": cannot be bound, but no table shows a socket on it");
}

std::string change_text(const Change& change) {
  const ListenerIdentity& one = change.now;
  std::string place = to_string(one.local);
  if (one.netns != "host") {
    place +=
        fmt::format(" in {}", one.netns.empty() ? "a nameless namespace" : one_word(one.netns));
  }
  std::string text = fmt::format("{}  {}", place, describe(one));
  if (change.kind == ChangeKind::changed) text += "; was " + describe(change.was);
  return text;
}

}  // namespace

void write_listen_table(std::ostream& out, const Style& style, const Observation& observation,
                        std::span<const ListeningSocket> listeners) {
  const std::vector<Group> groups = folded(listeners);
  std::vector<Line> lines;
  lines.reserve(groups.size());
  for (const Group group : groups) lines.push_back(line_of(observation, group));
  const Layout shown = layout(style, lines);
  out << paint(style, Ink::bold, cells(style, shown, [](size_t i) { return kColumns[i].title; }))
      << '\n';
  bool clamped = false;
  for (size_t n = 0; n < lines.size(); ++n) {
    const auto text = cells(style, shown, [&](size_t i) { return std::string_view(lines[n][i]); });
    out << paint(style, ink_of(groups[n]), text) << '\n';
    clamped = clamped || fullest(groups[n]).clamped == true;
  }
  if (clamped) out << paint(style, Ink::dim, "* as many as net.core.somaxconn allows") << '\n';
}

void write_listen_signs(std::ostream& out, const Style& style, const Observation& observation,
                        std::span<const ListeningSocket> listeners) {
  for (const Group group : folded(listeners)) {
    const ListeningSocket& one = group.front();
    for (const OddSign& sign : one.signs) {
      const std::string place =
          place_text(observation, space_of(observation, one), to_string(one.socket->local));
      write_item(out, style, sign.critical ? Ink::red : Ink::yellow, "odd",
                 fmt::format("{}: {}", place, sign.text));
    }
    const auto stuck = std::ranges::find_if(group, &ListeningSocket::drains_least);
    if (stuck != group.end() && stuck->holder != nullptr) {
      write_item(out, style, Ink::plain, "group",
                 fmt::format("{}: of {} sockets that of {} drains least, {} waiting now",
                             place_text(observation, space_of(observation, one),
                                        to_string(one.socket->local)),
                             one.group, describe(*stuck->holder), stuck->socket->recv_q));
    }
  }
  if (!observation.closer.hidden) return;
  for (const HiddenPort& hidden : *observation.closer.hidden) {
    write_item(out, style, Ink::red, "hidden", hidden_text(observation, hidden));
  }
  if (observation.closer.hidden->empty()) out << "no hidden port was found\n";
}

void write_changes(std::ostream& out, const Style& style, const Baseline& baseline,
                   const Comparison& comparison) {
  for (const Change& change : comparison.changes) {
    const bool harmless =
        change.kind == ChangeKind::gone || exposure_of(change.now.local.addr) == Exposure::loopback;
    write_item(out, style, harmless ? Ink::yellow : Ink::red, to_string(change.kind),
               change_text(change));
  }
  const std::string learned = rfc3339(baseline.learned_at).substr(0, 19) + "Z";
  if (comparison.changes.empty() && comparison.not_compared.empty()) {
    out << fmt::format("all as it was learned on {} at {}\n", one_word(baseline.host), learned);
  } else {
    out << fmt::format("{} {} since {} on {}\n", comparison.changes.size(),
                       comparison.changes.size() == 1 ? "change" : "changes", learned,
                       one_word(baseline.host));
  }
}

}  // namespace tcpdx::view
