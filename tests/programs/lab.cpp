// A topology of network namespaces for tests in other languages, until its input ends or it is
// killed; nothing is left of it then.
//
//     lab FILE
//
// FILE describes it in JSON (src/lab/topology_json.hpp). When all is up it says one line of JSON,
// {"pid": N, "hosts": {NAME: DESCRIPTOR, ...}}: a host is /proc/PID/fd/DESCRIPTOR. Then it takes
// commands and answers each with a line; links and servers are numbered and named as in FILE:
//     impair LINK END {"loss": 0.5}    what that end of a link sends fares like this from now on
//     counts LINK END                  {"put": 3, "lost": 1, ...}, see LineCounts
//     accepted HOST PORT               how many connections that server has accepted
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "lab/testbed.hpp"
#include "lab/topology_json.hpp"

namespace {

using namespace tcpdx;

[[noreturn]] void give_up(const std::string& sentence) {
  fmt::print(stderr, "lab: {}\n", sentence);
  std::exit(1);
}

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

nlohmann::json as_json(const lab::LineCounts& counts) {
  return {{"put", counts.put},
          {"lost", counts.lost},
          {"overflowed", counts.overflowed},
          {"too_large", counts.too_large},
          {"doubled", counts.doubled},
          {"held_back", counts.held_back},
          {"released", counts.released},
          {"octets_released", counts.octets_released}};
}

lab::Link& link_of(lab::Testbed& testbed, std::string_view number) {
  lab::Link* link = testbed.link(parse_number<size_t>(number).value_or(SIZE_MAX));
  if (link == nullptr) give_up(fmt::format("link {} is none, or a cable", number));
  return *link;
}

size_t end_of(std::string_view number) {
  const auto end = parse_number<size_t>(number);
  if (!end || *end > 1) give_up(fmt::format("'{}' is no end of a link", number));
  return *end;
}

void obey(lab::Testbed& testbed, std::string_view line) {
  const auto parts = words(line);
  if (parts.size() < 3) give_up(fmt::format("'{}' is no command", line));
  if (parts[0] == "impair") {
    const auto json = line.substr(std::min(line.size(), line.find('{')));
    const auto impairment = lab::read_impairment(json);
    if (!impairment) give_up(impairment.error().sentence);
    link_of(testbed, parts[1]).impair(end_of(parts[2]), *impairment);
    say("ok");
  } else if (parts[0] == "counts") {
    say(as_json(link_of(testbed, parts[1]).counts(end_of(parts[2]))).dump());
  } else if (parts[0] == "accepted") {
    const auto* server =
        testbed.server(std::string(parts[1]), parse_number<uint16_t>(parts[2]).value_or(0));
    if (server == nullptr) give_up(fmt::format("no server: '{}'", line));
    say(fmt::format("{}", server->accepted()));
  } else {
    give_up(fmt::format("'{}' is no command", line));
  }
}

// False: the input has ended.
bool read_commands(lab::Testbed& testbed, std::string& rest) {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (size <= 0) return false;
  rest.append(buffer.data(), static_cast<size_t>(size));
  for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
    obey(testbed, std::string_view(rest).substr(0, end));
    rest.erase(0, end + 1);
  }
  return true;
}

void run(lab::Testbed& testbed) {
  std::string rest;
  for (;;) {
    testbed.turn();
    std::vector<pollfd> polls{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
    testbed.add_polls(polls);
    timespec timeout{.tv_sec = 1, .tv_nsec = 0};
    if (const auto next = testbed.next()) {
      const auto left = std::clamp<int64_t>((*next - testbed.now()).count(), 0, 1'000'000);
      timeout = {.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
    }
    ::ppoll(polls.data(), polls.size(), &timeout, nullptr);
    if (polls[0].revents != 0 && !read_commands(testbed, rest)) return;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) give_up("usage: lab FILE");
  const auto text = read_file(arguments[1]);
  if (!text) give_up(text.error().sentence);
  const auto topology = lab::read_topology(*text);
  if (!topology) give_up(topology.error().sentence);
  auto testbed = lab::Testbed::bring_up(*topology);
  if (!testbed) give_up(testbed.error().sentence);
  nlohmann::json hosts = nlohmann::json::object();
  for (const lab::Host& host : topology->hosts) hosts[host.name] = testbed->space(host.name).fd();
  say(nlohmann::json{{"pid", ::getpid()}, {"hosts", std::move(hosts)}}.dump());
  run(*testbed);
  return 0;
}
