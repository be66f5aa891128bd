// What happens to TCP sockets, as records in a ring buffer that is read on a timer: nobody is
// woken. Each tracepoint has a program of its own; the loader leaves out those that the kernel
// lacks.
//
// A program is skipped while it already runs on the same CPU: when a softirq interrupts it. Changes
// of state must not be lost like that, so their program exists twice, one behind the other, and the
// second makes a record of whatever the first was skipped for.
// clang-format off: the headers of libbpf need the types before them
#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "records.h"
// clang-format on

char LICENSE[] SEC("license") = "GPL";

enum { kInternet = 2, kInternet6 = 10, kTcp = 6 };  // AF_INET, AF_INET6, IPPROTO_TCP
enum { kEtherIp = 0x0800, kEtherIp6 = 0x86dd };
enum { kSocketDone = 1 << 1 };        // SOCK_DONE: a FIN has come
enum { kKernelThread = 0x00200000 };  // PF_KTHREAD
enum { kAccessDenied = 13, kAddressInUse = 98, kAddressNotThere = 99, kAborted = 103 };
enum { kInterrupted = 4, kCancelled = 125 };
// include/net/tcp_states.h
enum { kEstablished = 1, kSynSent = 2, kSynReceived = 3, kTimeWait = 6, kClosed = 7, kListen = 10 };
enum { kNewSynReceived = 12 };
enum { kCongestionReduced = 2, kRecovery = 3 };  // TCP_CA_CWR, TCP_CA_Recovery

const volatile struct event_settings settings;
// Cookies are made and sockets have storage for tracing programs: since 5.12.
const volatile bool has_helpers = true;

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} events SEC(".maps");

// The network namespaces that are watched, where not all of them are.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u8);
} namespaces SEC(".maps");

// Per CPU: how often each kind happened, and how often the ring buffer was full.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, kEventKindCount + 1);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

// Per CPU: how many records of each kind were made, where settings.most limits them.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, kEventKindCount);
  __type(key, __u32);
  __type(value, __u64);
} kept SEC(".maps");

// What the first of the two programs for changes of state has made a record of.
enum { kSeenCells = 64 };
struct seen_cells {
  __u64 sign[kSeenCells];
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct seen_cells);
} seen SEC(".maps");

// Sockets that wait for accept(): whoever uses one first is its process.
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u8);
} waiting SEC(".maps");

#include "connects.bpf.h"

static void count(__u32 which) {
  __u64* cell = bpf_map_lookup_elem(&counts, &which);
  if (cell != 0) ++*cell;
}

// Whether an event of this kind gets a record.
static bool keep(__u32 kind) {
  if ((settings.kinds & (1U << kind)) == 0) return false;
  if (settings.most == 0) return true;
  __u64* cell = bpf_map_lookup_elem(&kept, &kind);
  return cell != 0 && ++*cell <= settings.most;
}

static bool count_and_keep(__u32 kind) {
  count(kind);
  return keep(kind);
}

// A port that is not chosen yet (0) may become the wanted one.
static bool port_wanted(__u16 local, __u16 remote) {
  if (settings.ports_known == 0 || local == 0) return true;
  for (int i = 0; i < 8; ++i) {
    if (i >= (int)settings.ports_known) break;
    if (settings.ports[i] == local || settings.ports[i] == remote) return true;
  }
  return false;
}

static bool in_net(const __u8* address, int net) {
  const __u32* words = (const __u32*)address;
  const volatile __u32* nets = (const volatile __u32*)settings.nets[net];
  const volatile __u32* masks = (const volatile __u32*)settings.masks[net];
  for (int i = 0; i < 4; ++i) {
    if ((words[i] & masks[i]) != nets[i]) return false;
  }
  return true;
}

