// Written by hand into one buffer: a tracer may have 100,000 lines to write each second.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "view/json.hpp"
#include "view/trace_line.hpp"

namespace tcpdx::view {

namespace {

using Out = std::back_insert_iterator<std::string>;

// Plain text needs no library; anything else goes through the one place that makes it harmless.
std::string json_text(std::string_view text) {
  const bool plain = std::ranges::all_of(
      text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  return plain ? fmt::format("\"{}\"", text) : dump(Json(std::string(text)));
}

void add_end(Out out, std::string_view name, const SocketAddress& end) {
  fmt::format_to(out, ",\"{}\":{{\"addr\":\"{}\",\"port\":{}}}", name, to_string(end.addr),
                 end.port);
}

void add_who(Out out, const TraceSubject& who) {
  add_end(out, "local", who.local);
  add_end(out, "remote", who.remote);
  if (who.cookie == 0) {
    fmt::format_to(out, ",\"cookie\":null");
  } else {
    fmt::format_to(out, ",\"cookie\":{}", who.cookie);
  }
  if (who.netns == 0) {
    fmt::format_to(out, ",\"netns\":null");
  } else {
    fmt::format_to(out, ",\"netns\":{}", who.netns);
  }
  if (!who.netns_name.empty()) fmt::format_to(out, ",\"netns_name\":{}", json_text(who.netns_name));
  if (who.uid) fmt::format_to(out, ",\"uid\":{}", *who.uid);
  if (!who.owner) {
    fmt::format_to(out, ",\"owner\":null");
    return;
  }
  fmt::format_to(out, ",\"owner\":{{\"pid\":{},\"comm\":{},\"fd\":{}}}", who.owner->pid,
                 json_text(who.owner->comm),
                 who.owner->fd ? std::to_string(*who.owner->fd) : "null");
  if (who.owner_listens) fmt::format_to(out, ",\"owner_listens\":true");
}

void add_error(Out out, int error) {
  if (error == 0) return;
  const char* name = ::strerrorname_np(error);
  fmt::format_to(out, ",\"error\":\"{}\"", name == nullptr ? std::to_string(error) : name);
}

void add_duration(Out out, const std::optional<Duration>& duration) {
  if (duration) fmt::format_to(out, ",\"duration_us\":{}", duration->count());
}

}  // namespace

void TraceJson::begin(WallTime at, std::string_view event) {
  line_.clear();
  line_ += first_ ? fmt::format("{{\"schema\":\"{}\",", kSchema) : "{";
  first_ = false;
  fmt::format_to(Out(line_), "\"t\":\"{}\",\"event\":\"{}\"", rfc3339(at), event);
}

void TraceJson::write(const TraceEvent& event) {
  begin(event.at, to_string(event.kind));
  const Out out(line_);
  fmt::format_to(out, ",\"from\":\"{}\",\"to\":\"{}\"", tcp::to_string(event.from),
                 tcp::to_string(event.to));
  add_who(out, event.who);
  if (event.retransmit != RetransmitKind::none) {
    fmt::format_to(out, ",\"retransmit\":\"{}\"", to_string(event.retransmit));
  }
  if (!event.reason.empty()) fmt::format_to(out, ",\"reason\":{}", json_text(event.reason));
  add_error(out, event.error);
  add_duration(out, event.duration);
  if (event.count != 1) fmt::format_to(out, ",\"count\":{}", event.count);
  if (event.joined) fmt::format_to(out, ",\"joined\":true");
  line_ += "}\n";
  out_ << line_;
}

void TraceJson::write(const TraceLife& life) {
  begin(life.at, "life");
  const Out out(line_);
  add_who(out, life.who);
  fmt::format_to(out, ",\"opened\":\"{}\",\"closed_by\":\"{}\"", to_string(life.opened),
                 to_string(life.closed_by));
  if (life.last == tcp::State::closed) {
    fmt::format_to(out, ",\"last_state\":null");
  } else {
    fmt::format_to(out, ",\"last_state\":\"{}\"", tcp::to_string(life.last));
  }
  add_error(out, life.error);
  fmt::format_to(out, ",\"duration_us\":{}",
                 life.duration ? std::to_string(life.duration->count()) : "null");
  fmt::format_to(out, ",\"bytes_sent\":{},\"bytes_received\":{},\"retransmits\":{},\"rtt_us\":{}",
                 life.bytes_sent, life.bytes_received, life.retransmits,
                 life.rtt ? std::to_string(life.rtt->count()) : "null");
  line_ += "}\n";
  out_ << line_;
}

void TraceJson::write_lost(WallTime at, uint64_t count) {
  begin(at, "lost");
  fmt::format_to(Out(line_), ",\"count\":{}}}\n", count);
  out_ << line_;
}

}  // namespace tcpdx::view
