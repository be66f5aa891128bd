// See bpf_iter(7) in Documentation/bpf/bpf_iterators.rst, and bpf/owners.bpf.c.
#include "host/owner_iterator.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <owners.skel.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "host/capabilities.hpp"
#include "host/libbpf_messages.hpp"

namespace tcpdx::host {
namespace {

// More than the kernel hands over at once (PAGE_SIZE << 3, kernel/bpf/bpf_iter.c).
constexpr size_t kReadBytes = size_t{64} * 1024;

struct DestroyLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct DestroySkeleton {
  void operator()(owners_bpf* skeleton) const { owners_bpf__destroy(skeleton); }
};

// Nothing, or why `proc` and the iterator would not speak of the same processes. NSpid has our
// number in each pid namespace from that of `proc` down to our own.
std::string other_processes(const std::string& proc) {
  const Result<std::string> status = read_file(proc + "/self/status");
  if (!status) return status.error().sentence;
  for (const std::string_view line : split(*status, '\n')) {
    if (line.starts_with("NSpid:") && words(line).size() != 2) {
      return fmt::format("{} shows the processes of another pid namespace", proc);
    }
  }
  return {};
}

}  // namespace

struct OwnerIterator::Program {
  std::unique_ptr<owners_bpf, DestroySkeleton> skeleton;
  std::unique_ptr<bpf_link, DestroyLink> link;
};

Result<OwnerIterator> OwnerIterator::open(const std::string& proc) {
  constexpr std::string_view kTried = "the kernel's iterator over open files (BPF iter/task_file)";
  // CAP_SYS_ADMIN gives both. Without them libbpf would read the kernel's types in vain.
  const bool may = in_initial_user_namespace() && has_capability(CAP_SYS_ADMIN);
  const std::string lack = may ? std::string{} : lacking({CAP_BPF, CAP_PERFMON});
  if (!lack.empty()) return fail("{} cannot be used: it needs {}", kTried, lack);
  if (const std::string why = other_processes(proc); !why.empty()) {
    return fail("{} cannot be used: {}", kTried, why);
  }
  const LibbpfMessages messages;
  auto program = std::make_unique<Program>();
  program->skeleton.reset(owners_bpf__open());
  int error = program->skeleton == nullptr ? -errno : owners_bpf__load(program->skeleton.get());
  if (error == 0) {
    program->link.reset(bpf_program__attach_iter(program->skeleton->progs.owners, nullptr));
    if (program->link == nullptr) error = -errno;
  }
  if (error == -EPERM) {
    return fail(
        "{} cannot be used: {} although the capabilities are there; a seccomp profile, the "
        "kernel's lockdown or a security module forbids BPF programs",
        kTried, errno_text(EPERM));
  }
  if (error != 0) {
    return fail("{} cannot be used: {}", kTried, libbpf_reason(error, messages));
  }
  return OwnerIterator(std::move(program));
}

Result<OwnerPass> OwnerIterator::pass() const {
  const Fd iterator(bpf_iter_create(bpf_link__fd(program_->link.get())));
  if (!iterator) return fail("cannot begin a pass over open files: {}", errno_text(errno));
  OwnerRecords records;
  std::array<std::byte, kReadBytes> piece;
  for (;;) {
    const ssize_t length = ::read(iterator.get(), piece.data(), piece.size());
    // EAGAIN: a million files without a record to show; the next read goes on behind them.
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (length < 0) return fail("a pass over open files failed: {}", errno_text(errno));
    if (length == 0) return std::move(records).finish();
    records.take(std::span(piece).first(static_cast<size_t>(length)));
  }
}

OwnerIterator::OwnerIterator(std::unique_ptr<Program> program) : program_(std::move(program)) {}
OwnerIterator::OwnerIterator(OwnerIterator&&) noexcept = default;
OwnerIterator& OwnerIterator::operator=(OwnerIterator&&) noexcept = default;
OwnerIterator::~OwnerIterator() = default;

}  // namespace tcpdx::host