static bool address_wanted(const struct event_record* record) {
  if (settings.nets_known == 0) return true;
  for (int i = 0; i < 4; ++i) {
    if (i >= (int)settings.nets_known) break;
    if (in_net(record->local, i) || in_net(record->remote, i)) return true;
  }
  return false;
}

static __u32 netns_of(const struct sock* sk) { return sk->__sk_common.skc_net.net->ns.inum; }

static bool netns_wanted(__u32 netns) {
  return !settings.chosen_namespaces || bpf_map_lookup_elem(&namespaces, &netns) != 0;
}

static bool asked_for(const struct event_record* record) {
  return netns_wanted(record->netns) && port_wanted(record->local_port, record->remote_port) &&
         address_wanted(record);
}

// The number of the current process in the loader's pid namespace; 0: it is not in there.
static __u32 current_process(void) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  if ((BPF_CORE_READ(task, flags) & kKernelThread) != 0) return 0;
  if (settings.pid_namespace == 0) return bpf_get_current_pid_tgid() >> 32;
  struct pid* pid = BPF_CORE_READ(task, group_leader, thread_pid);
  const __u32 level = BPF_CORE_READ(pid, level);
  for (__u32 i = 0; i < 8; ++i) {
    if (i > level) break;
    struct upid* numbers = (struct upid*)((char*)pid + bpf_core_field_offset(pid->numbers));
    const char* number = (const char*)numbers + i * bpf_core_type_size(struct upid);
    struct upid* entry = (struct upid*)number;
    if (BPF_CORE_READ(entry, ns, ns.inum) == settings.pid_namespace)
      return BPF_CORE_READ(entry, nr);
  }
  return 0;
}

static void name_process(struct event_record* record) {
  record->pid = current_process();
  if (record->pid == 0) return;
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  BPF_CORE_READ_STR_INTO(&record->comm, task, group_leader, comm);
}

// A process that holds the socket's lock uses the socket. Everybody else is a bystander in whose
// time a packet or a timer came. ss -K aborts what is not its own.
static void name_user(struct event_record* record, const struct sock* sk) {
  if (sk->sk_lock.owned == 0 || record->error == kAborted) return;
  name_process(record);
}

static void copy4(__u8* into, __be32 address) { *(__be32*)into = address; }

// A socket without cookie gets one, so that its events belong together.
static __u64 cookie_of(const struct sock* sk) {
  if (has_helpers) return bpf_get_socket_cookie((void*)sk);
  return (__u64)sk->__sk_common.skc_cookie.counter;
}

static __u8 plain_state(__u8 state) { return state == kNewSynReceived ? kSynReceived : state; }

// A socket that is closed has given its number back before its last change of state is told, but
// still knows it. Request sockets and time-wait entries are no whole sockets.
static __u16 local_port(const struct sock_common* common) {
  const __u16 number = common->skc_num;
  const __u8 state = common->skc_state;
  if (number != 0 || state == kTimeWait || state == kNewSynReceived) return number;
  return bpf_ntohs(BPF_CORE_READ((const struct inet_sock*)common, inet_sport));
}

// False: it is not asked for.
static bool fill_common(struct event_record* record, const struct sock_common* common) {
  record->netns = common->skc_net.net->ns.inum;
  record->family = common->skc_family;
  record->local_port = local_port(common);
  record->remote_port = bpf_ntohs(common->skc_dport);
  record->from = record->to = plain_state(common->skc_state);
  if (record->family == kInternet6) {
    bpf_probe_read_kernel(record->local, 16, &common->skc_v6_rcv_saddr);
    bpf_probe_read_kernel(record->remote, 16, &common->skc_v6_daddr);
  } else if (record->family == kInternet) {
    copy4(record->local, common->skc_rcv_saddr);
    copy4(record->remote, common->skc_daddr);
  } else {
    return false;
  }
  return asked_for(record);
}

static void begin(struct event_record* record, __u8 kind) {
  __builtin_memset(record, 0, sizeof *record);
  record->at_ns = bpf_ktime_get_ns();
  record->kind = kind;
  record->uid = kUidUnknown;
}

