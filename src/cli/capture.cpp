// `tcpdx capture [FILTER]`: packets as they pass, each with the states of both ends and what it
// did.
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"
#include "capture/live.hpp"
#include "capture/pcapng_writer.hpp"
#include "cli/capture_options.hpp"
#include "cli/capture_tap.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/packet_filter.hpp"
#include "engine/read_capture.hpp"
#include "model/filter.hpp"
#include "view/capture_end.hpp"
#include "view/packet_line.hpp"

namespace tcpdx::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kFlushEvery = std::chrono::milliseconds(100);
constexpr uint64_t kLeastBuffer = uint64_t{1} << 16U;
constexpr uint64_t kMostBuffer = uint64_t{1} << 30U;

struct Words {
  std::vector<std::string> filter;
  std::string interface{capture::kAnyInterface};
  std::string file;
  std::string duration;
  std::optional<uint64_t> count;
  uint64_t buffer = uint64_t{16} << 20U;
  bool quiet = false;
  bool tunnels = false;
  bool not_promiscuous = false;
  engine::ReadOptions read;
  ShowOptions show;
};

struct Plan {
  Filter filter;
  std::optional<Duration> duration;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("filter", words.filter, "only these, for example: port 443 and host 192.0.2.7")
      ->type_name("FILTER");
  app.add_option("-i,--interface", words.interface, "where; any, the default, is all of them")
      ->type_name("IF");
  app.add_option("-w,--write", words.file, "keep the packets in a pcapng file; - standard output")
      ->type_name("FILE");
  app.add_option("--for", words.duration, "end after so long, for example 30s")->type_name("DUR");
  app.add_option("-c,--count", words.count, "end after so many packets")
      ->check(whole_number())
      ->type_name("N");
  app.add_flag("-q,--quiet", words.quiet, "no line per packet, only the end");
  app.add_flag("--tunnels", words.tunnels,
               "look into GRE, IP in IP, VXLAN, Geneve, GTP-U, MPLS and PPPoE too");
  app.add_flag("-p,--no-promiscuous", words.not_promiscuous, "only what is meant for this machine");
  app.add_option("--buffer", words.buffer, "of the kernel, for example 64M; default 16M")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->check(CLI::Range(kLeastBuffer, kMostBuffer).description(""))
      ->type_name("SIZE");
  add_capture_options(app, words.read);
  add_show_options(app, words.show);
  app.get_option("--json")->description("one JSON object per packet (docs/json.md)");
  app.footer(
      "Behind each packet stand the states of client / server after it; STATE~ is inferred, not\n"
      "proven by a segment of that end; ? is not known. Sequence numbers count from each end's\n"
      "SYN, windows are scaled.");
}

Result<Plan> plan_of(const Words& words) {
  Plan plan;
  auto filter = parse_filter(joined(words.filter));
  if (!filter) return std::unexpected(filter.error());
  if (auto answerable = check_for_packets(*filter); !answerable) {
    return std::unexpected(answerable.error());
  }
  plan.filter = std::move(*filter);
  if (!words.duration.empty()) {
    const auto duration = parse_duration(words.duration);
    if (!duration) return fail("--for: {}", duration.error().sentence);
    plan.duration = *duration;
  }
  if (words.file == "-" && words.show.json) {
    return fail("--json and -w - both want standard output");
  }
  return plan;
}

// Writes a line for each packet that the filter selects, and keeps account of connections.
class Printer : public track::Sink {
 public:
  struct Options {
    bool json = false;
    bool lines = true;
    bool every_interface = false;  // the same packet may pass several
  };

  Printer(std::ostream& out, const view::Style& style, const Filter& filter,
          const capture::Live& live, Options options)
      : out_(out), style_(style), filter_(filter), live_(live), options_(options) {}

  void connection(Connection&& connection) override { end_.add(connection); }

  void packet(const track::PacketReport& report) override {
    if (options_.every_interface && report.remarks.has(track::Remark::capture_duplicate)) {
      ++repeats_;
      return;
    }
    if (!options_.lines || !matches(filter_, report)) return;
    const std::string& interface = live_.interface_name(report.sighting->interface);
    shown_ = true;
    if (options_.json) {
      view::write_packet_json(out_, report, interface);
    } else {
      view::write_packet_line(out_, style_, report,
                              options_.every_interface ? interface : std::string_view());
    }
  }

