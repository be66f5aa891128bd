#include "capture/stream.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "capture/format.hpp"
#include "capture/unpack.hpp"

namespace tcpdx::capture {
namespace {

// Octets of the input, in one piece from where reading is. They stay where they are until the
// next fill(), so frames may point to them.
class Window {
 public:
  Window(std::unique_ptr<Input> input, std::vector<std::byte> head, size_t block)
      : input_(std::move(input)), buffer_(std::move(head)), end_(buffer_.size()), block_(block) {}

  std::span<const std::byte> octets() const {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  void drop(size_t size) { begin_ += size; }
  const Input& input() const { return *input_; }

  // One read; false at the end. `need` is how many octets must have room at least.
  bool fill(size_t need) {
    std::copy(buffer_.begin() + static_cast<ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
    // A record that claims to be large gets its room when as much has come, not before.
    const size_t wanted = std::max(block_, std::min(need, 2 * end_));
    if (buffer_.size() < wanted || buffer_.size() == end_)
      buffer_.resize(std::max(wanted, end_ + 1));
    const size_t size = input_->read(std::span(buffer_).subspan(end_));
    end_ += size;
    return size > 0;
  }

 private:
  std::unique_ptr<Input> input_;
  std::vector<std::byte> buffer_;
  size_t begin_ = 0;
  size_t end_;
  size_t block_;
};

class StreamSource final : public Source {
 public:
  StreamSource(Window window, std::unique_ptr<DamageLog> log, Opened opened)
      : window_(std::move(window)),
        log_(std::move(log)),
        format_(std::move(opened.format)),
        offset_(opened.header) {
    window_.drop(opened.header);
  }

  size_t read(std::span<Frame> frames) override {
    if (frames.empty()) return 0;
    while (!ended_) {
      const Parsed parsed = format_->parse({window_.octets(), offset_, behind_}, frames);
      window_.drop(parsed.used);
      offset_ += parsed.used;
      ended_ = parsed.ended;
      if (parsed.frames > 0) return parsed.frames;
      if (!ended_ && behind_ == Behind::more && !window_.fill(parsed.need)) end();
    }
    return 0;
  }
  std::span<const Damage> damage() const override { return log_->all(); }
  Progress progress() const override { return window_.input().progress(); }

 private:
  // Frames may still be in the window.
  void end() {
    const std::string trouble = window_.input().trouble();
    behind_ = trouble.empty() ? Behind::nothing : Behind::lost;
    if (trouble.empty()) return;
    log_->add(format_->count() + 1, offset_ + window_.octets().size(),
              fmt::format("reading ends early: {}", trouble));
  }

  Window window_;
  std::unique_ptr<DamageLog> log_;  // the format refers to it
  std::unique_ptr<Format> format_;
  uint64_t offset_;  // of the window's front
  Behind behind_ = Behind::more;
  bool ended_ = false;
};

// As much of the beginning as tells the format, and what came with it.
std::vector<std::byte> read_head(Input& input) {
  std::vector<std::byte> head(kHeadSize);
  size_t size = 0;
  while (size < head.size()) {
    const size_t got = input.read(std::span(head).subspan(size));
    if (got == 0) break;
    size += got;
  }
  head.resize(size);
  return head;
}

}  // namespace

Result<std::unique_ptr<Source>> open_input(std::unique_ptr<Input> input, const std::string& name,
                                           size_t block) {
  std::vector<std::byte> head = read_head(*input);
  if (const std::optional<Packing> packing = packing_of(head)) {
    input = unpack(*packing, std::move(head), std::move(input));
    head = read_head(*input);
  }
  if (head.size() < kHeadSize && !input->trouble().empty()) {
    return fail("cannot read {}: {}", name, input->trouble());
  }
  auto log = std::make_unique<DamageLog>(name);
  Result<Opened> opened = open_format(head, *log);
  if (!opened) return fail("cannot read {}: {}", name, opened.error().sentence);
  return std::make_unique<StreamSource>(Window(std::move(input), std::move(head), block),
                                        std::move(log), *std::move(opened));
}

}  // namespace tcpdx::capture
