// See owner_search.hpp.
#include "host/owner_search.hpp"

#include <utility>

#include "host/holders.hpp"

namespace tcpdx::host {

void OwnerSearch::take_over(OwnerSearch& other) {
  iterator_ = std::move(other.iterator_);
  source_ = other.source_;
}

Result<void> OwnerSearch::prepare() {
  if (source_ != OwnerSource::bpf || iterator_) return {};
  Result<OwnerIterator> opened = OwnerIterator::open(proc_);
  if (!opened) return std::unexpected(opened.error());
  iterator_ = std::move(*opened);
  return {};
}

void OwnerSearch::begin() {
  if (source_ == OwnerSource::proc) return;
  if (!iterator_) {
    Result<OwnerIterator> opened = OwnerIterator::open(proc_);
    if (!opened) {
      source_ = OwnerSource::proc;  // asked once, not in every look
      return;
    }
    iterator_ = std::move(*opened);
  }
  pass_ = iterator_->pass();
}

Result<SearchEnd> OwnerSearch::finish(const Runner& run, Look& look,
                                      std::vector<Process>& processes) {
  std::optional<Result<OwnerPass>> pass = std::exchange(pass_, std::nullopt);
  if (pass && *pass) {
    SearchEnd end{.source = OwnerSource::bpf};
    end.hidden = join_holders(proc_, run, std::move(**pass), look, table_, processes);
    return end;
  }
  if (source_ == OwnerSource::bpf) {
    return pass ? std::unexpected(pass->error()) : fail("no pass over open files was begun");
  }
  const WalkEnd walked = walk_.run(run, look, table_, processes);
  return SearchEnd{.source = OwnerSource::proc,
                   .error = walked.error,
                   .refused = walked.refused,
                   .unlisted = walked.hidden};
}

}  // namespace tcpdx::host
