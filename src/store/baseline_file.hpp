// A Baseline as a file: JSON that people may read, keep under version control and edit.
//
//   {"tcpdx_baseline": 1, "host": "web-1", "learned_at": "2026-01-31T03:04:05.000006Z",
//    "listeners": [{"namespace": "host", "addr": "0.0.0.0", "port": 22, "exe": "/usr/sbin/sshd",
//                   "unit": "ssh.service", "uid": 0, "signs": []}, ...]}
//
// exe, unit and uid are null where they were not known. The number is the version of the format.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/listener_identity.hpp"

namespace tcpdx::store {

std::string write_baseline(const Baseline& baseline);
// Read strictly: every member must be there, with a value of its kind, and no other.
Result<Baseline> read_baseline(std::string_view text);

// Written beside the target and renamed over it.
Result<void> save_baseline(const Baseline& baseline, const std::string& path);
Result<Baseline> load_baseline(const std::string& path);

}  // namespace tcpdx::store
