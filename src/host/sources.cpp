// One row per word.
#include "host/sources.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::host {
namespace {

struct Word {
  std::string_view word;
  TableSource tables;
  OwnerSource owners;
};

constexpr std::array<Word, 5> kWords{{
    {"auto", TableSource::automatic, OwnerSource::automatic},
    {"bpf", TableSource::automatic, OwnerSource::bpf},
    {"proc", TableSource::automatic, OwnerSource::proc},
    {"sock_diag", TableSource::sock_diag, OwnerSource::automatic},
    {"proc-net", TableSource::proc_net, OwnerSource::automatic},
}};

// False when another word has chosen already.
template <class Source>
bool choose(Source wanted, Source& into) {
  if (wanted == Source::automatic) return true;
  const Source before = std::exchange(into, wanted);
  return before == Source::automatic || before == wanted;
}

}  // namespace

Result<Sources> parse_sources(std::string_view words) {
  Sources sources;
  for (const std::string_view part : split(words, ',')) {
    const auto* const found = std::ranges::find(kWords, trim(part), &Word::word);
    if (found == kWords.end()) {
      return fail(
          "there is no source '{}': owners come from bpf or proc, sockets from sock_diag or "
          "proc-net, and auto takes the best there is",
          printable(trim(part)));
    }
    if (!choose(found->tables, sources.tables) || !choose(found->owners, sources.owners)) {
      return fail("'{}' names two sources for the same thing", printable(words));
    }
  }
  return sources;
}

std::string_view name_of(TableSource source) {
  return source == TableSource::proc_net ? "/proc/net/tcp" : "sock_diag";
}

std::string_view name_of(OwnerSource source) {
  return source == OwnerSource::bpf ? "BPF iter/task_file" : "/proc/PID/fd";
}

}  // namespace tcpdx::host
