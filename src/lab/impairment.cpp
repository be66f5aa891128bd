#include "lab/impairment.hpp"

namespace tcpdx::lab {

Line::Line(const Impairment& impairment) : impairment_(impairment), random_(impairment.seed) {}

// Not a std distribution: those differ between standard libraries, the engine does not.
bool Line::chance(double probability) {
  constexpr double kOneOf2To53 = 0x1p-53;
  return probability > 0 && static_cast<double>(random_() >> 11) * kOneOf2To53 < probability;
}

unsigned Line::put(tcp::Time now, std::span<const std::byte> datagram) {
  if (chance(impairment_.loss)) return 0;
  const unsigned copies = chance(impairment_.duplication) ? 2 : 1;
  for (unsigned copy = 0; copy < copies; ++copy) {
    const Duration held_back = chance(impairment_.reordering) ? impairment_.held_back : Duration{};
    under_way_.emplace(now + impairment_.delay + held_back,
                       std::vector(datagram.begin(), datagram.end()));
  }
  return copies;
}

void Line::release(tcp::Time now, const std::function<void(std::span<const std::byte>)>& out) {
  while (!under_way_.empty() && under_way_.begin()->first <= now) {
    const auto datagram = under_way_.extract(under_way_.begin());
    out(datagram.mapped());
  }
}

std::optional<tcp::Time> Line::next() const {
  if (under_way_.empty()) return {};
  return under_way_.begin()->first;
}

}  // namespace tcpdx::lab
