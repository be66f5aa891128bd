// What all JSON documents of this folder share: the library's type, safe output, common shapes.
#pragma once

#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/address.hpp"
#include "model/observation.hpp"

namespace tcpdx::view {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view kSchema = "tcpdx/1";

// One line of ASCII: every other character is escaped and broken UTF-8 replaced, so that a
// document shown on a terminal cannot act on it.
std::string dump(const Json& value);

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json endpoint_json(const SocketAddress& endpoint);
Json missing_json(std::span<const Missing> missing);

// An object written member by member, and its large arrays element by element, so that a
// document over all sockets of a machine is never held in memory.
class JsonObjectWriter {
 public:
  explicit JsonObjectWriter(std::ostream& out) : out_(out) { out_ << '{'; }
  void member(std::string_view name, const Json& value);
  void begin_array(std::string_view name);
  void element(const Json& value);
  void end_array();
  void end() { out_ << "}\n"; }

 private:
  void name(std::string_view name);

  std::ostream& out_;
  bool first_member_ = true;
  bool first_element_ = true;
};

}  // namespace tcpdx::view
