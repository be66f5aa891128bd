// Takes connections from the tracker and writes those that a filter selects: at once where the
// format is a stream, in order and at the end where it is a table.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <ostream>

#include "engine/read_capture.hpp"
#include "model/filter.hpp"
#include "track/tracker.hpp"
#include "view/connection_order.hpp"
#include "view/connection_summary.hpp"
#include "view/style.hpp"

namespace tcpdx::cli {

enum class ConnectionFormat : unsigned char { table, json, zeek, csv };

struct WriterOptions {
  ConnectionFormat format = ConnectionFormat::table;
  bool summary_alone = false;
  const view::ConnectionKey* sort = nullptr;  // none: as they end. A table needs one
  size_t limit = 0;                           // of connections written; 0: all
};

class ConnectionWriter : public track::Sink {
 public:
  ConnectionWriter(std::ostream& out, const view::Style& style, const Filter& filter,
                   const WriterOptions& options);

  void connection(Connection&& connection) override;
  // Writes what has waited for the end.
  void finish(const engine::ReadTotals& totals);

 private:
  void append(const Connection& connection);
  void write_table(const view::CaptureFacts& facts);
  void flush();

  std::ostream& out_;
  view::Style style_;
  const Filter& filter_;
  WriterOptions options_;
  std::optional<view::FirstConnections> sorted_;
  view::ConnectionSummary summary_;
  uint64_t matched_ = 0;
  fmt::memory_buffer text_;
};

}  // namespace tcpdx::cli
