#include "faults/capture_build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::faults {

double Group::share_of(uint64_t whole) const { return ratio(count, whole); }

std::vector<Group> groups_of(const CaptureFacts& facts, Sign sign) {
  std::map<SocketAddress, std::vector<Kept>> by_place;
  for (const Kept& one : facts.with(sign)) {
    by_place[place_of(*one.connection, one.by)].push_back(one);
  }
  std::vector<Group> groups;
  groups.reserve(by_place.size());
  for (auto& [place, kept] : by_place) {
    const End* end = facts.end(place);
    Group group{.place = place, .end = end != nullptr ? *end : End{}, .count = 0, .kept = {}};
    group.count = std::max<uint64_t>(group.end.count(sign), kept.size());
    group.kept = std::move(kept);
    groups.push_back(std::move(group));
  }
  return groups;
}

std::string name_of(const SocketAddress& place) {
  return place.port == 0 ? to_string(place.addr) : to_string(place);
}

void set_place(const SocketAddress& place, Finding& finding) {
  (place.port == 0 ? finding.subject.local : finding.subject.listener) = place;
}

std::vector<WallTime> starts_of(const std::vector<Kept>& kept) {
  std::vector<WallTime> at;
  at.reserve(kept.size());
  for (const Kept& one : kept) at.push_back(one->start);
  return at;
}

Duration spread_of(const std::vector<Kept>& kept) {
  const auto [first, last] =
      std::ranges::minmax_element(kept, {}, [](const Kept& one) { return one->start; });
  return kept.empty() ? Duration{} : (*last)->start - (*first)->start;
}

size_t most_within(std::vector<WallTime> at, Duration stretch) {
  std::ranges::sort(at);
  size_t most = 0;
  for (size_t first = 0, next = 0; first < at.size(); ++first) {
    while (next < at.size() && at[next] - at[first] <= stretch) ++next;
    most = std::max(most, next - first);
  }
  return most;
}

std::string network_name(const IpAddress& address) {
  const unsigned bits = network_bits(address.family);
  return fmt::format("{}/{}", to_string(address.prefix(bits)), bits);
}

std::string file_word(const CaptureFacts& facts) {
  const bool plain = !facts.file().empty() && facts.file() != "-" &&
                     std::ranges::all_of(facts.file(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '/';
                     });
  return plain ? facts.file() : "FILE";
}

void add_example(const CaptureFacts& facts, uint64_t connection, Finding& finding) {
  finding.see.push_back(fmt::format("tcpdx show {} {}", file_word(facts), connection));
}

void add_example(const CaptureFacts& facts, const Group& group, Finding& finding) {
  const Connection& one = *group.kept.front().connection;
  add_fact(finding, "for example",
           fmt::format("connection {}, from frame {}", one.id, grouped(one.first_frame)),
           std::string(kCapture));
  add_example(facts, one.id, finding);
}

Confidence at_most_for(const CaptureFacts& facts, Confidence wanted) {
  return facts.is_short() ? Confidence::suspected : wanted;
}

}  // namespace tcpdx::faults
