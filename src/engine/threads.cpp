#include "engine/threads.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace tcpdx::engine {
namespace {

constexpr size_t kMostThreads = 4;

}  // namespace

void run_on_threads(size_t count, const std::function<void(size_t)>& task) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) task(i);
  };
  const size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const size_t wanted = std::min({processors, kMostThreads, count});
  std::vector<std::jthread> helpers;
  helpers.reserve(wanted);
  while (helpers.size() + 1 < wanted) helpers.emplace_back(work);
  work();
}

}  // namespace tcpdx::engine
