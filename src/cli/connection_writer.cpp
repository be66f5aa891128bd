#include "cli/connection_writer.hpp"

#include <string>
#include <utility>

#include "base/time.hpp"
#include "faults/capture_findings.hpp"
#include "view/connection_csv.hpp"
#include "view/connection_json.hpp"
#include "view/connection_table.hpp"
#include "view/connection_zeek.hpp"
#include "wire/decode.hpp"

namespace tcpdx::cli {
namespace {

constexpr size_t kBlock = size_t{64} * 1024;  // octets written at a time

view::CaptureFacts facts_of(const engine::ReadTotals& totals) {
  view::CaptureFacts facts;
  facts.frames = totals.frames;
  facts.octets = totals.octets;
  facts.segments = totals.tcp;
  facts.other = totals.other;
  facts.broken = totals.broken;
  facts.fragments = totals.fragments;
  facts.icmp_errors = totals.icmp_errors;
  facts.dropped_half_open = totals.track.dropped_half_open;
  facts.dropped_early = totals.track.dropped_early;
  facts.first = totals.first;
  facts.last = totals.last;
  for (const auto& [type, frames] : totals.unknown_link_types) {
    facts.unknown_link_types.emplace_back(wire::link_type_name(type), frames);
  }
  facts.damage.reserve(totals.damage.size());
  for (const capture::Damage& one : totals.damage) {
    facts.damage.push_back({one.file, one.frame, one.offset, one.what});
  }
  return facts;
}

}  // namespace

ConnectionWriter::ConnectionWriter(std::ostream& out, const view::Style& style,
                                   const Filter& filter, const WriterOptions& options)
    : out_(out), style_(style), filter_(filter), options_(options) {
  if (options.sort != nullptr && !options.summary_alone) {
    sorted_.emplace(*options.sort, options.limit);
  }
  if (options.format == ConnectionFormat::zeek) view::append_zeek_head(text_, wall_now());
  if (options.format == ConnectionFormat::csv) view::append_csv_head(text_);
}

void ConnectionWriter::connection(Connection&& connection) {
  if (!matches(filter_, connection)) return;
  ++matched_;
  if (options_.format == ConnectionFormat::table) summary_.add(connection);
  if (sorted_) return sorted_->take(std::move(connection));
  if (options_.limit == 0 || matched_ <= options_.limit) append(connection);
}

void ConnectionWriter::append(const Connection& connection) {
  switch (options_.format) {
    case ConnectionFormat::table: break;
    case ConnectionFormat::json:
      view::append_connection_json(text_, connection, faults::findings_of(connection));
      break;
    case ConnectionFormat::zeek: view::append_zeek_line(text_, connection); break;
    case ConnectionFormat::csv: view::append_csv_line(text_, connection); break;
  }
  if (text_.size() >= kBlock) flush();
}

void ConnectionWriter::flush() {
  out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
  text_.clear();
}

void ConnectionWriter::write_table(const view::CaptureFacts& facts) {
  if (matched_ == 0) {
    out_ << (filter_.steps.empty() ? "no TCP connections\n\n" : "no connection matches\n\n");
  }
  if (sorted_ && matched_ > 0) {
    const uint64_t left_out = sorted_->left_out();
    const auto shown = std::move(*sorted_).sorted();
    const WallTime origin = facts.first.value_or(shown.empty() ? WallTime{} : shown[0]->start);
    view::write_connection_table(out_, style_, shown, origin, left_out);
    out_ << '\n';
  }
  summary_.write(out_, style_, facts);
}

void ConnectionWriter::finish(const engine::ReadTotals& totals) {
  const view::CaptureFacts facts = facts_of(totals);
  if (options_.format == ConnectionFormat::table) return write_table(facts);
  if (sorted_) {
    for (const auto& connection : std::move(*sorted_).sorted()) append(*connection);
  }
  if (options_.format == ConnectionFormat::json && !facts.damage.empty()) {
    view::append_damage_json(text_, facts.damage);
  }
  if (options_.format == ConnectionFormat::zeek) {
    for (const view::DamagedPlace& place : facts.damage) {
      view::append_zeek_note(text_, "damaged",
                             fmt::format("{}: frame {}, octet {}: {}", place.file, place.frame,
                                         place.offset, place.what));
    }
    view::append_zeek_foot(text_, wall_now());
  }
  flush();
}

}  // namespace tcpdx::cli
