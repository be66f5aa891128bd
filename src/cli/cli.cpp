// The table of commands and how one is chosen.
#include "cli/cli.hpp"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/suggest.hpp"
#include "cli/version.hpp"

namespace tcpdx::cli {
namespace {

constexpr std::array kCommands{
    Command{"doctor", "names what is wrong with this machine's TCP connections (the default)",
            doctor},
    Command{"states", "how many connections are in each state", states},
    Command{"sockets", "each socket with owner, queues, timer and TCP_INFO", sockets},
    Command{"listen", "listening ports: program, reach, queue, firewall; what is odd or new",
            listen},
    Command{"trace", "state changes, connects, retransmissions, resets and drops as they happen",
            trace},
    Command{"rates", "connections, segments and errors per second, per namespace", rates},
    Command{"explain", "what a state, topic, fault or counter is and what to do about it", explain},
    Command{"read", "each connection in captures, with the states of both ends", read},
    Command{"show", "one captured connection as a ladder and as a picture", show},
    Command{"capture", "packets as they pass, each with the states of both ends", capture},
    Command{"check", "the whole chain of a connection: where and why it fails", check},
    Command{"ping", "asks hosts whether they are there: how far, how reliably", ping},
    Command{"path", "the routers on the way to a host, all asked at once", path},
    Command{"dns", "what programs get for a name, and what each name server says", dns},
    Command{"connect", "opens a TCP connection and tells what comes of it", connect},
    Command{"diagram", "the state diagram as text, SVG, DOT or Mermaid", diagram},
    Command{"sim", "a connection between two simulated ends, as a ladder with states", sim},
};

void write_help(std::ostream& out) {
  out << "tcpdx: the doctor for TCP connections\n\n"
         "usage: tcpdx [COMMAND] [OPTIONS] [FILTER]\n\ncommands\n";
  for (const Command& command : kCommands) {
    out << fmt::format("  {:<9} {}\n", command.name, command.summary);
  }
  out << "\ntcpdx COMMAND --help tells more; tcpdx --version.\n";
}

int unknown_command(std::string_view word, Io& io) {
  std::vector<std::string_view> names;
  names.reserve(kCommands.size());
  for (const Command& command : kCommands) names.push_back(command.name);
  io.err << fmt::format("tcpdx: there is no command '{}'{}; the commands are {}\n", printable(word),
                        did_you_mean(word, names), fmt::join(names, ", "));
  return kUsage;
}

int dispatch(Arguments arguments, Io& io) {
  // Without a command word the options are doctor's.
  if (arguments.empty()) return doctor(arguments, io);
  const std::string& first = arguments.front();
  if (first == "--version") {
    io.out << "tcpdx " << kVersion << '\n';
    return kOk;
  }
  if (first == "--help" || first == "-h" || first == "help") {
    write_help(io.out);
    return kOk;
  }
  if (first.starts_with('-')) return doctor(arguments, io);
  for (const Command& command : kCommands) {
    if (command.name == first) return command.run(arguments.subspan(1), io);
  }
  return unknown_command(first, io);
}

}  // namespace

int run(Arguments arguments, Io& io) {
  try {
    return dispatch(arguments, io);
  } catch (const std::exception& error) {  // of the libraries: no memory, a broken invariant
    io.err << "tcpdx: " << printable(error.what()) << '\n';
    return kCannotLook;
  }
}

}  // namespace tcpdx::cli
