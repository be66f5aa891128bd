#include "sim/link.hpp"

#include <algorithm>
#include <array>

namespace tcpdx::sim {

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::delivered: return "delivered";
    case Fate::lost: return "lost";
    case Fate::duplicated: return "duplicated";
    case Fate::reordered: return "reordered";
    case Fate::corrupted: return "corrupted";
  }
  return "";
}

// Each chance is drawn for each packet, whatever came out before: so a lower loss does not shift
// the other faults, which keeps a run close to the one that it was simplified from.
Fate Link::fate_by_chance() {
  const std::array chances{
      std::pair{Fate::lost, random_.chance(settings_.loss)},
      std::pair{Fate::corrupted, random_.chance(settings_.corruption)},
      std::pair{Fate::reordered, random_.chance(settings_.reordering)},
      std::pair{Fate::duplicated, random_.chance(settings_.duplication)},
  };
  if (number_ > settings_.faults_until) return Fate::delivered;
  const auto first = std::ranges::find(chances, true, &std::pair<Fate, bool>::second);
  return first == chances.end() ? Fate::delivered : first->first;
}

Fate Link::draw(Time now, size_t octets) {
  ++number_;
  const Fate chance = fate_by_chance();
  const auto scripted = std::ranges::find(settings_.script, number_, &ScriptedFate::number);
  if (scripted != settings_.script.end()) return scripted->fate;
  const bool cut = std::ranges::any_of(
      settings_.cuts, [now](const Cut& c) { return now >= c.from && now < c.until; });
  if (cut) return Fate::lost;
  if (settings_.rate != 0 && free_at_ > now) {
    const auto waiting = static_cast<uint64_t>((free_at_ - now).count()) * settings_.rate / 1000000;
    if (waiting + octets > settings_.queue) return Fate::lost;
  }
  return chance;
}

Time Link::leaves_queue(Time now, size_t octets) {
  if (settings_.rate == 0) return now;
  const Duration takes{static_cast<int64_t>(octets * 1000000 / settings_.rate)};
  free_at_ = std::max(free_at_, now) + takes;
  return free_at_;
}

Passage Link::pass(Time now, size_t octets, size_t sheltered) {
  const Fate fate = draw(now, octets);
  const Duration jitter = random_.up_to(settings_.jitter);
  const size_t bit = 8 * sheltered + random_.below(8 * (octets - sheltered));
  if (fate == Fate::lost) return {fate, now + settings_.delay / 2, {}};

  const Time left = leaves_queue(now, octets);
  const Duration second_half = settings_.delay - settings_.delay / 2;
  Passage passage{fate, left + settings_.delay / 2, {}};
  Time arrives = left + settings_.delay + jitter;
  if (fate == Fate::reordered) {
    arrives += settings_.held_back;
  } else {
    arrives = last_arrival_ = std::max(arrives, last_arrival_);
  }
  passage.copies.push_back({arrives - second_half, arrives, {}});
  if (fate == Fate::corrupted) passage.copies.front().flipped_bit = bit;
  if (fate == Fate::duplicated) {
    // Half of the second copies come at once, half after what was sent later.
    const Time again = bit % 2 == 0 ? arrives : arrives + settings_.held_back;
    passage.copies.push_back({again - second_half, again, {}});
  }
  return passage;
}

}  // namespace tcpdx::sim
