// Formats: net/ipv4/proc.c, net/ipv6/proc.c, net/core/net-procfs.c,
// net/netfilter/nf_conntrack_standalone.c.
#include "host/counter_files.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"

namespace tcpdx::host {

namespace {

constexpr std::array<std::string_view, 3> kWholeMachine{"orphan", "alloc", "mem"};

template <class OnLine>
void for_each_line(std::string_view text, const OnLine& on_line) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    on_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Takes the next word between blanks off the front; empty at the end.
std::string_view next_word(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begin);
  const size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

// "Tcp:" without its colon; empty for anything else.
std::string_view title(std::string_view word) {
  return word.ends_with(':') ? word.substr(0, word.size() - 1) : std::string_view{};
}

}  // namespace

void parse_snmp(std::string_view text, Counters& into) {
  std::string_view names;
  std::string_view group;
  for_each_line(text, [&](std::string_view line) {
    const std::string_view head = title(next_word(line));
    if (head.empty() || head != group) {
      group = head;
      names = line;
      return;
    }
    for (;;) {
      const std::string_view name = next_word(names);
      const std::string_view value = next_word(line);
      if (name.empty() || value.empty()) break;
      // A negative value is no count: Tcp.MaxConn is -1 for "no limit" (RFC 4022).
      if (const auto number = parse_number<uint64_t>(value)) {
        into.set(fmt::format("{}.{}", group, name), *number);
      }
    }
    group = {};
  });
}

void parse_snmp6(std::string_view text, Counters& into) {
  for_each_line(text, [&](std::string_view line) {
    const std::string_view name = next_word(line);
    const auto number = parse_number<uint64_t>(next_word(line));
    if (!name.empty() && number) into.set(std::string(name), *number);
  });
}

void parse_sockstat(std::string_view text, std::string_view file, bool whole_machine,
                    Counters& into) {
  for_each_line(text, [&](std::string_view line) {
    const std::string_view group = title(next_word(line));
    if (group.empty()) return;
    for (;;) {
      const std::string_view name = next_word(line);
      const std::string_view value = next_word(line);
      if (value.empty()) return;
      const bool machine_wide =
          group == "TCP" && std::ranges::find(kWholeMachine, name) != kWholeMachine.end();
      if (machine_wide && !whole_machine) continue;
      if (const auto number = parse_number<uint64_t>(value)) {
        into.set(fmt::format("{}.{}.{}", file, group, name), *number);
      }
    }
  });
}

void parse_conntrack_stat(std::string_view text, Counters& into) {
  const size_t heading = std::min(text.find('\n'), text.size());
  const std::vector<std::string_view> names = words(text.substr(0, heading));
  std::vector<std::optional<uint64_t>> sums(names.size());
  for_each_line(text.substr(std::min(heading + 1, text.size())), [&](std::string_view line) {
    for (std::optional<uint64_t>& sum : sums) {
      const auto number = parse_number<uint64_t>(next_word(line), 16);
      if (!number) return;
      sum = sum.value_or(0) + *number;
    }
  });
  for (size_t i = 0; i < names.size(); ++i) {
    const std::optional<uint64_t>& sum = sums[i];
    if (sum && names[i] != "entries") into.set(fmt::format("nf_conntrack.{}", names[i]), *sum);
  }
}

void read_sockstat(const std::string& proc, bool whole_machine, Counters& into) {
  std::string text;
  for (const std::string_view file : {"sockstat", "sockstat6"}) {
    const std::string path = fmt::format("{}/thread-self/net/{}", proc, file);
    if (read_file_at(AT_FDCWD, path.c_str(), text) != 0) continue;
    parse_sockstat(text, file, whole_machine, into);
  }
}

Counters read_counters(const std::string& proc, bool whole_machine) {
  Counters counters;
  std::string text;
  const auto read = [&](std::string_view file) {
    return read_file_at(AT_FDCWD, fmt::format("{}/{}", proc, file).c_str(), text) == 0;
  };
  if (read("thread-self/net/snmp")) parse_snmp(text, counters);
  if (read("thread-self/net/netstat")) parse_snmp(text, counters);
  if (read("thread-self/net/snmp6")) parse_snmp6(text, counters);
  if (read("thread-self/net/stat/nf_conntrack")) parse_conntrack_stat(text, counters);
  read_sockstat(proc, whole_machine, counters);
  for (const std::string_view name : {"count", "max"}) {
    if (!read(fmt::format("sys/net/netfilter/nf_conntrack_{}", name))) continue;
    if (const auto value = parse_number<uint64_t>(trim(text))) {
      counters.set(fmt::format("nf_conntrack.{}", name), *value);
    }
  }
  counters.sort();
  return counters;
}

Softnet parse_softnet(std::string_view text) {
  Softnet sum;
  for_each_line(text, [&](std::string_view line) {
    const auto processed = parse_number<uint64_t>(next_word(line), 16);
    const auto dropped = parse_number<uint64_t>(next_word(line), 16);
    const auto squeezed = parse_number<uint64_t>(next_word(line), 16);
    if (!processed || !dropped || !squeezed) return;
    sum.processed += *processed;
    sum.dropped += *dropped;
    sum.squeezed += *squeezed;
  });
  return sum;
}

}  // namespace tcpdx::host
