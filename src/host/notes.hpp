// What could not be seen, said once each however often a look meets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/observation.hpp"

namespace tcpdx::host {

enum class Unseen : uint8_t {
  sock_diag,          // TCP_INFO, cookies ... of all sockets
  sockets,            // a family or a namespace could not be read
  interrupted,        // sockets that a changing table may have hidden
  namespace_refused,  // namespaces that may not be entered
  namespace_hidden,   // namespaces of processes that may not be looked at
  owners,
  processes,  // that own sockets and cannot be looked at
  marks,
  routes,
  neighbours,
};

// A later note of the same kind about the same subject replaces the earlier one: counts change
// from look to look.
class Notes {
 public:
  void say(Unseen kind, uint64_t subject, Missing missing, std::vector<Missing>& into) {
    const auto [place, fresh] = places_.try_emplace({kind, subject}, into.size());
    if (fresh) {
      into.push_back(std::move(missing));
    } else {
      into[place->second] = std::move(missing);
    }
  }

 private:
  std::map<std::pair<Unseen, uint64_t>, size_t> places_;
};

}  // namespace tcpdx::host
