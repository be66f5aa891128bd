// The order of the records' timers: a heap of lower bounds. A timer that moves later, as the
// retransmission timer does with every acknowledgment, costs nothing until its old time has come.
#include <utility>

#include "tcp/core.hpp"

namespace tcpdx::tcp {
namespace {

constexpr size_t kSmallHeap = 1024;

}  // namespace

void Core::put(size_t i, Due due) {
  heap_[i] = due;
  at(due.slot).in_heap = static_cast<uint32_t>(i);
}

void Core::sift_up(size_t i) {
  const Due due = heap_[i];
  for (; i != 0; i = (i - 1) / 2) {
    const Due& parent = heap_[(i - 1) / 2];
    if (parent.at <= due.at) break;
    put(i, parent);
  }
  put(i, due);
}

void Core::sift_down(size_t i) {
  const Due due = heap_[i];
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
    if (due.at <= heap_[child].at) break;
    put(i, heap_[child]);
    i = child;
  }
  put(i, due);
}

void Core::schedule(const Tcb& tcb) {
  const Time due = tcb.next_due();
  if (due == kNever) return;
  if (tcb.in_heap == kNone) {
    heap_.push_back({due, tcb.slot});
    sift_up(heap_.size() - 1);
  } else if (due < heap_[tcb.in_heap].at) {
    heap_[tcb.in_heap].at = due;
    sift_up(tcb.in_heap);
  }
}

void Core::unschedule(Tcb& tcb) {
  const size_t i = std::exchange(tcb.in_heap, kNone);
  if (i >= heap_.size()) return;
  const Due last = heap_.back();
  heap_.pop_back();
  // Many connections that fell idle leave their places behind.
  if (heap_.capacity() > kSmallHeap && heap_.size() < heap_.capacity() / 4) heap_.shrink_to_fit();
  if (last.slot == tcb.slot) return;
  put(i, last);
  sift_up(i);
  sift_down(at(last.slot).in_heap);
}

std::optional<Time> Core::next_deadline() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

Tcb* Core::next_due() {
  while (!heap_.empty() && heap_.front().at <= now) {
    Tcb& tcb = at(heap_.front().slot);
    unschedule(tcb);
    if (tcb.next_due() <= now) return &tcb;
    schedule(tcb);
  }
  return nullptr;
}

}  // namespace tcpdx::tcp
