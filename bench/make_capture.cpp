// Writes a capture of made-up connections for bench/read.py: classic pcap with nanoseconds,
// Ethernet, IPv4 and IPv6, cut to 96 octets a frame. The same options give the same file.
//
//   make_capture [--packets N] [--connections N] [--open N] [--seconds N] [--syn-flood N] FILE
//
// A connection is a handshake, requests with answers, and FINs of both ends or a RST. One exchange
// in 17 has a retransmission, two segments that changed places, or a loss with its duplicate ACK.
// Text is zeros; checksums are right over the whole segment though most of it is cut off.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "sim/random.hpp"
#include "wire/ip.hpp"
#include "wire/octets.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::bench {
namespace {

using wire::TcpFlags;

constexpr uint64_t kUs = 1'000;
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kBegin = 1'767'225'600 * kSecond;  // 2026-01-01T00:00:00Z
constexpr size_t kSnapLength = 96;
constexpr size_t kEthernetSize = 14;
constexpr size_t kRecordHeaderSize = 16;
constexpr uint16_t kMss = 1460;
constexpr uint32_t kFull = 1428;  // fits beside IPv6 and timestamps
constexpr uint32_t kRest = 612;

struct Choice {
  uint64_t packets = 10'000'000;
  uint64_t connections = 1'000'000;
  uint64_t open = 50'000;
  uint64_t seconds = 600;
  uint64_t syn_flood = 0;
  std::string_view file;
};

enum class Act : uint8_t {
  syn,
  syn_ack,
  third,
  request,
  repeat,  // of the request
  first,   // part of the answer
  second,
  ahead,  // the second before the first
  fill,   // the first after it
  duplicate,
  acknowledge,
  fin,
  fin_back,
  last,
  reset,
};

enum class Wait : uint8_t { think, to_server, to_client, timer, next };

struct Doing {
  size_t from = 0;
  TcpFlags flags;
  uint32_t text = 0;
  int32_t offset = 0;    // of its sequence number from the next in order
  uint32_t advance = 0;  // of the next in order
  Wait before{};
};

constexpr uint32_t kRequest = 180;
constexpr TcpFlags kAck{.ack = true};
constexpr TcpFlags kPush{.psh = true, .ack = true};

constexpr std::array<Doing, static_cast<size_t>(Act::reset) + 1> kDoings{{
    {0, {.syn = true}, 0, 0, 1, Wait::think},
    {1, {.syn = true, .ack = true}, 0, 0, 1, Wait::to_server},
    {0, kAck, 0, 0, 0, Wait::to_client},
    {0, kPush, kRequest, 0, kRequest, Wait::think},
    {0, kPush, kRequest, -static_cast<int32_t>(kRequest), 0, Wait::timer},
    {1, kAck, kFull, 0, kFull, Wait::to_server},
    {1, kPush, kRest, 0, kRest, Wait::next},
    {1, kPush, kRest, kFull, 0, Wait::to_server},
    {1, kAck, kFull, 0, kFull + kRest, Wait::next},
    {0, kAck, 0, 0, 0, Wait::to_client},
    {0, kAck, 0, 0, 0, Wait::to_client},
    {0, {.fin = true, .ack = true}, 0, 0, 1, Wait::think},
    {1, {.fin = true, .ack = true}, 0, 0, 1, Wait::to_server},
    {0, kAck, 0, 0, 0, Wait::to_client},
    {0, {.rst = true, .ack = true}, 0, 0, 0, Wait::think},
}};

constexpr std::array kOpening{Act::syn, Act::syn_ack, Act::third};
constexpr std::array kClosing{Act::fin, Act::fin_back, Act::last};
using Exchange = std::array<Act, 4>;
constexpr Exchange kUsual{Act::request, Act::first, Act::second, Act::acknowledge};
constexpr std::array<Exchange, 3> kUnusual{{
    {Act::request, Act::repeat, Act::first, Act::acknowledge},
    {Act::request, Act::ahead, Act::fill, Act::acknowledge},
    {Act::request, Act::ahead, Act::duplicate, Act::fill},
}};
constexpr uint64_t kUnusualOneIn = 17;
constexpr uint64_t kResetOneIn = 16;
constexpr std::array<uint16_t, 6> kPorts{443, 443, 80, 22, 5432, 6379};

struct End {
  SocketAddress address;
  Seq next;                 // in order, to be sent
  uint32_t clock = 0;       // of its timestamps, at the beginning
  uint32_t last_clock = 0;  // sent last
  uint16_t ip_id = 0;
  uint8_t ttl = 64;
};

struct Life {
  std::array<End, 2> ends{};  // client, server
  uint64_t to_client = 0;     // from the place of the capture to that end and back
  uint64_t to_server = 0;
  uint64_t think = 0;
  uint64_t middle = 0;  // packets between handshake and close
  uint64_t step = 0;
  Act upcoming = Act::syn;
  Exchange exchange = kUsual;
  bool timestamps = true;
  bool reset = false;
  uint64_t count = 0;  // lives that this place has seen
};

class File {
 public:
  explicit File(const std::string& path) : file_(std::fopen(path.c_str(), "wb")) {
    if (file_ == nullptr) return;
    constexpr std::array<uint32_t, 6> kHeader{0xA1B23C4D, 0x00040002, 0, 0, kSnapLength, 1};
    put(std::as_bytes(std::span(kHeader)));
  }
  bool open() const { return file_ != nullptr; }
  bool close() {
    const bool good = std::ferror(file_) == 0;
    return std::fclose(file_) == 0 && good;
  }

