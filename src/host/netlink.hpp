// One netlink socket: a request goes out, every message of the answer comes back in a callback.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct mnl_socket;

namespace tcpdx::host {

// The bytes of a message after its netlink header.
using OnMessage = std::function<void(std::span<const std::byte> payload)>;

// Why the kernel refused: its errno and, where it sends one, its own sentence (NETLINK_EXT_ACK).
struct NetlinkRefusal {
  int error = 0;
  std::string words;

  std::string sentence() const;
};

struct Answer {
  bool interrupted = false;  // NLM_F_DUMP_INTR: the table changed while it was read
  NetlinkRefusal refusal;    // error 0: none
};

// How a request is asked: by a Netlink, or in a test by hand.
using Ask = std::function<Result<Answer>(
    uint16_t type, uint16_t flags, std::span<const std::byte> body, const OnMessage& on_message)>;

class Netlink {
 public:
  // A socket of the namespace in which the calling thread is; it stays there.
  static Result<Netlink> open(int bus);

  // `body` is what follows the header. NLM_F_REQUEST is added to the flags; with NLM_F_DUMP there
  // are many messages, without it one. Fails when the socket itself fails.
  Result<Answer> ask(uint16_t type, uint16_t flags, std::span<const std::byte> body,
                     const OnMessage& on_message);
  // The same as a function; it must not outlive this object.
  Ask asker() {
    return [this](uint16_t type, uint16_t flags, std::span<const std::byte> body,
                  const OnMessage& on_message) { return ask(type, flags, body, on_message); };
  }

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };

  Result<bool> receive(bool dump, const OnMessage& on_message, Answer& answer);

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<std::byte> buffer_;
  uint32_t sequence_ = 0;
};

// Takes apart the bytes of one receive. False once the answer has come to its end. For tests and
// fuzzing apart from the socket.
bool read_messages(std::span<const std::byte> bytes, uint32_t sequence, bool dump,
                   const OnMessage& on_message, Answer& answer);

// Parts of a message begin at multiples of four bytes (netlink(7), NLMSG_ALIGN).
constexpr size_t netlink_aligned(size_t length) { return (length + 3) & ~size_t{3}; }

// Calls on_attribute(type, value) for each attribute behind the fixed part of a message, `skip`
// bytes long. Ends quietly at an attribute that reaches beyond the message.
template <class OnAttribute>
void for_each_attribute(std::span<const std::byte> payload, size_t skip,
                        const OnAttribute& on_attribute) {
  const auto aligned = [&](size_t length) {
    return std::min(netlink_aligned(length), payload.size());
  };
  payload = payload.subspan(aligned(skip));
  nlattr header{};
  while (payload.size() >= sizeof header) {
    std::memcpy(&header, payload.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > payload.size()) return;
    on_attribute(static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
                 payload.first(header.nla_len).subspan(sizeof header));
    payload = payload.subspan(aligned(header.nla_len));
  }
}

// The bytes of an attribute as a number, or 0 where it is too short to be one.
template <class Number>
Number number_of(std::span<const std::byte> value) {
  Number number{};
  if (value.size() >= sizeof number) std::memcpy(&number, value.data(), sizeof number);
  return number;
}

// The text of an attribute, with or without its NUL.
inline std::string_view text_of(std::span<const std::byte> value) {
  const auto* text = static_cast<const char*>(static_cast<const void*>(value.data()));
  return {text, strnlen(text, value.size())};
}

}  // namespace tcpdx::host
