// lwIP as one side of the comparison: its raw API, single-threaded, without its tcpip thread. One
// stack holds both hosts: two network interfaces, each with an address, hand their packets to each
// other.

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>

#include <algorithm>
#include <array>
#include <deque>
#include <span>
#include <vector>

#include "tcp_sides.hpp"

namespace {

uint32_t virtual_ms = 0;

}  // namespace

// These take the place of the library's own: there is one thread, so its locks around every
// allocation would only cost it time, and its clock is ours.
extern "C" u32_t sys_now() { return virtual_ms; }
extern "C" sys_prot_t sys_arch_protect() { return 0; }
extern "C" void sys_arch_unprotect(sys_prot_t /*unused*/) {}

namespace tcpdx::bench {
namespace {

constexpr size_t kMtu = 1500;

void must(err_t error, const char* what) {
  if (error != ERR_OK) give_up(what);
}

// A packet on its way, in memory that is used again: lwIP's "custom" pbufs, as drivers have them.
struct Frame {
  pbuf_custom pbuf{};  // first: lwIP hands back its address
  Frame* next_free = nullptr;
  netif* to = nullptr;
  std::array<std::byte, kMtu> bytes{};
};

class Wire {
 public:
  void put(pbuf* packet, netif* to) {
    if (free_ == nullptr) grow();
    Frame* frame = free_;
    free_ = frame->next_free;
    // The sender keeps its packet for a retransmission and the receiver moves in the packet's
    // header, so each needs its own, as on every real wire.
    pbuf_copy_partial(packet, frame->bytes.data(), packet->tot_len, 0);
    frame->to = to;
    pbuf_alloced_custom(PBUF_RAW, packet->tot_len, PBUF_REF, &frame->pbuf, frame->bytes.data(),
                        kMtu);
    queue_.push_back(frame);
    ++handed_over;
  }
  void give_back(Frame* frame) {
    frame->next_free = free_;
    free_ = frame;
  }
  // Room for so many packets at once, so that none is made while memory is counted.
  void reserve(size_t packets) {
    while (frames_.size() < packets) grow();
    queue_.reserve(packets);
    now_.reserve(packets);
  }
  // Hands over what was there when it was called.
  bool deliver() {
    if (queue_.empty()) return false;
    std::swap(queue_, now_);
    for (Frame* frame : now_) {
      if (frame->to->input(&frame->pbuf.pbuf, frame->to) != ERR_OK) give_up("lwIP takes no input");
    }
    now_.clear();
    return true;
  }

  uint64_t handed_over = 0;

 private:
  void grow() {
    for (int i = 0; i < 64; ++i) {
      Frame& frame = frames_.emplace_back();
      frame.pbuf.custom_free_function = free_frame;
      give_back(&frame);
    }
  }
  static void free_frame(pbuf* packet);

