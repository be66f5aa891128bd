// `tcpdx ping HOST...`: is it there, how far, how reliably.
#include "probe/ping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "probe/ping_loop.hpp"
#include "probe/target.hpp"
#include "view/ping_text.hpp"

namespace tcpdx::cli {
namespace {

constexpr Duration kFastest = 1ms;
constexpr Duration kPolite = 10ms;  // faster only with --flood
constexpr size_t kLargest = 65507;  // what a UDP datagram holds
constexpr size_t kMostHosts = 256;
constexpr uint16_t kTraceroutePort = 33434;

struct Words {
  std::vector<std::string> hosts;
  std::optional<uint16_t> tcp;
  std::optional<uint16_t> udp;
  bool four = false;
  bool six = false;
  bool flood = false;
  bool quiet = false;
  std::string interval = "1s";
  std::string source;
  probe::PingOptions ping;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("hosts", words.hosts, "names or addresses; several are asked side by side")
      ->required()
      ->type_name("HOST");
  auto* tcp = app.add_option("--tcp", words.tcp, "connect to this TCP port instead of ICMP echoes")
                  ->type_name("PORT");
  app.add_option("--udp", words.udp, "send to this UDP port (33434), which nobody should have")
      ->expected(0, 1)
      ->default_str(std::to_string(kTraceroutePort))
      ->excludes(tcp)
      ->type_name("[PORT]");
  app.add_flag("-4", words.four, "IPv4 only");
  app.add_flag("-6", words.six, "IPv6 only")->excludes(app.get_option("-4"));
  app.add_option("-c,--count", words.ping.count, "end after so many probes of each host")
      ->check(whole_number())
      ->type_name("N");
  app.add_option("-i,--interval", words.interval, "between probes (1s); below 10ms with --flood")
      ->type_name("DUR");
  app.add_flag("--flood", words.flood, "allow intervals from 1ms to 10ms");
  app.add_option("-s,--size", words.ping.ask.size, "octets of text (56)")
      ->check(CLI::Range(size_t{0}, kLargest).description(""))
      ->type_name("N");
  app.add_flag("--dont-fragment", words.ping.ask.dont_fragment,
               "no router may cut it, and what this host remembers of the path does not count");
  app.add_option("--ttl", words.ping.ask.ttl, "hop limit")
      ->check(CLI::Range(1, 255).description(""))
      ->type_name("N");
  app.add_option("--source", words.source, "address to send from")->type_name("ADDRESS");
  app.add_option("-I,--interface", words.ping.ask.interface, "interface to send from")
      ->type_name("IF");
  app.add_option("--dscp", words.ping.ask.dscp, "0 to 63")
      ->check(CLI::Range(0, 63).description(""))
      ->type_name("N");
  app.add_flag("-q,--quiet", words.quiet, "only the summary");
  add_show_options(app, words.show);
  app.get_option("--json")->description("one JSON object per probe, then one with the summary");
  app.footer(
      "A probe is lost when nothing came for four times the longest round trip (at least 250 ms, "
      "at\n"
      "most 1 s); what comes later counts as late, not as lost. Shares stand with their 95 %\n"
      "interval. Exit code: 0 every host answered, 3 one did not or could not be asked.");
}

Result<probe::PingOptions> options_of(const Words& words) {
  probe::PingOptions options = words.ping;
  const auto interval = parse_duration(words.interval);
  if (!interval) return fail("--interval: {}", interval.error().sentence);
  options.interval = *interval;
  if (options.interval < kFastest) return fail("--interval: at least 1ms");
  if (options.interval < kPolite && !words.flood) {
    return fail(
        "--interval: below 10ms the network may take it for an attack; if you mean it, add "
        "--flood");
  }
  if (!words.source.empty()) {
    options.ask.source = parse_address(words.source);
    if (!options.ask.source) return fail("--source: '{}' is no address", printable(words.source));
  }
  if (words.tcp || words.udp) {
    options.method = words.tcp ? probe::Method::tcp : probe::Method::udp;
    options.ask.target.port = words.tcp ? *words.tcp : *words.udp;
    if (options.ask.target.port == 0) return fail("0 is no port");
  }
  if (words.hosts.size() > kMostHosts) return fail("at most {} hosts at once", kMostHosts);
  return options;
}

std::optional<Family> family_of(const Words& words) {
  if (words.four) return Family::v4;
  if (words.six) return Family::v6;
  return std::nullopt;
}

// What is asked, and by what name.
struct Round {
  std::vector<view::PingHost> hosts;
  std::vector<probe::Ping> pings;
  std::vector<view::PingPulse> pulses;
};

Result<void> add(const Words& words, const probe::PingOptions& options, const std::string& host,
                 Round& round) {
  const auto addresses = probe::resolve(host, family_of(words));
  if (!addresses) return std::unexpected(addresses.error());
  probe::PingOptions one = options;
  one.ask.target.addr = addresses->front();
  auto ping = probe::Ping::open(one);
  if (!ping) return fail("cannot ask {}: {}", printable(host), ping.error().sentence);
  round.hosts.push_back({.name = host, .address = addresses->front()});
  round.pings.push_back(std::move(*ping));
  round.pulses.emplace_back();
  return {};
}

// Lines as they come, and on a terminal one below them that is alive.
class Printer {
 public:
  Printer(const Words& words, Round& round, Io& io)
      : words_(words),
        round_(round),
        io_(io),
        style_(style_of(io, words.show.colour)),
        alive_(io.out_is_terminal && !words.show.json && round.pings.size() == 1) {}

