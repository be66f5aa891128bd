// The asker that opens connections; see asker.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "probe/asker.hpp"

namespace tcpdx::probe {

class TcpAsker final : public Asker {
 public:
  explicit TcpAsker(AskOptions options) : options_(std::move(options)) {}

  Result<void> send(uint64_t seq, uint8_t ttl) override;
  void hear(std::vector<Heard>& into) override;
  void forget(uint64_t seq) override;
  void add_polls(std::vector<pollfd>& into) const override;

 private:
  struct Waiting {
    uint64_t seq = 0;
    Fd socket;
    bool refused = false;  // before connect(2) came back
  };

  std::optional<Heard> fate_of(const Waiting& probe) const;

  AskOptions options_;
  std::vector<Waiting> waiting_;
};

}  // namespace tcpdx::probe
