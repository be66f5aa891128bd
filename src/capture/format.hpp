// What the readers of capture formats have in common: records one behind the other, of which a
// piece at a time is in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "capture/frame.hpp"

namespace tcpdx::capture {

// The damage of one file. A file that is broken all over must not fill the memory with sentences:
// beyond a bound they are only counted, by the last entry.
class DamageLog {
 public:
  static constexpr size_t kListed = 100;

  explicit DamageLog(std::string file) : file_(std::move(file)) {}
  void add(uint64_t frame, uint64_t offset, std::string what);
  std::span<const Damage> all() const { return damage_; }

 private:
  std::string file_;
  std::vector<Damage> damage_;
  uint64_t more_ = 0;
};

// What comes behind a piece of a file.
enum class Behind {
  more,
  nothing,
  lost,  // as nothing, but there should be more: that is in the log already
};

// Octets from the beginning of a record on, and how far from the beginning of the file.
struct Piece {
  std::span<const std::byte> octets;
  uint64_t offset = 0;
  Behind behind = Behind::more;
};

struct Parsed {
  size_t frames = 0;
  size_t used = 0;  // octets
  size_t need = 0;  // octets that the next record takes at least, where it was not whole
  bool ended = false;
};

class Format {
 public:
  explicit Format(DamageLog& log) : log_(log) {}
  Format(const Format&) = delete;
  Format& operator=(const Format&) = delete;
  virtual ~Format() = default;

  // As many frames as fit into `frames` and are whole in `piece`; they point into it.
  Parsed parse(const Piece& piece, std::span<Frame> frames);
  uint64_t count() const { return count_; }

 protected:
  // What stands at the front of a piece.
  struct Step {
    enum class Kind { frame, nothing, incomplete, end } kind;
    size_t size = 0;  // octets; of an incomplete record as many as it takes at least
  };

  virtual Step step(const Piece& piece, Frame& frame) = 0;
  // Of frames that are delivered, and of those that are too damaged for that.
  uint64_t next_number() { return ++count_; }
  // Said of the next frame.
  void damaged(uint64_t offset, std::string what);

 private:
  void cut(const Piece& piece, size_t needed);

  DamageLog& log_;
  uint64_t count_ = 0;
};

// A reader for what begins with `head`, and how many of its octets that reader does not want.
struct Opened {
  std::unique_ptr<Format> format;
  size_t header = 0;
};

// How much of a file tells its format, where the file has as much.
constexpr size_t kHeadSize = 24;
// An error is a clause to follow the name of the file.
Result<Opened> open_format(std::span<const std::byte> head, DamageLog& log);

}  // namespace tcpdx::capture
