#include "probe/path_mtu.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "probe/error_words.hpp"
#include "probe/socket.hpp"

namespace tcpdx::probe {
namespace {

using Clock = std::chrono::steady_clock;
using Fate = SizeAnswer::Fate;

constexpr unsigned kLarger = 65000;  // than the MTU of any interface but loopback
constexpr unsigned kSmall = 128;     // passes every link that IP may use, but for the oddest
constexpr unsigned kAtOnce = 12;     // sizes of one turn of a search
constexpr unsigned kSearches = 4;    // that lost probes may cost
constexpr size_t kMoreTries = 3;     // of what seems too large
constexpr unsigned kMostSteps = 8;
constexpr unsigned kTries = 2;
constexpr Duration kSlice = 100ms;  // how long a stop may go unnoticed
constexpr unsigned kHeaders4 = 28;  // IP, and ICMP or UDP
constexpr unsigned kHeaders6 = 48;

std::vector<SizeQuestion> for_hops(unsigned size, unsigned from, unsigned to) {
  std::vector<SizeQuestion> questions;
  for (unsigned ttl = from; ttl <= to; ++ttl) {
    questions.push_back({.size = size, .ttl = static_cast<uint8_t>(ttl)});
  }
  return questions;
}

// The farthest of `questions` that passed; 0: none.
unsigned farthest(std::span<const SizeQuestion> questions, std::span<const SizeAnswer> answers) {
  unsigned last = 0;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (answers[i].fate == Fate::passed) last = std::max<unsigned>(last, questions[i].ttl);
  }
  return last;
}

// The largest size that comes through to the hop, of at least `fits`, which does, and at most
// `limit`, which seems not to. Whoever behind `refuser` says "too big" got it, too. The largest
// leave first: a router that limits its answers answers those.
class Search {
 public:
  Search(const AskSizes& ask, unsigned ttl, const std::optional<IpAddress>& refuser)
      : ask_(ask), ttl_(static_cast<uint8_t>(ttl)), refuser_(refuser) {}

  // What seems too large is asked again: it may have been lost each time.
  unsigned run(unsigned fits, unsigned limit) const {
    for (unsigned turn = 0; turn < kSearches; ++turn) {
      fits = between(fits, limit);
      if (!came(std::vector(kMoreTries, question(fits + 1))).has_value()) break;
      if (++fits == limit) break;
    }
    return fits;
  }

 private:
  SizeQuestion question(unsigned size) const { return {.size = size, .ttl = ttl_}; }

  // The place of the first that came through.
  std::optional<size_t> came(const std::vector<SizeQuestion>& questions) const {
    const auto answers = ask_(questions);
    const auto best = std::ranges::find_if(answers, [this](const SizeAnswer& answer) {
      return answer.fate == Fate::passed || (answer.fate == Fate::too_big && answer.by != refuser_);
    });
    if (best == answers.end()) return std::nullopt;
    return static_cast<size_t>(best - answers.begin());
  }

  unsigned between(unsigned fits, unsigned too_large) const {
    while (fits + 1 < too_large) {
      const unsigned step = (too_large - fits + kAtOnce - 1) / kAtOnce;
      std::vector<SizeQuestion> questions;
      for (unsigned size = too_large - 1; size > fits; size -= std::min(size, step)) {
        questions.push_back(question(size));
      }
      const auto best = came(questions);
      const size_t refused = best.value_or(questions.size());
      if (refused > 0) too_large = questions[refused - 1].size;
      if (best) fits = questions[*best].size;
    }
    return fits;
  }

  const AskSizes& ask_;
  uint8_t ttl_;
  std::optional<IpAddress> refuser_;
};

class Measurement {
 public:
  Measurement(unsigned size, unsigned hops, const AskSizes& ask)
      : hops_(hops), ask_(ask), size_(size) {
    found_.hops.resize(hops);
  }

  PathMtu run() {
    // The last turn only fills in how far the size of the last step comes.
    for (unsigned turn = 0; turn <= kMostSteps && known_ < hops_ && walk(); ++turn) continue;
    return std::move(found_);
  }

