#include "view/dns_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "view/json.hpp"
#include "view/ping_text.hpp"

namespace tcpdx::view {
namespace {

constexpr uint16_t kDns = 53;
constexpr size_t kIndent = 12;

std::string shown(const SocketAddress& server) {
  return server.port == kDns ? to_string(server.addr) : to_string(server);
}

std::string answers_of(const probe::DnsReply& reply, const wire::DnsMessage& message) {
  std::vector<std::string> answers;
  answers.reserve(message.answers.size());
  for (const auto& record : message.answers) {
    answers.push_back(
        record.type == reply.asked.question.type
            ? fmt::format("{} ({} s)", record.text, record.ttl)
            : fmt::format("{} {} ({} s)", wire::to_string(record.type), record.text, record.ttl));
  }
  if (answers.empty()) return "nothing of that kind";
  return fmt::format("{}", fmt::join(answers, " · "));
}

std::string flags_of(const wire::DnsMessage& message) {
  std::string flags;
  const auto add = [&](bool set, const char* name) {
    if (set) flags += fmt::format("{}{}", flags.empty() ? "" : " ", name);
  };
  add(message.authoritative, "aa");
  add(message.truncated, "tc");
  add(message.recursion_available, "ra");
  add(message.authentic, "ad");
  return flags;
}

// Both transports of one question in one line where they say the same.
std::string reply_text(const probe::DnsReply& reply) {
  if (!reply.message) return reply.error;
  std::string text = fmt::format("{}  {}", rtt_text(reply.took),
                                 reply.message->code == wire::DnsCode::no_error
                                     ? answers_of(reply, *reply.message)
                                     : wire::to_string(reply.message->code));
  if (const std::string flags = flags_of(*reply.message); !flags.empty()) {
    text += fmt::format("  [{}]", flags);
  }
  for (const auto& error : reply.message->extended_errors) {
    text += fmt::format("  EDE {} {}{}{}", error.code, wire::meaning(error),
                        error.text.empty() ? "" : ": ", printable(error.text));
  }
  return text;
}

std::string addresses_text(std::span<const IpAddress> addresses) {
  std::vector<std::string> texts;
  for (const IpAddress& one : addresses) texts.push_back(to_string(one));
  return fmt::format("{}", fmt::join(texts, " · "));
}

void write_line(std::ostream& out, const Style& style, std::string_view head,
                const std::string& text) {
  out << fmt::format("{:<{}}", head, kIndent) << wrapped(style, kIndent, text) << '\n';
}

Json record_json(const wire::DnsRecord& record) {
  return {{"name", record.name},
          {"type", wire::to_string(record.type)},
          {"ttl", record.ttl},
          {"data", record.text}};
}

Json reply_json(const probe::DnsReply& reply) {
  Json json{{"server", shown(reply.asked.server)},
            {"transport", to_string(reply.asked.transport)},
            {"name", reply.asked.question.name},
            {"type", wire::to_string(reply.asked.question.type)},
            {"rcode", nullptr},
            {"answers", Json::array()},
            {"duration_us", reply.took.count()},
            {"error", reply.error.empty() ? Json(nullptr) : Json(reply.error)}};
  if (!reply.message) return json;
  const wire::DnsMessage& message = *reply.message;
  json["rcode"] = wire::to_string(message.code);
  for (const auto& record : message.answers) json["answers"].push_back(record_json(record));
  Json authority = Json::array();
  for (const auto& record : message.authority) authority.push_back(record_json(record));
  json["authority"] = std::move(authority);
  json["flags"] = {{"authoritative", message.authoritative},
                   {"truncated", message.truncated},
                   {"recursion_available", message.recursion_available},
                   {"authentic", message.authentic}};
  Json errors = Json::array();
  for (const auto& error : message.extended_errors) {
    errors.push_back({{"code", error.code},
                      {"meaning", std::string(wire::meaning(error))},
                      {"text", error.text}});
  }
  json["extended_errors"] = std::move(errors);
  json["octets"] = reply.octets;
  return json;
}

}  // namespace

void write_dns(std::ostream& out, const Style& style, const probe::DnsLook& look,
               std::span<const probe::DnsFinding> findings) {
  out << paint(style, Ink::bold, printable(look.name)) << '\n';
  if (!parse_address(look.name)) {
    const auto& system = look.system;
    write_line(
        out, style, "programs",
        system.error.empty()
            ? fmt::format("{} after {}", addresses_text(system.addresses), rtt_text(system.took))
            : fmt::format("{} (after {})", system.error, rtt_text(system.took)));
    if (!look.in_hosts.empty()) {
      write_line(out, style, "/etc/hosts", addresses_text(look.in_hosts));
    }
    if (look.walk.size() > 1) {
      write_line(out, style, "tried", printable(fmt::format("{}", fmt::join(look.walk, ", "))));
    }
  }
  const probe::DnsReply* before = nullptr;
  for (const probe::DnsReply& reply : look.replies) {
    if (before == nullptr || before->asked.server != reply.asked.server) {
      out << "server " << shown(reply.asked.server) << '\n';
    }
    before = &reply;
    const std::string head = fmt::format("  {:<5} {}", wire::to_string(reply.asked.question.type),
                                         to_string(reply.asked.transport));
    write_line(out, style, head, printable(reply_text(reply)));
  }
  for (const probe::DnsFinding& finding : findings) {
    out << paint(style, Ink::yellow, finding.id) << "\n  "
        << wrapped(style, 2, printable(finding.text)) << '\n';
  }
}

void write_dns_json(std::ostream& out, const probe::DnsLook& look,
                    std::span<const probe::DnsFinding> findings) {
  Json addresses = Json::array();
  for (const IpAddress& one : look.system.addresses) addresses.push_back(to_string(one));
  Json hosts = Json::array();
  for (const IpAddress& one : look.in_hosts) hosts.push_back(to_string(one));
  Json servers = Json::array();
  for (const probe::DnsReply& one : look.replies) servers.push_back(reply_json(one));
  Json found = Json::array();
  for (const auto& one : findings) found.push_back({{"id", one.id}, {"text", one.text}});
  const Json system =
      parse_address(look.name)
          ? Json(nullptr)
          : Json{{"addresses", std::move(addresses)},
                 {"error", look.system.error.empty() ? Json(nullptr) : Json(look.system.error)},
                 {"duration_us", look.system.took.count()}};
  const Json document{{"schema", kSchema},
                      {"name", look.name},
                      {"system", system},
                      {"hosts_file", std::move(hosts)},
                      {"search", look.walk},
                      {"servers", std::move(servers)},
                      {"findings", std::move(found)}};
  out << dump(document) << '\n';
}

}  // namespace tcpdx::view
