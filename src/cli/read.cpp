// `tcpdx read FILE... [FILTER]`: each connection in captures with the states of both ends, as a
// table with a summary, JSON lines, Zeek's conn.log or comma-separated values.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "capture/open.hpp"
#include "cli/capture_options.hpp"
#include "cli/connection_writer.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/read_progress.hpp"
#include "engine/read_capture.hpp"
#include "model/filter.hpp"
#include "view/connection_order.hpp"

namespace tcpdx::cli {
namespace {

constexpr size_t kUsualRows = 100;  // of the table

struct Words {
  std::vector<std::string> before;  // files, and without "--" the filter behind them
  std::vector<std::string> after;   // behind "--": the filter
  bool separated = false;
  ConnectionFormat format = ConnectionFormat::table;
  bool summary = false;
  std::string sort;
  std::optional<size_t> limit;
  engine::ReadOptions read;
  ShowOptions show;
};

struct Plan {
  std::vector<std::string> files;
  Filter filter;
  WriterOptions writer;
};

void describe(CLI::App& app, Words& words) {
  static const std::map<std::string, ConnectionFormat> kFormats{{"table", ConnectionFormat::table},
                                                                {"json", ConnectionFormat::json},
                                                                {"zeek", ConnectionFormat::zeek},
                                                                {"csv", ConnectionFormat::csv}};
  app.add_option("files", words.before,
                 "captures, - for standard input; then what to show of them, for example: port "
                 "443 and state close-wait. -- stands between them where a word could be either")
      ->type_name("FILE... [FILTER]");
  auto* format = app.add_option("--format", words.format, "table, json, zeek or csv")
                     ->transform(CLI::CheckedTransformer(kFormats).description(""))
                     ->type_name("FORMAT");
  auto* summary = app.add_flag("--summary", words.summary, "the summary alone")->excludes(format);
  app.add_option("--sort", words.sort, "what comes first")->type_name("KEY");
  app.add_option("--limit", words.limit, "show at most so many; 0: all. The table shows 100")
      ->check(whole_number())
      ->type_name("N");
  add_capture_options(app, words.read);
  add_show_options(app, words.show);
  app.add_option("--threads", words.read.threads,
                 "threads that follow connections; default two where they help")
      ->check(CLI::Range(1, 64).description(""))
      ->type_name("N");
  app.get_option("--json")->excludes(format)->excludes(summary);
  app.get_option("--json")->description("one JSON object per connection (docs/json.md)");
  app.footer("keys to sort by\n" + view::describe_connection_keys());
}

// What stands behind "--" is the filter, whatever it looks like.
Arguments take_separated(Arguments arguments, Words& words) {
  const auto separator = std::ranges::find(arguments, "--");
  if (separator == arguments.end()) return arguments;
  words.separated = true;
  words.after.assign(separator + 1, arguments.end());
  return arguments.first(static_cast<size_t>(separator - arguments.begin()));
}

bool is_file(const std::string& word) {
  std::error_code error;
  return word == "-" || std::filesystem::exists(word, error);
}

// Files end where the first word is none.
void split_words(Words& words) {
  if (words.separated) return;
  const auto filter = std::ranges::find_if_not(words.before, is_file);
  words.after.assign(filter, words.before.end());
  words.before.erase(filter, words.before.end());
}

Result<Filter> filter_of(const Words& words) {
  auto filter = parse_filter(joined(words.after));
  if (!filter && !words.separated) {
    return fail("{}\nand there is no file '{}'", filter.error().sentence,
                printable(words.after.front()));
  }
  if (!filter) return filter;
  if (const auto answerable = check_for_packets(*filter); !answerable) {
    return std::unexpected(answerable.error());
  }
  return filter;
}

Result<Plan> plan_of(const Words& words) {
  Plan plan;
  plan.files = words.before;
  auto filter = filter_of(words);
  if (!filter) return std::unexpected(filter.error());
  plan.filter = std::move(*filter);
  plan.writer.format = words.show.json ? ConnectionFormat::json : words.format;
  plan.writer.summary_alone = words.summary;
  const bool table = plan.writer.format == ConnectionFormat::table;
  plan.writer.limit = words.limit.value_or(table ? kUsualRows : 0);
  if (words.sort.empty() && !table) return plan;  // in the order in which connections end
  const auto key = view::connection_key(words.sort.empty() ? "id" : words.sort);
  if (!key) return std::unexpected(key.error());
  plan.writer.sort = *key;
  return plan;
}

// The first word may be a file that is not there, or a filter without a file.
int no_file(const Words& words, Io& io) {
  if (words.after.empty() || words.separated || parse_filter(joined(words.after))) {
    return usage_error(io, "read needs a capture file: tcpdx read FILE... [FILTER]");
  }
  return cannot_look(io, fmt::format("there is no file '{}'", printable(words.after.front())));
}

void tell_what_is_absent(const engine::ReadTotals& totals, Io& io) {
  for (const auto& [type, frames] : totals.unknown_link_types) {
    io.err << fmt::format("tcpdx: {} {} of {} could not be read\n", grouped(frames),
                          frames == 1 ? "frame" : "frames", wire::link_type_name(type));
  }
  const track::Totals& track = totals.track;
  if (track.dropped_half_open > 0) {
    io.err << fmt::format("tcpdx: {} half-open connections were forgotten for lack of memory\n",
                          grouped(track.dropped_half_open));
  }
  if (track.dropped_early > 0) {
    io.err << fmt::format(
        "tcpdx: {} connections were reported before their end for lack of memory; --memory gives "
        "more\n",
        grouped(track.dropped_early));
  }
}

int read_files(const Words& words, const Plan& plan, Io& io) {
  const auto source = capture::open_files(plan.files);
  if (!source) return cannot_look(io, source.error().sentence);
  ReadProgress progress(io);
  engine::ReadOptions options = words.read;
  // Making text of every connection takes longer than following it.
  options.busy_sink = plan.writer.format != ConnectionFormat::table;
  options.progress = [&](const capture::Progress& now) { return progress.show(now); };
  ConnectionWriter writer(io.out, style_of(io, words.show.colour), plan.filter, plan.writer);
  const engine::ReadTotals totals = engine::read_capture(**source, options, writer);
  progress.clear();
  writer.finish(totals);
  io.out.flush();
  if (progress.stopped()) io.err << "tcpdx: interrupted; this is what had been read\n";
  tell_what_is_absent(totals, io);
  return tell_damage(totals, io);
}

}  // namespace

int read(Arguments arguments, Io& io) {
  CLI::App app("Each connection in captures: the states of both ends, who closed, what was lost.",
               "tcpdx read");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, take_separated(arguments, words), io)) return *code;
  split_words(words);
  if (words.before.empty()) return no_file(words, io);
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  return read_files(words, *plan, io);
}

}  // namespace tcpdx::cli
