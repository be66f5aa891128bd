// Every pair of tests/golden/arrivals.txt: an endpoint is brought into the state, the segment
// arrives, and what the line says must be what happens.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tcp/test_rig.hpp"

namespace tcpdx::tcp {
namespace {

constexpr std::string_view kGolden = TCPDX_SOURCE_DIR "/tests/golden/arrivals.txt";
constexpr uint16_t kPeerWindow = 1000;
constexpr uint32_t kZeroWindowBuffer = 4096;

using Words = std::vector<std::string>;
using Numbers = std::map<std::string, uint32_t, std::less<>>;

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

Words split(std::string_view text, std::string_view by) {
  Words words;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(by, at), text.size());
    words.push_back(trimmed(text.substr(at, end - at)));
    at = end + by.size();
  }
  return words;
}

// "RCV.NXT+RCV.WND-1".
uint32_t value(std::string_view sum, const Numbers& numbers) {
  uint32_t total = 0;
  for (size_t at = 0; at < sum.size();) {
    const bool minus = sum[at] == '-';
    if (minus || sum[at] == '+') ++at;
    const size_t end = std::min(sum.find_first_of("+-", at), sum.size());
    const std::string term(sum.substr(at, end - at));
    const bool digits = term.find_first_not_of("0123456789") == std::string::npos;
    EXPECT_TRUE(digits || numbers.contains(term)) << "no number is named " << term;
    const uint32_t number = digits ? static_cast<uint32_t>(std::stoul(term))
                                   : (numbers.contains(term) ? numbers.at(term) : 0);
    total = minus ? total - number : total + number;
    at = end;
  }
  return total;
}

wire::TcpFlags flags_of(std::string_view names) {
  wire::TcpFlags flags;
  for (const std::string& name : split(names, ",")) {
    if (name == "SYN") flags.syn = true;
    if (name == "FIN") flags.fin = true;
    if (name == "RST") flags.rst = true;
    if (name == "URG") flags.urg = true;
    if (name == "ACK") flags.ack = true;
  }
  return flags;
}

// "SEQ=RCV.NXT ACK=SND.UNA CTL=ACK LEN=10" as a segment.
Segment segment_from(std::string_view text, const Numbers& numbers) {
  Segment segment{.window = kPeerWindow};
  for (const std::string& field : split(text, " ")) {
    const std::string name = field.substr(0, field.find('='));
    const std::string is = field.substr(field.find('=') + 1);
    if (name == "SEQ") segment.seq = {value(is, numbers)};
    if (name == "ACK") segment.ack = {value(is, numbers)};
    if (name == "CTL") segment.flags = flags_of(is);
    if (name == "LEN") segment.text = pattern(value(is, numbers));
    if (name == "UP") segment.urgent = static_cast<uint16_t>(value(is, numbers));
  }
  return segment;
}

struct Scene {
  std::unique_ptr<Rig> rig;
  std::optional<ConnectionId> id;  // where a user has one
  Numbers numbers;
};

struct Line {
  std::string state, kind, to, sent, user, cite;
};

// --- Scenes, as the head of the golden file tells them.

void note_numbers(Scene& scene, uint32_t unacknowledged) {
  const Rig& rig = *scene.rig;
  scene.numbers = {{"IRS", kIrs.raw},
                   {"ISS", rig.iss.raw},
                   {"RCV.NXT", rig.peer_nxt.raw},
                   {"RCV.WND", rig.right_edge.value_or(rig.peer_nxt + 1000).raw - rig.peer_nxt.raw},
                   {"SND.NXT", rig.snd_nxt.raw},
                   {"SND.UNA", rig.snd_nxt.raw - unacknowledged},
                   {"MAX.SND.WND", kPeerWindow}};
}

// Numbers of a connection that does not exist here.
void note_any_numbers(Scene& scene) {
  scene.numbers = {{"IRS", 5000},     {"RCV.NXT", 5001}, {"RCV.WND", 1000},
                   {"SND.NXT", 3021}, {"SND.UNA", 3001}, {"MAX.SND.WND", kPeerWindow}};
}

Scene fresh(Settings settings = {}) {
  Scene scene{.rig = std::make_unique<Rig>(std::move(settings)), .id = {}, .numbers = {}};
  scene.rig->peer_window = kPeerWindow;
  return scene;
}

Scene closed_scene() {
  Scene scene = fresh();
  note_any_numbers(scene);
  return scene;
}

