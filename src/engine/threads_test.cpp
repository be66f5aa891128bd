#include "engine/threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace tcpdx::engine {
namespace {

TEST(run_on_threads, does_every_piece_once) {
  for (const size_t count : {0U, 1U, 2U, 1000U}) {
    std::vector<std::atomic<int>> done(count);
    run_on_threads(count, [&](size_t i) { ++done[i]; });
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

}  // namespace
}  // namespace tcpdx::engine
