// Records of connections: made, found by their ends, moved from state to state, and given back.
#include "tcp/core.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/siphash.hpp"
#include "tcp/transition.hpp"

namespace tcpdx::tcp {
namespace {

// Transfers kept for the next connection that needs one: some kilobytes each.
constexpr size_t kSpareTransfers = 4;

}  // namespace

const ConnectionOptions& Tcb::options() const {
  static const ConnectionOptions kDefaults;
  return own_options ? *own_options : kDefaults;
}

void Tcb::set_options(const ConnectionOptions& options) {
  own_options.reset();
  if (options != this->options()) own_options = std::make_unique<ConnectionOptions>(options);
}

Time Tcb::next_due() const { return std::min({retransmit_at, ack_at, wait_at, give_up_at}); }

Tcb& Core::create(const SocketAddress& local, const SocketAddress& remote) {
  if (free_.empty()) {
    const auto first = static_cast<uint32_t>(chunks_.size()) * kChunk;
    chunks_.push_back(std::make_unique<std::array<Tcb, kChunk>>());
    for (uint32_t i = kChunk; i-- > 0;) free_.push_back(first + i);
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  Tcb& tcb = at(slot);
  tcb.slot = slot;
  tcb.local = local;
  tcb.remote = remote;
  tcb.path_mtu = settings.mtu;
  return tcb;
}

uint32_t& Core::bucket(const SocketAddress& local, const SocketAddress& remote) {
  // Keyed, so that a stranger cannot choose ends that meet in one bucket.
  const IpAddress::Words own = std::bit_cast<IpAddress::Words>(local.addr.bytes);
  const IpAddress::Words other = std::bit_cast<IpAddress::Words>(remote.addr.bytes);
  const uint64_t ports = static_cast<uint64_t>(local.port) << 16U | remote.port;
  // An IPv4 address is in its first word alone; two lengths of message keep the families apart.
  const std::array<uint64_t, 5> words{own[0], other[0], ports, own[1], other[1]};
  const size_t used = local.addr.family == Family::v4 ? 3 : 5;
  const uint64_t hash = siphash(secret, std::as_bytes(std::span(words).first(used)));
  return buckets_[hash & (buckets_.size() - 1)];
}

void Core::rehash(size_t buckets) {
  const std::vector<uint32_t> before =
      std::exchange(buckets_, std::vector<uint32_t>(buckets, kNone));
  for (const uint32_t head : before) {
    for (uint32_t slot = head; slot != kNone;) {
      Tcb& tcb = at(slot);
      uint32_t& place = bucket(tcb.local, tcb.remote);
      slot = std::exchange(tcb.next_in_bucket, std::exchange(place, slot));
    }
  }
}

void Core::enter(Tcb& tcb) {
  if (entered_ >= buckets_.size()) rehash(std::max<size_t>(64, buckets_.size() * 2));
  tcb.next_in_bucket = std::exchange(bucket(tcb.local, tcb.remote), tcb.slot);
  ++entered_;
}

void Core::leave(Tcb& tcb) {
  if (buckets_.empty()) return;
  for (uint32_t* link = &bucket(tcb.local, tcb.remote); *link != kNone;
       link = &at(*link).next_in_bucket) {
    if (*link != tcb.slot) continue;
    *link = std::exchange(tcb.next_in_bucket, kNone);
    --entered_;
    return;
  }
}

Tcb* Core::find(const SocketAddress& local, const SocketAddress& remote) {
  if (buckets_.empty()) return nullptr;
  for (uint32_t slot = bucket(local, remote); slot != kNone; slot = at(slot).next_in_bucket) {
    Tcb& tcb = at(slot);
    if (tcb.local == local && tcb.remote == remote) return &tcb;
  }
  return nullptr;
}

Tcb* Core::find(ConnectionId id) {
  if (id.slot >= chunks_.size() * kChunk) return nullptr;
  Tcb& tcb = at(id.slot);
  return tcb.slot == id.slot && tcb.generation == id.generation ? &tcb : nullptr;
}

bool Core::move(Tcb& tcb, Event on) {
  const Transition* row = transition(tcb.state, on);
  if (row == nullptr) return false;
  tcb.state = row->to;
  sink.moved(tcb.id(), row->from, on, row->to);
  if (row->to == State::closed) retire(tcb);
  return true;
}

void Core::retire(Tcb& tcb) {
  tcb.state = State::closed;
  leave(tcb);
  if (tcb.listener != kNone && listener(tcb.listener).record == tcb.slot) {
    forget_listener(tcb.listener);  // a passive OPEN ends with its record
    tcb.listener = kNone;
  }
  unschedule(tcb);
  tcb.retransmit_at = tcb.ack_at = tcb.wait_at = tcb.give_up_at = kNever;
  if (tcb.holder == Holder::listener) {
    --listener(tcb.listener).half_open;
    tcb.holder = Holder::nobody;
  }
  retired_.push_back(tcb.slot);
}

void Core::sweep() {
  for (const uint32_t slot : retired_) {
    Tcb& tcb = at(slot);
    if (tcb.slot == kNone || tcb.holder != Holder::nobody) continue;
    if (tcb.transfer && spare_.size() < kSpareTransfers) spare_.push_back(std::move(tcb.transfer));
    const uint32_t generation = tcb.generation + 1;
    tcb = Tcb{};
    tcb.generation = generation;
    free_.push_back(slot);
  }
  retired_.clear();
}

void Core::notify(Tcb& tcb, Notice notice) {
  if (tcb.holder != Holder::user) return;
  const bool advice = notice == Notice::soft_error || notice == Notice::retransmitting;
  if (advice && !tcb.options().report_errors) return;
  sink.notify(tcb.id(), notice);
}

Transfer& Core::transfer(Tcb& tcb) {
  if (!tcb.transfer) {
    if (spare_.empty()) {
      tcb.transfer = std::make_unique<Transfer>(settings.segments_in_flight);
    } else {
      tcb.transfer = std::move(spare_.back());
      spare_.pop_back();
    }
    tcb.transfer->send.start(tcb.snd_end);
    tcb.transfer->receive.start(tcb.rcv_nxt);
    tcb.transfer->sent.clear();
    tcb.transfer->push_end = tcb.snd_end;
    tcb.transfer->probe.reset();
  }
  return *tcb.transfer;
}

void Core::release_idle(Tcb& tcb) {
  if (!tcb.transfer) return;
  if (tcb.fin_queued && tcb.snd_una != tcb.snd_end + 1) return;  // a FIN waits or is on its way
  const Transfer& t = *tcb.transfer;
  if (!t.send.empty() || !t.receive.empty() || !t.sent.empty()) return;
  if (spare_.size() < kSpareTransfers) spare_.push_back(std::move(tcb.transfer));
  tcb.transfer.reset();
}

size_t Core::alive() const {
  size_t records = 0;
  for (const auto& chunk : chunks_) {
    records += static_cast<size_t>(
        std::ranges::count_if(*chunk, [](const Tcb& tcb) { return tcb.state != State::closed; }));
  }
  return records;
}

size_t Core::memory() const {
  size_t octets = sizeof(Core) + chunks_.size() * sizeof(std::array<Tcb, kChunk>) +
                  buckets_.capacity() * sizeof(uint32_t) + heap_.capacity() * sizeof(Due);
  const auto of = [](const Transfer& t) {
    return sizeof(Transfer) + t.send.capacity() + t.receive.capacity() +
           t.sent.capacity() * sizeof(SentSegment);
  };
  for (const auto& spare : spare_) octets += of(*spare);
  for (const auto& chunk : chunks_) {
    for (const Tcb& tcb : *chunk) {
      if (tcb.transfer) octets += of(*tcb.transfer);
    }
  }
  return octets;
}

}  // namespace tcpdx::tcp
