// Shared shapes and output of the JSON documents.
#include "view/json.hpp"

#include <utility>

namespace tcpdx::view {

std::string dump(const Json& value) {
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Json endpoint_json(const SocketAddress& endpoint) {
  return {{"addr", to_string(endpoint.addr)}, {"port", endpoint.port}};
}

Json missing_json(std::span<const Missing> missing) {
  Json list = Json::array();
  for (const Missing& one : missing) {
    list.push_back({{"what", one.what},
                    {"why", one.why},
                    {"needs", one.needs.empty() ? Json(nullptr) : Json(one.needs)}});
  }
  return list;
}

void JsonObjectWriter::name(std::string_view name) {
  if (!std::exchange(first_member_, false)) out_ << ",\n ";
  out_ << dump(Json(name)) << ':';
}

void JsonObjectWriter::member(std::string_view key, const Json& value) {
  name(key);
  out_ << dump(value);
}

void JsonObjectWriter::begin_array(std::string_view key) {
  name(key);
  out_ << '[';
  first_element_ = true;
}

void JsonObjectWriter::element(const Json& value) {
  out_ << (std::exchange(first_element_, false) ? "\n  " : ",\n  ") << dump(value);
}

void JsonObjectWriter::end_array() { out_ << ']'; }

}  // namespace tcpdx::view
