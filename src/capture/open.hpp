// Capture files of every usual kind as one stream of frames.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "capture/frame.hpp"

namespace tcpdx::capture {

// pcap and pcapng, plain or compressed by gzip or zstd; "-" is standard input. An error says what
// could not be opened, or that it is no capture from its first octet on.
Result<std::unique_ptr<Source>> open_file(const std::string& path);

// Several files as one stream in the order of time; within one file the order stays as it is.
Result<std::unique_ptr<Source>> open_files(std::span<const std::string> paths);

}  // namespace tcpdx::capture