Scene listen_scene() {
  Scene scene = fresh();
  scene.rig->listen();
  note_any_numbers(scene);
  return scene;
}

// The RFC's passive OPEN, of which one record becomes the connection.
ConnectionId passive_record(Rig& rig) {
  const Result<ConnectionId> id = rig.endpoint.open_passive(rig.now, kHere);
  EXPECT_TRUE(id);
  return id.value_or(ConnectionId{});
}

Scene listen_record_scene() {
  Scene scene = fresh();
  scene.id = passive_record(*scene.rig);
  note_any_numbers(scene);
  return scene;
}

Scene syn_sent_scene() {
  Scene scene = fresh();
  scene.id = scene.rig->start_connect();
  note_any_numbers(scene);
  scene.numbers["ISS"] = scene.rig->iss.raw;
  scene.numbers["SND.UNA"] = scene.rig->iss.raw;
  scene.numbers["SND.NXT"] = scene.rig->iss.raw + 1;
  return scene;
}

Scene syn_received_passive_scene() {
  Scene scene = fresh();
  scene.rig->listen();
  scene.rig->half_open();
  note_numbers(scene, 1);
  return scene;
}

Scene syn_received_record_scene() {
  Scene scene = fresh();
  scene.id = passive_record(*scene.rig);
  scene.rig->half_open();
  note_numbers(scene, 1);
  return scene;
}

Scene syn_received_active_scene() {
  Scene scene = fresh();
  scene.id = scene.rig->start_connect();
  scene.rig->forget();
  scene.rig->half_open();
  note_numbers(scene, 1);
  return scene;
}

// 1500 octets sent and acknowledged, then the window perhaps closed, then 20 octets outstanding.
Scene established_scene(bool zero_window) {
  Settings settings;
  if (zero_window) settings.receive_buffer = kZeroWindowBuffer;
  Scene scene = fresh(std::move(settings));
  Rig& rig = *scene.rig;
  scene.id = rig.open_passive();
  for (int i = 0; i < 3; ++i) {
    rig.user_send(*scene.id, pattern(500));
    rig.peer_ack_all();
  }
  for (int i = 0; zero_window && i < 100 && *rig.right_edge > rig.peer_nxt; ++i) {
    rig.peer_text(pattern(std::min<size_t>(500, octets(rig.peer_nxt, *rig.right_edge))));
    rig.run_for(100ms);
  }
  rig.user_send(*scene.id, pattern(20));
  note_numbers(scene, 20);
  return scene;
}

void peer_fin_without_ack(Scene& scene) {
  scene.rig->arrive({.flags = kFinAck,
                     .seq = scene.rig->peer_nxt,
                     .ack = {scene.numbers["SND.UNA"]},
                     .window = kPeerWindow});
  scene.rig->peer_nxt += 1;
}

Scene fin_wait_1_scene(bool zero_window) {
  Scene scene = established_scene(zero_window);
  scene.rig->user_shutdown(*scene.id);
  note_numbers(scene, 21);
  return scene;
}

Scene fin_wait_2_scene(bool zero_window) {
  Scene scene = fin_wait_1_scene(zero_window);
  scene.rig->peer_ack_all();
  note_numbers(scene, 0);
  return scene;
}

Scene close_wait_scene() {
  Scene scene = established_scene(false);
  peer_fin_without_ack(scene);
  note_numbers(scene, 20);
  return scene;
}

Scene closing_scene() {
  Scene scene = fin_wait_1_scene(false);
  peer_fin_without_ack(scene);
  note_numbers(scene, 21);
  return scene;
}

Scene last_ack_scene() {
  Scene scene = close_wait_scene();
  scene.rig->user_shutdown(*scene.id);
  note_numbers(scene, 21);
  return scene;
}

// The program has let go, so that a new connection may take the place (3.6.1).
Scene time_wait_scene() {
  Scene scene = fin_wait_2_scene(false);
  peer_fin_without_ack(scene);
  note_numbers(scene, 0);
  scene.rig->user_close(*scene.id);
  scene.id.reset();
  return scene;
}

struct NamedScene {
  std::string_view name;
  State state{};
  Scene (*make)() = nullptr;
};

