// The askers that send datagrams; see asker.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/file.hpp"
#include "probe/asker.hpp"
#include "probe/error_queue.hpp"
#include "probe/socket.hpp"

namespace tcpdx::probe {

class DatagramAsker final : public Asker {
 public:
  // ICMP or UDP.
  static Result<std::unique_ptr<Asker>> open(Method method, const AskOptions& options);
  // `raw`: a raw socket that does by hand what a ping socket leaves to the kernel.
  DatagramAsker(Fd socket, Method method, bool raw, const AskOptions& options);

  Result<void> send(uint64_t seq, uint8_t ttl) override;
  void hear(std::vector<Heard>& into) override;
  void forget(uint64_t seq) override;
  void add_polls(std::vector<pollfd>& into) const override;

 private:
  struct Waiting {
    uint64_t seq = 0;
    uint32_t stamp_id = 0;
    std::optional<WallTime> left;  // when it left, by the kernel's clock
  };

  std::span<const std::byte> write(uint64_t seq);
  std::span<const std::byte> message_of(std::span<const std::byte> octets) const;
  bool is_ours(std::span<const std::byte> echo) const;
  Waiting* find(uint64_t seq);
  Waiting* find_short(uint16_t number);
  Waiting* find_quoted(std::span<const std::byte> quoted);
  void hear_error(const ErrorMessage& error, std::vector<Heard>& into);
  void hear_datagram(const Received& received, std::vector<Heard>& into);

  Fd socket_;
  Method method_;
  SocketAddress target_;
  size_t header_;
  bool raw_;
  uint16_t id_;      // of our echoes on a raw socket, which hears everybody's
  uint8_t ttl_ = 0;  // of the last probe; 0: what the options say
  uint32_t sent_ = 0;
  std::deque<Waiting> waiting_;
  std::vector<std::byte> packet_;
  std::vector<std::byte> buffer_;
};

}  // namespace tcpdx::probe
