// The two directions of a payload: Writer turns values into bytes, Reader turns bytes back. Both
// are called with the members of a type by one description per type, so that they cannot differ.
//
// Numbers are little-endian base-128 varints, signed ones zigzag first; a byte is itself; a text,
// vector or map is its count and its parts; an optional is 0, or 1 and its value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace tcpdx::store {

// The format that Writer writes. 2 added the events of the window, 3 the closer look at listeners,
// 4 neighbours and what the network answered.
inline constexpr uint32_t kSnapshotVersion = 4;

// The last value of an enum that starts at 0 and has no gaps; given beside the descriptions.
template <class Enum>
struct LastOf;

// A number that travels as one byte: a varint would cost two from 128 on.
template <class T>
concept Byte = std::is_integral_v<T> && sizeof(T) == 1;

class Writer {
 public:
  template <class... Members>
  void operator()(const Members&... members) {
    (one(members), ...);
  }

  void raw(std::span<const uint8_t> bytes) { add(bytes); }

  static constexpr uint32_t version() { return kSnapshotVersion; }

  std::vector<char> take() && { return std::move(bytes_); }

 private:
  template <class T>
  void one(const T& value) {
    if constexpr (Byte<T> || std::is_enum_v<T>) {
      bytes_.push_back(static_cast<char>(value));
    } else if constexpr (std::is_unsigned_v<T>) {
      varint(value);
    } else if constexpr (std::is_integral_v<T>) {
      // Zigzag: 0, -1, 1, -2 ... become 0, 1, 2, 3 ...
      const int64_t wide = value;
      varint((static_cast<uint64_t>(wide) << 1) ^ static_cast<uint64_t>(wide >> 63));
    } else {
      describe(*this, value);
    }
  }
  void one(const std::string& text) {
    varint(text.size());
    add(text);
  }
  void one(const Duration& value) { one(static_cast<int64_t>(value.count())); }
  void one(const WallTime& value) { one(value.time_since_epoch()); }
  template <class T>
  void one(const std::optional<T>& value) {
    one(value.has_value());
    if (value) one(*value);
  }
  template <class T>
  void one(const std::vector<T>& values) {
    varint(values.size());
    for (const T& value : values) one(value);
  }
  template <class T>
  void one(const std::pair<std::string, T>& named) {
    one(named.first);
    one(named.second);
  }

  template <class Bytes>
  void add(const Bytes& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }

  std::vector<char> bytes_;
};

// Reads what a Writer wrote. The first thing that is wrong stops it: from then on every value is
// left as it was and every count is 0, and wrong() says what it was.
class Reader {
 public:
  explicit Reader(std::span<const char> bytes, uint32_t version = kSnapshotVersion)
      : rest_(bytes), version_(version) {}

  // Of the file: older ones lack what came later.
  [[nodiscard]] uint32_t version() const { return version_; }

  template <class... Members>
  void operator()(Members&... members) {
    (one(members), ...);
  }

  void raw(std::span<uint8_t> into) {
    if (rest_.size() < into.size()) return stop("it ends in the middle of a value");
    std::copy_n(rest_.begin(), into.size(), into.begin());
    rest_ = rest_.subspan(into.size());
  }

  // Nothing may be left over.
  void end() {
    if (!rest_.empty()) stop("something follows its last value");
  }
  void stop(std::string_view wrong) {
    if (wrong_.empty()) wrong_ = wrong;
    rest_ = {};
  }
  [[nodiscard]] std::string_view wrong() const { return wrong_; }

 private:
  template <class T>
  void one(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = byte(1) != 0;
    } else if constexpr (Byte<T>) {
      value = static_cast<T>(byte(0xFF));
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(byte(static_cast<uint8_t>(LastOf<T>::value)));
    } else if constexpr (std::is_unsigned_v<T>) {
      const uint64_t wide = varint();
      if (wide > std::numeric_limits<T>::max()) return stop("a number is too large");
      value = static_cast<T>(wide);
    } else if constexpr (std::is_integral_v<T>) {
      const uint64_t zigzag = varint();
      const auto wide = static_cast<int64_t>((zigzag >> 1) ^ (~(zigzag & 1) + 1));
      if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) {
        return stop("a number is too large");
      }
      value = static_cast<T>(wide);
    } else {
      describe(*this, value);
    }
  }
  void one(std::string& text) {
    const size_t size = count();
    text.assign(rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  void one(Duration& value) {
    // About 2 000 years either way: far from where sums and differences of times overflow.
    constexpr int64_t kLongest = int64_t{1} << 56;
    int64_t number = 0;
    one(number);
    if (number < -kLongest || number > kLongest) return stop("a time is out of range");
    value = Duration(number);
  }
  void one(WallTime& value) {
    Duration since_1970{};
    one(since_1970);
    value = WallTime(since_1970);
  }
  template <class T>
  void one(std::optional<T>& value) {
    bool has = false;
    one(has);
    if (has) one(value.emplace());
  }
  template <class T>
  void one(std::vector<T>& values) {
    const size_t size = count();
    values.clear();
    // What is reserved ahead is never more than the bytes that are there; a forged count grows
    // the vector only as far as real values follow.
    values.reserve(std::min(size, rest_.size() / sizeof(T)));
    for (size_t i = 0; i < size && wrong_.empty(); ++i) one(values.emplace_back());
  }
  template <class T>
  void one(std::pair<std::string, T>& named) {
    one(named.first);
    one(named.second);
  }

  uint8_t byte(uint8_t last) {
    uint8_t value = 0;
    raw(std::span(&value, 1));
    if (value > last) {
      stop("a value is not one of those that its kind can have");
      return 0;
    }
    return value;
  }
  // A count of things, each of which takes at least a byte.
  size_t count() {
    const uint64_t size = varint();
    if (size > rest_.size()) {
      stop("a count is larger than what follows it");
      return 0;
    }
    return static_cast<size_t>(size);
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint64_t part = byte(0xFF);
      const uint64_t bits = part & 0x7F;
      if (shift == 63 && bits > 1) break;  // beyond 64 bits
      value |= bits << shift;
      if ((part & 0x80) == 0) return value;
    }
    stop("a number is too large");
    return 0;
  }

  std::span<const char> rest_;
  std::string_view wrong_;
  uint32_t version_;
};

// The type of a description's value: const when it is written.
template <class Archive, class T>
using Of = std::conditional_t<std::is_same_v<Archive, Writer>, const T, T>;

}  // namespace tcpdx::store