// A state may have two scenes: LISTEN and what a passive OPEN leads to are the same for one record
// (3.9.1.1) and for a port with queues.
constexpr std::array kScenes{
    NamedScene{"CLOSED", State::closed, closed_scene},
    NamedScene{"LISTEN", State::listen, listen_scene},
    NamedScene{"LISTEN", State::listen, listen_record_scene},
    NamedScene{"SYN-SENT", State::syn_sent, syn_sent_scene},
    NamedScene{"SYN-RECEIVED passive", State::syn_received, syn_received_passive_scene},
    NamedScene{"SYN-RECEIVED passive", State::syn_received, syn_received_record_scene},
    NamedScene{"SYN-RECEIVED active", State::syn_received, syn_received_active_scene},
    NamedScene{"ESTABLISHED", State::established, [] { return established_scene(false); }},
    NamedScene{"FIN-WAIT-1", State::fin_wait_1, [] { return fin_wait_1_scene(false); }},
    NamedScene{"FIN-WAIT-2", State::fin_wait_2, [] { return fin_wait_2_scene(false); }},
    NamedScene{"CLOSE-WAIT", State::close_wait, close_wait_scene},
    NamedScene{"CLOSING", State::closing, closing_scene},
    NamedScene{"LAST-ACK", State::last_ack, last_ack_scene},
    NamedScene{"TIME-WAIT", State::time_wait, time_wait_scene},
    NamedScene{"ESTABLISHED zero", State::established, [] { return established_scene(true); }},
    NamedScene{"FIN-WAIT-1 zero", State::fin_wait_1, [] { return fin_wait_1_scene(true); }},
    NamedScene{"FIN-WAIT-2 zero", State::fin_wait_2, [] { return fin_wait_2_scene(true); }},
};

// --- The golden file.

struct Golden {
  std::map<std::string, std::string, std::less<>> kinds;
  std::vector<Line> lines;
};

Golden read_golden() {
  Golden golden;
  std::ifstream file{std::string(kGolden)};
  for (std::string text; std::getline(file, text);) {
    if (text.starts_with('#')) continue;
    Words words = split(text, "|");
    if (words[0] == "kind") {
      golden.kinds[words.at(1)] = words.at(2);
      continue;
    }
    if (words.size() == 4) words = {words[0], words[1], words[2], "", "", words[3]};
    EXPECT_EQ(words.size(), 6U) << text;
    words.resize(6);
    golden.lines.push_back({words[0], words[1], words[2], words[3], words[4], words[5]});
  }
  return golden;
}

// --- What happened, in the words of the golden file.

// Whether `sent` is what "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK><WND=0>" asks for.
bool is_as(const Segment& sent, std::string_view wanted, const Numbers& numbers) {
  bool same = !sent.flags.syn || sent.text.empty();
  for (std::string field : split(wanted, ">")) {
    if (field.empty()) continue;
    field.erase(0, 1);
    const std::string name = field.substr(0, field.find('='));
    const std::string is = field.substr(field.find('=') + 1);
    // An ISS that is chosen now is known by no one; TIME-WAIT's must lie beyond (3.6.1).
    if (name == "SEQ" && is == "ISS" && !numbers.contains("ISS")) continue;
    if (name == "SEQ" && is == "ISS" && numbers.contains("REOPENED")) {
      same = same && sent.seq > Seq{numbers.at("SND.NXT")};
    } else if (name == "SEQ") {
      same = same && sent.seq == Seq{value(is, numbers)};
    }
    if (name == "ACK") same = same && sent.ack == Seq{value(is, numbers)};
    if (name == "CTL") same = same && control_bits(sent.flags) == control_bits(flags_of(is));
    if (name == "WND") same = same && sent.window == value(is, numbers);
  }
  return same && sent.from == kHere && sent.to == kThere;
}

// Whether what was sent at once, or for a delayed ACK within half a second, is one of the answers.
bool sent_as(Scene& scene, std::string_view wanted) {
  Rig& rig = *scene.rig;
  for (const std::string& answer : split(wanted, " or ")) {
    if (answer == "any") return true;
    if (answer == "nothing" && rig.sent.empty()) return true;
    if (answer.starts_with('<') && rig.sent.size() == 1 &&
        is_as(rig.sent.front(), answer, scene.numbers)) {
      return true;
    }
    if (!answer.starts_with("delayed ") || rig.sent.size() > 1) continue;
    rig.run_for(499ms);
    return std::ranges::any_of(rig.sent, [&](const Segment& segment) {
      return is_as(segment, answer.substr(8), scene.numbers);
    });
  }
  return false;
}

