// What the judgements of a check share (check.cpp, check_working.cpp).
#pragma once

#include <optional>
#include <string>

#include "probe/check.hpp"

namespace tcpdx::probe {

std::string target_of(const CheckSigns& signs);  // "port 80 of 192.0.2.1"
// The hop at which the target answered.
std::optional<unsigned> target_distance(const std::optional<PathResult>& path);

CheckVerdict local(std::string why, std::string sentence, std::string advice,
                   Confidence confidence = Confidence::confirmed);
CheckVerdict at_target(const CheckSigns& signs, std::string why, Confidence confidence,
                       std::string sentence, std::string advice);

// Of a connection that came about: whether it works well, and where its time goes.
CheckVerdict judge_working(const CheckSigns& signs);
// Some SYNs are dropped and echoes are not: something counts SYNs.
std::optional<CheckVerdict> syns_are_limited(const CheckSigns& signs);

}  // namespace tcpdx::probe
