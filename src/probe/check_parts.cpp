#include "probe/check_parts.hpp"

#include <fmt/format.h>

#include <utility>

namespace tcpdx::probe {

std::string target_of(const CheckSigns& signs) {
  return fmt::format("port {} of {}", signs.target.port, to_string(signs.target.addr));
}

std::optional<unsigned> target_distance(const std::optional<PathResult>& path) {
  if (!path) return std::nullopt;
  for (const PathHop& hop : path->hops) {
    if (hop.is_target) return hop.ttl;
  }
  return std::nullopt;
}

CheckVerdict local(std::string why, std::string sentence, std::string advice,
                   Confidence confidence) {
  return {.why = std::move(why),
          .place = Place::local,
          .hop = {},
          .address = {},
          .confidence = confidence,
          .sentence = std::move(sentence),
          .advice = std::move(advice)};
}

CheckVerdict at_target(const CheckSigns& signs, std::string why, Confidence confidence,
                       std::string sentence, std::string advice) {
  return {.why = std::move(why),
          .place = Place::target,
          .hop = target_distance(signs.by_echo),
          .address = signs.target.addr,
          .confidence = confidence,
          .sentence = std::move(sentence),
          .advice = std::move(advice)};
}

}  // namespace tcpdx::probe
