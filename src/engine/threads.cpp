#include "engine/threads.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace tcpdx::engine {
namespace {

constexpr size_t kMostThreads = 4;
constexpr size_t kMostWaiting = 64;

void run_on(size_t wanted, size_t count, const std::function<void(size_t)>& task) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) task(i);
  };
  std::vector<std::jthread> helpers;
  helpers.reserve(wanted);
  while (helpers.size() + 1 < wanted) helpers.emplace_back(work);
  work();
}

}  // namespace

void run_on_threads(size_t count, const std::function<void(size_t)>& task) {
  const size_t processors = std::max(1U, std::thread::hardware_concurrency());
  run_on(std::min({processors, kMostThreads, count}), count, task);
}

void run_on_as_many_threads(size_t count, const std::function<void(size_t)>& task) {
  run_on(std::min(kMostWaiting, count), count, task);
}

}  // namespace tcpdx::engine
