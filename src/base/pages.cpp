#include "base/pages.hpp"

#include <sys/mman.h>

#include <new>

namespace tcpdx {
namespace {

constexpr size_t kHugePage = size_t{2} << 20U;
constexpr std::align_val_t kAlignment{kHugePage};

}  // namespace

void FreePages::operator()(std::byte* at) const { ::operator delete[](at, kAlignment); }

Pages make_pages(size_t octets) {
  Pages pages(static_cast<std::byte*>(::operator new[](octets, kAlignment)));
  // Only advice: without it everything works as well, and takes longer.
  if (octets > kHugePage) {
    static_cast<void>(::madvise(pages.get() + kHugePage, octets - kHugePage, MADV_HUGEPAGE));
  }
  return pages;
}

}  // namespace tcpdx
