#include "cli/doctor_capture.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/text.hpp"
#include "capture/open.hpp"
#include "cli/read_progress.hpp"
#include "engine/read_capture.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::cli {
namespace {

constexpr double kMostOneWay = 0.1;  // beyond, the capture itself is one-sided

class Collector : public track::Sink {
 public:
  explicit Collector(faults::CaptureFacts& facts) : facts_(facts) {}
  void connection(Connection&& connection) override { facts_.add(connection); }

 private:
  faults::CaptureFacts& facts_;
};

std::string counted(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

void add_damage(const engine::ReadTotals& totals, std::vector<Missing>& missing) {
  if (!totals.damage.empty()) {
    const capture::Damage& first = totals.damage.front();
    missing.push_back({.what = counted(totals.damage.size(), "damaged place"),
                       .why = fmt::format("the first at frame {} of {}: {}", grouped(first.frame),
                                          first.file, first.what),
                       .needs = ""});
  }
  for (const auto& [type, frames] : totals.unknown_link_types) {
    missing.push_back({.what = counted(frames, "frame"),
                       .why = fmt::format("{} cannot be read", wire::link_type_name(type)),
                       .needs = ""});
  }
  if (totals.broken > 0) {
    missing.push_back({.what = counted(totals.broken, "frame"),
                       .why = "their headers are cut off or cannot be",
                       .needs = ""});
  }
}

void add_dropped(const track::Totals& totals, uint64_t left_out, std::vector<Missing>& missing) {
  const auto add = [&](uint64_t count, std::string_view noun, std::string why) {
    if (count == 0) return;
    missing.push_back({.what = counted(count, noun), .why = std::move(why), .needs = ""});
  };
  add(totals.dropped_half_open, "half-open connection", "forgotten for lack of memory");
  add(totals.dropped_early, "connection", "judged before their end, for lack of memory");
  add(left_out, "connection", "not all their signs are counted, for lack of memory");
}

void add_blind_spots(const faults::CaptureFacts& facts, std::vector<Missing>& missing) {
  if (static_cast<double>(facts.one_way()) >
      kMostOneWay * static_cast<double>(facts.connections())) {
    missing.push_back(
        {.what = fmt::format("the other direction of {}", counted(facts.one_way(), "connection")),
         .why = "the capture has one direction of them only",
         .needs = "a capture of both"});
  }
  if (facts.mid_stream() > 0) {
    missing.push_back(
        {.what = fmt::format("the beginning of {}", counted(facts.mid_stream(), "connection")),
         .why = "the capture began later",
         .needs = ""});
  }
}

// For people: the first file without its folder, and how many others there are.
std::string name_of(std::span<const std::string> paths) {
  const std::string& first = paths.front();
  const std::string name =
      first == "-" ? "standard input" : std::filesystem::path(first).filename().string();
  return paths.size() == 1 ? name : fmt::format("{} and {} more", name, paths.size() - 1);
}

}  // namespace

Result<CaptureLook> CaptureLook::read(std::span<const std::string> paths,
                                      engine::ReadOptions options, Io& io) {
  const auto source = capture::open_files(paths);
  if (!source) return std::unexpected(source.error());
  faults::CaptureFacts facts(paths.size() == 1 ? paths.front() : std::string());
  Collector collector(facts);
  ReadProgress progress(io);
  options.progress = [&](const capture::Progress& now) { return progress.show(now); };
  const engine::ReadTotals totals = engine::read_capture(**source, options, collector);
  progress.clear();
  CaptureLook look;
  add_damage(totals, look.missing_);
  if (totals.tcp == 0 || !totals.first || !totals.last) {
    return fail("there is nothing to judge in {}: no TCP segment in {}{}", name_of(paths),
                counted(totals.frames, "frame"),
                look.missing_.empty() ? "" : fmt::format("; {}", look.missing_.front().why));
  }
  add_dropped(totals.track, facts.left_out(), look.missing_);
  add_blind_spots(facts, look.missing_);
  if (progress.stopped()) {
    look.missing_.push_back({.what = "the rest of the file", .why = "interrupted", .needs = ""});
  }
  look.host_ = name_of(paths);
  look.at_ = *totals.first;
  look.window_ = *totals.last - *totals.first;
  look.connections_ = totals.track.connections;
  look.segments_ = totals.tcp;
  facts.finish(look.window_);
  look.findings_ = faults::diagnose(facts);
  return look;
}

view::Report CaptureLook::report() const {
  return {.host = host_,
          .kernel = std::nullopt,
          .at = at_,
          .window = window_,
          .what = {"connection", connections_},
          .among = {"segment", segments_},
          .sources = sources_,
          .missing = missing_,
          .findings = findings_};
}

}  // namespace tcpdx::cli
