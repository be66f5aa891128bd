// What is wrong, or odd, with how a name is looked up. Each judgement is a function that adds a
// finding or none.
#include "probe/dns_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace tcpdx::probe {
namespace {

using wire::DnsCode;
using wire::DnsType;
using Findings = std::vector<DnsFinding>;

bool is_address_question(const DnsReply& reply) {
  return reply.asked.question.type == DnsType::a || reply.asked.question.type == DnsType::aaaa;
}

template <class Test>
bool any(const DnsLook& look, Test test) {
  return std::ranges::any_of(look.replies, test);
}

// Of one server over UDP: nothing came for any question.
bool silent(const DnsLook& look, const SocketAddress& server) {
  const auto of_it = [&](const DnsReply& reply) {
    return reply.asked.server == server && reply.asked.transport == Transport::udp;
  };
  return any(look, of_it) && std::ranges::all_of(look.replies, [&](const DnsReply& reply) {
           return !of_it(reply) || reply.silent;
         });
}

std::vector<SocketAddress> servers_of(const DnsLook& look) {
  std::vector<SocketAddress> servers;
  for (const DnsReply& reply : look.replies) {
    if (std::ranges::find(servers, reply.asked.server) == servers.end()) {
      servers.push_back(reply.asked.server);
    }
  }
  return servers;
}

std::string shown(const SocketAddress& server) {
  return server.port == 53 ? to_string(server.addr) : to_string(server);
}

void servers_that_are_silent(const DnsLook& look, Findings& into) {
  const auto servers = servers_of(look);
  const auto quiet =
      std::ranges::count_if(servers, [&](const SocketAddress& one) { return silent(look, one); });
  if (quiet == 0) return;
  if (quiet == std::ssize(servers)) {
    into.push_back({"no-server-answers",
                    fmt::format("no name server answers: names cannot be looked up; {} asked",
                                servers.size())});
    return;
  }
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!silent(look, servers[i])) continue;
    const auto wait = std::chrono::duration_cast<std::chrono::seconds>(look.conf.timeout).count();
    into.push_back(
        i == 0
            ? DnsFinding{"first-server-silent",
                         fmt::format("the first name server, {}, does not answer: every look-up "
                                     "waits {} s for it before the next is asked",
                                     shown(servers[i]), wait)}
            : DnsFinding{"server-silent", fmt::format("the name server {} does not answer; it is "
                                                      "asked when those before it fail",
                                                      shown(servers[i]))});
  }
}

// The same server, the same question, the other transport.
const DnsReply* other_transport(const DnsLook& look, const DnsReply& reply) {
  const auto at = std::ranges::find_if(look.replies, [&](const DnsReply& one) {
    return one.asked.server == reply.asked.server &&
           one.asked.question.type == reply.asked.question.type &&
           one.asked.transport != reply.asked.transport;
  });
  return at == look.replies.end() ? nullptr : &*at;
}

void transports(const DnsLook& look, Findings& into) {
  std::set<SocketAddress> told;
  for (const DnsReply& reply : look.replies) {
    if (reply.asked.transport != Transport::udp || told.contains(reply.asked.server)) continue;
    const DnsReply* tcp = other_transport(look, reply);
    if (tcp == nullptr) continue;
    if (reply.message && !tcp->message) {
      told.insert(reply.asked.server);
      const bool needed = reply.message->truncated;
      into.push_back({needed ? "tcp-blocked-and-needed" : "tcp-blocked",
                      fmt::format("{} answers over UDP but not over TCP ({}): {}",
                                  shown(reply.asked.server), tcp->error,
                                  needed ? "this very answer is cut and cannot be had whole"
                                         : "large answers, which are cut over UDP, will fail")});
    } else if (!reply.message && tcp->message) {
      told.insert(reply.asked.server);
      into.push_back(
          {"udp-lost", fmt::format("{} answers over TCP but not over UDP ({}): a filter, or "
                                   "an answer of {} octets that is lost as fragments",
                                   shown(reply.asked.server), reply.error, tcp->octets)});
    }
  }
}

