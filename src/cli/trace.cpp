// `tcpdx trace [FILTER]`: what happens to TCP sockets as it happens, each with its program; or one
// line for each connection that ends.
#include "engine/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "model/filter.hpp"
#include "view/report.hpp"
#include "view/trace_line.hpp"
#include "view/trace_summary.hpp"

namespace tcpdx::cli {
namespace {

constexpr EventKind kAllKinds[] = {
    EventKind::state,       EventKind::connect,        EventKind::retransmit,
    EventKind::reset_sent,  EventKind::reset_received, EventKind::drop,
    EventKind::zero_window, EventKind::accept_drop,    EventKind::bind_failed};
// Watching bind() costs every system call of the machine 20 to 30 ns, so it is done when asked for.
constexpr EventKind kOnDemand = EventKind::bind_failed;

struct Words {
  std::vector<std::string> filter;
  std::string events;
  std::string duration;
  std::optional<uint64_t> count;
  std::optional<std::string> summary;
  bool life = false;
  ShowOptions show;
};

struct Plan {
  engine::TraceOptions trace;
  bool summary = false;
  std::optional<Duration> interval;  // of the summary; nothing: one at the end
};

std::string kind_names() {
  std::string names;
  for (const EventKind kind : kAllKinds) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(kind));
  }
  return names;
}

void describe(CLI::App& app, Words& words) {
  app.add_option("filter", words.filter, "only these, for example: port 443 and comm nginx")
      ->type_name("FILTER");
  auto* events = app.add_option("--events", words.events,
                                "these kinds, joined by commas; all but bind-failed otherwise")
                     ->type_name("KINDS");
  app.add_option("--for", words.duration, "end after so long, for example 30s")->type_name("DUR");
  app.add_option("-c,--count", words.count, "end after so many lines")
      ->type_name("N")
      ->check(whole_number(1));
  auto* summary =
      app.add_option("--summary", words.summary,
                     "add up by program and peer, at the end or each DUR, instead of lines")
          ->expected(0, 1)
          ->type_name("[DUR]");
  auto* life = app.add_flag("--life", words.life, "one line for each connection that ends");
  events->excludes(life);
  summary->excludes(life);
  add_show_options(app, words.show);
  app.get_option("--json")->description("one JSON object per event (docs/json.md)");
  app.footer("kinds: " + kind_names() +
             "\nNAME/PID? is the program that listens: nobody has accepted the connection yet.\n"
             "(joined): worked out from looks and counters, the kernel has no event for it.");
}

Result<std::vector<EventKind>> kinds_of(const std::string& text) {
  std::vector<EventKind> kinds;
  if (text.empty()) {
    std::ranges::copy_if(kAllKinds, std::back_inserter(kinds),
                         [](EventKind kind) { return kind != kOnDemand; });
    return kinds;
  }
  for (const std::string_view word : split(text, ',')) {
    const auto kind = std::ranges::find_if(
        kAllKinds, [&](EventKind one) { return to_string(one) == trim(word); });
    if (kind == std::end(kAllKinds)) {
      return fail("--events: there is no kind '{}'; the kinds are {}", printable(word),
                  kind_names());
    }
    kinds.push_back(*kind);
  }
  return kinds;
}

Result<std::optional<Duration>> duration_of(std::string_view option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto duration = parse_duration(text);
  if (!duration) return fail("{}: {}", option, duration.error().sentence);
  return *duration;
}

Result<Plan> plan_of(const Words& words) {
  Plan plan;
  auto filter = parse_filter(joined(words.filter));
  if (!filter) return std::unexpected(filter.error());
  if (auto answerable = check_for_events(*filter); !answerable) {
    return std::unexpected(answerable.error());
  }
  plan.trace.filter = std::move(*filter);
  auto kinds = kinds_of(words.events);
  if (!kinds) return std::unexpected(kinds.error());
  plan.trace.kinds = std::move(*kinds);
  plan.trace.lives = words.life;
  const auto window = duration_of("--for", words.duration);
  if (!window) return std::unexpected(window.error());
  plan.trace.window = *window;
  plan.summary = words.summary.has_value();
  const auto interval = duration_of("--summary", words.summary.value_or(""));
  if (!interval) return std::unexpected(interval.error());
  plan.interval = *interval;
  return plan;
}

class Printer : public engine::TraceSink {
 public:
  Printer(const Words& words, const Plan& plan, const view::Style& style, Io& io)
      : words_(words), plan_(plan), io_(io), style_(style), table_(io.out, style_), json_(io.out) {}

  void begin(const Observation& seen) override {
    view::write_missing(io_.err, style_of_messages(io_, words_.show.colour), seen.missing);
    if (!seen.namespaces.empty()) table_.set_home(seen.namespaces.front().inode);
    io_.err << "tcpdx: tracing; Ctrl-C ends" << std::endl;
    if (words_.show.json || plan_.summary) return;
    words_.life ? table_.write_life_heading() : table_.write_heading();
    io_.out.flush();
  }

  void event(const TraceEvent& event) override {
    if (full()) return;
    ++written_;
    if (plan_.summary) {
      summary_.add(event);
    } else if (words_.show.json) {
      json_.write(event);
    } else {
      table_.write(event);
    }
  }

  void life(const TraceLife& life) override {
    if (full()) return;
    ++written_;
    words_.show.json ? json_.write(life) : table_.write(life);
  }

  void lost(uint64_t records) override {
    if (words_.show.json && !plan_.summary) json_.write_lost(wall_now(), records);
    io_.err << fmt::format("tcpdx: {} events were lost: they came faster than they can be taken\n",
                           records);
  }

  bool round(Duration elapsed) override {
    if (plan_.interval && elapsed - told_ >= *plan_.interval) {
      told_ = elapsed;
      write_summary();
      summary_.clear();
    }
    io_.out.flush();
    return io_.out.good() && !full();
  }

  void finish() {
    if (plan_.summary && (!plan_.interval || !summary_.empty())) write_summary();
    io_.out.flush();
  }

 private:
  bool full() const { return words_.count && written_ >= *words_.count; }
  void write_summary() {
    if (words_.show.json) {
      summary_.write_json(io_.out, wall_now());
    } else {
      summary_.write(io_.out, style_);
      if (plan_.interval) io_.out << '\n';
    }
  }

  const Words& words_;
  const Plan& plan_;
  Io& io_;
  view::Style style_;
  view::TraceTable table_;
  view::TraceJson json_;
  view::TraceSummary summary_;
  uint64_t written_ = 0;
  Duration told_{};
};

}  // namespace

int trace(Arguments arguments, Io& io) {
  CLI::App app("What happens to TCP sockets, as it happens, each with its program.", "tcpdx trace");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  plan->trace.stop = &interrupted();
  Printer printer(words, *plan, style_of(io, words.show.colour), io);
  const auto traced = engine::trace(plan->trace, printer);
  if (!traced) return cannot_look(io, traced.error().sentence);
  printer.finish();
  return kOk;
}

}  // namespace tcpdx::cli
