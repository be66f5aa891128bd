// Changes a saved Observation into what it would be had the machine been in a state that a test
// must not bring about, or cannot wait for:
//
//   alter_snapshot FILE CHANGE...
//     later SECONDS         all that is idle has been so for that much longer
//     only NAMESPACE        the sockets of others are out of sight, as on another machine
//     rise COUNTER BY       a counter of each namespace rises evenly by that much over the window
//     value COUNTER VALUE   has that value in all samples
//     sysctl NAME VALUE
//     softnet TAKEN DROPPED SQUEEZED
//     neighbours LIMIT REFUSED  so many may be in each table, so many were refused in the window
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/snapshot.hpp"

namespace {

using tcpdx::Observation;
using Words = std::vector<std::string>;

void later(Observation& seen, const Words& words) {
  const auto ms = static_cast<uint32_t>(std::stoul(words.at(0)) * 1000);
  for (tcpdx::Look& look : seen.looks) {
    for (tcpdx::TcpInfo& info : look.infos) {
      info.last_data_sent_ms += ms;
      info.last_data_recv_ms += ms;
      info.last_ack_recv_ms += ms;
    }
  }
  for (tcpdx::Process& process : seen.processes) {
    if (process.age) *process.age += std::chrono::milliseconds(ms);
  }
}

void only(Observation& seen, const Words& words) {
  for (tcpdx::Look& look : seen.looks) {
    std::erase_if(look.sockets, [&](const tcpdx::Socket& s) {
      return seen.namespaces[s.netns].name != words.at(0);
    });
  }
}

void set_counter(Observation& seen, const std::string& name,
                 const std::function<uint64_t(size_t sample, uint64_t first)>& value) {
  for (size_t netns = 0; netns < seen.namespaces.size(); ++netns) {
    const uint64_t first = seen.samples.front().counters[netns].get(name).value_or(0);
    for (size_t i = 0; i < seen.samples.size(); ++i) {
      auto& counters = seen.samples[i].counters[netns];
      tcpdx::Counters changed;
      for (const auto& [other, old] : counters.all()) {
        if (other != name) changed.set(other, old);
      }
      changed.set(name, value(i, first));
      changed.sort();
      counters = changed;
    }
  }
}

void rise(Observation& seen, const Words& words) {
  const uint64_t by = std::stoull(words.at(1));
  const size_t steps = seen.samples.size() > 1 ? seen.samples.size() - 1 : 1;
  set_counter(seen, words[0], [&](size_t i, uint64_t first) { return first + by * i / steps; });
}

void value(Observation& seen, const Words& words) {
  const uint64_t wanted = std::stoull(words.at(1));
  set_counter(seen, words[0], [&](size_t, uint64_t) { return wanted; });
}

void sysctl(Observation& seen, const Words& words) {
  for (tcpdx::Namespace& space : seen.namespaces) space.sysctls.set(words.at(0), words.at(1));
}

void softnet(Observation& seen, const Words& words) {
  tcpdx::Softnet& last = seen.softnet.back();
  last = seen.softnet.front();
  last.processed += std::stoull(words.at(0));
  last.dropped += std::stoull(words.at(1));
  last.squeezed += std::stoull(words.at(2));
}

void neighbours(Observation& seen, const Words& words) {
  const tcpdx::Duration first = seen.looks.front().at;
  for (tcpdx::NeighbourTable& table : seen.neighbour_tables) {
    table.limit = std::stoull(words.at(0));
    table.refused = table.at == first ? 0 : std::stoull(words.at(1));
  }
}

struct Change {
  size_t words;
  void (*apply)(Observation&, const Words&);
};

const std::map<std::string, Change>& changes() {
  static const std::map<std::string, Change> kAll{
      {"later", {1, later}},          {"only", {1, only}},     {"rise", {2, rise}},
      {"value", {2, value}},          {"sysctl", {2, sysctl}}, {"softnet", {3, softnet}},
      {"neighbours", {2, neighbours}}};
  return kAll;
}

void alter(Observation& seen, const Words& words) {
  for (size_t i = 0; i < words.size();) {
    const auto change = changes().find(words[i++]);
    if (change == changes().end()) throw std::runtime_error("no such change: " + words[i - 1]);
    const size_t end = i + change->second.words;
    if (end > words.size()) throw std::runtime_error("too few words: " + change->first);
    change->second.apply(seen, Words(words.begin() + static_cast<std::ptrdiff_t>(i),
                                     words.begin() + static_cast<std::ptrdiff_t>(end)));
    i = end;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) throw std::runtime_error("usage: alter_snapshot FILE CHANGE...");
    auto seen = tcpdx::store::load(argv[1]);
    if (!seen) throw std::runtime_error(seen.error().sentence);
    alter(*seen, Words(argv + 2, argv + argc));
    const auto saved = tcpdx::store::save(*seen, argv[1]);
    if (!saved) throw std::runtime_error(saved.error().sentence);
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
  return 0;
}
