// ICMP messages about our segments (RFC 9293 3.9.2.2), believed only where they quote a sequence
// number that is in flight (RFC 5927 4).
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

// RFC 1191 3 allows 68 and RFC 8200 1280. Linux takes no less than 552 (net.ipv4.route.min_pmtu).
uint16_t least_mtu(Family family) { return family == Family::v4 ? 552 : 1280; }

void narrow_path(Core& core, Tcb& tcb, uint16_t mtu) {
  const uint16_t narrower = std::max(mtu, least_mtu(tcb.local.addr.family));
  if (narrower >= tcb.path_mtu) return;
  tcb.path_mtu = narrower;
  if (!tcb.transfer || tcb.transfer->sent.empty()) return;
  // What was too large goes again at once, and is no sign of congestion (RFC 1191 6.5).
  tcb.transfer->sent.mark_all_lost();
  output(core, tcb);
}

}  // namespace

void arrive_icmp(Core& core, const IcmpError& error) {
  Tcb* tcb = core.find(error.local, error.remote);
  if (tcb == nullptr || error.seq < tcb->snd_una || error.seq >= tcb->snd_nxt) return;
  const bool opening = tcb->state == State::syn_sent || tcb->state == State::syn_received;
  switch (error.kind) {
    case IcmpKind::source_quench: return;
    case IcmpKind::too_big: return narrow_path(core, *tcb, error.mtu);
    case IcmpKind::soft_error: return core.notify(*tcb, Notice::soft_error);
    case IcmpKind::hard_error:
      if (!opening && !core.settings.hard_errors_abort)
        return core.notify(*tcb, Notice::soft_error);
      return end(core, *tcb, Event::icmp_hard_error, Notice::aborted);
  }
}

}  // namespace tcpdx::tcp
