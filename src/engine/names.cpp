#include "engine/names.hpp"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "probe/socket_address.hpp"

namespace tcpdx::engine {
namespace {

constexpr size_t kMostThreads = 8;

std::string look_up(const IpAddress& address) {
  const probe::SystemAddress system = probe::system_address({address, 0});
  std::array<char, NI_MAXHOST> name{};
  const int code =
      ::getnameinfo(system.get(), system.size, name.data(), name.size(), nullptr, 0, NI_NAMEREQD);
  return code == 0 ? name.data() : std::string{};
}

}  // namespace

struct Names::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<IpAddress> waiting;
  std::set<IpAddress> asked;
  std::map<IpAddress, std::string> known;  // those without a name too
  size_t threads = 0;
};

Names::Names() : shared_(std::make_shared<Shared>()) {}

void Names::ask(std::span<const IpAddress> addresses) {
  const std::lock_guard lock(shared_->mutex);
  for (const IpAddress& address : addresses) {
    if (shared_->asked.insert(address).second) shared_->waiting.push_back(address);
  }
  while (shared_->threads < std::min(kMostThreads, shared_->waiting.size())) {
    ++shared_->threads;
    // The resolver cannot be interrupted: a thread that hangs in it must not hold up the end.
    std::thread([shared = shared_] {
      std::unique_lock own(shared->mutex);
      while (!shared->waiting.empty()) {
        const IpAddress address = shared->waiting.back();
        shared->waiting.pop_back();
        own.unlock();
        std::string name = look_up(address);
        own.lock();
        shared->known[address] = std::move(name);
        shared->changed.notify_all();
      }
      --shared->threads;
    }).detach();
  }
}

void Names::wait(Duration longest) const {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_for(lock, longest,
                            [this] { return shared_->known.size() >= shared_->asked.size(); });
}

std::string Names::of(const IpAddress& address) const {
  const std::lock_guard lock(shared_->mutex);
  const auto found = shared_->known.find(address);
  return found == shared_->known.end() ? std::string{} : found->second;
}

}  // namespace tcpdx::engine
