// A closer look at the program files of those processes that listen: is the file still there, may
// anybody replace it, does the process bear another program's name?
#pragma once

#include <string>
#include <string_view>

#include "model/observation.hpp"

namespace tcpdx::host {

// Fills Process::program of each owner of a LISTEN socket in the last look. What cannot be read
// stays unknown.
void check_programs(const std::string& proc, Observation& into);

// Is this the name of a kernel thread ("kworker/0:1"), which no program should bear?
bool is_kernel_thread_name(std::string_view comm);

// Do the name of a process, which the kernel cuts to 15 bytes, and that of its file go together?
// "nginx" and "nginx-debug" do.
bool names_agree(std::string_view comm, std::string_view file);

// Programs that run other programs' scripts, under whose names they appear.
bool is_interpreter(std::string_view file);

}  // namespace tcpdx::host
