// `tcpdx dns NAME|ADDRESS [@SERVER...]`: what programs get, what each name server says, what that
// means.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "engine/look_up.hpp"
#include "probe/target.hpp"
#include "view/dns_text.hpp"

namespace tcpdx::cli {
namespace {

constexpr uint16_t kDns = 53;

struct Words {
  std::vector<std::string> words;
  std::vector<std::string> types;
  std::string timeout = "2s";
  bool dnssec = false;
  ShowOptions show;
};

void describe(CLI::App& app, Words& words) {
  app.add_option(
         "words", words.words,
         "a name or an address; @SERVER or @SERVER:PORT asks that server instead of those of "
         "/etc/resolv.conf")
      ->required()
      ->type_name("NAME [@SERVER]");
  app.add_option("-t,--type", words.types, "A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT; several")
      ->delimiter(',')
      ->type_name("TYPE");
  app.add_option("--timeout", words.timeout, "for each question (2s)")->type_name("DUR");
  app.add_flag("--dnssec", words.dnssec, "ask for signatures (DO)");
  add_show_options(app, words.show);
  app.footer(
      "Every server is asked over UDP and TCP at the same time: two questions for each type.\n"
      "Flags: aa authoritative, tc cut, ra recursion available, ad validated by the server.\n"
      "Exit code: 0 the name was found, 3 it was not or no server answers.");
}

Result<SocketAddress> server_of(const std::string& word) {
  const auto target = probe::parse_target(word);
  if (!target) return std::unexpected(target.error());
  const auto addresses = probe::resolve(target->host, std::nullopt);
  if (!addresses) return std::unexpected(addresses.error());
  return SocketAddress{addresses->front(), target->port.value_or(kDns)};
}

Result<engine::LookUpOptions> options_of(const Words& words) {
  engine::LookUpOptions options;
  options.dnssec = words.dnssec;
  for (const std::string& word : words.words) {
    if (word.starts_with('@')) {
      const auto server = server_of(word.substr(1));
      if (!server) return std::unexpected(server.error());
      options.servers.push_back(*server);
    } else if (options.name.empty()) {
      options.name = word;
    } else {
      return fail("dns looks up one name at a time, not '{}' too", printable(word));
    }
  }
  if (options.name.empty()) return fail("dns needs a name or an address");
  for (const std::string& word : words.types) {
    const auto type = wire::parse_dns_type(word);
    if (!type) return fail("'{}' is no type that dns knows", printable(word));
    options.types.push_back(*type);
  }
  const auto timeout = parse_duration(words.timeout);
  if (!timeout) return fail("--timeout: {}", timeout.error().sentence);
  options.timeout = *timeout;
  return options;
}

bool found(const probe::DnsLook& look) {
  return !look.system.addresses.empty() ||
         std::ranges::any_of(look.replies, [](const probe::DnsReply& reply) {
           return reply.message && !reply.message->answers.empty();
         });
}

}  // namespace

int dns(Arguments arguments, Io& io) {
  CLI::App app("What programs get for a name, and what each name server says.", "tcpdx dns");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto options = options_of(words);
  if (!options) return usage_error(io, options.error().sentence);
  const probe::DnsLook look = engine::look_up(*options);
  const auto findings = probe::judge(look);
  if (words.show.json) {
    view::write_dns_json(io.out, look, findings);
  } else {
    view::write_dns(io.out, style_of(io, words.show.colour), look, findings);
  }
  return found(look) ? kOk : kCannotLook;
}

}  // namespace tcpdx::cli
