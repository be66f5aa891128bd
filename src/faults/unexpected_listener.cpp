// unexpected-listener: a port is open that should not be.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"
#include "model/baseline.hpp"
#include "model/listener.hpp"

namespace tcpdx::faults {
namespace {

// Tests and tools open ports for seconds: what is there this long stays.
constexpr Duration kSettled = 10s;

constexpr std::array kStates{tcp::State::listen};
constexpr std::array kLookAlikes{
    LookAlike{"a service that was installed meanwhile",
              "its program belongs to a package and its unit is known: learn the baseline again"},
    LookAlike{"a program that was upgraded and not restarted",
              "a new file has taken the place of the deleted one"},
    LookAlike{"RPC services, FTP data and test tools",
              "they take a free port of ip_local_port_range, another each time"},
    LookAlike{"a build that is tried out (go run, cargo test)",
              "it runs from /tmp as the user who is logged in"},
};
constexpr FaultInfo kInfo{
    .id = "unexpected-listener",
    .title = "A port is open that should not be",
    .states = kStates,
    .signature =
        "A LISTEN socket that is not in the baseline ('tcpdx listen --learn FILE' makes one, "
        "'doctor --baseline FILE' compares), or one whose program file was deleted, was never a "
        "file, or lies where everybody may write, on an address that others can reach.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Not in the baseline by namespace, address, port, program, unit and user; or, baseline or "
        "not, reachable from outside and run from a deleted file, from memory or from a folder "
        "that everybody may write to. In both looks, because short-lived listeners vanish; a look "
        "of 10 s is sure. The number of a port alone says nothing.",
    .severity =
        "critical when it can be reached and its program runs from where no service belongs, "
        "warning when it is new and can be reached, info when it is new on loopback",
    .remedy =
        "Find out whose it is; stop and disable its unit, or bind it to loopback, or close it in "
        "the firewall. If it is right, learn the baseline again.",
    .avoid = "Just killing the process: a supervisor starts it again, and the evidence is gone.",
    .silent_on =
        "what is in the baseline, also after a restart; a program that an upgrade replaced; "
        "without a baseline, everything that runs from where programs belong",
};

struct Suspect {
  const ListeningSocket* listening = nullptr;
  bool is_new = false;                    // not in the baseline
  const ListenerIdentity* was = nullptr;  // another program had the port
  const OddSign* sign = nullptr;          // a critical one that the baseline does not accept
};

bool exposed(const Suspect& suspect) {
  return exposure_of(suspect.listening->socket->local.addr) != Exposure::loopback;
}

Severity severity_of(const Suspect& suspect) {
  if (suspect.sign != nullptr) return Severity::critical;
  return exposed(suspect) ? Severity::warning : Severity::info;
}

bool same(const ListenerIdentity& a, const ListenerIdentity& b) {
  return a.netns == b.netns && a.local == b.local && a.exe == b.exe && a.unit == b.unit &&
         a.uid == b.uid;
}

const OddSign* critical_sign(const Facts& facts, const ListeningSocket& listening) {
  const auto at = std::ranges::find_if(listening.signs, [&](const OddSign& sign) {
    if (!sign.critical) return false;
    const auto& baseline = facts.seen.closer.baseline;
    return !baseline ||
           !accepted(*baseline, identity_of(facts.seen, listening), to_string(sign.sign));
  });
  return at == listening.signs.end() ? nullptr : &*at;
}

Suspect suspect_of(const Facts& facts, const ListeningSocket& listening,
                   const std::vector<Change>& changes) {
  Suspect suspect{.listening = &listening};
  suspect.sign = critical_sign(facts, listening);
  const ListenerIdentity identity = identity_of(facts.seen, listening);
  for (const Change& change : changes) {
    if (change.kind == ChangeKind::gone || !same(change.now, identity)) continue;
    suspect.is_new = true;
    if (change.kind == ChangeKind::changed) suspect.was = &change.was;
  }
  return suspect;
}

Confidence confidence_of(const Facts& facts, const Suspect& suspect) {
  if (facts.before == nullptr) return Confidence::suspected;
  const bool settled = facts.seen.window >= kSettled;
  return settled && suspect.is_new ? Confidence::confirmed : Confidence::likely;
}

std::string reach(const Suspect& suspect) {
  switch (exposure_of(suspect.listening->socket->local.addr)) {
    case Exposure::loopback: return "reachable from this machine only";
    case Exposure::private_net: return "reachable in private networks";
    case Exposure::public_net: return "reachable at a public address";
    case Exposure::any: break;
  }
  return "reachable at every address";
}

std::string cause_of(const Suspect& suspect) {
  std::string text;
  if (suspect.was != nullptr) {
    text = fmt::format("the baseline has another program there: {}", describe(*suspect.was));
  } else if (suspect.is_new) {
    text = "it is not in the baseline";
  }
  if (suspect.sign == nullptr) return text;
  return text.empty() ? suspect.sign->text : fmt::format("{}, and {}", text, suspect.sign->text);
}

void add_advice(const Facts& facts, const Socket& socket, const Process* holder, Finding& f) {
  f.confirm.push_back(
      fmt::format("{}ss -tlnpe 'sport = :{}'", run_inside(facts, socket), socket.local.port));
  if (holder != nullptr) {
    f.confirm.push_back(
        fmt::format("ls -l /proc/{0}/exe; tr '\\0' ' ' < /proc/{0}/cmdline; cat /proc/{0}/cgroup",
                    holder->pid));
    if (!holder->exe.empty()) {
      f.confirm.push_back(fmt::format("dpkg -S '{0}' || rpm -qf '{0}'   (does a package own it?)",
                                      printable(program_path(*holder))));
    }
  }
  const bool unit = holder != nullptr && holder->unit.ends_with(".service");
  f.remedy.push_back(
      unit ? fmt::format("if nobody wants it: systemctl disable --now {}", one_word(holder->unit))
           : "if nobody wants it, stop what starts it, then close the port in the "
             "firewall or bind it to loopback");
  f.remedy.emplace_back("if it is right: tcpdx listen --learn FILE");
  f.avoid.emplace_back(
      "just killing the process: a supervisor starts it again, and the evidence is gone");
}

Finding report(const Facts& facts, const Suspect& suspect, size_t more) {
  const ListeningSocket& listening = *suspect.listening;
  const Socket& s = *listening.socket;
  Finding f = make_finding(kInfo, severity_of(suspect), confidence_of(facts, suspect));
  set_owner(facts, s, f);
  f.subject.listener = s.local;
  f.headline = fmt::format("{} listens on {}{}, {}{}", owner_name(facts, s), to_string(s.local),
                           in_namespace(facts, s), reach(suspect),
                           more == 0 ? "" : fmt::format("; and on {} more", counted(more, "port")));
  f.cause = cause_of(suspect);
  if (const auto& baseline = facts.seen.closer.baseline) {
    add_fact(f, "in the baseline", std::string(suspect.is_new ? "no" : "yes"),
             fmt::format("learned {}", rfc3339(baseline->learned_at).substr(0, 19) + "Z"));
  }
  if (listening.holder != nullptr) {
    add_fact(f, "program", printable(listening.holder->exe), "/proc/PID/exe");
    if (listening.holder->age) {
      add_fact(f, "runs for", human(*listening.holder->age), "/proc/PID/stat");
    }
  }
  if (listening.firewall != nullptr) {
    add_fact(f, "firewall", listening.firewall->words, "nftables");
  }
  add_advice(facts, s, listening.holder, f);
  f.see.push_back(fmt::format("tcpdx listen 'port {}'", s.local.port));
  return f;
}

// A program's listeners are one finding, and so are its workers; the worst speaks for all.
using Program = std::tuple<uint16_t, std::string, std::string, uint32_t>;

Program program_of(const Suspect& suspect) {
  const ListeningSocket& one = *suspect.listening;
  const Socket& s = *one.socket;
  if (one.holder == nullptr) return {s.netns, to_string(s.local), "", s.uid};
  return {s.netns, program_path(*one.holder), one.holder->unit, s.uid};
}

std::vector<Finding> report_by_program(const Facts& facts, const std::vector<Suspect>& suspects) {
  std::map<Program, std::vector<const Suspect*>> groups;
  for (const Suspect& one : suspects) groups[program_of(one)].push_back(&one);
  std::vector<Finding> findings;
  for (const auto& [program, group] : groups) {
    const Suspect* worst =
        *std::ranges::max_element(group, {}, [](const Suspect* one) { return severity_of(*one); });
    std::set<SocketAddress> places;
    for (const Suspect* one : group) places.insert(one->listening->socket->local);
    findings.push_back(report(facts, *worst, places.size() - 1));
  }
  return findings;
}

std::vector<Finding> find(const Facts& facts) {
  const std::vector<ListeningSocket> all = listening_sockets(facts.seen);
  const auto& baseline = facts.seen.closer.baseline;
  const std::vector<Change> changes =
      baseline ? compare(*baseline, facts.seen).changes : std::vector<Change>{};
  std::vector<Suspect> suspects;
  for (const ListeningSocket& listening : all) {
    if (facts.before != nullptr && facts.earlier(*listening.socket) == nullptr) continue;
    const Suspect suspect = suspect_of(facts, listening, changes);
    if (suspect.is_new || suspect.sign != nullptr) suspects.push_back(suspect);
  }
  return report_by_program(facts, suspects);
}

}  // namespace

const Fault unexpected_listener{&kInfo, find};

}  // namespace tcpdx::faults
