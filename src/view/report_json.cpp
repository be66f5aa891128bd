// The doctor's report as JSON; docs/json.md describes it.
#include <variant>

#include "base/time.hpp"
#include "view/json.hpp"
#include "view/report.hpp"

namespace tcpdx::view {
namespace {

Json subject_json(const Subject& subject) {
  Json object = Json::object();
  if (subject.netns) object["netns"] = *subject.netns;
  if (subject.pid) object["pid"] = *subject.pid;
  if (subject.comm) object["comm"] = *subject.comm;
  if (subject.local) object["local"] = endpoint_json(*subject.local);
  if (subject.remote) object["remote"] = endpoint_json(*subject.remote);
  if (subject.listener) object["listener"] = endpoint_json(*subject.listener);
  if (subject.destination) object["destination"] = endpoint_json(*subject.destination);
  return object;
}

Json value_json(const std::variant<uint64_t, double, std::string>& value) {
  return std::visit([](const auto& known) { return Json(known); }, value);
}

Json evidence_json(const std::vector<Evidence>& evidence) {
  Json list = Json::array();
  for (const Evidence& one : evidence) {
    Json object{{"fact", one.fact}, {"value", value_json(one.value)}};
    if (one.limit) {
      object["limit"] = value_json(*one.limit);
      object["limit_is"] = one.limit_is_threshold ? "threshold" : "whole";
    }
    object["source"] = one.source;
    list.push_back(std::move(object));
  }
  return list;
}

Json finding_json(const Finding& finding) {
  Json explains = Json::array();
  for (const Finding& folded : finding.explains) explains.push_back(finding_json(folded));
  return {{"fault", finding.fault},
          {"title", finding.title},
          {"severity", to_string(finding.severity)},
          {"confidence", to_string(finding.confidence)},
          {"subject", subject_json(finding.subject)},
          {"headline", finding.headline},
          {"evidence", evidence_json(finding.evidence)},
          {"cause", finding.cause},
          {"confirm", finding.confirm},
          {"remedy", finding.remedy},
          {"avoid", finding.avoid},
          {"see", finding.see},
          {"explains", std::move(explains)}};
}

Json durations_json(const std::vector<Duration>& durations) {
  Json list = Json::array();
  for (const Duration one : durations) list.push_back(one.count());
  return list;
}

Json text_or_null(const std::optional<IpAddress>& address) {
  return address ? Json(to_string(*address)) : Json();
}

Json ways_json(const std::vector<WalkedWay>& ways) {
  Json list = Json::array();
  for (const WalkedWay& way : ways) {
    Json hops = Json::array();
    for (const auto& hop : way.hops) hops.push_back(text_or_null(hop));
    list.push_back({{"reached", way.reached}, {"hops", std::move(hops)}});
  }
  return list;
}

Json host_json(const ProbedHost& host, uint64_t netns) {
  const ProbedSizes& sizes = host.sizes;
  Json object{{"netns", netns},
              {"address", to_string(host.address)},
              {"echoes", host.echoes},
              {"rtts_us", durations_json(host.rtts)},
              {"largest", sizes.largest ? Json(*sizes.largest) : Json()},
              {"told_mtu", sizes.told_mtu ? Json(*sizes.told_mtu) : Json()},
              {"told_by", text_or_null(sizes.told_by)},
              {"large_vanish", sizes.large_vanish},
              {"ways", ways_json(host.ways)}};
  if (host.arp) {
    Json macs = Json::array();
    for (const MacAddress& mac : host.arp->macs) macs.push_back(to_string(mac));
    object["arp"] = {{"address", to_string(host.arp->address)},
                     {"interface", host.arp->interface},
                     {"macs", std::move(macs)}};
  }
  return object;
}

Json name_server_json(const ProbedNameServer& server) {
  Json answers = Json::array();
  for (const NameServerAnswer& one : server.answers) {
    answers.push_back({{"transport", one.tcp ? "tcp" : "udp"},
                       {"code", one.code ? Json(*one.code) : Json()},
                       {"duration_us", one.took.count()},
                       {"error", one.error.empty() ? Json() : Json(one.error)}});
  }
  return {{"server", endpoint_json(server.server)}, {"answers", std::move(answers)}};
}

Json probes_json(const Report& report) {
  if (report.probes == nullptr) return {};
  Json hosts = Json::array();
  for (const ProbedHost& host : report.probes->hosts) {
    hosts.push_back(host_json(host, report.namespaces[host.netns].inode));
  }
  Json servers = Json::array();
  for (const ProbedNameServer& one : report.probes->name_servers) {
    servers.push_back(name_server_json(one));
  }
  return {{"duration_s", seconds(report.probes->took)},
          {"hosts", std::move(hosts)},
          {"name_servers", std::move(servers)}};
}

}  // namespace

void write_report_json(std::ostream& out, const Report& report) {
  JsonObjectWriter document(out);
  document.member("schema", kSchema);
  document.member("host", report.host);
  document.member("kernel", report.kernel ? Json(*report.kernel) : Json());
  document.member("at", rfc3339(report.at));
  document.member("duration_s", seconds(report.window));
  document.member("verdict", verdict(report.findings));
  document.member("looked_at", {{std::string(report.what.noun) + "s", report.what.count},
                                {std::string(report.among.noun) + "s", report.among.count}});
  document.begin_array("findings");
  for (const Finding& finding : report.findings) document.element(finding_json(finding));
  document.end_array();
  document.member("probes", probes_json(report));
  document.member("sources", report.sources);
  document.member("not_seen", missing_json(report.missing));
  document.end();
}

}  // namespace tcpdx::view
