// `tcpdx diagram`: the state diagram of RFC 9293 as text, SVG, DOT or Mermaid.
#include "view/diagram.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/suggest.hpp"

namespace tcpdx::cli {
namespace {

using Writer = void (*)(std::ostream&, const view::Style&, const view::Diagram&);

// A format that has no use for the terminal's style.
template <void (*write)(std::ostream&, const view::Diagram&)>
void unstyled(std::ostream& out, const view::Style& /*style*/, const view::Diagram& diagram) {
  write(out, diagram);
}

struct Format {
  std::string_view name;
  Writer write;
};
constexpr std::array kFormats{
    Format{"text", view::write_diagram_text},
    Format{"dot", unstyled<view::write_diagram_dot>},
    Format{"svg", unstyled<view::write_diagram_svg>},
    Format{"mermaid", unstyled<view::write_diagram_mermaid>},
};

struct Words {
  std::string format;
  std::string path;
  bool all = false;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("--format", words.format, "text (the default), dot, svg or mermaid");
  app.add_option("--path", words.path,
                 "marks a path: client, server, or a state: the shortest ways into it and out")
      ->type_name("client|server|STATE");
  app.add_flag("--all", words.all, "failures that end a connection, too");
  add_show_options(app, words.show);
}

Result<Writer> writer_of(const Words& words) {
  if (words.show.json) {
    if (!words.format.empty()) return fail("--format has no effect on --json");
    return unstyled<view::write_diagram_json>;
  }
  if (words.format.empty()) return kFormats.front().write;
  std::vector<std::string_view> names;
  for (const Format& format : kFormats) {
    if (format.name == words.format) return format.write;
    names.push_back(format.name);
  }
  return fail("there is no format '{}'{}; the formats are {}", printable(words.format),
              did_you_mean(words.format, names), fmt::join(names, ", "));
}

Result<view::Path> path_of(const std::string& word) {
  if (auto path = view::find_path(word)) return std::move(*path);
  std::vector<std::string_view> known{"client", "server"};
  for (const tcp::State state : tcp::kStates) known.push_back(tcp::to_string(state));
  return fail("--path is client, server or a state, not '{}'{}", printable(word),
              did_you_mean(word, known));
}

}  // namespace

int diagram(Arguments arguments, Io& io) {
  CLI::App app("The state diagram of TCP, made from the transition table.", "tcpdx diagram");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto write = writer_of(words);
  if (!write) return usage_error(io, write.error().sentence);
  view::Diagram diagram{
      .edges = view::edges_of(tcp::transitions()), .path = {}, .failures = words.all};
  if (app.count("--path") != 0) {
    auto path = path_of(words.path);
    if (!path) return usage_error(io, path.error().sentence);
    diagram.path = std::move(*path);
  }
  (*write)(io.out, style_of(io, words.show.colour), diagram);
  return kOk;
}

}  // namespace tcpdx::cli
