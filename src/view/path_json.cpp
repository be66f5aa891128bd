// `tcpdx path --json`; docs/json.md.
#include "view/json.hpp"
#include "view/path_text.hpp"
#include "view/probe_json.hpp"

namespace tcpdx::view {
namespace {

Json responder_json(const probe::Responder& responder, const NameOf& name_of) {
  const std::string name = name_of(responder.address);
  Json labels = Json::array();
  for (const probe::MplsLabel& one : responder.labels) {
    labels.push_back({{"label", one.label}, {"class", one.traffic_class}, {"ttl", one.ttl}});
  }
  Json json{{"addr", to_string(responder.address)},
            {"name", name.empty() ? Json(nullptr) : Json(name)},
            {"rtt_us", rtt_json(probe::summarize(responder.rtts))},
            {"mpls", std::move(labels)},
            {"answer_ttl", or_null(responder.answer_ttl)}};
  if (responder.quoted_mss) json["quoted_mss"] = *responder.quoted_mss;
  if (!responder.words.empty()) json["words"] = responder.words;
  return json;
}

Json steps_json(const probe::PathMtu& mtu) {
  Json steps = Json::array();
  for (const probe::MtuStep& step : mtu.steps) {
    steps.push_back({{"behind", step.behind},
                     {"before", step.before},
                     {"mtu", step.mtu},
                     {"told_by", step.told_by ? Json(to_string(*step.told_by)) : Json(nullptr)},
                     {"black_hole", !step.told_by}});
  }
  return steps;
}

Json hops_json(const std::vector<probe::PathHop>& hops, const probe::PathResult& path,
               const NameOf& name_of) {
  Json list = Json::array();
  for (const probe::PathHop& hop : hops) {
    Json responders = Json::array();
    for (const auto& one : hop.responders) responders.push_back(responder_json(one, name_of));
    list.push_back({{"ttl", hop.ttl},
                    {"responders", std::move(responders)},
                    {"sent", hop.sent},
                    {"answered", hop.answered},
                    {"is_target", hop.is_target},
                    {"node_loss", share_json(hop.node_loss)},
                    {"link_loss", share_json(hop.link_loss)},
                    {"rate_limited", hop.rate_limited},
                    {"mtu", path.mtu ? or_null(path.mtu->hops[hop.ttl - 1U]) : Json(nullptr)}});
  }
  return list;
}

Json branches_json(const probe::PathResult& path, const NameOf& name_of) {
  Json list = Json::array();
  for (const probe::Branch& branch : path.branches) {
    list.push_back({{"source_ports", branch.source_ports},
                    {"reached", branch.reached},
                    {"unanswered", share_json(branch.unanswered)},
                    {"rtt_us", rtt_json(branch.rtt)},
                    {"hops", hops_json(branch.hops, path, name_of)}});
  }
  return list;
}

}  // namespace

void write_path_json(std::ostream& out, const std::string& name, const probe::PathResult& path,
                     const NameOf& name_of) {
  const Json document{
      {"schema", kSchema},
      {"target", name},
      {"address", to_string(path.target.addr)},
      {"port", path.target.port == 0 ? Json(nullptr) : Json(path.target.port)},
      {"method", to_string(path.method)},
      {"reached", path.reached},
      {"words", path.words.empty() ? Json(nullptr) : Json(path.words)},
      {"duration_us", path.duration.count()},
      {"hops", hops_json(path.hops, path, name_of)},
      {"silent_beyond", path.beyond},
      {"mtu_steps", path.mtu ? steps_json(*path.mtu) : Json(nullptr)},
      {"branches", path.branches.empty() ? Json(nullptr) : branches_json(path, name_of)},
      {"undecided_ports", path.undecided},
      {"end_to_end",
       {{"loss", share_json(path.end_to_end_loss)}, {"rtt_us", rtt_json(path.end_to_end)}}}};
  out << dump(document) << '\n';
}

}  // namespace tcpdx::view