 private:
  // False: nothing more can be learnt.
  bool walk() {
    const auto questions = for_hops(size_, known_ + 1, hops_);
    const auto answers = ask_(questions);
    reach(farthest(questions, answers));
    for (size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].fate != Fate::too_big || questions[i].ttl <= known_) continue;
      reach(questions[i].ttl - 1U);  // who refused it got it
      return refused(answers[i]);
    }
    return known_ < hops_ && vanished();
  }

  void reach(unsigned ttl) {
    for (; known_ < ttl; ++known_) found_.hops[known_] = size_;
  }

  bool refused(const SizeAnswer& answer) {
    unsigned mtu = answer.mtu;
    if (mtu < kSmall || mtu >= size_) mtu = Search(ask_, hops_, answer.by).run(kSmall, size_ - 1);
    if (mtu == kSmall) return false;  // nobody answers what could tell
    step_to(mtu, answer.by);
    return true;
  }

  // Nobody farther on answers the large ones. Whether small ones get there tells a black hole from
  // silence. The large one leaves once more before each small one, so that neither a loss nor a
  // router's limit on its answers is taken for a hole.
  bool vanished() {
    if (size_ <= kSmall) return false;
    auto questions = for_hops(size_, known_ + 1, hops_);
    const auto small = for_hops(kSmall, known_ + 1, hops_);
    questions.insert(questions.end(), small.begin(), small.end());
    const auto answers = ask_(questions);
    reach(farthest(small, std::span(answers).first(small.size())));
    const unsigned far = farthest(small, std::span(answers).subspan(small.size()));
    if (far <= known_) return false;
    const unsigned mtu = Search(ask_, far, std::nullopt).run(kSmall, size_);
    if (mtu == size_)
      reach(far);
    else
      step_to(mtu, std::nullopt);
    return true;
  }

  void step_to(unsigned mtu, const std::optional<IpAddress>& by) {
    found_.steps.push_back(
        {.behind = static_cast<uint8_t>(known_), .before = size_, .mtu = mtu, .told_by = by});
    size_ = mtu;
  }

  unsigned hops_;
  const AskSizes& ask_;
  unsigned size_;
  unsigned known_ = 0;  // hops whose MTU is known
  PathMtu found_;
};

// One size on one socket; the numbers of its probes are the places of its questions.
class SizeRound {
 public:
  SizeRound(Method method, const AskOptions& options, const std::vector<SizeQuestion>& questions)
      : questions_(questions), answers_(questions.size()), settled_(questions.size(), false) {
    const unsigned headers = options.target.addr.family == Family::v4 ? kHeaders4 : kHeaders6;
    for (const SizeQuestion& one : questions) {
      if (askers_.contains(one.size)) continue;
      AskOptions with_size = options;
      with_size.dont_fragment = true;
      with_size.size = one.size - headers;
      if (auto asker = open_asker(method, with_size)) askers_[one.size] = std::move(*asker);
    }
  }

  void send_unsettled(unsigned turn) {
    for (size_t i = 0; i < questions_.size(); ++i) {
      const auto asker = askers_.find(questions_[i].size);
      if (settled_[i] || asker == askers_.end()) continue;
      const auto sent = asker->second->send(turn * questions_.size() + i, questions_[i].ttl);
      static_cast<void>(sent);  // the next turn tries once more; then it counts as silence
    }
  }

  void hear() {
    for (const auto& [size, asker] : askers_) {
      std::vector<Heard> heard;
      asker->hear(heard);
      for (const Heard& one : heard) take(one, one.seq % questions_.size());
    }
  }

  void wait(Duration left) const {
    std::vector<pollfd> polls;
    for (const auto& [size, asker] : askers_) asker->add_polls(polls);
    const Duration slice = std::clamp(left, Duration{1000}, kSlice);
    ::poll(polls.data(), polls.size(), static_cast<int>(slice / 1ms));
  }

  bool over() const { return std::ranges::all_of(settled_, std::identity{}); }
  std::vector<SizeAnswer> answers() const { return answers_; }

 private:
  void take(const Heard& heard, size_t at) {
    const bool ran_out = heard.message && says_ttl_exceeded(*heard.message);
    if (heard.message && says_too_big(*heard.message)) {
      answers_[at] = {.fate = Fate::too_big, .mtu = heard.message->info, .by = heard.from};
    } else if (heard.what == Heard::What::answer || ran_out) {
      answers_[at] = {.fate = Fate::passed, .by = heard.from};
    } else {
      return;
    }
    settled_[at] = true;
  }

  const std::vector<SizeQuestion>& questions_;
  std::vector<SizeAnswer> answers_;
  std::vector<bool> settled_;
  std::map<unsigned, std::unique_ptr<Asker>> askers_;
};

}  // namespace

AskSizes size_asker(Method method, const AskOptions& options, Duration patience,
                    const std::function<bool()>& stop) {
  return [=](const std::vector<SizeQuestion>& questions) {
    SizeRound round(method, options, questions);
    for (unsigned turn = 0; turn < kTries && !round.over(); ++turn) {
      const Clock::time_point until = Clock::now() + patience;
      round.send_unsettled(turn);
      for (auto now = Clock::now(); now < until && !round.over() && !(stop && stop());
           now = Clock::now()) {
        round.wait(std::chrono::duration_cast<Duration>(until - now));
        round.hear();
      }
    }
    return round.answers();
  };
}

unsigned interface_mtu(const AskOptions& options) {
  AskOptions one_hop = options;
  one_hop.dont_fragment = true;  // what the kernel remembers of the path does not count
  one_hop.ttl = 1;
  const auto socket = open_socket(SOCK_DGRAM, IPPROTO_UDP, one_hop);
  const std::vector<std::byte> text(kLarger);
  if (!socket || send_datagram(socket->get(), text, options.target) == 0) return kLarger;
  const std::optional<ErrorMessage> error = next_error(socket->get());
  return error && says_too_big(*error) && error->info != 0 ? error->info : kLarger;
}

PathMtu measure_path_mtu(unsigned size, unsigned hops, const AskSizes& ask) {
  return Measurement(size, hops, ask).run();
}

}  // namespace tcpdx::probe
