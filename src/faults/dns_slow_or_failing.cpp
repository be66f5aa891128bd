// dns-slow-or-failing: blamed on TCP, but before its first SYN.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr Duration kSlow = 1s;
constexpr size_t kOften = 2;           // one lost answer is loss, not a fault of the server
constexpr uint8_t kServerFailure = 2;  // RCODE, RFC 1035 4.1.1

constexpr std::array kStates{tcp::State::closed};
constexpr std::array kLookAlikes{
    LookAlike{"slow-handshake-syn-retransmit", "there SYNs go out and are repeated"},
    LookAlike{"a name that does not exist", "there the server says so, and quickly"},
    LookAlike{"a cold cache", "below a second, and only for the first question"},
    LookAlike{"a lost packet", "one question of several, once"},
};
constexpr FaultInfo kInfo{
    .id = "dns-slow-or-failing",
    .title = "A name server of this host is slow, silent or fails",
    .states = kStates,
    .signature =
        "Connects seem slow in steps of the resolver's timeout (5 s), and in that time no SYN "
        "leaves: the program still waits for the address. No TCP socket shows it, so it is found "
        "only by asking the name servers of resolv.conf (doctor --probe).",
    .look_alikes = kLookAlikes,
    .trigger =
        "Of five questions by UDP for the root's name servers, which every resolver has at hand, "
        "at least two without an answer within the resolver's own timeout, or answered with "
        "SERVFAIL, or after more than 1 s, where a cold look-up takes less.",
    .severity =
        "warning for the server that is asked first; critical where none works; notice for those "
        "that are asked only when the first fails",
    .remedy =
        "The server, or the way to it (connection tracking drops one of two simultaneous queries: "
        "options single-request-reopen); a cache on this host; fewer search domains.",
    .avoid = "Longer connect timeouts in programs: no connection is waiting.",
    .silent_on = "name servers that this host does not use, a single lost answer",
};

enum class Trouble : uint8_t { none, silent, fails, slow };

// The answers by one transport, and how they went.
struct Account {
  size_t asked = 0;
  size_t silent = 0;
  size_t failed = 0;
  size_t slow = 0;
  Duration longest{};  // of those that came
  std::string error;
};

Account account_of(const ProbedNameServer& server, bool tcp) {
  Account account;
  for (const NameServerAnswer& one : server.answers) {
    if (one.tcp != tcp) continue;
    ++account.asked;
    if (!one.code) {
      ++account.silent;
      if (!one.error.empty()) account.error = one.error;
      continue;
    }
    if (*one.code == kServerFailure) ++account.failed;
    if (one.took > kSlow) ++account.slow;
    account.longest = std::max(account.longest, one.took);
  }
  return account;
}

Trouble trouble_of(const Account& account) {
  const size_t often = std::min(kOften, std::max<size_t>(account.asked, 1));
  if (account.silent >= often) return Trouble::silent;
  if (account.failed >= often) return Trouble::fails;
  return account.slow >= often ? Trouble::slow : Trouble::none;
}

std::string_view word_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::none: return "works";
    case Trouble::silent: return "does not answer";
    case Trouble::fails: return "answers SERVFAIL";
    case Trouble::slow: return "answers slowly";
  }
  std::unreachable();
}

// systemd-resolved's own address, which asks the servers behind it.
bool is_stub(const ProbedNameServer& server) { return server.server.addr == ipv4(127, 0, 0, 53); }

// What it means for those who look a name up.
std::string cause_of(Trouble trouble, const Account& account, Duration timeout) {
  if (trouble == Trouble::fails) {
    return "programs get 'temporary failure in name resolution', or the next server's answer";
  }
  if (trouble == Trouble::slow) {
    return fmt::format("each look-up takes up to {} before the first SYN can leave",
                       human(account.longest));
  }
  return account.error.empty()
             ? fmt::format("each look-up waits {} for it before another server is asked",
                           human(timeout))
             : account.error;
}

struct Judged {
  const ProbedNameServer* server = nullptr;
  Account account;
  Trouble trouble = Trouble::none;
};

std::vector<Judged> judged(const ProbeResults& probes) {
  std::vector<Judged> servers;
  servers.reserve(probes.name_servers.size());
  for (const ProbedNameServer& server : probes.name_servers) {
    const Account account = account_of(server, false);
    servers.push_back({.server = &server, .account = account, .trouble = trouble_of(account)});
  }
  return servers;
}

void add_account(const Judged& one, Duration timeout, Finding& f) {
  const Account& account = one.account;
  const std::string source = fmt::format("asked {}", to_string(one.server->server));
  const auto of = uint64_t{account.asked};
  if (account.silent > 0) {
    add_fact(f, fmt::format("unanswered within {}", human(timeout)), uint64_t{account.silent}, of,
             source);
  }
  if (account.failed > 0) add_fact(f, "SERVFAIL", uint64_t{account.failed}, of, source);
  if (account.silent < account.asked) {
    add_judged(f, "slowest answer", human(account.longest), human(kSlow), source);
  }
  const Account tcp = account_of(*one.server, true);
  if (tcp.asked > 0) add_fact(f, "by TCP", std::string(word_of(trouble_of(tcp))), source);
}

Finding report(const ProbeResults& probes, const std::vector<Judged>& servers, size_t which) {
  const Judged& one = servers[which];
  const auto works = [](const Judged& each) { return each.trouble == Trouble::none; };
  const bool none_works = std::ranges::none_of(servers, works);
  const bool first = which == 0;
  Severity severity = first ? Severity::warning : Severity::notice;
  if (first && none_works && one.trouble != Trouble::slow) severity = Severity::critical;
  Finding f = make_finding(kInfo, severity, Confidence::confirmed);
  f.subject.destination = one.server->server;
  std::string place = "the only one";
  if (servers.size() > 1) {
    place = first ? fmt::format("asked first of {}", servers.size())
                  : fmt::format("number {} of {}", which + 1, servers.size());
  }
  f.headline = fmt::format("name server {}, {}, {}", to_string(one.server->server.addr), place,
                           word_of(one.trouble));
  if (first) {
    f.cause = cause_of(one.trouble, one.account, probes.resolver_timeout);
  } else if (is_stub(*servers.front().server)) {
    f.cause = "it is one of those that systemd-resolved asks";
  } else {
    f.cause = "it is asked only when the first fails, and would then be no help";
  }
  add_account(one, probes.resolver_timeout, f);
  for (const Judged& other : servers) {
    if (&other == &one) continue;
    add_fact(f, to_string(other.server->server.addr), std::string(word_of(other.trouble)),
             "asked it, too");
  }
  f.confirm.push_back(
      fmt::format("dig @{} . NS +tries=1; the same with +tcp", to_string(one.server->server.addr)));
  f.remedy.push_back(
      "repair the server or the way to it (firewall, UDP port 53); until then put one that works "
      "first in resolv.conf");
  f.remedy.push_back("a cache on this host; fewer search domains and a smaller ndots");
  f.avoid.push_back("longer connect timeouts: no connection is waiting yet");
  f.see.push_back("tcpdx dns NAME");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  if (!facts.seen.probes) return {};
  const std::vector<Judged> servers = judged(*facts.seen.probes);
  std::vector<Finding> findings;
  for (size_t i = 0; i < servers.size(); ++i) {
    if (servers[i].trouble == Trouble::none) continue;
    findings.push_back(report(*facts.seen.probes, servers, i));
  }
  return findings;
}

}  // namespace

const Fault dns_slow_or_failing{&kInfo, find};

}  // namespace tcpdx::faults
