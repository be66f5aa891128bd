#include "view/path_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "view/ping_text.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kIndent = 4;
constexpr size_t kPortsShown = 4;

std::string who(const probe::Responder& responder, const NameOf& name_of) {
  const std::string address = to_string(responder.address);
  const std::string name = printable(name_of(responder.address));
  return name.empty() ? address : fmt::format("{} ({})", name, address);
}

std::string labels_of(const probe::Responder& responder) {
  std::vector<std::string> labels;
  labels.reserve(responder.labels.size());
  for (const probe::MplsLabel& one : responder.labels) labels.push_back(std::to_string(one.label));
  return labels.empty() ? std::string{} : fmt::format("MPLS {}", fmt::join(labels, "/"));
}

// What is remarkable of one who answered.
std::string remarks_of(const probe::Responder& responder) {
  std::vector<std::string> remarks;
  if (!responder.words.empty()) remarks.push_back(responder.words);
  if (const std::string labels = labels_of(responder); !labels.empty()) remarks.push_back(labels);
  return fmt::format("{}", fmt::join(remarks, " · "));
}

std::string times_of(const probe::Responder& responder) {
  const auto rtt = probe::summarize(responder.rtts);
  if (!rtt) return "";
  return rtt->samples == 1 ? rtt_text(rtt->min)
                           : fmt::format("{} ({} to {})", rtt_text(rtt->median), rtt_text(rtt->min),
                                         rtt_text(rtt->max));
}

// A column for the losses, where they were asked for.
std::string losses_of(const probe::PathHop& hop) {
  if (hop.answered == 0) return "  silent";
  std::string text = fmt::format("  link {}", share_text(hop.link_loss));
  if (hop.rate_limited) {
    text += fmt::format("  limits its answers: {} of {}", hop.answered, hop.sent);
  }
  return text;
}

// A column for the MTU, where it was asked for.
std::string mtu_of(const probe::PathResult& path, const probe::PathHop& hop) {
  if (!path.mtu) return "";
  const auto mtu = path.mtu->hops[hop.ttl - 1U];
  return fmt::format("  MTU {:>5}", mtu ? std::to_string(*mtu) : "?");
}

void write_hop(std::ostream& out, const Style& style, const probe::PathResult& path,
               const probe::PathHop& hop, bool statistics, const NameOf& name_of, size_t widest) {
  std::string number = fmt::format("{:>2}  ", hop.ttl);
  if (hop.responders.empty()) {
    out << number << paint(style, Ink::dim, "*  no answer") << '\n';
    return;
  }
  for (const probe::Responder& responder : hop.responders) {
    std::string line = number + who(responder, name_of);
    line.resize(std::max(line.size(), kIndent + widest), ' ');
    line += fmt::format("  {:>9}", times_of(responder));
    if (&responder == &hop.responders.front()) line += mtu_of(path, hop);
    if (statistics && &responder == &hop.responders.front()) line += losses_of(hop);
    if (const std::string remarks = remarks_of(responder); !remarks.empty()) line += "  " + remarks;
    out << (hop.is_target ? paint(style, Ink::bold, line) : line) << '\n';
    number = std::string(kIndent, ' ');
  }
}

// Where the MSS of our SYN was lowered: between the last router that saw it whole and the first
// that did not.
std::string clamp_of(const probe::PathResult& path) {
  const probe::PathHop* before = nullptr;
  std::optional<uint16_t> mss;
  for (const probe::PathHop& hop : path.hops) {
    for (const probe::Responder& one : hop.responders) {
      if (!one.quoted_mss) continue;
      if (mss && *one.quoted_mss < *mss && before != nullptr) {
        return fmt::format("the MSS of our SYN is lowered from {} to {} between hop {} and hop {}",
                           *mss, *one.quoted_mss, before->ttl, hop.ttl);
      }
      mss = one.quoted_mss;
      before = &hop;
    }
  }
  return "";
}

// "hop 3 (10.9.3.1)", as it answered; this host itself before the first.
std::string place_of(const probe::PathResult& path, unsigned ttl) {
  if (ttl == 0) return "this host";
  const auto& responders = path.hops[ttl - 1U].responders;
  if (responders.empty()) return fmt::format("hop {}", ttl);
  return fmt::format("hop {} ({})", ttl, to_string(responders.front().address));
}

std::string step_text(const probe::PathResult& path, const probe::MtuStep& step) {
  const std::string place = place_of(path, step.behind);
  if (step.told_by) {
    return fmt::format("the MTU falls from {} to {} behind {}: {} says so", step.before, step.mtu,
                       place, to_string(*step.told_by));
  }
  // Large echoes come back large; routers cut what they quote, so only the target's may be lost
  // on their way back.
  const bool at_target = path.reached && step.behind + 1U == path.hops.size();
  return fmt::format(
      "MTU black hole: packets of more than {} octets reach {} and vanish behind it{}; nobody says "
      "\"too big\"",
      step.mtu, place, at_target ? ", or their answers do" : "");
}

