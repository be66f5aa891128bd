#include "probe/resolv_conf.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::probe {
namespace {

constexpr size_t kMostServers = 3;  // MAXNS of glibc's resolv.h
constexpr unsigned kMostNdots = 15;
constexpr unsigned kMostTimeout = 30;  // seconds
constexpr unsigned kMostAttempts = 5;

// "ndots:2" as a number, capped.
bool read_option(std::string_view word, std::string_view name, unsigned most, unsigned& into) {
  if (!word.starts_with(name) || word.size() <= name.size() || word[name.size()] != ':') {
    return false;
  }
  if (const auto value = parse_number<unsigned>(word.substr(name.size() + 1))) {
    into = std::min(*value, most);
  }
  return true;
}

void read_options(const std::vector<std::string_view>& words, ResolvConf& into) {
  for (const std::string_view word : words) {
    unsigned seconds = 0;
    if (read_option(word, "timeout", kMostTimeout, seconds)) {
      if (seconds > 0) into.timeout = std::chrono::seconds(seconds);
    } else if (!read_option(word, "ndots", kMostNdots, into.ndots)) {
      read_option(word, "attempts", kMostAttempts, into.attempts);
    }
  }
}

void read_server(std::string_view text, ResolvConf& into) {
  const auto address = parse_address(text.substr(0, text.find('%')));  // a scope may follow
  if (address && into.servers.size() < kMostServers) into.servers.push_back(*address);
}

std::string_view without_comment(std::string_view line, std::string_view marks) {
  return line.substr(0, line.find_first_of(marks));
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  for (const std::string_view line : split(text, '\n')) {
    auto parts = words(without_comment(line, "#;"));
    if (parts.size() < 2) continue;
    const std::string_view key = parts.front();
    parts.erase(parts.begin());
    if (key == "nameserver") {
      read_server(parts.front(), conf);
    } else if (key == "search" || key == "domain") {  // the last one counts
      conf.search.assign(parts.begin(), parts.end());
    } else if (key == "options") {
      read_options(parts, conf);
    }
  }
  conf.configured = !conf.servers.empty();
  if (!conf.configured) conf.servers.push_back(ipv4(127, 0, 0, 1));
  return conf;
}

std::vector<std::string> search_walk(std::string_view name, const ResolvConf& conf) {
  if (name.ends_with('.')) return {std::string(name)};
  std::vector<std::string> walk;
  for (const std::string& suffix : conf.search) {
    if (suffix != ".") walk.push_back(std::string(name) + '.' + suffix);
  }
  const auto dots = static_cast<size_t>(std::ranges::count(name, '.'));
  walk.insert(dots >= conf.ndots ? walk.begin() : walk.end(), std::string(name));
  return walk;
}

std::vector<IpAddress> addresses_in_hosts(std::string_view text, std::string_view name) {
  const std::string wanted = lower(name);
  std::vector<IpAddress> found;
  for (const std::string_view line : split(text, '\n')) {
    const auto parts = words(without_comment(line, "#"));
    if (parts.size() < 2) continue;
    const auto address = parse_address(parts.front().substr(0, parts.front().find('%')));
    const bool named = std::ranges::any_of(
        parts.begin() + 1, parts.end(), [&](std::string_view one) { return lower(one) == wanted; });
    if (address && named) found.push_back(*address);
  }
  return found;
}

}  // namespace tcpdx::probe