  void head() {
    if (words_.show.json) return;
    for (size_t i = 0; i < round_.pings.size(); ++i) {
      view::write_ping_head(io_.out, round_.hosts[i], round_.pings[i], words_.ping.ask.size);
      if (!words_.ping.method && !words_.tcp && !words_.udp &&
          round_.pings[i].method() == probe::Method::udp) {
        io_.err
            << "tcpdx: this user may open no ping socket (net.ipv4.ping_group_range), so UDP is "
               "used\n";
      }
    }
    io_.out.flush();
  }

  void report(size_t i, const probe::ProbeReport& report) {
    round_.pulses[i].add(report);
    if (words_.show.json) {
      view::write_probe_json(io_.out, round_.hosts[i], round_.pings[i].method(), report, first_);
      first_ = false;
    } else if (!words_.quiet) {
      clear();
      view::write_probe(io_.out, style_, round_.pings.size() > 1 ? round_.hosts[i].name : "",
                        report);
    }
    io_.out.flush();
  }

  void tick() {
    if (!alive_) return;
    clear();
    io_.out << round_.pulses[0].line(style_, "", round_.pings[0].summary()) << std::flush;
    shown_ = true;
  }

  void end() {
    clear();
    if (!words_.show.json && !words_.quiet) io_.out << '\n';
    for (size_t i = 0; i < round_.pings.size(); ++i) {
      const auto summary = round_.pings[i].summary();
      if (words_.show.json) {
        view::write_ping_summary_json(io_.out, round_.hosts[i], round_.pings[i].method(), summary);
      } else {
        view::write_ping_summary(io_.out, style_, round_.hosts[i], summary);
      }
    }
    io_.out.flush();
  }

 private:
  void clear() {
    if (shown_) io_.out << "\r\x1b[K";
    shown_ = false;
  }

  const Words& words_;
  Round& round_;
  Io& io_;
  view::Style style_;
  bool alive_;
  bool shown_ = false;
  bool first_ = true;
};

int exit_code(const Round& round) {
  const bool all = std::ranges::all_of(
      round.pings, [](const probe::Ping& ping) { return ping.summary().received > 0; });
  return all ? kOk : kCannotLook;
}

}  // namespace

int ping(Arguments arguments, Io& io) {
  CLI::App app("Asks hosts whether they are there: how far, how reliably.", "tcpdx ping");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto options = options_of(words);
  if (!options) return usage_error(io, options.error().sentence);
  Round round;
  for (const std::string& host : words.hosts) {
    if (const auto added = add(words, *options, host, round); !added) {
      return cannot_look(io, added.error().sentence);
    }
  }
  const auto& stop = interrupted();
  Printer printer(words, round, io);
  printer.head();
  probe::run(round.pings,
             {.report = [&](size_t i, const probe::ProbeReport& one) { printer.report(i, one); },
              .tick = [&] { printer.tick(); },
              .stop = [&] { return stop.load() || !io.out.good(); }});
  printer.end();
  return exit_code(round);
}

}  // namespace tcpdx::cli
