/* The kernel's types that our programs read, trimmed to the members they name. Offsets come from
 * the running kernel's BTF (CO-RE), so the order and size of what is left out do not matter. A
 * member that some kernels lack is asked for with bpf_core_field_exists() first. */
#ifndef TCPDX_BPF_KERNEL_TYPES_H
#define TCPDX_BPF_KERNEL_TYPES_H
#define __VMLINUX_H__ /* bpf_tracing.h: registers have the kernel's own names */

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

/* uapi/linux/bpf.h */
enum bpf_map_type {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERCPU_HASH = 5,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_LRU_HASH = 9,
  BPF_MAP_TYPE_SK_STORAGE = 24,
  BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2, BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
  struct seq_file* seq;
  __u64 session_id;
  __u64 seq_num;
};

struct ns_common {
  unsigned int inum;
};

struct pid_namespace {
  struct ns_common ns;
};

struct upid {
  int nr;
  struct pid_namespace* ns;
};

struct pid {
  unsigned int level;
  struct upid numbers[1];
};

struct file;

struct fdtable {
  unsigned int max_fds;
  struct file** fd;
};

struct files_struct {
  struct fdtable* fdt;
};

typedef struct {
  __u32 val;
} kuid_t;

struct cred {
  kuid_t euid;
};

struct task_struct {
  unsigned int flags;
  int pid;
  int tgid;
  struct task_struct* group_leader;
  struct pid* thread_pid;
  const struct cred* cred;
  struct files_struct* files;
  char comm[16];
};

struct bpf_iter__task_file {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
  __u32 fd;
  struct file* file;
};

struct net {
  struct ns_common ns;
};

typedef struct {
  struct net* net;
} possible_net_t;

struct in6_addr {
  union {
    __u8 u6_addr8[16];
    __be32 u6_addr32[4];
  } in6_u;
};

typedef struct {
  __s64 counter;
} atomic64_t;

struct sock_common {
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  __be16 skc_dport;
  __u16 skc_num;
  unsigned short skc_family;
  volatile unsigned char skc_state;
  possible_net_t skc_net;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
  atomic64_t skc_cookie;
  unsigned long skc_flags;
};

struct socket;
struct bpf_local_storage;

typedef struct {
  int owned;
} socket_lock_t;

struct sock {
  struct sock_common __sk_common;
  socket_lock_t sk_lock;
  __u16 sk_type;
  __u16 sk_protocol;
  int sk_err;
  struct socket* sk_socket;
  struct bpf_local_storage* sk_bpf_storage;
  kuid_t sk_uid;
};

struct inet_sock {
  struct sock sk;
  __be16 inet_sport;
};

struct inet_connection_sock {
  struct inet_sock icsk_inet;
  __u8 icsk_ca_state : 5;
};

struct tcp_sock {
  struct inet_connection_sock inet_conn;
  __u8 tcp_usec_ts : 1;
  __u32 segs_out;
  __u32 segs_in;
  __u32 srtt_us;
  __u64 bytes_received;
  __u64 bytes_sent;
  __u64 bytes_retrans;
  __u32 dsack_dups;
  __u32 retrans_stamp;
  __u32 total_retrans;
};

struct request_sock {
  struct sock_common __req_common;
};

struct net_device {
  possible_net_t nd_net;
};

struct sk_buff {
  struct net_device* dev;
  struct sock* sk;
  int skb_iif;
  __be16 protocol;
  __u16 transport_header;
  __u16 network_header;
  unsigned char* head;
};

/* Only the registers of system call arguments; bpf_tracing.h names them. */
#if defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
  __u64 regs[31];
  __u64 sp;
  __u64 pc;
  __u64 pstate;
};
struct pt_regs {
  struct user_pt_regs user_regs;
  __u64 orig_x0;
  int syscallno;
};
struct pt_regs___arm64 {
  __u64 orig_x0;
};
#else
struct pt_regs {
  unsigned long di;
  unsigned long si;
  unsigned long orig_ax;
};
#endif

struct super_block {
  unsigned long s_magic;
};

struct inode {
  unsigned long i_ino;
  struct super_block* i_sb;
};

struct file {
  struct inode* f_inode;
  void* private_data;
};

struct socket {
  short type;
  struct file* file;
  struct sock* sk;
};

#pragma clang attribute pop

#endif
