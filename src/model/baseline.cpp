#include "model/baseline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/text.hpp"

namespace tcpdx {
namespace {

auto place_of(const ListenerIdentity& one) {
  return std::tuple(std::string_view(one.netns), one.local.port, one.local.addr);
}

auto key_of(const ListenerIdentity& one) {
  return std::tuple(place_of(one), one.exe, one.unit, one.uid);
}

// The number of a login session, or of a unit made for one run, is another each time.
std::string lasting_unit(const Process& process) {
  const std::string& unit = process.unit.empty() ? process.container : process.unit;
  for (const std::string_view head : {"session-", "run-"}) {
    const size_t dot = unit.rfind('.');
    if (unit.starts_with(head) && dot != std::string::npos) {
      return fmt::format("{}*{}", head, unit.substr(dot));
    }
  }
  return unit;
}

template <class T>
bool agree(const std::optional<T>& a, const std::optional<T>& b) {
  return !a || !b || *a == *b;
}

bool same_program(const ListenerIdentity& a, const ListenerIdentity& b) {
  return agree(a.exe, b.exe) && agree(a.unit, b.unit) && agree(a.uid, b.uid);
}

// Two lists of identities in order, of which those that were met in the other are marked.
struct Match {
  const std::vector<ListenerIdentity>& was;
  const std::vector<ListenerIdentity>& now;
  std::vector<bool> was_met = std::vector<bool>(was.size());
  std::vector<bool> now_met = std::vector<bool>(now.size());

  // Marks each of `now` that has a fitting one in `was`, one to one unless `shared`.
  template <class Fits>
  std::vector<std::pair<size_t, size_t>> pair_up(bool shared, const Fits& fits) {
    std::vector<std::pair<size_t, size_t>> pairs;
    for (size_t n = 0; n < now.size(); ++n) {
      const auto here = std::ranges::equal_range(was, place_of(now[n]), {}, place_of);
      const auto first = static_cast<size_t>(here.begin() - was.begin());
      for (size_t w = first; w < first + here.size() && !now_met[n]; ++w) {
        if ((was_met[w] && !shared) || !fits(was[w], now[n])) continue;
        now_met[n] = true;
        was_met[w] = true;
        pairs.emplace_back(w, n);
      }
    }
    return pairs;
  }
};

std::string place_text(const ListenerIdentity& one) {
  return one.netns == "host" ? to_string(one.local)
                             : fmt::format("{} in namespace {}", to_string(one.local),
                                           one.netns.empty() ? "?" : one_word(one.netns));
}

void note_unknown(const ListenerIdentity& was, const ListenerIdentity& now, Comparison& into) {
  const auto one_sided = [&](std::string_view what, const auto& a, const auto& b) {
    if (a.has_value() == b.has_value()) return;
    into.not_compared.push_back(fmt::format(
        "the {} of {}: {}", what, place_text(now),
        b ? "it was not known when the baseline was learned" : "it cannot be seen now"));
  };
  one_sided("program file", was.exe, now.exe);
  one_sided("unit", was.unit, now.unit);
  one_sided("user", was.uid, now.uid);
}

// Is the namespace of something learned one that could not be looked into?
bool out_of_sight(const Observation& observation, const std::vector<ListenerIdentity>& now,
                  const ListenerIdentity& was) {
  if (observation.closer.every_namespace || was.netns == "host") return false;
  return std::ranges::none_of(observation.namespaces,
                              [&](const Namespace& one) { return one.name == was.netns; }) &&
         std::ranges::none_of(now, [&](const auto& one) { return one.netns == was.netns; });
}

}  // namespace

ListenerIdentity identity_of(const Observation& observation, const ListeningSocket& listener) {
  const Socket& socket = *listener.socket;
  ListenerIdentity one;
  one.netns = lasting_name(observation.namespaces[socket.netns], listener.holder);
  one.local = socket.local;
  if (socket.inode != 0) one.uid = socket.uid;
  if (const Process* holder = listener.holder) {
    if (!holder->exe.empty()) one.exe = program_path(*holder);
    one.unit = lasting_unit(*holder);
  }
  for (const OddSign& sign : listener.signs) one.signs.emplace_back(to_string(sign.sign));
  return one;
}

std::vector<ListenerIdentity> identities(const Observation& observation) {
  std::vector<ListenerIdentity> all;
  for (const ListeningSocket& listener : listening_sockets(observation)) {
    all.push_back(identity_of(observation, listener));
  }
  std::ranges::sort(all, {}, key_of);
  const auto twice = std::ranges::unique(all, {}, key_of);
  all.erase(twice.begin(), twice.end());
  return all;
}

Baseline learn(const Observation& observation) {
  return {.host = observation.host,
          .learned_at = observation.at + observation.now().at,
          .listeners = identities(observation)};
}

std::string_view to_string(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::fresh: return "new";
    case ChangeKind::gone: return "gone";
    case ChangeKind::changed: return "changed";
  }
  std::unreachable();
}

Comparison compare(const Baseline& baseline, const Observation& observation) {
  const std::vector<ListenerIdentity> now = identities(observation);
  std::vector<ListenerIdentity> learned = baseline.listeners;
  std::ranges::sort(learned, {}, key_of);
  Comparison found;
  Match match{learned, now};
  const auto equal = [](const auto& a, const auto& b) { return key_of(a) == key_of(b); };
  match.pair_up(true, equal);
  for (const auto& [w, n] : match.pair_up(true, same_program)) {
    note_unknown(learned[w], now[n], found);
  }
  const auto any = [](const auto&, const auto&) { return true; };
  for (const auto& [w, n] : match.pair_up(false, any)) {
    found.changes.push_back({ChangeKind::changed, now[n], learned[w]});
  }
  for (size_t n = 0; n < now.size(); ++n) {
    if (!match.now_met[n]) found.changes.push_back({ChangeKind::fresh, now[n], {}});
  }
  for (size_t w = 0; w < learned.size(); ++w) {
    if (match.was_met[w]) continue;
    const ListenerIdentity& was = learned[w];
    if (out_of_sight(observation, now, was)) {
      found.not_compared.push_back(
          fmt::format("{}: its namespace cannot be looked into", place_text(was)));
    } else {
      found.changes.push_back({ChangeKind::gone, was, {}});
    }
  }
  std::ranges::sort(found.changes, {},
                    [](const Change& c) { return std::tuple(key_of(c.now), c.kind); });
  return found;
}

bool accepted(const Baseline& baseline, const ListenerIdentity& listener, std::string_view sign) {
  return std::ranges::any_of(baseline.listeners, [&](const ListenerIdentity& one) {
    return place_of(one) == place_of(listener) && same_program(one, listener) &&
           std::ranges::find(one.signs, sign) != one.signs.end();
  });
}

std::string describe(const ListenerIdentity& listener) {
  std::string text = listener.exe ? printable(*listener.exe) : "a program that was not seen";
  if (listener.unit && !listener.unit->empty()) text += ", " + one_word(*listener.unit);
  if (listener.uid) text += fmt::format(", uid {}", *listener.uid);
  return text;
}

}  // namespace tcpdx
