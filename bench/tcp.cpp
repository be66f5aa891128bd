// Our TCP against lwIP's, both in memory and in one run:
//
//   bench_tcp [ROUNDS]
//
// Prints the Markdown table of docs/performance.md: medians and ratios. Nothing here is a test:
// times belong to the machine they came from.

#include <fmt/core.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tcp_sides.hpp"

namespace tcpdx::bench {
namespace {

constexpr uint64_t kBulkOctets = 400'000'000;
constexpr size_t kConnections = 20'000;
constexpr size_t kFewInTimeWait = 100;
constexpr size_t kManyInTimeWait = 10'000;
constexpr size_t kIdle = 5'000;

// A prime, so that no buffer of a power of two and no segment's size is in step with it.
constexpr size_t kPeriod = 65'521;

std::vector<std::byte> pattern() {
  std::vector<std::byte> octets(kPeriod + UINT16_MAX);
  uint32_t x = 1;
  for (size_t i = 0; i < kPeriod; ++i) {
    x = x * 1664525 + 1013904223;  // a linear congruential generator; its high bits are the better
    octets[i] = static_cast<std::byte>(x >> 24);
  }
  std::copy_n(octets.begin(), UINT16_MAX, octets.begin() + kPeriod);
  return octets;
}

const std::vector<std::byte>& octets() {
  static const std::vector<std::byte> kOctets = pattern();
  return kOctets;
}

double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Row {
  std::unique_ptr<Side> side;
  std::vector<double> text_segments{};  // a second
  std::vector<double> few{};            // connections a second
  std::vector<double> many{};
  double per_text = 0;  // segments of all kinds for one full-sized one
  double idle = 0;
};

void measure(Row& row) {
  constexpr double kTexts = static_cast<double>(kBulkOctets) / static_cast<double>(kMss);
  uint64_t segments = 0;
  const double bulk = seconds_of([&] { segments = row.side->bulk(kBulkOctets); });
  row.text_segments.push_back(kTexts / bulk);
  row.per_text = static_cast<double>(segments) / kTexts;
  const auto rate = [&](size_t in_time_wait) {
    return static_cast<double>(kConnections) /
           seconds_of([&] { row.side->connections(kConnections, in_time_wait); });
  };
  row.few.push_back(rate(kFewInTimeWait));
  row.many.push_back(rate(kManyInTimeWait));
}

void print(const std::vector<Row>& rows, size_t rounds) {
  fmt::print("Median of {} rounds; in brackets the multiple of lwIP.\n\n", rounds);
  fmt::print(
      "| | full segments/s | all per full | connections/s, {} in TIME-WAIT | {} in TIME-WAIT |"
      " octets per idle end |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
      kFewInTimeWait, kManyInTimeWait);
  const Row& lwip = rows.front();
  const auto times = [](double ours, double theirs) {
    return fmt::format("{:.0f} ({:.2f})", ours, ours / theirs);
  };
  const auto rate = [&](const std::vector<double>& ours, const std::vector<double>& theirs) {
    return times(median(ours), median(theirs));
  };
  for (const Row& row : rows) {
    fmt::print("| {} | {} | {:.2f} | {} | {} | {} |\n", row.side->name(),
               rate(row.text_segments, lwip.text_segments), row.per_text, rate(row.few, lwip.few),
               rate(row.many, lwip.many), times(row.idle, lwip.idle));
  }
}

int run(size_t rounds) {
  std::vector<Row> rows;
  rows.push_back({.side = make_lwip()});
  const std::array choices{
      EndpointChoice{.name = "tcpdx, as lwIP"},
      EndpointChoice{.name = "tcpdx, its defaults", .as_lwip = false},
      EndpointChoice{.name = "tcpdx, as lwIP, without bytes", .bytes = false},
  };
  for (const EndpointChoice& choice : choices) rows.push_back({.side = make_endpoints(choice)});
  for (Row& row : rows) row.idle = row.side->idle_octets(kIdle);
  // They take turns, so that a slow moment of the machine falls on all of them.
  for (size_t i = 0; i < rounds; ++i) {
    for (Row& row : rows) measure(row);
  }
  print(rows, rounds);
  return 0;
}

}  // namespace

std::span<const std::byte> Stream::at(uint64_t position, size_t most) {
  return std::span(octets()).subspan(position % kPeriod, std::min<size_t>(most, UINT16_MAX));
}

void Stream::check(uint64_t position, std::span<const std::byte> received) {
  if (received.empty()) return;
  const auto wanted = [](uint64_t at) { return octets()[at % kPeriod]; };
  if (received.front() == wanted(position) &&
      received.back() == wanted(position + received.size() - 1)) {
    return;
  }
  give_up("octets arrived that were not sent there");
}

size_t octets_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void give_up(std::string_view why) {
  fmt::print(stderr, "bench_tcp: {}\n", why);
  std::exit(1);
}

}  // namespace tcpdx::bench

int main(int argc, char** argv) {
  const std::span words(argv, static_cast<size_t>(argc));
  const long rounds = words.size() > 1 ? std::strtol(words[1], nullptr, 10) : 5;
  if (rounds < 1 || words.size() > 2) {
    fmt::print(stderr, "usage: bench_tcp [ROUNDS]\n");
    return 64;
  }
  return tcpdx::bench::run(static_cast<size_t>(rounds));
}
