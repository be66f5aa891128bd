// Memory for large tables, in the huge pages of the processor where the system has them: what is
// looked at in no order then needs few entries of the translation caches.
#pragma once

#include <cstddef>
#include <memory>

namespace tcpdx {

struct FreePages {
  void operator()(std::byte* at) const;
};
// Octets without a value. They take room in memory when they are first written to.
using Pages = std::unique_ptr<std::byte[], FreePages>;

// Aligned to a cache line at least. Of a large piece all but the first two megabytes is asked for
// in huge pages (madvise(2)), so that what is small stays small.
Pages make_pages(size_t octets);

}  // namespace tcpdx
