// One direction of a path: what becomes of each packet that enters it, and when it comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "sim/random.hpp"
#include "tcp/packet.hpp"

namespace tcpdx::sim {

using tcp::Time;

enum class Fate : uint8_t {
  delivered,
  lost,
  duplicated,
  reordered,  // held back, so that later packets may overtake it
  corrupted,  // a bit flipped; the checksum gives it away on arrival
};
std::string_view to_string(Fate fate);

// Nothing passes between these times: at `from` and later, before `until`.
struct Cut {
  Time from{};
  Time until{};
};

// What happens to the n-th packet of a direction, the first being 1.
struct ScriptedFate {
  uint64_t number = 0;
  Fate fate{};
};

struct LinkSettings {
  Duration delay = 10ms;
  Duration jitter{};  // up to this much is added to the delay; the order stays
  // Probabilities, each judged for each packet.
  double loss = 0;
  double duplication = 0;
  double reordering = 0;
  double corruption = 0;
  Duration held_back = 15ms;           // how much later a reordered packet and the second copy come
  uint64_t rate = 0;                   // octets per second; 0: no limit
  size_t queue = 100'000;              // octets that may wait for their turn; one more is lost
  uint64_t faults_until = UINT64_MAX;  // number of the last packet that chance may harm
  std::vector<Cut> cuts;
  std::vector<ScriptedFate> script;  // overrides chance
};

// One copy of a packet on its way.
struct Copy {
  Time middle{};  // half-way, behind the place where packets are lost
  Time arrives{};
  std::optional<size_t> flipped_bit;
};

struct Passage {
  Fate fate{};
  Time middle{};  // half-way, before the place where packets are lost
  std::vector<Copy> copies;
};

class Link {
 public:
  Link(LinkSettings settings, uint64_t seed) : settings_(std::move(settings)), random_(seed) {}

  // The next packet of this direction. `sheltered` leading octets are never corrupted.
  Passage pass(Time now, size_t octets, size_t sheltered);
  void cut(Time from, Time until) { settings_.cuts.push_back({from, until}); }
  const LinkSettings& settings() const { return settings_; }

 private:
  Fate draw(Time now, size_t octets);
  Fate fate_by_chance();
  Time leaves_queue(Time now, size_t octets);

  LinkSettings settings_;
  Random random_;
  uint64_t number_ = 0;
  Time free_at_{};       // when the queue for the rate is empty
  Time last_arrival_{};  // of packets that keep their order
};

}  // namespace tcpdx::sim