  void write_end(std::ostream& out, view::CaptureTotals totals) const {
    totals.repeats = repeats_;
    if (options_.json) {
      end_.write_json(out, totals);
      return;
    }
    if (shown_) out << '\n';
    end_.write(out, style_, totals);
  }

 private:
  std::ostream& out_;
  const view::Style& style_;
  const Filter& filter_;
  const capture::Live& live_;
  Options options_;
  bool shown_ = false;
  uint64_t repeats_ = 0;
  view::CaptureEnd end_;
};

// Whether the capture goes on; hands over what was written, so that nothing waits long.
class Watch {
 public:
  Watch(std::ostream& out, std::optional<Duration> duration) : out_(out), duration_(duration) {}

  // Whose file is flushed too; null when it goes.
  void set(CaptureTap* tap) { tap_ = tap; }
  bool go_on() {
    const auto now = Clock::now();
    if (now - flushed_ >= kFlushEvery) {
      out_.flush();
      if (tap_ != nullptr) tap_->flush();
      flushed_ = now;
    }
    const bool over = duration_ && now - start_ >= *duration_;
    return !over && !interrupted() && out_.good();
  }
  Duration elapsed() const { return std::chrono::duration_cast<Duration>(Clock::now() - start_); }

 private:
  std::ostream& out_;
  std::optional<Duration> duration_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point flushed_;
  CaptureTap* tap_ = nullptr;
};

view::CaptureTotals totals_of(const engine::ReadTotals& read, const capture::LiveStats& stats,
                              Duration duration) {
  return {.frames = read.frames,
          .segments = read.tcp,
          .duration = duration,
          .dropped_half_open = read.track.dropped_half_open,
          .received = stats.received,
          .dropped = stats.dropped,
          .dropped_by_interface = stats.dropped_by_interface};
}

capture::LiveOptions live_options(const Words& words, const Plan& plan, Watch& watch, Io& io) {
  return {.interface = words.interface,
          .filter = kernel_filter(plan.filter, words.tunnels),
          .promiscuous = !words.not_promiscuous,
          .buffer = words.buffer,
          .go_on = [&watch] { return watch.go_on(); },
          .tell = [&io](const std::string& what) { io.err << "tcpdx: " << what << std::endl; }};
}

bool shows_lines(const Words& words) { return !words.quiet && words.file != "-"; }

void tell_beginning(const Words& words, Io& io) {
  io.err << fmt::format("tcpdx: listening on {}; Ctrl-C ends\n", printable(words.interface));
  if (io.err_is_terminal && shows_lines(words) && !words.show.json) {
    io.err << "Behind each packet: state of the client / of the server after it; ~ inferred, ? not "
              "known\n\n";
  }
  io.err.flush();
}

// The frames go to the file, to the decoder, to the tracker, to the printer.
int follow(const Words& words, const Plan& plan, capture::Live& live, capture::PcapngWriter* file,
           Watch& watch, Io& io) {
  CaptureTap tap(live, file, words.count);
  watch.set(&tap);
  const bool to_stdout = words.file == "-";
  const view::Style style = style_of(io, words.show.colour);
  Printer printer(io.out, style, plan.filter, live,
                  {.json = words.show.json,
                   .lines = shows_lines(words),
                   .every_interface = words.interface == capture::kAnyInterface});
  engine::ReadOptions options = words.read;
  options.track.packet_reports = true;
  const engine::ReadTotals totals = engine::read_capture(tap, options, printer);
  watch.set(nullptr);
  tap.finish();
  std::ostream& out = to_stdout ? io.err : io.out;
  printer.write_end(out, totals_of(totals, live.stats(), watch.elapsed()));
  out.flush();
  return tap.failure().empty() ? kOk : cannot_look(io, tap.failure());
}

}  // namespace

int capture(Arguments arguments, Io& io) {
  CLI::App app("Packets as they pass, each with the states of both ends and what it did.",
               "tcpdx capture");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  static_cast<void>(interrupted());  // from here on Ctrl-C ends the capture, not the program

  Watch watch(io.out, plan->duration);
  const auto live = capture::open_live(live_options(words, *plan, watch, io));
  if (!live) return cannot_look(io, live.error().sentence);
  std::optional<capture::PcapngWriter> file;
  if (!words.file.empty()) {
    auto created = capture::PcapngWriter::create(words.file);
    if (!created) return cannot_look(io, created.error().sentence);
    file = std::move(*created);
  }
  tell_beginning(words, io);
  return follow(words, *plan, **live, file ? &*file : nullptr, watch, io);
}

}  // namespace tcpdx::cli
