// A simulated path of many routers behind a TUN device: the kernel of this namespace is its sender.
//
//     path_simulator DEVICE ADDRESS/PREFIX... <DESCRIPTION
//
// The description has a line for each router and one for the target; it ends with its input, and so
// does the path:
//     hop AWAY_US ADDRESS [ADDRESS6] [silent] [rate=N] [quote=N] [labels=N,N] [mtu=N] [hides-mtu]
//         [mss=N] [loss=P]                                             (all on one line)
//     target AWAY_US ADDRESS [ADDRESS6] [silent] [no-echo] [open=PORT,PORT]
//     run
// After "run" it says "ready"; when its input ends it says how many datagrams reached the target
// and how many of them were SYNs: "reached N syns N".
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "lab/datagram.hpp"
#include "lab/path.hpp"
#include "lab/tun.hpp"

namespace {

using namespace tcpdx;

[[noreturn]] void give_up(const std::string& sentence) {
  fmt::print(stderr, "path_simulator: {}\n", sentence);
  std::exit(1);
}

template <class Number>
Number number_of(std::string_view text) {
  const auto number = parse_number<Number>(text);
  if (!number) give_up(fmt::format("'{}' is no number", text));
  return *number;
}

template <class Number>
std::vector<Number> numbers_of(std::string_view text) {
  std::vector<Number> numbers;
  for (const auto word : split(text, ',')) numbers.push_back(number_of<Number>(word));
  return numbers;
}

bool read_common(std::string_view word, std::vector<IpAddress>& addresses, bool& silent) {
  if (word == "silent") {
    silent = true;
  } else if (const auto address = parse_address(word)) {
    addresses.push_back(*address);
  } else {
    return false;
  }
  return true;
}

void read_word(std::string_view word, lab::Hop& hop) {
  if (read_common(word, hop.addresses, hop.silent)) return;
  const auto equals = std::min(word.find('='), word.size());
  const auto name = word.substr(0, equals);
  const auto value = word.substr(std::min(equals + 1, word.size()));
  if (name == "rate") {
    hop.rate = number_of<unsigned>(value);
  } else if (name == "quote") {
    hop.quote = number_of<size_t>(value);
  } else if (name == "labels") {
    hop.labels = numbers_of<uint32_t>(value);
  } else if (name == "mtu") {
    hop.mtu = number_of<size_t>(value);
  } else if (name == "hides-mtu") {
    hop.hides_mtu = true;
  } else if (name == "mss") {
    hop.clamp_mss = number_of<uint16_t>(value);
  } else if (name == "loss") {
    hop.loss = std::strtod(std::string(value).c_str(), nullptr);
  } else {
    give_up(fmt::format("no hop has '{}'", word));
  }
}

void read_word(std::string_view word, lab::Target& target) {
  if (read_common(word, target.addresses, target.silent)) return;
  if (word == "no-echo") {
    target.echoes = false;
  } else if (word.starts_with("open=")) {
    target.open_ports = numbers_of<uint16_t>(word.substr(5));
  } else {
    give_up(fmt::format("no target has '{}'", word));
  }
}

lab::PathSettings read_description() {
  lab::PathSettings settings;
  std::string line;
  while (std::getline(std::cin, line) && line != "run") {
    const auto parts = words(line);
    if (parts.size() < 3) give_up(fmt::format("'{}' is no hop and no target", line));
    const Duration away(number_of<int64_t>(parts[1]));
    if (parts[0] == "hop") {
      lab::Hop& hop = settings.hops.emplace_back();
      hop.away = away;
      for (size_t i = 2; i < parts.size(); ++i) read_word(parts[i], hop);
    } else {
      settings.target.away = away;
      for (size_t i = 2; i < parts.size(); ++i) read_word(parts[i], settings.target);
    }
  }
  return settings;
}

lab::TunSettings device_of(int count, char** arguments) {
  lab::TunSettings settings;
  settings.name = arguments[1];
  for (int i = 2; i < count; ++i) {
    const auto parts = split(arguments[i], '/');
    const auto address = parse_address(parts[0]);
    if (!address || parts.size() != 2) give_up(fmt::format("'{}' is no prefix", arguments[i]));
    settings.addresses.push_back({.address = *address, .prefix = number_of<uint8_t>(parts[1])});
  }
  return settings;
}

void run(const lab::Tun& tun, lab::Path& path) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto now = [&] { return std::chrono::duration_cast<Duration>(Clock::now() - start); };
  std::vector<std::byte> buffer(lab::kMaxDatagramSize);
  std::array<pollfd, 2> waits{{{.fd = tun.fd(), .events = POLLIN, .revents = 0},
                               {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}}};
  for (;;) {
    timespec timeout{.tv_sec = 1, .tv_nsec = 0};
    if (const auto next = path.next()) {
      const auto left = std::max<int64_t>(0, (*next - now()).count());
      timeout = {.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
    }
    ::ppoll(waits.data(), waits.size(), &timeout, nullptr);
    if (waits[1].revents != 0) return;
    for (auto got = tun.read(buffer); !got.empty(); got = tun.read(buffer)) path.put(now(), got);
    path.release(now(), [&](std::span<const std::byte> datagram) { tun.write(datagram); });
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) give_up("usage: path_simulator DEVICE ADDRESS/PREFIX... <DESCRIPTION");
  lab::Path path(read_description());
  const auto tun = lab::Tun::open(device_of(count, arguments));
  if (!tun) give_up(tun.error().sentence);
  fmt::print("ready\n");
  std::fflush(stdout);
  run(*tun, path);
  fmt::print("reached {} syns {}\n", path.reached_target(), path.syns_at_target());
  return 0;
}
