// A capture as `doctor` judges it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/io.hpp"
#include "engine/read_capture.hpp"
#include "model/finding.hpp"
#include "view/report.hpp"

namespace tcpdx::cli {

// What a report about a capture is made of.
class CaptureLook {
 public:
  // Several files are judged as one stream in the order of time. An error says why nothing can be.
  static Result<CaptureLook> read(std::span<const std::string> paths, engine::ReadOptions options,
                                  Io& io);

  const std::vector<Finding>& findings() const { return findings_; }
  // Points into this object.
  view::Report report() const;

 private:
  std::string host_;
  WallTime at_;
  Duration window_{};
  uint64_t connections_ = 0;
  uint64_t segments_ = 0;
  std::vector<std::string> sources_{"capture"};
  std::vector<Missing> missing_;
  std::vector<Finding> findings_;
};

}  // namespace tcpdx::cli
