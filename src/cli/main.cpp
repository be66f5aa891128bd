// The program: joins the command line to the terminal.
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cli.hpp"
#include "cli/exit_code.hpp"

namespace {

tcpdx::cli::TerminalSize size_of(int terminal) {
  winsize size{};
  if (ioctl(terminal, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_col, size.ws_row};
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool dumb_terminal() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) == "dumb";
}

// Has the reader of our output gone (head, less)? That is no error. poll(2): POLLERR is set for
// the writing end of a pipe whose reading end has been closed.
bool reader_has_gone() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const bool out_is_terminal = isatty(STDOUT_FILENO) == 1;
  tcpdx::cli::Io io{.out = std::cout,
                    .err = std::cerr,
                    .out_is_terminal = out_is_terminal,
                    .err_is_terminal = isatty(STDERR_FILENO) == 1,
                    .width = size_of(out_is_terminal ? STDOUT_FILENO : STDERR_FILENO).width,
                    .screen_size = [] { return size_of(STDOUT_FILENO); },
                    .no_colour = is_set("NO_COLOR") || dumb_terminal()};
  const int code = tcpdx::cli::run(arguments, io);
  std::cout.flush();
  if (!std::cout && !reader_has_gone()) {
    std::cerr << "tcpdx: cannot write the result to standard output\n";
    return tcpdx::cli::kCannotLook;
  }
  return code;
}