std::string told(const Scene& scene, size_t unread_before) {
  const Rig& rig = *scene.rig;
  Words words;
  if (rig.told(Notice::opened) || rig.acceptables > 0) words.emplace_back("established");
  const Result<Readiness> ready = scene.id ? rig.endpoint.readiness(*scene.id) : fail("no user");
  if (ready && ready->readable > unread_before) {
    words.push_back(fmt::format("text {}", ready->readable - unread_before));
  }
  // Who has not accepted yet is told when he does.
  if (rig.told(Notice::peer_closed) || (rig.acceptables > 0 && ready && ready->end_of_data)) {
    words.emplace_back("closing");
  }
  if (rig.told(Notice::urgent)) words.emplace_back("urgent");
  if (rig.told(Notice::reset)) words.emplace_back("reset");
  if (rig.told(Notice::refused)) words.emplace_back("refused");
  if (rig.told(Notice::timed_out)) words.emplace_back("timed out");
  if (rig.told(Notice::aborted)) words.emplace_back("aborted");
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, ", "));
}

std::string state_words(const Scene& scene) {
  const Rig& rig = *scene.rig;
  if (rig.moves.empty()) return scene.id ? std::string(to_string(rig.state(*scene.id))) : "";
  return std::string(to_string(rig.state()));
}

void check(const NamedScene& named, const Line& line, const std::string& segment_text) {
  Scene scene = named.make();
  Rig& rig = *scene.rig;
  if (scene.id) {
    ASSERT_EQ(rig.state(*scene.id), named.state) << "the scene";
  }
  const std::string before = state_words(scene);
  const size_t unread = scene.id ? rig.readiness(*scene.id).readable : 0;
  if (named.state == State::time_wait) scene.numbers["REOPENED"] = 1;
  rig.forget();
  rig.acceptables = 0;

  const Segment segment = segment_from(segment_text, scene.numbers);
  scene.numbers["SEG.SEQ"] = segment.seq.raw;
  scene.numbers["SEG.ACK"] = segment.ack.raw;
  scene.numbers["SEG.LEN"] = segment.length();
  rig.arrive(segment);

  const std::string said = rig.said();
  const State wanted_state = parse_state(line.to).value();
  const std::string after = state_words(scene);
  // Where no connection ever moved there is no record: CLOSED, or a port that listens.
  const bool none = after.empty() && wanted_state == named.state;
  EXPECT_TRUE(none || after == line.to)
      << "from " << before << " to " << after << ", not " << line.to;
  // A user who closed, or whose handshake was undone, has nothing left to ask.
  if (!scene.id) {
    const auto found = rig.endpoint.find(kHere, kThere);
    scene.id = found;
  }
  if (line.user != "any") {
    EXPECT_EQ(told(scene, unread), line.user);
  }
  EXPECT_TRUE(sent_as(scene, line.sent)) << "sent:\n" << said << "wanted: " << line.sent;
}

TEST(ArrivalsFile, HasEveryPairOnce) {
  const Golden golden = read_golden();
  std::set<std::pair<std::string, std::string>> pairs;
  std::set<std::string_view> names;
  for (const NamedScene& scene : kScenes) names.insert(scene.name);
  for (const Line& line : golden.lines) {
    EXPECT_TRUE(pairs.emplace(line.state, line.kind).second) << line.state << ", " << line.kind;
    EXPECT_TRUE(names.contains(line.state)) << line.state;
    EXPECT_TRUE(golden.kinds.contains(line.kind)) << line.kind;
    EXPECT_FALSE(line.cite.empty()) << line.state << ", " << line.kind;
  }
  EXPECT_EQ(pairs.size(), names.size() * golden.kinds.size());
  EXPECT_GE(golden.kinds.size(), 50U);
}

class Arrivals : public testing::TestWithParam<NamedScene> {};

TEST_P(Arrivals, AreAnsweredAsTheGoldenFileSays) {
  const Golden golden = read_golden();
  const NamedScene& named = GetParam();
  size_t checked = 0;
  for (const Line& line : golden.lines) {
    if (line.state != named.name || line.to == "cannot be") continue;
    SCOPED_TRACE(fmt::format("{}, {}: {}  [{}]", line.state, line.kind, golden.kinds.at(line.kind),
                             line.cite));
    check(named, line, golden.kinds.at(line.kind));
    ++checked;
  }
  EXPECT_GE(checked, 40U);
}

std::string scene_name(const testing::TestParamInfo<NamedScene>& info) {
  std::string name;
  for (const char c : info.param.name) {
    if (c != ' ' && c != '-') name += c;
  }
  return name + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Every, Arrivals, testing::ValuesIn(kScenes), scene_name);

}  // namespace
}  // namespace tcpdx::tcp
