// What the nftables rules of one network namespace do with a new connection to a listener.
//
// A rule is evaluated as far as its matches speak of what every such connection has in common: its
// port, protocol and state. What depends on the sender, on time or on the load is not, and the
// answer says so. Rules of the hooks ingress, prerouting and input are asked, in their order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

// Runs a command of nft(8), for example "list chains", and returns what it writes with -j.
using RunNft = std::function<Result<std::string>(const std::string& command)>;

struct Passed {
  Passage passage = Passage::open;
  std::string words;  // "dropped by inet filter input"
};

class NftFirewall {
 public:
  // Lists the chains; their rules are read when they are asked for.
  static Result<NftFirewall> read(RunNft run);

  // A listener on :: takes IPv4 as well; where the two differ it says so.
  Passed ask(const SocketAddress& listener);

  NftFirewall(NftFirewall&&) noexcept;
  NftFirewall& operator=(NftFirewall&&) noexcept;
  ~NftFirewall();

 private:
  struct Rules;
  explicit NftFirewall(std::unique_ptr<Rules> rules);
  std::unique_ptr<Rules> rules_;
};

}  // namespace tcpdx::host
