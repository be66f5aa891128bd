// `tcpdx show FILE N`: one connection of a capture as a ladder with the states of both ends, as
// JSON, and as a time-sequence graph.
#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "capture/open.hpp"
#include "cli/capture_options.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/read_progress.hpp"
#include "engine/read_capture.hpp"
#include "faults/capture_findings.hpp"
#include "view/connection_json.hpp"
#include "view/packet_ladder.hpp"
#include "view/time_sequence.hpp"

namespace tcpdx::cli {
namespace {

struct Words {
  std::string file;
  uint64_t number = 0;
  bool all = false;
  std::string picture;
  std::optional<Party> side;
  engine::ReadOptions read;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  static const std::map<std::string, Party> kSides{{"originator", Party::originator},
                                                   {"responder", Party::responder}};
  app.add_option("file", words.file, "a capture, - for standard input")
      ->type_name("FILE")
      ->required();
  app.add_option("number", words.number, "which connection: its number in tcpdx read FILE")
      ->check(whole_number())
      ->type_name("N")
      ->required();
  app.add_flag("--all", words.all, "every packet; otherwise long runs of plain ones are folded");
  auto* picture = app.add_option("--time-sequence", words.picture,
                                 "write a graph of sequence numbers over time as SVG")
                      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--side", [&words](const std::string& word) { words.side = kSides.at(word); },
         "whose data the graph shows: originator or responder; without, who sent more")
      ->check(CLI::IsMember(kSides).description(""))
      ->needs(picture)
      ->type_name("END");
  add_capture_options(app, words.read);
  add_show_options(app, words.show);
  app.get_option("--json")->description("one JSON object per packet (docs/json.md)");
}

// Keeps one connection and its packets.
class OneConnection : public track::Sink {
 public:
  explicit OneConnection(uint64_t id) : id_(id) {}

  void connection(Connection&& connection) override {
    if (connection.id == id_) connection_ = std::move(connection);
  }
  void packet(const track::PacketReport& report) override {
    if (report.connection == id_) log_.add(report);
  }

  // Null until it is over.
  const Connection* connection() const { return connection_ ? &*connection_ : nullptr; }
  const view::PacketLog& log() const { return log_; }

 private:
  uint64_t id_;
  std::optional<Connection> connection_;
  view::PacketLog log_;
};

int not_there(const Words& words, const engine::ReadTotals& totals, bool forgotten, Io& io) {
  const std::string file = words.file == "-" ? "standard input" : printable(words.file);
  if (forgotten) {
    return cannot_look(
        io, fmt::format("connection {} of {} was forgotten for lack of memory; --memory gives more",
                        words.number, file));
  }
  const uint64_t count = totals.track.connections;
  return cannot_look(
      io, fmt::format("there is no connection {} in {}, which has {}; tcpdx read lists them",
                      words.number, file,
                      count == 0   ? "none"
                      : count == 1 ? "one"
                                   : fmt::format("1 to {}", count)));
}

Result<void> save_picture(const Words& words, const Connection& connection,
                          const view::PacketLog& log) {
  const Party side = words.side.value_or(view::busier_side(connection));
  std::ofstream file(words.picture, std::ios::binary | std::ios::trunc);
  if (file) view::write_time_sequence(file, connection, log, side);
  file.close();
  if (!file) return fail("cannot write {}: {}", printable(words.picture), errno_text(errno));
  return {};
}

void write_json(std::ostream& out, const Connection& connection, const view::PacketLog& log) {
  fmt::memory_buffer line;
  view::append_connection_json(line, connection, faults::findings_of(connection));
  out << std::string_view(line.data(), line.size());
  view::write_packets_json(out, log);
}

int show_connection(const Words& words, Io& io) {
  const auto source = capture::open_file(words.file);
  if (!source) return cannot_look(io, source.error().sentence);
  OneConnection one(words.number);
  ReadProgress progress(io);
  engine::ReadOptions options = words.read;
  options.track.packet_reports = true;
  // What follows the end of a connection does not belong to it.
  options.progress = [&](const capture::Progress& now) {
    return one.connection() == nullptr && progress.show(now);
  };
  const engine::ReadTotals totals = engine::read_capture(**source, options, one);
  progress.clear();
  if (progress.stopped()) io.err << "tcpdx: interrupted; this is what had been read\n";
  const int damaged = tell_damage(totals, io);
  const Connection* const connection = one.connection();
  if (connection == nullptr) return not_there(words, totals, one.log().size() > 0, io);
  if (!words.picture.empty()) {
    const auto saved = save_picture(words, *connection, one.log());
    if (!saved) return cannot_look(io, saved.error().sentence);
  }
  if (words.show.json) {
    write_json(io.out, *connection, one.log());
  } else {
    view::write_packet_ladder(io.out, style_of(io, words.show.colour), *connection, one.log(),
                              words.all);
  }
  return damaged;
}

}  // namespace

int show(Arguments arguments, Io& io) {
  CLI::App app("One connection of a capture as a ladder with the states of both ends.",
               "tcpdx show");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  return show_connection(words, io);
}

}  // namespace tcpdx::cli
