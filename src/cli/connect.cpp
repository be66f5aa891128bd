// `tcpdx connect HOST:PORT`: does a connection come about, how long does it take, what ends it, and
// if not, why.
#include "probe/connect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "probe/target.hpp"
#include "view/connect_text.hpp"

namespace tcpdx::cli {
namespace {

constexpr uint64_t kMostAttempts = 10'000;
constexpr Duration kPolite = 10ms;

struct Words {
  std::string target;
  uint64_t count = 1;
  std::string interval = "1s";
  std::string timeout = "5s";
  bool four = false;
  bool six = false;
  bool first = false;
  std::string source;
  probe::ConnectOptions connect;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("target", words.target, "HOST:PORT")->required()->type_name("TARGET");
  app.add_option("-c,--count", words.count, "so many times (1)")
      ->check(CLI::Range(uint64_t{1}, kMostAttempts).description(""))
      ->type_name("N");
  app.add_option("-i,--interval", words.interval, "between attempts (1s)")->type_name("DUR");
  app.add_option("--timeout", words.timeout, "for a handshake, and for an answer (5s)")
      ->type_name("DUR");
  app.add_flag("-4", words.four, "IPv4 only");
  app.add_flag("-6", words.six, "IPv6 only")->excludes(app.get_option("-4"));
  app.add_flag("--first", words.first, "only the first address, not all of them");
  add_request_options(app, words.connect.send, words.connect.expect);
  app.add_option("--source", words.source, "address to connect from")->type_name("ADDRESS");
  app.add_option("-I,--interface", words.connect.ask.interface, "interface to connect from")
      ->type_name("IF");
  add_show_options(app, words.show);
  app.footer(
      "All addresses of the name are tried, in the order in which applications get them.\n"
      "Exit code: 0 every address connected (and answered as expected), 3 one did not.");
}

struct Plan {
  std::vector<IpAddress> addresses;
  probe::ConnectOptions connect;
  Duration interval{};
};

Result<Plan> plan_of(const Words& words, const probe::TargetName& target) {
  Plan plan{.addresses = {}, .connect = words.connect};
  const auto interval = parse_duration(words.interval);
  if (!interval) return fail("--interval: {}", interval.error().sentence);
  if (*interval < kPolite) return fail("--interval: at least 10ms");
  plan.interval = *interval;
  const auto timeout = parse_duration(words.timeout);
  if (!timeout) return fail("--timeout: {}", timeout.error().sentence);
  plan.connect.timeout = *timeout;
  plan.connect.send = unescaped(words.connect.send);
  plan.connect.ask.target.port = target.port.value_or(0);
  if (!target.port) {
    const bool six = target.host.find(':') != std::string::npos;
    return fail("connect needs a port: {}{}{}:PORT", six ? "[" : "", printable(target.host),
                six ? "]" : "");
  }
  if (!words.source.empty()) {
    plan.connect.ask.source = parse_address(words.source);
    if (!plan.connect.ask.source) {
      return fail("--source: '{}' is no address", printable(words.source));
    }
  }
  return plan;
}

Result<std::vector<IpAddress>> addresses_of(const Words& words, const probe::TargetName& target) {
  std::optional<Family> family;
  if (words.four) family = Family::v4;
  if (words.six) family = Family::v6;
  auto addresses = probe::resolve(target.host, family);
  if (addresses && words.first) addresses->resize(1);
  return addresses;
}

std::vector<probe::Attempt> run(const Words& words, const Plan& plan, Io& io) {
  const auto& stop = interrupted();
  const view::Style style = style_of(io, words.show.colour);
  std::vector<probe::Attempt> attempts;
  for (uint64_t round = 0; round < words.count && !stop.load(); ++round) {
    if (round > 0 && !sleep_for(plan.interval)) break;
    for (const IpAddress& address : plan.addresses) {
      probe::ConnectOptions one = plan.connect;
      one.ask.target.addr = address;
      attempts.push_back(probe::attempt(one, [&] { return stop.load(); }));
      if (words.show.json) continue;
      view::write_attempt(io.out, style, attempts.back());
      io.out.flush();
    }
  }
  return attempts;
}

bool good(const probe::Attempt& attempt) {
  return attempt.verdict.why == probe::Why::ok && attempt.as_expected.value_or(true);
}

}  // namespace

int connect(Arguments arguments, Io& io) {
  CLI::App app("Opens a TCP connection and tells what comes of it.", "tcpdx connect");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto target = probe::parse_target(words.target);
  if (!target) return usage_error(io, target.error().sentence);
  auto plan = plan_of(words, *target);
  if (!plan) return usage_error(io, plan.error().sentence);
  auto addresses = addresses_of(words, *target);
  if (!addresses) return cannot_look(io, addresses.error().sentence);
  plan->addresses = std::move(*addresses);
  const std::vector<probe::Attempt> attempts = run(words, *plan, io);
  if (words.show.json) {
    view::write_attempts_json(io.out, words.target, plan->addresses, attempts);
  } else if (attempts.size() > 1) {
    view::write_attempts_summary(io.out, attempts);
    view::write_racing_order(io.out, plan->addresses);
  }
  return !attempts.empty() && std::ranges::all_of(attempts, good) ? kOk : kCannotLook;
}

}  // namespace tcpdx::cli
