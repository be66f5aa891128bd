// The command line: finds the command and runs it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/io.hpp"

namespace tcpdx::cli {

using Arguments = std::span<const std::string>;

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(Arguments arguments, Io& io);
};

// Arguments without the program's name. The exit code; no exception leaves it.
int run(Arguments arguments, Io& io);

// The commands, each in a file of its own name.
int doctor(Arguments arguments, Io& io);
int states(Arguments arguments, Io& io);
int sockets(Arguments arguments, Io& io);
int rates(Arguments arguments, Io& io);
int listen(Arguments arguments, Io& io);
int explain(Arguments arguments, Io& io);
int sim(Arguments arguments, Io& io);
int trace(Arguments arguments, Io& io);
int read(Arguments arguments, Io& io);
int show(Arguments arguments, Io& io);
int capture(Arguments arguments, Io& io);
int path(Arguments arguments, Io& io);
int connect(Arguments arguments, Io& io);
int dns(Arguments arguments, Io& io);
int check(Arguments arguments, Io& io);
int ping(Arguments arguments, Io& io);
int diagram(Arguments arguments, Io& io);

}  // namespace tcpdx::cli