  std::deque<Frame> frames_;
  Frame* free_ = nullptr;
  std::vector<Frame*> queue_;
  std::vector<Frame*> now_;
};

Wire wire;
netif client_if;
netif server_if;

void Wire::free_frame(pbuf* packet) { wire.give_back(reinterpret_cast<Frame*>(packet)); }

err_t output(netif* from, pbuf* packet, const ip4_addr_t* /*to*/) {
  wire.put(packet, from == &client_if ? &server_if : &client_if);
  return ERR_OK;
}

err_t start_interface(netif* interface) {
  interface->output = output;
  interface->mtu = kMtu;
  return ERR_OK;
}

void add_interface(netif& interface, const char* address) {
  ip4_addr_t own{};
  ip4_addr_t mask{};
  ip4_addr_t gateway{};
  if (ip4addr_aton(address, &own) == 0) give_up("lwIP reads no address");
  mask.addr = 0xFFFFFFFF;
  if (netif_add(&interface, &own, &mask, &gateway, nullptr, start_interface, ip4_input) ==
      nullptr) {
    give_up("lwIP adds no interface");
  }
  netif_set_up(&interface);
  netif_set_link_up(&interface);
}

void write_all(tcp_pcb* pcb, std::span<const std::byte> octets) {
  must(tcp_write(pcb, octets.data(), static_cast<u16_t>(octets.size()), TCP_WRITE_FLAG_COPY),
       "lwIP takes no data");
}

void must_be(uint64_t position, const pbuf* packet) {
  for (const pbuf* part = packet; part != nullptr; part = part->next) {
    Stream::check(position, {static_cast<const std::byte*>(part->payload), part->len});
    position += part->len;
  }
}

// --- The bulk transfer.
struct Transfer {
  uint64_t wanted = 0;
  uint64_t sent = 0;
  uint64_t received = 0;
  tcp_pcb* client = nullptr;
  tcp_pcb* server = nullptr;
};

void feed(Transfer& transfer, tcp_pcb* pcb) {
  while (transfer.sent < transfer.wanted) {
    const auto left = transfer.wanted - transfer.sent;
    const size_t room = std::min<size_t>(tcp_sndbuf(pcb), UINT16_MAX);
    const auto octets = Stream::at(transfer.sent, std::min<size_t>(left, room));
    if (octets.empty()) return;
    write_all(pcb, octets);
    transfer.sent += octets.size();
  }
}

err_t on_bulk_connected(void* argument, tcp_pcb* pcb, err_t /*error*/) {
  feed(*static_cast<Transfer*>(argument), pcb);
  return ERR_OK;
}

err_t on_bulk_acked(void* argument, tcp_pcb* pcb, u16_t /*length*/) {
  feed(*static_cast<Transfer*>(argument), pcb);
  return ERR_OK;
}

err_t on_bulk_received(void* argument, tcp_pcb* pcb, pbuf* packet, err_t /*error*/) {
  auto& transfer = *static_cast<Transfer*>(argument);
  if (packet == nullptr) give_up("lwIP closed by itself");
  must_be(transfer.received, packet);
  transfer.received += packet->tot_len;
  tcp_recved(pcb, packet->tot_len);
  pbuf_free(packet);
  return ERR_OK;
}

err_t on_bulk_accepted(void* argument, tcp_pcb* pcb, err_t /*error*/) {
  static_cast<Transfer*>(argument)->server = pcb;
  tcp_arg(pcb, argument);
  tcp_recv(pcb, on_bulk_received);
  return ERR_OK;
}

// --- Requests and responses, each in one segment.
struct Exchange {
  bool close_after = false;
  size_t done = 0;
};

err_t on_request(void* /*argument*/, tcp_pcb* pcb, pbuf* packet, err_t /*error*/) {
  if (packet == nullptr) {
    tcp_recv(pcb, nullptr);
    must(tcp_close(pcb), "lwIP does not close");
    return ERR_OK;
  }
  if (packet->tot_len != kMessage) give_up("lwIP cut a request");
  must_be(0, packet);
  tcp_recved(pcb, packet->tot_len);
  pbuf_free(packet);
  write_all(pcb, Stream::at(0, kMessage));
  return ERR_OK;
}

err_t on_request_accepted(void* /*argument*/, tcp_pcb* pcb, err_t /*error*/) {
  tcp_recv(pcb, on_request);
  return ERR_OK;
}

err_t on_response(void* argument, tcp_pcb* pcb, pbuf* packet, err_t /*error*/) {
  auto& exchange = *static_cast<Exchange*>(argument);
  if (packet == nullptr || packet->tot_len != kMessage) give_up("lwIP cut a response");
  must_be(0, packet);
  tcp_recved(pcb, packet->tot_len);
  pbuf_free(packet);
  ++exchange.done;
  if (!exchange.close_after) return ERR_OK;
  tcp_recv(pcb, nullptr);
  must(tcp_close(pcb), "lwIP does not close");
  return ERR_OK;
}

err_t on_request_connected(void* /*argument*/, tcp_pcb* pcb, err_t /*error*/) {
  write_all(pcb, Stream::at(0, kMessage));
  return ERR_OK;
}

// --- Time.
void pass_timer_interval() {
  virtual_ms += TCP_TMR_INTERVAL;
  tcp_tmr();
}

// Runs until no packet is under way; what then is missing needs the timer.
void deliver_all() {
  while (wire.deliver()) {
  }
}

// The clock of its timers is set ahead, which spares it the 240 ticks of an idle 2 MSL.
void pass_time_wait() {
  tcp_ticks += 2 * TCP_MSL / TCP_SLOW_INTERVAL + 1;
  tcp_slowtmr();
  if (tcp_tw_pcbs != nullptr || tcp_active_pcbs != nullptr) give_up("lwIP keeps connections");
}

tcp_pcb* listener(tcp_accept_fn accept, void* argument) {
  tcp_pcb* pcb = tcp_new();
  if (pcb == nullptr) give_up("lwIP is out of memory");
  tcp_bind_netif(pcb, &server_if);
  must(tcp_bind(pcb, &server_if.ip_addr, kServerPort), "lwIP binds no port");
  pcb = tcp_listen_with_backlog(pcb, TCP_DEFAULT_LISTEN_BACKLOG);
  if (pcb == nullptr) give_up("lwIP is out of memory");
  tcp_arg(pcb, argument);
  tcp_accept(pcb, accept);
  return pcb;
}

tcp_pcb* connect(tcp_connected_fn connected, void* argument) {
  tcp_pcb* pcb = tcp_new();
  if (pcb == nullptr) give_up("lwIP is out of memory");
  tcp_bind_netif(pcb, &client_if);
  tcp_arg(pcb, argument);
  must(tcp_connect(pcb, &server_if.ip_addr, kServerPort, connected), "lwIP does not connect");
  return pcb;
}

class Lwip final : public Side {
 public:
  Lwip() {
    lwip_init();
    add_interface(client_if, "192.0.2.1");
    add_interface(server_if, "198.51.100.1");
  }
  std::string_view name() const override { return "lwIP 2.1.3"; }

