// Which connections a table shows: the first ones by a key, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/connection.hpp"

namespace tcpdx::view {

struct ConnectionKey {
  std::string_view name;
  std::string_view about;
  int64_t (*of)(const Connection&);
  bool descending = false;  // amounts: the greatest first
};

// A name in any case, '-' and '_' alike. An error lists the keys.
Result<const ConnectionKey*> connection_key(std::string_view name);
// Every name and what it means, as the help lists them.
std::string describe_connection_keys();

// Keeps the first `limit` connections in the order of a key; of 0 all. Equals stay in the order of
// their ids.
class FirstConnections {
 public:
  FirstConnections(const ConnectionKey& key, size_t limit) : key_(key), limit_(limit) {}

  void take(Connection&& connection);
  // In order. Nothing may be taken afterwards.
  std::vector<std::unique_ptr<Connection>> sorted() &&;
  uint64_t left_out() const { return left_out_; }

 private:
  struct Kept {
    int64_t rank;  // the lower the earlier
    uint64_t id;
    std::unique_ptr<Connection> connection;
  };
  static bool before(const Kept& a, const Kept& b);

  const ConnectionKey& key_;
  size_t limit_;
  uint64_t left_out_ = 0;
  std::vector<Kept> kept_;  // with a limit, a heap with the last on top
};

}  // namespace tcpdx::view
