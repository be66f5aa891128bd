// `tcpdx path HOST[:PORT]`: the routers on the way, all at once.
#include "probe/path.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/path_live.hpp"
#include "engine/names.hpp"
#include "probe/target.hpp"
#include "view/path_text.hpp"

namespace tcpdx::cli {
namespace {

constexpr unsigned kStatisticRounds =
    5;  // Linux routers answer six times at once, then once a second
constexpr unsigned kStatisticProbes = 100;
constexpr Duration kStatisticSpacing = 500ms;
constexpr Duration kNamesWait = 300ms;  // that the output may wait for names, at most
constexpr Duration kShortestRound = 100ms;

constexpr const char* kFooter =
    "Needs no rights. One probe for each distance, at most --max-ttl of them, leaves at the same\n"
    "moment; those beyond the target reach it too. By TCP they are connections, so an echo asks "
    "for\n"
    "the distance beside them: a target that answers within 3 ms is reached by one SYN, one that\n"
    "answers within 30 ms by four at most. What is farther away would take two round trips: it "
    "gets\n"
    "up to four, and five for each router before it, but no more than --max-ttl. By ICMP and UDP\n"
    "all probes are one flow; by TCP each distance has a source port of its own, so that ways "
    "which\n"
    "part by flow (ECMP) may be mixed.\n"
    "--mtu sends packets of the size of the interface's MTU for each hop, twice at most, and "
    "about\n"
    "40 more to place a black hole. --flows sends each hop one probe of every flow, from the "
    "ports\n"
    "33434 and up; Linux routers and targets answer UDP six times at once, then once a second.\n"
    "--live sends each hop one probe a round, none beyond the target; where nobody answers as the\n"
    "target, to five hops behind the last that does. Gaps in the row of recent round trips are\n"
    "probes without an answer; times are those of the last 1,000 or more. Keys: space or p "
    "freezes\n"
    "and goes on, s sorts by hop, loss or round trip, n shows names or addresses, c other columns\n"
    "(intervals of the losses, more times), r counts anew, e writes the table as text and as JSON\n"
    "into this folder, q or Ctrl-C ends it and prints the last table.\n"
    "Exit code: 0 reached, 3 not reached or not possible.";

struct Words {
  std::string target;
  bool icmp = false;
  bool udp = false;
  bool tcp = false;
  bool four = false;
  bool six = false;
  bool statistics = false;
  bool live = false;
  std::string interval = "1s";
  bool no_names = false;
  std::string source;
  std::string picture;
  probe::PathOptions path;
  ShowOptions show;
};

void describe_methods(CLI::App& app, Words& words) {
  auto* icmp = app.add_flag("--icmp", words.icmp, "ICMP echoes (without a port the default)");
  auto* udp = app.add_flag("--udp", words.udp, "UDP, to the port given or 33434")->excludes(icmp);
  app.add_flag("--tcp", words.tcp, "TCP, to the port given or 80")->excludes(icmp)->excludes(udp);
  app.add_flag("-4", words.four, "IPv4 only");
  app.add_flag("-6", words.six, "IPv6 only")->excludes(app.get_option("-4"));
  app.add_option("--max-ttl", words.path.max_ttl, "the farthest hop that is asked (30)")
      ->check(CLI::Range(1, 64).description(""))
      ->type_name("N");
  app.add_option("--source", words.source, "address to send from")->type_name("ADDRESS");
  app.add_option("-I,--interface", words.path.ask.interface, "interface to send from")
      ->type_name("IF");
}

// Other things to find out than who is there.
void describe_kinds(CLI::App& app, Words& words) {
  auto* stats =
      app.add_flag("--stats", words.statistics,
                   "losses and times of each hop: 5 probes each and 100 to the target in 3 s");
  auto* mtu = app.add_flag(
      "--mtu", words.path.mtu,
      "the MTU of each hop, who lowers it, and black holes: one more round trip, about 3 s "
      "where there is a hole");
  auto* flows =
      app.add_option(
             "--flows", words.path.flows,
             "walk the way by N UDP flows at once (2 to 64) and tell its branches (ECMP) apart")
          ->check(CLI::Range(2, 64).description(""))
          ->excludes(app.get_option("--icmp"))
          ->excludes(app.get_option("--tcp"))
          ->excludes(mtu)
          ->type_name("N");
  auto* picture = app.add_option("--svg", words.picture,
                                 "draw the way, or ways, with their round trips into FILE")
                      ->type_name("FILE");
  auto* live = app.add_flag("--live", words.live,
                            "ask all hops again and again and redraw their table in place, on a "
                            "terminal, until a key ends it");
  for (auto* other : {stats, mtu, flows, picture, app.get_option("--json")}) live->excludes(other);
  app.add_option("-i,--interval", words.interval,
                 "of --live, between two probes of a hop (1s, at least 100ms)")
      ->needs(live)
      ->type_name("DUR");
}

void describe(CLI::App& app, Words& words) {
  app.add_option("target", words.target,
                 "HOST or HOST:PORT; with a port TCP goes to that very port")
      ->required()
      ->type_name("TARGET");
  describe_methods(app, words);
  app.add_flag("-n,--no-names", words.no_names, "do not look up the routers' names");
  add_show_options(app, words.show);
  describe_kinds(app, words);
  app.footer(kFooter);
}

std::optional<probe::Method> method_of(const Words& words) {
  if (words.icmp) return probe::Method::icmp;
  if (words.udp) return probe::Method::udp;
  if (words.tcp) return probe::Method::tcp;
  return std::nullopt;
}

// The time between rounds of --live, where it was asked for.
Result<std::optional<Duration>> live_of(const Words& words, const Io& io) {
  if (!words.live) return std::nullopt;
  if (!io.out_is_terminal) {
    return fail(
        "--live draws on a terminal, and standard output is none; --stats tells losses and times "
        "of each hop once, as text or with --json");
  }
  const auto interval = parse_duration(words.interval);
  if (!interval) return fail("--interval: {}", interval.error().sentence);
  if (*interval < kShortestRound) return fail("--interval: at least 100ms");
  return *interval;
}

Result<probe::PathOptions> options_of(const Words& words, const probe::TargetName& target,
                                      std::optional<Duration> live) {
  probe::PathOptions options = words.path;
  options.method = method_of(words);
  options.ask.size = 32;
  options.ask.target.port = target.port.value_or(words.tcp ? 80 : 0);
  if (words.icmp && target.port) return fail("--icmp knows no ports");
  if (words.statistics) {
    options.rounds = kStatisticRounds;
    options.end_to_end = kStatisticProbes;
    options.spacing = kStatisticSpacing;
  }
  if (live) {
    options.rounds = 0;
    options.spacing = *live;
  }
  if (!words.source.empty()) {
    options.ask.source = parse_address(words.source);
    if (!options.ask.source) return fail("--source: '{}' is no address", printable(words.source));
  }
  std::optional<Family> family;
  if (words.four) family = Family::v4;
  if (words.six) family = Family::v6;
  const auto addresses = probe::resolve(target.host, family);
  if (!addresses) return std::unexpected(addresses.error());
  options.ask.target.addr = addresses->front();
  return options;
}

Result<void> draw(const std::string& picture, const std::string& name,
                  const probe::PathResult& found, const view::NameOf& name_of) {
  std::ofstream file(picture, std::ios::binary | std::ios::trunc);
  if (file) view::write_path_svg(file, name, found, name_of);
  file.flush();
  if (!file) return fail("cannot write {}: {}", printable(picture), errno_text(errno));
  return {};
}

}  // namespace

int path(Arguments arguments, Io& io) {
  CLI::App app("The routers on the way to a host, all asked at once.", "tcpdx path");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto live = live_of(words, io);
  if (!live) return usage_error(io, live.error().sentence);
  const auto target = probe::parse_target(words.target);
  if (!target) return usage_error(io, target.error().sentence);
  const auto options = options_of(words, *target, *live);
  if (!options) return cannot_look(io, options.error().sentence);
  if (*live) {
    return path_live({.name = target->host,
                      .path = *options,
                      .names = !words.no_names,
                      .colour = words.show.colour},
                     io);
  }
  const auto& stop = interrupted();
  const auto found = probe::find_path(*options, [&] { return stop.load(); });
  if (!found) return cannot_look(io, found.error().sentence);

  engine::Names names;
  if (!words.no_names) {
    std::vector<IpAddress> addresses;
    for (const auto& hop : found->hops) {
      for (const auto& one : hop.responders) addresses.push_back(one.address);
    }
    names.ask(addresses);
    names.wait(kNamesWait);
  }
  const auto name_of = [&](const IpAddress& address) { return names.of(address); };
  if (words.show.json) {
    view::write_path_json(io.out, target->host, *found, name_of);
  } else {
    view::write_path(io.out, style_of(io, words.show.colour), target->host, *found,
                     words.statistics, name_of);
  }
  if (!words.picture.empty()) {
    if (const auto drawn = draw(words.picture, target->host, *found, name_of); !drawn) {
      return cannot_look(io, drawn.error().sentence);
    }
  }
  return found->reached ? kOk : kCannotLook;
}

}  // namespace tcpdx::cli
