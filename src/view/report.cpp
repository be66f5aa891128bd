// The doctor's report as text.
#include "view/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kWidest = 110;         // longer lines are hard to read
constexpr size_t kHeadWidth = 86;       // of the first line of a finding when lines have no end
constexpr size_t kMargin = 2;           // before every line but the first
constexpr size_t kText = kMargin + 10;  // where the text beside a label begins
constexpr std::string_view kBetween = "  ·  ";
constexpr Duration kLongLook = 30s;  // settles what a short look only suspects

Ink ink_of(Severity severity) {
  switch (severity) {
    case Severity::info: return Ink::plain;
    case Severity::notice: return Ink::cyan;
    case Severity::warning: return Ink::yellow;
    case Severity::critical: return Ink::red;
  }
  std::unreachable();
}

std::string upper(std::string_view word) {
  std::string text(word);
  std::ranges::transform(text, text.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  });
  return text;
}

// 26.04 -> "26", 0.25 -> "0.25", 12.34 -> "12.3".
std::string short_number(double number) {
  std::string text = fmt::format("{:.{}f}", number, std::abs(number) < 10 ? 2 : 1);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

struct ValueText {
  std::string operator()(uint64_t number) const { return grouped(number); }
  std::string operator()(double number) const { return short_number(number); }
  std::string operator()(const std::string& text) const { return printable(text); }
};

std::string evidence_text(const Evidence& evidence) {
  std::string text =
      fmt::format("{} {}", printable(evidence.fact), std::visit(ValueText{}, evidence.value));
  if (evidence.limit) {
    const std::string limit = std::visit(ValueText{}, *evidence.limit);
    text += evidence.limit_is_threshold ? fmt::format(" (threshold {})", limit)
                                        : fmt::format(" of {}", limit);
  }
  return text;
}

// Items side by side, a line break between two of them rather than within one.
std::string side_by_side(const Style& style, const std::vector<std::string>& items) {
  std::string text;
  size_t column = kText;
  for (const std::string& item : items) {
    const size_t width = columns(item);
    const size_t gap = columns(kBetween);
    if (!text.empty() && style.width != 0 && column + gap + width > style.width) {
      text.append("\n").append(kText, ' ');
      column = kText;
    } else if (!text.empty()) {
      text += kBetween;
      column += gap;
    }
    text += column == kText ? wrapped(style, kText, item) : item;
    column += width;
  }
  return text;
}

// "  because   text"; nothing for an empty text.
void labelled(std::string& into, const Style& style, std::string_view label,
              std::string_view text) {
  if (text.empty()) return;
  into += fmt::format("{:{}}{}{}\n", "", kMargin,
                      paint(style, Ink::dim, fmt::format("{:<{}}", label, kText - kMargin)), text);
}

// The first text beside the label, the others below it.
void labelled_each(std::string& into, const Style& style, std::string_view label,
                   const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    labelled(into, style, &text == &texts.front() ? label : "",
             wrapped(style, kText, printable(text)));
  }
}

std::string head_line(const Style& style, const Finding& finding) {
  const std::string severity = fmt::format("{:<8}", upper(to_string(finding.severity)));
  const std::string_view confidence = to_string(finding.confidence);
  const size_t width = style.width == 0 ? kHeadWidth : style.width;
  const size_t taken = columns(severity) + 2 + finding.fault.size() + confidence.size();
  return fmt::format("{}  {}{:{}}{}\n", paint(style, ink_of(finding.severity), severity),
                     paint(style, Ink::bold, finding.fault), "",
                     taken + 2 < width ? width - taken : 2, confidence);
}

std::vector<std::string> more(const Finding& finding) {
  std::vector<std::string> commands{fmt::format("tcpdx explain {}", finding.fault)};
  for (const std::string& command : finding.see) {
    if (command != commands.front()) commands.push_back(printable(command));
  }
  return commands;
}