static void send(const void* record, __u32 size) {
  if (bpf_ringbuf_output(&events, (void*)record, size, BPF_RB_NO_WAKEUP) != 0)
    count(kEventKindCount);
}

struct ports {
  __be16 source;
  __be16 destination;
};

// The ends of a TCP packet: `incoming` says which is ours. False: no TCP, or not asked for.
static bool fill_packet(struct event_record* record, const struct sk_buff* skb, bool incoming) {
  __u8 header[40];
  const unsigned char* network = skb->head + skb->network_header;
  __u32 length = 0;
  if (skb->protocol == bpf_htons(kEtherIp)) {
    if (bpf_probe_read_kernel(header, 20, network) != 0 || header[9] != kTcp) return false;
    if ((header[6] & 0x1f) != 0 || header[7] != 0) return false;  // a later fragment
    record->family = kInternet;
    length = (header[0] & 0x0f) * 4;
    __builtin_memcpy(incoming ? record->remote : record->local, header + 12, 4);
    __builtin_memcpy(incoming ? record->local : record->remote, header + 16, 4);
  } else if (skb->protocol == bpf_htons(kEtherIp6)) {
    if (bpf_probe_read_kernel(header, 40, network) != 0 || header[6] != kTcp) return false;
    record->family = kInternet6;
    length = 40;
    __builtin_memcpy(incoming ? record->remote : record->local, header + 8, 16);
    __builtin_memcpy(incoming ? record->local : record->remote, header + 24, 16);
  } else {
    return false;
  }
  struct ports ports;
  if (bpf_probe_read_kernel(&ports, sizeof ports, network + length) != 0) return false;
  record->local_port = bpf_ntohs(incoming ? ports.destination : ports.source);
  record->remote_port = bpf_ntohs(incoming ? ports.source : ports.destination);
  struct net_device* device = skb->dev;
  if (device != 0 && record->netns == 0) record->netns = device->nd_net.net->ns.inum;
  return asked_for(record);
}

// Milliseconds or microseconds since the first SYN, which the socket dates while it waits.
static __u32 connecting_us(const struct tcp_sock* tcp, __u64 now_ns) {
  const __u32 began = BPF_CORE_READ(tcp, retrans_stamp);
  if (began == 0) return 0;
  if (bpf_core_field_exists(tcp->tcp_usec_ts) && BPF_CORE_READ_BITFIELD_PROBED(tcp, tcp_usec_ts)) {
    return (__u32)(now_ns / 1000) - began;
  }
  return ((__u32)(now_ns / 1000000) - began) * 1000;
}

// An active open has ended. A failed one without an error of the socket either had no port, so that
// no SYN went out, or its program did not wait for the answer.
static void end_connect(const struct event_record* record, const struct sock* sk, bool keep) {
  const struct tcp_sock* tcp = (const struct tcp_sock*)sk;
  struct event_record ended = *record;
  ended.kind = kEventConnect;
  ended.duration_us = connecting_us(tcp, record->at_ns);
  if (record->to == kClosed && ended.error == 0) {
    ended.error = BPF_CORE_READ(tcp, segs_out) == 0 ? kAddressNotThere : kCancelled;
  }
  ended.to = ended.from;
  if (settings.tallies && has_helpers) tally_connect(&ended, sk);
  if (keep) send(&ended, sizeof ended);
}

static void send_life(const struct event_record* record, const struct sock* sk) {
  const struct tcp_sock* tcp = (const struct tcp_sock*)sk;
  struct life_record life = {.event = *record};
  life.bytes_sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
  life.bytes_received = BPF_CORE_READ(tcp, bytes_received);
  life.retransmits = BPF_CORE_READ(tcp, total_retrans);
  life.srtt_us = BPF_CORE_READ(tcp, srtt_us);
  life.segments_out = BPF_CORE_READ(tcp, segs_out);
  life.segments_in = BPF_CORE_READ(tcp, segs_in);
  send(&life, sizeof life);
}