  uint64_t bulk(uint64_t octets) override {
    Transfer transfer{.wanted = octets};
    tcp_pcb* waiting = listener(on_bulk_accepted, &transfer);
    transfer.client = connect(on_bulk_connected, &transfer);
    tcp_sent(transfer.client, on_bulk_acked);
    wire.handed_over = 0;
    while (transfer.received < octets) {
      if (!wire.deliver()) pass_timer_interval();
    }
    const uint64_t segments = wire.handed_over;
    tcp_recv(transfer.server, nullptr);
    tcp_abort(transfer.client);
    deliver_all();
    must(tcp_close(waiting), "lwIP does not stop listening");
    return segments;
  }

  void connections(size_t count, size_t in_time_wait) override {
    Exchange exchange{.close_after = true};
    tcp_pcb* waiting = listener(on_request_accepted, nullptr);
    for (size_t i = 0; i < count; ++i) {
      tcp_recv(connect(on_request_connected, &exchange), on_response);
      deliver_all();
      for (int tries = 0; tcp_active_pcbs != nullptr; ++tries) {
        if (tries > 100) give_up("lwIP does not end a connection");
        pass_timer_interval();
        deliver_all();
      }
      if ((i + 1) % in_time_wait == 0) pass_time_wait();
    }
    if (exchange.done != count) give_up("lwIP lost responses");
    pass_time_wait();
    must(tcp_close(waiting), "lwIP does not stop listening");
  }

  double idle_octets(size_t connections) override {
    Exchange exchange;
    std::vector<tcp_pcb*> clients;
    clients.reserve(connections);
    tcp_pcb* waiting = listener(on_request_accepted, nullptr);
    wire.reserve(2 * connections);  // all delayed acknowledgments come with one tick
    const size_t before = octets_in_use();
    for (size_t i = 0; i < connections; ++i) {
      clients.push_back(connect(on_request_connected, &exchange));
      tcp_recv(clients.back(), on_response);
      deliver_all();
    }
    for (int i = 0; i < 8; ++i) {  // two seconds: the delayed acknowledgments
      pass_timer_interval();
      deliver_all();
    }
    if (exchange.done != connections) give_up("lwIP lost responses");
    const size_t after = octets_in_use();
    for (tcp_pcb* client : clients) {
      tcp_recv(client, nullptr);
      tcp_abort(client);
      deliver_all();
    }
    must(tcp_close(waiting), "lwIP does not stop listening");
    return static_cast<double>(after - before) / (2.0 * static_cast<double>(connections));
  }
};

}  // namespace

std::unique_ptr<Side> make_lwip() { return std::make_unique<Lwip>(); }

}  // namespace tcpdx::bench