// The hops at which a branch has routers that others have not.
std::string course_of(const probe::PathResult& path, const probe::Branch& branch) {
  std::vector<std::string> own;
  for (const probe::PathHop& hop : branch.hops) {
    if (hop.responders.empty() || path.hops[hop.ttl - 1U].responders.size() < 2) continue;
    const probe::Responder& responder = hop.responders.front();
    own.push_back(fmt::format("{} {}{}", hop.ttl, to_string(responder.address),
                              responder.rtts.empty() ? "" : ", " + times_of(responder)));
  }
  return fmt::format("{}", fmt::join(own, " · "));
}

std::string ports_text(const std::vector<uint16_t>& ports) {
  const auto shown = std::span(ports).first(std::min(ports.size(), kPortsShown));
  const size_t more = ports.size() - shown.size();
  return fmt::format("{}{}", fmt::join(shown, ", "),
                     more == 0 ? std::string{} : fmt::format(" and {} more", more));
}

void write_branches(std::ostream& out, const probe::PathResult& path) {
  size_t flows = path.undecided.size();
  for (const probe::Branch& branch : path.branches) flows += branch.source_ports.size();
  if (path.branches.size() == 1) {
    out << fmt::format("one way: {} flows met the same routers\n", flows);
    return;
  }
  out << fmt::format("{} branches of {} flows\n", path.branches.size(), flows);
  for (size_t i = 0; i < path.branches.size(); ++i) {
    const probe::Branch& branch = path.branches[i];
    const std::string end =
        branch.rtt ? fmt::format("round trip {}, unanswered {}", rtt_text(branch.rtt->median),
                                 share_text(branch.unanswered))
                   : std::string("the target did not answer");
    out << fmt::format("  branch {}: {} flow{} (UDP source port {}), {}; hop {}\n", i + 1,
                       branch.source_ports.size(), branch.source_ports.size() == 1 ? "" : "s",
                       ports_text(branch.source_ports), end, course_of(path, branch));
  }
  if (path.undecided.empty()) return;
  out << fmt::format(
      "  {} more may be on any of several: where the ways part nobody answered them\n",
      path.undecided.size());
}

std::string_view method_text(probe::Method method) {
  switch (method) {
    case probe::Method::icmp: return "ICMP";
    case probe::Method::udp: return "UDP";
    case probe::Method::tcp: return "TCP";
  }
  return {};
}

}  // namespace

std::string path_title(const std::string& name, const probe::PathResult& path) {
  const std::string address =
      path.method == probe::Method::icmp ? to_string(path.target.addr) : to_string(path.target);
  return fmt::format("path to {} by {}",
                     name == to_string(path.target.addr)
                         ? address
                         : fmt::format("{} ({})", printable(name), address),
                     method_text(path.method));
}

std::string path_end(const probe::PathResult& path) {
  if (path.reached) {
    return fmt::format("reached {} in {}", to_string(path.target.addr), rtt_text(path.duration));
  }
  if (!path.words.empty()) return fmt::format("not reached: {}", path.words);
  if (path.hops.empty()) return "not reached: nobody answered, not even the first router";
  return fmt::format(
      "not reached: behind hop {} nobody answers. What asks there is dropped, or its answers are",
      path.hops.back().ttl);
}

void write_path(std::ostream& out, const Style& style, const std::string& name,
                const probe::PathResult& path, bool statistics, const NameOf& name_of) {
  out << path_title(name, path) << '\n';
  size_t widest = 0;
  for (const probe::PathHop& hop : path.hops) {
    for (const auto& one : hop.responders) widest = std::max(widest, who(one, name_of).size());
  }
  for (const probe::PathHop& hop : path.hops) {
    write_hop(out, style, path, hop, statistics, name_of, widest);
  }
  out << paint(style, path.reached ? Ink::plain : Ink::red, path_end(path)) << '\n';
  if (statistics && path.end_to_end) {
    out << fmt::format("end to end: loss {}, round trip {} to {}, median {}, 95 % within {}\n",
                       share_text(path.end_to_end_loss), rtt_text(path.end_to_end->min),
                       rtt_text(path.end_to_end->max), rtt_text(path.end_to_end->median),
                       rtt_text(path.end_to_end->p95));
  }
  if (!path.branches.empty()) write_branches(out, path);
  if (path.mtu) {
    for (const probe::MtuStep& step : path.mtu->steps) {
      out << paint(style, step.told_by ? Ink::plain : Ink::red, step_text(path, step)) << '\n';
    }
  }
  if (const std::string clamp = clamp_of(path); !clamp.empty()) out << clamp << '\n';
}

}  // namespace tcpdx::view