void codes(const DnsLook& look, Findings& into) {
  std::set<std::string> told;
  for (const DnsReply& reply : look.replies) {
    if (!reply.message) continue;
    const std::string server = shown(reply.asked.server);
    for (const auto& error : reply.message->extended_errors) {
      if (error.code < 5 || error.code > 12 || !told.insert("bogus" + server).second) continue;
      into.push_back({"dnssec-bogus",
                      fmt::format("{} holds the answer back because its signatures do not fit: {}",
                                  server, wire::meaning(error))});
    }
    if (reply.message->code == DnsCode::refused && told.insert("refused" + server).second) {
      into.push_back({"server-refuses", fmt::format("{} refuses to answer this host", server)});
    }
    if (reply.message->code == DnsCode::server_failure && reply.message->extended_errors.empty() &&
        told.insert("failed" + server).second) {
      into.push_back({"server-fails",
                      fmt::format("{} could not find out (SERVFAIL): what it asks in turn does not "
                                  "answer, or its check of signatures failed",
                                  server)});
    }
  }
}

std::set<std::string> texts_of(const DnsReply& reply) {
  std::set<std::string> texts;
  if (!reply.message) return texts;
  for (const auto& record : reply.message->answers) {
    if (record.type == reply.asked.question.type) texts.insert(record.text);
  }
  return texts;
}

// Differing is not wrong: names of large services differ from place to place.
void differences(const DnsLook& look, Findings& into) {
  for (const DnsReply& one : look.replies) {
    if (!one.message || one.asked.transport != Transport::udp) continue;
    for (const DnsReply& other : look.replies) {
      if (&other <= &one || !other.message || other.asked.transport != Transport::udp ||
          other.asked.question.type != one.asked.question.type ||
          other.asked.server == one.asked.server) {
        continue;
      }
      if (one.message->code == other.message->code && texts_of(one) == texts_of(other)) continue;
      into.push_back({"servers-differ",
                      fmt::format("{} and {} differ about {}: that may be meant (views, content "
                                  "networks) or one of them is stale",
                                  shown(one.asked.server), shown(other.asked.server),
                                  wire::to_string(one.asked.question.type))});
      return;
    }
  }
}

void hosts_file(const DnsLook& look, Findings& into) {
  // This host's own name for itself belongs there and nowhere else (RFC 6761 6.3).
  const bool own = look.name == "localhost" || look.name.ends_with(".localhost");
  if (look.in_hosts.empty() || own) return;
  const bool servers_know = any(look, [](const DnsReply& reply) {
    return reply.message && is_address_question(reply) && !texts_of(reply).empty();
  });
  into.push_back({servers_know ? "hosts-file-overrides" : "hosts-file-only",
                  fmt::format("/etc/hosts has the name ({}): applications use that{}",
                              to_string(look.in_hosts.front()),
                              servers_know ? ", whatever the name servers say"
                                           : "; no name server knows it")});
}

void family_without_route(const DnsLook& look, Findings& into) {
  const bool has_aaaa = std::ranges::any_of(look.system.addresses, [](const IpAddress& address) {
    return address.family == Family::v6 && !address.is_loopback();
  });
  if (!has_aaaa || look.has_ipv6_route) return;
  into.push_back(
      {"aaaa-without-route",
       "the name has an IPv6 address, but this host has no IPv6 route: programs that try it "
       "first fail or wait before they use IPv4"});
}

void slow_or_failed(const DnsLook& look, Findings& into) {
  if (look.system.took >= 4500ms) {
    into.push_back({"slow-lookup", fmt::format("getaddrinfo() took {}: applications wait that long "
                                               "before they send the first SYN",
                                               human(look.system.took))});
  }
  const bool known = any(look, [](const DnsReply& reply) {
    return reply.message && is_address_question(reply) && !texts_of(reply).empty();
  });
  if (!look.system.error.empty() && known) {
    into.push_back(
        {"system-fails",
         fmt::format("name servers know the name, but applications do not get it: {}. Look "
                     "at hosts: in /etc/nsswitch.conf",
                     look.system.error)});
  }
}

void search_list(const DnsLook& look, Findings& into) {
  if (look.walk.size() < 3 || look.walk.front() == look.name) return;
  into.push_back(
      {"long-search",
       fmt::format("{} names are tried before the name itself (search list, ndots {}): end it "
                   "with a dot, or lower ndots",
                   look.walk.size() - 1, look.conf.ndots)});
}

}  // namespace

std::vector<DnsFinding> judge(const DnsLook& look) {
  Findings findings;
  for (const auto add : {servers_that_are_silent, codes, slow_or_failed, transports, hosts_file,
                         family_without_route, differences, search_list}) {
    add(look, findings);
  }
  return findings;
}

}  // namespace tcpdx::probe