static bool is_rare(int from, int to) { return from == kSynSent && to == kSynReceived; }

static int change_state(const struct sock* sk, __u64 cookie, int from, int to) {
  if (sk->sk_protocol != kTcp || !netns_wanted(netns_of(sk))) return 0;
  count(kEventState);
  const bool changed = (!settings.rare_states || is_rare(from, to)) && keep(kEventState);
  const bool begins = settings.tallies && from == kClosed && to == kSynSent;
  const bool ends = from == kSynSent && (to == kClosed || to == kEstablished);
  if (ends) count(kEventConnect);
  const bool failed = ends && to == kClosed && keep(kEventConnect);
  const bool tallied = begins || (ends && settings.tallies);
  if (!failed && !changed && !tallied) return 0;
  struct event_record record;
  begin(&record, kEventState);
  if (!fill_common(&record, &sk->__sk_common)) return 0;
  record.from = (__u8)from;
  record.to = (__u8)to;
  record.cookie = cookie;
  record.uid = sk->sk_uid.val;
  record.fin_received = (sk->__sk_common.skc_flags & kSocketDone) != 0;
  if (to == kClosed) record.error = sk->sk_err;
  name_user(&record, sk);
  if (settings.accepts && has_helpers && from == kSynReceived && to == kEstablished) {
    bpf_sk_storage_get(&waiting, (void*)sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  }
  if (begins && has_helpers) remember_caller(sk, &record);
  if (failed || (ends && tallied)) end_connect(&record, sk, failed);
  if (!changed) return 0;
  if (settings.lives && to == kClosed) {
    send_life(&record, sk);
  } else {
    send(&record, sizeof record);
  }
  return 0;
}

static __u64* seen_cell(__u64 cookie) {
  const __u32 only = 0;
  struct seen_cells* cells = bpf_map_lookup_elem(&seen, &only);
  return cells == 0 ? 0 : &cells->sign[cookie % kSeenCells];
}

static __u64 sign_of(__u64 cookie, int from, int to) {
  return (cookie << 8) | ((__u64)(from & 15) << 4) | (__u64)(to & 15);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(set_state, const struct sock* sk, int from, int to) {
  const __u64 cookie = cookie_of(sk);
  __u64* cell = seen_cell(cookie);
  if (cell != 0) *cell = sign_of(cookie, from, to);
  return change_state(sk, cookie, from, to);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(set_state_again, const struct sock* sk, int from, int to) {
  const __u64 cookie = cookie_of(sk);
  __u64* cell = seen_cell(cookie);
  if (cell != 0 && *cell == sign_of(cookie, from, to)) {
    *cell = 0;
    return 0;
  }
  return change_state(sk, cookie, from, to);
}

static int learn_user(struct sock* sk) {
  if (!has_helpers || sk->sk_bpf_storage == 0) return 0;
  if (bpf_sk_storage_delete(&waiting, sk) != 0) return 0;
  struct event_record record;
  begin(&record, kEventState);
  record.cookie = cookie_of(sk);
  name_user(&record, sk);
  if (record.pid == 0) name_process(&record);
  send(&record, sizeof record);
  return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(received, struct sock* sk) { return learn_user(sk); }

SEC("tp_btf/sock_send_length")
int BPF_PROG(sent, struct sock* sk) { return learn_user(sk); }

static __u8 retransmit_kind(const struct sock* sk) {
  if (sk->__sk_common.skc_state == kSynSent) return kRetransmitSyn;
  if (sk->__sk_common.skc_state == kSynReceived) return kRetransmitSynAck;
  const struct inet_connection_sock* icsk = (const struct inet_connection_sock*)sk;
  const __u64 state = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state);
  if (state <= kCongestionReduced) return kRetransmitTailLossProbe;
  return state == kRecovery ? kRetransmitFast : kRetransmitTimeout;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit, const struct sock* sk) {
  struct event_record record;
  begin(&record, kEventRetransmit);
  if (!fill_common(&record, &sk->__sk_common) || !count_and_keep(kEventRetransmit)) return 0;
  record.cookie = cookie_of(sk);
  record.retransmit = retransmit_kind(sk);
  record.uid = sk->sk_uid.val;
  record.dsack_dups = BPF_CORE_READ((const struct tcp_sock*)sk, dsack_dups);
  name_user(&record, sk);
  send(&record, sizeof record);
  return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(retransmit_synack, const struct sock* sk, const struct request_sock* request) {
  (void)sk;
  struct event_record record;
  begin(&record, kEventRetransmit);
  if (!fill_common(&record, &request->__req_common) || !count_and_keep(kEventRetransmit)) return 0;
  record.cookie = cookie_of((const struct sock*)request);
  record.from = record.to = kSynReceived;
  record.retransmit = kRetransmitSynAck;
  send(&record, sizeof record);
  return 0;
}

// Without a connection's socket both ends are those of the packet that is answered. An active
// reset has no packet.
static int reset(const struct sock* sk, const struct sk_buff* skb, __u32 reason) {
  struct event_record record;
  begin(&record, kEventResetSent);
  record.from = record.to = kClosed;
  bool asked = true;
  if (sk != 0) {
    asked = fill_common(&record, &sk->__sk_common);
    record.cookie = cookie_of(sk);
    name_user(&record, sk);
  }
  if (skb != 0 && (sk == 0 || record.from == kListen)) asked = fill_packet(&record, skb, true);
  if (!asked || record.family == 0 || !count_and_keep(kEventResetSent)) return 0;
  record.reason = (__u16)reason;
  if (sk != 0 && skb == 0) {  // an active reset: by a program or a timer, of a whole connection
    const struct tcp_sock* tcp = (const struct tcp_sock*)sk;
    const __u64 received = BPF_CORE_READ(tcp, bytes_received);
    const bool fin = (sk->__sk_common.skc_flags & kSocketDone) != 0 && received > 0;
    record.carried = received - (fin ? 1 : 0) + BPF_CORE_READ(tcp, bytes_sent) -
                     BPF_CORE_READ(tcp, bytes_retrans);
    record.carried_known = 1;
  }
  send(&record, sizeof record);
  return 0;
}

SEC("tp_btf/tcp_send_reset")
int reset_sent(unsigned long long* ctx) {
  return reset((const struct sock*)ctx[0], (const struct sk_buff*)ctx[1], (__u32)ctx[2]);
}

SEC("tp_btf/tcp_send_reset")
int reset_sent_no_reason(unsigned long long* ctx) {
  return reset((const struct sock*)ctx[0], (const struct sk_buff*)ctx[1], 0);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(reset_received, struct sock* sk) {
  struct event_record record;
  begin(&record, kEventResetReceived);
  if (!fill_common(&record, &sk->__sk_common) || !count_and_keep(kEventResetReceived)) return 0;
  record.cookie = cookie_of(sk);
  send(&record, sizeof record);
  return 0;
}

static bool reason_wanted(__u32 reason) {
  if (reason >= 256) return false;  // of another subsystem
  return (settings.reasons[reason / 64] & (1ULL << (reason % 64))) != 0;
}

static int dropped(const struct sk_buff* skb, __u32 reason, const struct sock* sk) {
  if (!reason_wanted(reason)) return 0;
  struct event_record record;
  begin(&record, kEventDrop);
  record.from = record.to = kClosed;
  const struct sock* owner = sk != 0 ? sk : skb->sk;
  // What came in has an interface that it came by; what goes out has its socket.
  const bool incoming = sk != 0 || owner == 0 || skb->skb_iif != 0;
  if (owner != 0) {
    record.cookie = (__u64)owner->__sk_common.skc_cookie.counter;
    record.from = record.to = plain_state(owner->__sk_common.skc_state);
    record.netns = netns_of(owner);
  }
  if (!fill_packet(&record, skb, incoming) || !count_and_keep(kEventDrop)) return 0;
  record.reason = (__u16)reason;
  send(&record, sizeof record);
  return 0;
}

SEC("tp_btf/kfree_skb")
int drop(unsigned long long* ctx) {
  return dropped((const struct sk_buff*)ctx[0], (__u32)ctx[2], (const struct sock*)ctx[3]);
}

SEC("tp_btf/kfree_skb")
int drop_no_socket(unsigned long long* ctx) {
  return dropped((const struct sk_buff*)ctx[0], (__u32)ctx[2], 0);
}

#if defined(__TARGET_ARCH_arm64)
enum { kBind = 200, kListenCall = 201 };
static long call_number(struct pt_regs* registers) { return BPF_CORE_READ(registers, syscallno); }
#else
enum { kBind = 49, kListenCall = 50 };
static long call_number(struct pt_regs* registers) {
  return (long)BPF_CORE_READ(registers, orig_ax);
}
#endif

// The socket of a descriptor of the current process. Null: none, or not of TCP.
static const struct sock* socket_of(__u64 fd) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  if (fd >= BPF_CORE_READ(table, max_fds)) return 0;
  struct file* file = 0;
  if (bpf_probe_read_kernel(&file, sizeof file, BPF_CORE_READ(table, fd) + fd) != 0) return 0;
  const struct socket* socket = BPF_CORE_READ(file, private_data);
  const struct sock* sk = BPF_CORE_READ(socket, sk);
  return BPF_CORE_READ(sk, sk_protocol) == kTcp ? sk : 0;
}

// What bind() was asked for (struct sockaddr_in, sockaddr_in6).
static void fill_wanted_address(struct event_record* record, const char* address) {
  struct {
    __u16 family;
    __be16 port;
    __u8 four[4];
  } given = {};
  bpf_probe_read_user(&given, sizeof given, address);
  record->family = given.family == kInternet6 ? kInternet6 : kInternet;
  record->local_port = bpf_ntohs(given.port);
  if (given.family == kInternet6) {
    bpf_probe_read_user(record->local, 16, address + 8);
  } else {
    __builtin_memcpy(record->local, given.four, 4);
  }
}

static void fill_bound_address(struct event_record* record, const struct sock* sk) {
  record->family = BPF_CORE_READ(sk, __sk_common.skc_family);
  record->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
  if (record->family == kInternet6) {
    BPF_CORE_READ_INTO(&record->local, sk, __sk_common.skc_v6_rcv_saddr);
  } else {
    copy4(record->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
  }
}

// bind() and listen() that failed. Every system call of the machine passes here, so the result is
// looked at before anything else.
SEC("tp_btf/sys_exit")
int BPF_PROG(call_ends, struct pt_regs* registers, long result) {
  if (result != -kAddressInUse && result != -kAddressNotThere && result != -kAccessDenied) return 0;
  const long call = call_number(registers);
  if (call != kBind && call != kListenCall) return 0;
  const struct sock* sk = socket_of(PT_REGS_PARM1_CORE_SYSCALL(registers));
  if (sk == 0) return 0;
  struct event_record record;
  begin(&record, kEventBindFailed);
  record.from = record.to = kClosed;
  record.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  record.error = (__s32)-result;
  if (call == kBind) {
    fill_wanted_address(&record, (const char*)PT_REGS_PARM2_CORE_SYSCALL(registers));
  } else {
    fill_bound_address(&record, sk);
  }
  if (!asked_for(&record) || !count_and_keep(kEventBindFailed)) return 0;
  name_process(&record);
  send(&record, sizeof record);
  return 0;
}
