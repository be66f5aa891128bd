#include "capture/unpack.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace tcpdx::capture {
namespace {

constexpr size_t kPackedBlock = 128 * size_t{1024};

enum class Status {
  within,  // of a gzip member or a zstd frame
  between,
  broken,
};

// What the two formats have in common: packed octets are fetched as they are needed, and each
// member follows the one before it.
class Unpacker : public Input {
 public:
  Unpacker(std::vector<std::byte> head, std::unique_ptr<Input> input)
      : input_(std::move(input)), block_(std::move(head)), packed_(block_) {}

  size_t read(std::span<std::byte> into) override {
    std::span<std::byte> room = into;
    while (!ended_ && room.size() == into.size()) {
      if (packed_.empty() && !full_ && !fetch()) break;
      const size_t before = packed_.size() + room.size();
      status_ = run(packed_, room);
      const bool stuck = !packed_.empty() && packed_.size() + room.size() == before;
      full_ = room.empty() && status_ == Status::within;
      if (stuck || status_ == Status::broken) {
        end(std::string("the ") + name() + " data is damaged");
      }
    }
    return into.size() - room.size();
  }
  std::string trouble() const override { return trouble_; }
  Progress progress() const override { return input_->progress(); }

 protected:
  // Goes on with `packed` into `room`, and takes from their fronts what it has used.
  virtual Status run(std::span<const std::byte>& packed, std::span<std::byte>& room) = 0;
  virtual const char* name() const = 0;

 private:
  bool fetch() {
    block_.resize(kPackedBlock);
    const size_t size = input_->read(block_);
    packed_ = std::span(block_).first(size);
    if (size > 0) return true;
    const bool cut = status_ == Status::within;
    const std::string below = input_->trouble();
    end(below.empty() && cut ? std::string("the ") + name() + " data is cut short" : below);
    return false;
  }
  void end(std::string trouble) {
    ended_ = true;
    trouble_ = std::move(trouble);
  }

  std::unique_ptr<Input> input_;
  std::vector<std::byte> block_;
  std::span<const std::byte> packed_;
  Status status_ = Status::between;
  bool full_ = false;  // there may be more to hand out without another packed octet
  bool ended_ = false;
  std::string trouble_;
};

uInt zlib_size(size_t size) {
  return static_cast<uInt>(std::min<size_t>(size, std::numeric_limits<uInt>::max()));
}

class Gunzip final : public Unpacker {
 public:
  Gunzip(std::vector<std::byte> head, std::unique_ptr<Input> input)
      : Unpacker(std::move(head), std::move(input)) {
    constexpr int kGzipOnly = 16;  // zlib.h at inflateInit2: added to the size of the window
    usable_ = ::inflateInit2(&stream_, kGzipOnly + MAX_WBITS) == Z_OK;
  }
  ~Gunzip() override { ::inflateEnd(&stream_); }

 private:
  Status run(std::span<const std::byte>& packed, std::span<std::byte>& room) override {
    if (!usable_) return Status::broken;
    if (between_) {
      // gzip(1) too takes zeros behind a member for the padding of a tape.
      while (!packed.empty() && packed.front() == std::byte{0}) packed = packed.subspan(1);
      if (packed.empty()) return Status::between;
    }
    stream_.next_in =
        const_cast<Bytef*>(static_cast<const Bytef*>(static_cast<const void*>(packed.data())));
    stream_.avail_in = zlib_size(packed.size());
    stream_.next_out = static_cast<Bytef*>(static_cast<void*>(room.data()));
    stream_.avail_out = zlib_size(room.size());
    const uInt in = stream_.avail_in;
    const uInt out = stream_.avail_out;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    packed = packed.subspan(in - stream_.avail_in);
    room = room.subspan(out - stream_.avail_out);
    between_ = result == Z_STREAM_END;
    if (between_) return ::inflateReset(&stream_) == Z_OK ? Status::between : Status::broken;
    return result == Z_OK || result == Z_BUF_ERROR ? Status::within : Status::broken;
  }
  const char* name() const override { return "gzip"; }

  z_stream stream_{};
  bool usable_ = false;
  bool between_ = false;  // not before the first one, which has its magic number
};

class Unzstd final : public Unpacker {
 public:
  Unzstd(std::vector<std::byte> head, std::unique_ptr<Input> input)
      : Unpacker(std::move(head), std::move(input)), stream_(::ZSTD_createDStream()) {}
  ~Unzstd() override { ::ZSTD_freeDStream(stream_); }

 private:
  Status run(std::span<const std::byte>& packed, std::span<std::byte>& room) override {
    if (stream_ == nullptr) return Status::broken;
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const size_t result = ::ZSTD_decompressStream(stream_, &out, &in);
    packed = packed.subspan(in.pos);
    room = room.subspan(out.pos);
    if (::ZSTD_isError(result) != 0) return Status::broken;
    return result == 0 ? Status::between : Status::within;
  }
  const char* name() const override { return "zstd"; }

  ZSTD_DStream* stream_;
};

}  // namespace

std::optional<Packing> packing_of(std::span<const std::byte> head) {
  if (head.size() < 4) return std::nullopt;
  std::array<uint32_t, 4> octets{};
  std::ranges::transform(head.first(4), octets.begin(),
                         [](std::byte octet) { return std::to_integer<uint32_t>(octet); });
  const uint32_t magic = octets[0] | octets[1] << 8U | octets[2] << 16U | octets[3] << 24U;
  constexpr uint32_t kDeflated = 0x088B1F;  // RFC 1952 section 2.3.1: the only method there is
  if ((magic & 0xFFFFFFU) == kDeflated) return Packing::gzip;
  // RFC 8878 sections 3.1.1 and 3.1.2; parallel packers begin with a skippable frame.
  const bool skippable = (magic & 0xFFFFFFF0U) == 0x184D2A50U;
  if (magic == ZSTD_MAGICNUMBER || skippable) return Packing::zstd;
  return std::nullopt;
}

std::unique_ptr<Input> unpack(Packing packing, std::vector<std::byte> head,
                              std::unique_ptr<Input> input) {
  if (packing == Packing::gzip) return std::make_unique<Gunzip>(std::move(head), std::move(input));
  return std::make_unique<Unzstd>(std::move(head), std::move(input));
}

}  // namespace tcpdx::capture
