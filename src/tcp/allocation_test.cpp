// Nothing is allocated per segment once a transfer runs: counted by the sanitizer's own hooks,
// which both test builds have. A build without sanitizers says that it skips these tests.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tcp/endpoint.hpp"
#include "tcp/test_rig.hpp"

// Of <sanitizer/allocator_interface.h>, which g++ 12 does not bring along. Weak: null in a build
// without sanitizers.
extern "C" [[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void*, size_t), void (*free_hook)(const volatile void*));

namespace tcpdx::tcp {
namespace {

size_t allocations = 0;
bool counting = false;

void count_allocation(const volatile void* /*memory*/, size_t /*size*/) {
  if (counting) ++allocations;
}
void ignore_free(const volatile void* /*memory*/) {}

// Two endpoints whose segments wait in slots that exist already.
class Slots final : public Sink {
 public:
  Slots() : texts_(kSlots) {}
  void send(const Packet& packet) override {
    ASSERT_LT(used_, kSlots);
    std::ranges::copy(packet.text, texts_[used_].begin());
    packets_[used_] = packet;
    packets_[used_].text = std::span(texts_[used_]).first(packet.text.size());
    ++used_;
  }
  void notify(ConnectionId /*id*/, Notice /*notice*/) override {}
  void acceptable(ListenerId /*id*/) override {}
  void moved(ConnectionId /*id*/, State /*from*/, Event /*on*/, State /*to*/) override {}

  // All that was sent arrives; every 50th segment of text is lost when `lossy`.
  void deliver(Time now, Endpoint& to, bool lossy) {
    const size_t count = std::exchange(used_, 0);
    for (size_t i = 0; i < count; ++i) {
      const bool lost = lossy && !packets_[i].text.empty() && ++texts_sent_ % 50 == 0;
      if (!lost) to.arrive(now, packets_[i]);
    }
  }
  bool empty() const { return used_ == 0; }

 private:
  static constexpr size_t kSlots = 512;
  std::vector<std::array<std::byte, 1500>> texts_;
  std::array<Packet, kSlots> packets_{};
  size_t used_ = 0;
  size_t texts_sent_ = 0;
};

// Octets carried and allocations made for them after a warm-up.
void carry(bool lossy) {
  Slots from_client;
  Slots from_server;
  Endpoint client({}, {1, 2}, from_client);
  Endpoint server({}, {3, 4}, from_server);
  Time now{};
  const auto listener = server.listen(now, kHere);
  const auto id = client.connect(now, kThere, kHere);
  std::optional<ConnectionId> accepted;
  const std::vector<std::byte> text(20000);
  std::vector<std::byte> buffer(65536);
  size_t received = 0;
  for (int round = 0; round < 3000; ++round, now += 5ms) {
    counting = round > 1000;
    if (round == 1000) received = allocations = 0;
    (void)client.send(now, *id, text);
    from_client.deliver(now, server, lossy);
    if (!accepted) accepted = server.accept(now, *listener);
    if (accepted) received += server.receive(now, *accepted, buffer).value_or(0);
    from_server.deliver(now, client, false);
    client.advance(now);
    server.advance(now);
  }
  counting = false;
  EXPECT_GT(received, 1000000U);
  EXPECT_EQ(allocations, 0U) << received << " octets";
}

class allocation : public testing::Test {
 protected:
  void SetUp() override {
    if (__sanitizer_install_malloc_and_free_hooks == nullptr) {
      GTEST_SKIP() << "this build has no sanitizer to count allocations";
    }
  }
  static void SetUpTestSuite() {
    if (__sanitizer_install_malloc_and_free_hooks == nullptr) return;
    ASSERT_NE(__sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free), 0);
  }
};

TEST_F(allocation, counts_what_is_allocated) {
  counting = true;
  allocations = 0;
  const std::vector<int> some(100);
  counting = false;
  EXPECT_GE(allocations, 1U) << some.size();
}
TEST_F(allocation, none_in_a_steady_transfer) { carry(false); }
TEST_F(allocation, none_while_losses_are_repaired) { carry(true); }

}  // namespace
}  // namespace tcpdx::tcp
