// libmnl carries the bytes; ends, errors and interrupted dumps are told apart here, because a dump
// that was interrupted still has to be read to its end before the next request.
#include "host/netlink.hpp"

#include <libmnl/libmnl.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace tcpdx::host {

namespace {

// The kernel fills about 32 KiB per receive of a dump, however large the buffer is.
constexpr size_t kReceiveBytes = size_t{64} * 1024;

struct Message {
  nlmsghdr header{};
  std::span<const std::byte> payload;
};

// Takes a message off the front; nothing where the rest is none. mnl_nlmsg_ok() would take a length
// of 2 GiB and more for a negative one and let it pass.
std::optional<Message> next_message(std::span<const std::byte>& bytes) {
  Message message;
  if (bytes.size() < sizeof message.header) return std::nullopt;
  message.header = number_of<nlmsghdr>(bytes);
  const size_t length = message.header.nlmsg_len;
  if (length < sizeof message.header || length > bytes.size()) return std::nullopt;
  message.payload = bytes.first(length).subspan(sizeof message.header);
  bytes = bytes.subspan(std::min(netlink_aligned(length), bytes.size()));
  return message;
}

// `skip` is what stands before the attributes of an error or of the end of a dump.
std::string kernel_words(const Message& message, size_t skip) {
  std::string words;
  if ((message.header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return words;
  for_each_attribute(message.payload, skip, [&](uint16_t type, std::span<const std::byte> value) {
    if (type == NLMSGERR_ATTR_MSG) words = text_of(value);
  });
  return words;
}

// The kernel sends negative numbers down to -MAX_ERRNO (include/linux/err.h).
int errno_of(int code) { return -std::max(code, -4095); }

// errno, the header of our request and, unless NLM_F_CAPPED, its body (netlink(7)).
void read_error(const Message& message, Answer& answer) {
  if (message.payload.size() < sizeof(nlmsgerr)) {
    answer.refusal.error = EBADMSG;
    return;
  }
  const auto error = number_of<nlmsgerr>(message.payload);
  if (error.error >= 0) return;
  size_t skip = sizeof(nlmsgerr);
  if ((message.header.nlmsg_flags & NLM_F_CAPPED) == 0 && error.msg.nlmsg_len > sizeof(nlmsghdr)) {
    skip += error.msg.nlmsg_len - sizeof(nlmsghdr);
  }
  answer.refusal = {errno_of(error.error), kernel_words(message, skip)};
}

// A length, or a negative errno.
void read_done(const Message& message, Answer& answer) {
  const int code = number_of<int>(message.payload);
  if (code < 0) answer.refusal = {errno_of(code), kernel_words(message, sizeof code)};
}

}  // namespace

std::string NetlinkRefusal::sentence() const {
  return words.empty() ? errno_text(error) : fmt::format("{} ({})", words, errno_text(error));
}

void Netlink::Close::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Result<Netlink> Netlink::open(int bus) {
  Netlink netlink;
  netlink.socket_.reset(mnl_socket_open2(bus, SOCK_CLOEXEC));
  if (!netlink.socket_) return fail("cannot open a netlink socket: {}", errno_text(errno));
  if (mnl_socket_bind(netlink.socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return fail("cannot bind a netlink socket: {}", errno_text(errno));
  }
  int on = 1;  // before Linux 4.12 there is none: errors then come without a sentence
  mnl_socket_setsockopt(netlink.socket_.get(), NETLINK_EXT_ACK, &on, sizeof on);
  netlink.buffer_.resize(kReceiveBytes);
  return netlink;
}

Result<Answer> Netlink::ask(uint16_t type, uint16_t flags, std::span<const std::byte> body,
                            const OnMessage& on_message) {
  std::vector<std::byte> request(sizeof(nlmsghdr) + netlink_aligned(body.size()));
  nlmsghdr* header = mnl_nlmsg_put_header(request.data());
  header->nlmsg_len = static_cast<uint32_t>(request.size());
  header->nlmsg_type = type;
  header->nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
  header->nlmsg_seq = ++sequence_;
  std::ranges::copy(body, request.begin() + sizeof(nlmsghdr));
  if (mnl_socket_sendto(socket_.get(), request.data(), request.size()) < 0) {
    return fail("cannot send a netlink request: {}", errno_text(errno));
  }
  const bool dump = (flags & NLM_F_DUMP) == NLM_F_DUMP;
  Answer answer;
  for (;;) {
    const Result<bool> more = receive(dump, on_message, answer);
    if (!more) return std::unexpected(more.error());
    if (!*more) return answer;
  }
}

Result<bool> Netlink::receive(bool dump, const OnMessage& on_message, Answer& answer) {
  ssize_t length = 0;
  do {
    length = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
  } while (length < 0 && errno == EINTR);
  if (length < 0) return fail("cannot receive a netlink answer: {}", errno_text(errno));
  if (length == 0) return false;
  return read_messages({buffer_.data(), static_cast<size_t>(length)}, sequence_, dump, on_message,
                       answer);
}

bool read_messages(std::span<const std::byte> bytes, uint32_t sequence, bool dump,
                   const OnMessage& on_message, Answer& answer) {
  while (const std::optional<Message> message = next_message(bytes)) {
    const nlmsghdr& header = message->header;
    if (header.nlmsg_seq != sequence) continue;  // the rest of an earlier answer
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    if (header.nlmsg_type == NLMSG_DONE) {
      read_done(*message, answer);
      return false;
    }
    if (header.nlmsg_type == NLMSG_ERROR) {
      read_error(*message, answer);
      return false;
    }
    if (header.nlmsg_type < NLMSG_MIN_TYPE) continue;  // NLMSG_NOOP
    on_message(message->payload);
    if (!dump) return false;
  }
  return true;
}

}  // namespace tcpdx::host