  void write(uint64_t time, const wire::IpHeader& ip, const wire::TcpHeader& tcp, size_t text) {
    static constexpr std::array<std::byte, kFull> kZeros{};
    std::byte* ethernet = frame_.data() + kRecordHeaderSize;
    wire::put(ethernet, uint64_t{0x02'00'00'00'00'01'02'00});
    wire::put32(ethernet + 8, 0x00'00'00'02);
    wire::put16(ethernet + 12, ip.source.family == Family::v4 ? 0x0800 : 0x86DD);
    const std::span packet = std::span(frame_).subspan(kRecordHeaderSize + kEthernetSize);
    const size_t before = wire::write_ip(ip, wire::header_size(tcp) + text, packet);
    const size_t size = kEthernetSize + before +
                        wire::write_tcp(tcp, std::span(kZeros).first(text), ip.source,
                                        ip.destination, packet.subspan(before));
    const size_t kept = std::min(size, kSnapLength);
    const std::array header{static_cast<uint32_t>(time / kSecond),
                            static_cast<uint32_t>(time % kSecond), static_cast<uint32_t>(kept),
                            static_cast<uint32_t>(size)};
    std::memcpy(frame_.data(), header.data(), sizeof header);
    put(std::span(frame_).first(kRecordHeaderSize + kept));
  }

 private:
  void put(std::span<const std::byte> octets) {
    // What failed is remembered by the stream; close() asks.
    static_cast<void>(std::fwrite(octets.data(), octets.size(), 1, file_));
  }

  std::FILE* file_;
  std::array<std::byte, 2048> frame_{};
};

IpAddress address(bool v6, uint8_t net, uint32_t host) {
  const auto octet = [&](unsigned shift) { return static_cast<uint8_t>(host >> shift); };
  if (!v6) return ipv4(net, octet(16), octet(8), octet(0));
  IpAddress made{.bytes = {0x20, 0x01, 0x0d, 0xb8, 0, net}, .family = Family::v6};
  for (unsigned i = 0; i < 4; ++i) made.bytes.at(12 + i) = octet(24 - 8 * i);
  return made;
}

class Capture {
 public:
  Capture(const Choice& choice, File& file) : choice_(choice), file_(file), lives_(choice.open) {
    // At the end, half of each connection that is open then is still to come.
    const double whole =
        static_cast<double>(choice.connections) - static_cast<double>(choice.open) / 2;
    packets_ = static_cast<double>(choice.packets) / whole;
    life_ns_ = static_cast<uint64_t>(static_cast<double>(choice.seconds * kSecond) *
                                     static_cast<double>(choice.open) / whole);
  }

  void run() {
    for (uint32_t place = 0; place < lives_.size(); ++place) {
      due_.push({.time = kBegin + random_.below(life_ns_), .place = place});
    }
    Due now;
    for (uint64_t written = 0; written < choice_.packets; ++written) {
      now = due_.top();
      due_.pop();
      flood(now.time, written);
      Life& life = lives_[now.place];
      if (life.step == 0) begin(life, now.place);
      send(life, now.time);
      due_.push({.time = now.time + move_on(life), .place = now.place});
    }
    const auto open = std::ranges::count_if(lives_, [](const Life& life) { return life.step > 0; });
    fmt::print("{} packets, {} connections, {} open at the end, {} other SYNs, {} s\n",
               choice_.packets, begun_, open, flooded_, (now.time - kBegin) / kSecond);
  }

 private:
  struct Due {
    uint64_t time = 0;
    uint32_t place = 0;
    // The earliest on top.
    bool operator<(const Due& other) const {
      return time != other.time ? time > other.time : place > other.place;
    }
  };

  // In [0, 1).
  double fraction() { return static_cast<double>(random_.next() >> 11U) * 0x1p-53; }

  void begin(Life& life, uint32_t place) {
    life = Life{.count = life.count + 1};
    const bool v6 = random_.below(5) == 0;
    const uint64_t port = (place % 8 + life.count * 8) % 28'232;
    life.ends[0].address = {.addr = address(v6, 10, 1 + place / 8),
                            .port = static_cast<uint16_t>(32'768 + port)};
    life.ends[1].address = {.addr = address(v6, 172, 0x100001 + place % 256),
                            .port = kPorts.at(random_.below(kPorts.size()))};
    for (End& end : life.ends) {
      end.next.raw = static_cast<uint32_t>(random_.next());
      end.clock = static_cast<uint32_t>(random_.next());
      end.ip_id = static_cast<uint16_t>(random_.next());
      end.ttl = static_cast<uint8_t>(64 - random_.below(20));
    }
    life.to_client = 50 * kUs + random_.below(5 * kMs);
    life.to_server = 200 * kUs + random_.below(80 * kMs);
    const double mean = std::max(packets_ - 6 + 2.0 / kResetOneIn, 1.0);
    life.middle = static_cast<uint64_t>(mean * (0.5 + fraction()) + fraction());
    life.reset = random_.below(kResetOneIn) == 0;
    life.timestamps = random_.below(10) > 0;
    life.think = life_ns_ / ((life.middle + 3) / 4 + 1);  // before each exchange and the close
    ++begun_;
  }

  // What comes after the step; nothing at the end of a life.
  std::optional<Act> choose(Life& life) {
    if (life.step < kOpening.size()) return kOpening.at(life.step);
    const uint64_t at = life.step - kOpening.size();
    if (at < life.middle) {
      if (at % 4 == 0) {
        const bool unusual = random_.below(kUnusualOneIn) == 0 && at + 4 <= life.middle;
        life.exchange = unusual ? kUnusual.at(random_.below(kUnusual.size())) : kUsual;
      }
      return life.exchange.at(at % 4);
    }
    const uint64_t left = at - life.middle;
    if (life.reset) return left == 0 ? std::optional(Act::reset) : std::nullopt;
    return left < kClosing.size() ? std::optional(kClosing.at(left)) : std::nullopt;
  }

  // Returns the nanoseconds until the next packet of that place.
  uint64_t move_on(Life& life) {
    ++life.step;
    const auto act = choose(life);
    if (!act) {
      life.step = 0;
      life.upcoming = Act::syn;
      return random_.below(50 * kMs);
    }
    life.upcoming = *act;
    switch (kDoings.at(static_cast<size_t>(life.upcoming)).before) {
      case Wait::think: return life.think / 2 + random_.below(life.think + 1);
      case Wait::to_server: return life.to_server + random_.below(kMs);
      case Wait::to_client: return life.to_client + random_.below(kMs);
      case Wait::timer: return 201 * kMs + life.to_server + random_.below(4 * kMs);
      case Wait::next: return 12 * kUs;
    }
    return 0;
  }

  void send(Life& life, uint64_t now) {
    const Doing& doing = kDoings.at(static_cast<size_t>(life.upcoming));
    End& from = life.ends.at(doing.from);
    const End& to = life.ends.at(1 - doing.from);
    from.last_clock = from.clock + static_cast<uint32_t>((now - kBegin) / kMs);
    wire::TcpHeader tcp{.source_port = from.address.port,
                        .destination_port = to.address.port,
                        .seq = from.next + static_cast<uint32_t>(doing.offset),
                        .ack = doing.flags.ack ? to.next : Seq{},
                        .flags = doing.flags,
                        .window = 502,
                        .options = {}};
    if (doing.flags.syn) {
      tcp.window = 64'240;
      tcp.options = {.mss = kMss, .window_scale = uint8_t{7}, .sack_permitted = true};
    }
    if (life.timestamps && !doing.flags.rst) {
      tcp.options.timestamps = {.value = from.last_clock,
                                .echo = doing.flags.ack ? to.last_clock : 0};
    }
    if (life.upcoming == Act::duplicate) {
      tcp.options.sack_count = 1;
      tcp.options.sack_blocks[0] = {.left = to.next + kFull, .right = to.next + kFull + kRest};
    }
    from.next += doing.advance;
    file_.write(now, ip(from, to), tcp, doing.text);
  }

  static wire::IpHeader ip(End& from, const End& to) {
    const bool v4 = from.address.addr.family == Family::v4;
    return {.source = from.address.addr,
            .destination = to.address.addr,
            .ttl = from.ttl,
            .id = v4 ? ++from.ip_id : uint32_t{0},
            .dont_fragment = v4};
  }

  // The SYNs of made-up senders that stand before that packet. Their numbers are their own, so that
  // the connections are the same as without them.
  void flood(uint64_t now, uint64_t written) {
    for (; flooded_ * choice_.packets < choice_.syn_flood * written; ++flooded_) {
      const wire::IpHeader header{.source = ipv4(static_cast<uint8_t>(32 + spoofed_.below(64)),
                                                 static_cast<uint8_t>(spoofed_.next()),
                                                 static_cast<uint8_t>(spoofed_.next()),
                                                 static_cast<uint8_t>(spoofed_.next())),
                                  .destination = ipv4(172, 31, 0, 1),
                                  .ttl = 50,
                                  .id = static_cast<uint16_t>(spoofed_.next())};
      const wire::TcpHeader tcp{.source_port = static_cast<uint16_t>(1024 + spoofed_.below(64'512)),
                                .destination_port = 443,
                                .seq = {static_cast<uint32_t>(spoofed_.next())},
                                .ack = {},
                                .flags = {.syn = true},
                                .window = 64'240,
                                .options = {.mss = kMss}};
      file_.write(now, header, tcp, 0);
    }
  }

  const Choice& choice_;
  File& file_;
  sim::Random random_{1};
  sim::Random spoofed_{2};
  std::vector<Life> lives_;
  std::priority_queue<Due> due_;
  double packets_ = 0;  // of one connection
  uint64_t life_ns_ = 0;
  uint64_t begun_ = 0;
  uint64_t flooded_ = 0;
};

struct Option {
  std::string_view name;
  uint64_t Choice::* value;
};
constexpr std::array kOptions{
    Option{"--packets", &Choice::packets},     Option{"--connections", &Choice::connections},
    Option{"--open", &Choice::open},           Option{"--seconds", &Choice::seconds},
    Option{"--syn-flood", &Choice::syn_flood},
};

std::optional<Choice> choice_of(std::span<char*> words) {
  Choice choice;
  while (words.size() > 1) {
    const auto option = std::ranges::find(kOptions, std::string_view(words[0]), &Option::name);
    if (option == kOptions.end()) return std::nullopt;
    const std::string_view text = words[1];
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, choice.*(option->value));
    if (error != std::errc() || at != end) return std::nullopt;
    words = words.subspan(2);
  }
  if (words.size() != 1 || choice.open == 0 || choice.packets == 0 || choice.seconds == 0 ||
      choice.connections < choice.open) {
    return std::nullopt;
  }
  choice.file = words[0];
  return choice;
}

int run(std::span<char*> words) {
  const auto choice = choice_of(words);
  if (!choice) {
    fmt::print(stderr,
               "usage: make_capture [--packets N] [--connections N] [--open N] [--seconds N] "
               "[--syn-flood N] FILE\n");
    return 64;
  }
  File file{std::string(choice->file)};
  if (file.open()) {
    Capture(*choice, file).run();
    if (file.close()) return 0;
  }
  fmt::print(stderr, "make_capture: cannot write {}: {}\n", choice->file, std::strerror(errno));
  return 1;
}

}  // namespace
}  // namespace tcpdx::bench

int main(int argc, char** argv) {
  return tcpdx::bench::run(std::span(argv, static_cast<size_t>(argc)).subspan(1));
}
