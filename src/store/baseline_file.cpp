#include "store/baseline_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"

namespace tcpdx::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kVersion = 1;
constexpr off_t kLargest = off_t{64} << 20;  // some 300 000 listeners

// The first thing that is wrong, or nothing.
class Wrong {
 public:
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (sentence_.empty()) sentence_ = fmt::format(format, std::forward<Args>(args)...);
  }
  const std::string& sentence() const { return sentence_; }
  explicit operator bool() const { return !sentence_.empty(); }

 private:
  std::string sentence_;
};

const Json& member(const Json& object, const char* name, Wrong& wrong) {
  static const Json kNone;
  const auto at = object.find(name);
  if (at != object.end()) return *at;
  wrong.say("'{}' is missing", name);
  return kNone;
}

std::string text(const Json& object, const char* name, Wrong& wrong) {
  const Json& value = member(object, name, wrong);
  if (value.is_string()) return value.get<std::string>();
  wrong.say("'{}' is not a text", name);
  return "";
}

template <class Number>
Number number(const Json& object, const char* name, Number most, Wrong& wrong) {
  const Json& value = member(object, name, wrong);
  if (value.is_number_unsigned() && value.get<uint64_t>() <= most) {
    return static_cast<Number>(value.get<uint64_t>());
  }
  wrong.say("'{}' is not a number from 0 to {}", name, most);
  return 0;
}

void only(const Json& object, std::initializer_list<std::string_view> names, Wrong& wrong) {
  for (const auto& [name, value] : object.items()) {
    if (std::ranges::find(names, name) == names.end()) {
      wrong.say("'{}' is not a member that tcpdx writes", printable(name));
    }
  }
}

std::optional<std::string> text_or_null(const Json& object, const char* name, Wrong& wrong) {
  if (member(object, name, wrong).is_null()) return std::nullopt;
  return text(object, name, wrong);
}

ListenerIdentity read_listener(const Json& object, Wrong& wrong) {
  ListenerIdentity one;
  if (!object.is_object()) {
    wrong.say("an entry of 'listeners' is not an object");
    return one;
  }
  only(object, {"namespace", "addr", "port", "exe", "unit", "uid", "signs"}, wrong);
  one.netns = text(object, "namespace", wrong);
  if (const auto address = parse_address(text(object, "addr", wrong))) {
    one.local.addr = *address;
  } else {
    wrong.say("'addr' is not an address");
  }
  one.local.port = number<uint16_t>(object, "port", 65'535, wrong);
  one.exe = text_or_null(object, "exe", wrong);
  one.unit = text_or_null(object, "unit", wrong);
  if (!member(object, "uid", wrong).is_null()) {
    one.uid = number<uint32_t>(object, "uid", 4'294'967'295, wrong);
  }
  const Json& signs = member(object, "signs", wrong);
  if (!signs.is_array()) wrong.say("'signs' is not a list");
  for (const Json& sign : signs) {
    if (!sign.is_string()) wrong.say("an entry of 'signs' is not a text");
    if (!wrong) one.signs.push_back(sign.get<std::string>());
  }
  return one;
}

Baseline read_document(const Json& document, Wrong& wrong) {
  Baseline baseline;
  only(document, {"tcpdx_baseline", "host", "learned_at", "listeners"}, wrong);
  baseline.host = text(document, "host", wrong);
  if (const auto at = parse_rfc3339(text(document, "learned_at", wrong))) {
    baseline.learned_at = *at;
  } else {
    wrong.say("'learned_at' is not a time like 2026-01-31T03:04:05.000006Z");
  }
  const Json& listeners = member(document, "listeners", wrong);
  if (!listeners.is_array()) wrong.say("'listeners' is not a list");
  for (size_t i = 0; i < listeners.size() && !wrong; ++i) {
    Wrong here;
    baseline.listeners.push_back(read_listener(listeners[i], here));
    if (here) wrong.say("listener {}: {}", i + 1, here.sentence());
  }
  return baseline;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string line(const Json& value) {
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// A regular file of a size that a baseline may have; "" or why not.
std::string unfit(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return errno_text(errno);
  if (!S_ISREG(found.st_mode)) return "it is not a regular file";
  return found.st_size > kLargest ? "it is too large to be a baseline" : "";
}

}  // namespace

std::string write_baseline(const Baseline& baseline) {
  std::string out = fmt::format(
      "{{\"tcpdx_baseline\": {}, \"host\": {}, \"learned_at\": \"{}\",\n \"listeners\": [",
      kVersion, line(baseline.host), rfc3339(baseline.learned_at));
  std::string_view before = "\n  ";
  for (const ListenerIdentity& one : baseline.listeners) {
    const Json object{{"namespace", one.netns},    {"addr", to_string(one.local.addr)},
                      {"port", one.local.port},    {"exe", or_null(one.exe)},
                      {"unit", or_null(one.unit)}, {"uid", or_null(one.uid)},
                      {"signs", one.signs}};
    out.append(before).append(line(object));
    before = ",\n  ";
  }
  return out.append("\n ]}\n");
}

Result<Baseline> read_baseline(std::string_view text) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("tcpdx_baseline")) {
    return fail("it is not a baseline of tcpdx: 'tcpdx listen --learn FILE' makes one");
  }
  const Json& version = document["tcpdx_baseline"];
  if (version != kVersion) {
    return fail("its format is {}, this tcpdx reads {}",
                version.is_number_integer() ? line(version) : "no number", kVersion);
  }
  Wrong wrong;
  Baseline baseline = read_document(document, wrong);
  if (wrong) return fail("it is damaged: {}", wrong.sentence());
  return baseline;
}

Result<void> save_baseline(const Baseline& baseline, const std::string& path) {
  return write_file(path, write_baseline(baseline));
}

Result<Baseline> load_baseline(const std::string& path) {
  std::string why = unfit(path);
  if (!why.empty()) return fail("cannot read the baseline {}: {}", path, why);
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto baseline = read_baseline(*text);
  if (!baseline) return fail("cannot read the baseline {}: {}", path, baseline.error().sentence);
  return baseline;
}

}  // namespace tcpdx::store
