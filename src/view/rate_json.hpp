// `tcpdx rates --json`: an object per interval and namespace.
#pragma once

#include <ostream>
#include <span>

#include "model/counter_reading.hpp"
#include "model/observation.hpp"

namespace tcpdx::view {

// With `sar` also the columns of sar(1). `missing` stands in the first line of a stream.
void write_rate_json(std::ostream& out, const CounterInterval& interval, bool sar,
                     const std::vector<Missing>* missing);

}  // namespace tcpdx::view