std::string finding_text(const Style& style, const Finding& finding) {
  std::string text = head_line(style, finding);
  text +=
      fmt::format("{:{}}{}\n", "", kMargin, wrapped(style, kMargin, printable(finding.headline)));
  labelled(text, style, "because", wrapped(style, kText, printable(finding.cause)));
  std::vector<std::string> evidence;
  std::ranges::transform(finding.evidence, std::back_inserter(evidence), evidence_text);
  labelled(text, style, "evidence", side_by_side(style, evidence));
  labelled_each(text, style, "confirm", finding.confirm);
  labelled_each(text, style, "fix", finding.remedy);
  labelled_each(text, style, "not", finding.avoid);
  for (const Finding& folded : finding.explains) {
    labelled(
        text, style, "also",
        wrapped(style, kText, fmt::format("{}: {}", folded.fault, printable(folded.headline))));
  }
  labelled(text, style, "more", side_by_side(style, more(finding)));
  return text;
}

std::string counted(uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

std::string looked_at(const Report& report) {
  const std::string how_long =
      report.window == Duration::zero()
          ? "once"
          : fmt::format("{} {:.1f} s", report.kernel ? "for" : "over", seconds(report.window));
  return fmt::format(
      "looked at {} of {} {} {} {}, {}", counted(report.what.count, report.what.noun),
      counted(report.among.count, report.among.noun), how_long, report.kernel ? "on" : "in",
      printable(report.host), rfc3339(report.at).substr(0, 19) + "Z");
}

std::string all_clear(std::span<const Finding> findings) {
  if (findings.empty()) return "nothing wrong: no fault of the catalogue shows itself";
  return "nothing wrong: the notes above are below warning";
}

// "; asked 2 hosts and 1 name server"; nothing where nobody was asked.
std::string asked(const ProbeResults* probes) {
  if (probes == nullptr) return {};
  if (probes->hosts.empty() && probes->name_servers.empty()) return "; nobody had to be asked";
  return fmt::format("; asked {} and {} for {:.1f} s", counted(probes->hosts.size(), "host"),
                     counted(probes->name_servers.size(), "name server"), seconds(probes->took));
}

}  // namespace

Report report_of(const Observation& observation, std::span<const Finding> findings) {
  return {.host = observation.host,
          .kernel = observation.kernel,
          .at = observation.at,
          .window = observation.window,
          .what = {"socket", observation.now().sockets.size()},
          .among = {"namespace", observation.namespaces.size()},
          .sources = observation.sources,
          .missing = observation.missing,
          .findings = findings,
          .probes = observation.probes ? &*observation.probes : nullptr,
          .namespaces = observation.namespaces};
}

Severity worst(std::span<const Finding> findings) {
  Severity severity = Severity::info;
  for (const Finding& finding : findings) {
    severity = std::max({severity, finding.severity, worst(finding.explains)});
  }
  return severity;
}

std::string_view verdict(std::span<const Finding> findings) {
  const Severity severity = worst(findings);
  return severity < Severity::warning ? "ok" : to_string(severity);
}

void write_missing(std::ostream& out, const Style& style, std::span<const Missing> missing) {
  for (const Missing& one : missing) {
    std::string text = fmt::format("{}: {}", printable(one.what), printable(one.why));
    if (!one.needs.empty()) text += fmt::format("; would be shown with {}", printable(one.needs));
    out << paint(style, Ink::dim, "not seen") << "  " << wrapped(style, kText - kMargin, text)
        << '\n';
  }
}

void write_report(std::ostream& out, const Style& style, const Report& report) {
  const Style narrow{style.colour, std::min(style.width, kWidest)};
  for (const Finding& finding : report.findings) out << finding_text(narrow, finding) << '\n';
  if (worst(report.findings) < Severity::warning) {
    out << paint(narrow, Ink::green, all_clear(report.findings)) << '\n';
  }
  out << wrapped(narrow, 0, looked_at(report) + asked(report.probes)) << '\n';
  write_missing(out, narrow, report.missing);
  const bool suspects = std::ranges::any_of(report.findings, [](const Finding& finding) {
    return finding.confidence == Confidence::suspected;
  });
  if (suspects && report.kernel && report.window < kLongLook) {
    out << "a longer look settles what is only suspected: tcpdx doctor --for 30s\n";
  }
  const bool asking_helps = std::ranges::any_of(report.findings, [](const Finding& finding) {
    return finding.gains_from_probing && finding.confidence < Confidence::confirmed;
  });
  if (asking_helps && report.kernel && report.probes == nullptr) {
    out << "the network was not asked; its answers would tell more: tcpdx doctor --probe\n";
  }
}

}  // namespace tcpdx::view
