// JSON written in place: names joined with their quotes by the compiler, numbers digit by digit
// where they belong. With a million connections of 90 members each, anything between a member and
// the buffer takes longer than reading the capture.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstring>
#include <optional>
#include <string_view>

namespace tcpdx::view {

// A member's name as a template argument, as it stands in the text: ,"name":
template <size_t size>
struct JsonName {
  std::array<char, size + 3> text{};

  // NOLINTNEXTLINE(google-explicit-constructor): text.add<"name">(value)
  consteval JsonName(const char (&name)[size]) {
    text[0] = ',';
    text[1] = '"';
    std::copy_n(name, size - 1, &text[2]);
    text[size + 1] = '"';
    text[size + 2] = ':';
  }
};

// Appends to a buffer, which holds the text when this is gone. Each member of an object and each
// element of an array begins with a comma; the bracket that opens takes the place of the first.
class JsonText {
 public:
  explicit JsonText(fmt::memory_buffer& buffer)
      : buffer_(buffer),
        at_(buffer.data() + buffer.size()),
        end_(buffer.data() + buffer.capacity()) {}
  JsonText(const JsonText&) = delete;
  JsonText& operator=(const JsonText&) = delete;
  ~JsonText() { buffer_.resize(size()); }

  void put(char one) { *room(1) = one, ++at_; }
  void put(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    at_ += text.size();
  }
  template <JsonName name>
  void put() {
    std::memcpy(room(name.text.size()), name.text.data(), name.text.size());
    at_ += name.text.size();
  }
  template <std::integral Number>
  void put_number(Number number) {
    constexpr size_t kDigits = 20;  // of 64 bits, with a sign
    char* const at = room(kDigits);
    if (number >= 0 && number < 10) {  // most are
      *at = static_cast<char>('0' + number);
      ++at_;
    } else {
      at_ = std::to_chars(at, at + kDigits, number).ptr;
    }
  }

  size_t size() const { return static_cast<size_t>(at_ - buffer_.data()); }
  // What began at `begin`, and perhaps with a comma, is whole.
  void close(size_t begin, char open, char shut) {
    if (size() == begin) {
      put(open);
    } else {
      buffer_.data()[begin] = open;
    }
    put(shut);
  }

 private:
  char* room(size_t octets) {
    if (static_cast<size_t>(end_ - at_) < octets) [[unlikely]] {
      buffer_.resize(size());
      buffer_.reserve(std::max(2 * buffer_.capacity(), buffer_.size() + octets));
      at_ = buffer_.data() + buffer_.size();
      end_ = buffer_.data() + buffer_.capacity();
    }
    return at_;
  }

  fmt::memory_buffer& buffer_;
  char* at_;
  char* end_;
};

}  // namespace tcpdx::view
