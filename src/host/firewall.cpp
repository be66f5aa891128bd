// nftables is asked through its own library; the older iptables tables can only be noticed.
#include "host/firewall.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>

#include "base/file.hpp"
#include "base/text.hpp"
#include "host/capabilities.hpp"
#include "host/nft_firewall.hpp"

namespace tcpdx::host {
namespace {

struct FreeContext {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

// The library opens its socket in the namespace of the calling thread.
RunNft nft_here() {
  const std::shared_ptr<nft_ctx> context(nft_ctx_new(NFT_CTX_DEFAULT), FreeContext{});
  if (context != nullptr) {
    nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_JSON);
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
  }
  return [context](const std::string& command) -> Result<std::string> {
    if (context == nullptr) return fail("libnftables cannot be used");
    const int failed = nft_run_cmd_from_buffer(context.get(), command.c_str());
    const char* output = nft_ctx_get_output_buffer(context.get());
    const char* error = nft_ctx_get_error_buffer(context.get());
    if (failed != 0 || output == nullptr) {
      const std::string_view words = error == nullptr ? "" : trim(error);
      return fail("nft {}: {}", command, printable(words.substr(0, words.find('\n'))));
    }
    return std::string(output);
  };
}

// The tables of iptables-legacy that are loaded here: "filter, nat".
std::string legacy_tables(const std::string& proc) {
  std::vector<std::string> names;
  for (const char* file : {"ip_tables_names", "ip6_tables_names"}) {
    const auto text = read_file(fmt::format("{}/thread-self/net/{}", proc, file));
    if (!text) continue;
    for (const std::string_view line : split(*text, '\n')) {
      if (!line.empty() && std::ranges::find(names, line) == names.end()) names.emplace_back(line);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Passed unknown(std::string why) { return {Passage::unknown, "unknown: " + std::move(why)}; }

// What nftables lets through the older tables may still stop.
Passed with_legacy(Passed answer, const std::string& tables) {
  if (tables.empty()) return answer;
  const bool stopped = answer.passage == Passage::dropped || answer.passage == Passage::rejected;
  if (stopped) return answer;
  return unknown(fmt::format("iptables-legacy tables ({}) cannot be read", printable(tables)));
}

}  // namespace

std::vector<FirewallAnswer> ask_firewall(const std::string& proc, uint16_t netns,
                                         const std::vector<SocketAddress>& listeners) {
  std::vector<FirewallAnswer> answers;
  const auto all = [&](const auto& ask) {
    for (const SocketAddress& local : listeners) {
      Passed passed = ask(local);
      answers.push_back({netns, local, passed.passage, std::move(passed.words)});
    }
    return answers;
  };
  if (!has_capability(CAP_NET_ADMIN)) {
    return all([](const auto&) { return unknown("needs CAP_NET_ADMIN"); });
  }
  auto firewall = NftFirewall::read(nft_here());
  if (!firewall) {
    return all([&](const auto&) { return unknown(firewall.error().sentence); });
  }
  const std::string legacy = legacy_tables(proc);
  return all([&](const SocketAddress& local) { return with_legacy(firewall->ask(local), legacy); });
}

}  // namespace tcpdx::host
