// Which descriptor of which process refers to which TCP socket: one pass of the kernel's iterator
// over all open files, of every network namespace. Each TCP socket gives one struct owner_record.
//
// A socket's file is known by its file system, not by bpf_sock_from_file(), which came with Linux
// 5.11: so the program is the same for every kernel that has the iterator (5.8).
#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "records.h"

char LICENSE[] SEC("license") = "GPL";

enum { kSockfs = 0x534F434B };            // SOCKFS_MAGIC, uapi/linux/magic.h
enum { kInternet = 2, kInternet6 = 10 };  // AF_INET, AF_INET6
enum { kTcp = 6, kMultipath = 262 };      // IPPROTO_TCP, IPPROTO_MPTCP

static __u32 our_level;  // of the reader's pid namespace; 0 is the machine's own

// The program runs in the process that reads the iterator.
static __always_inline void learn_our_level(void) {
  struct task_struct* reader = (struct task_struct*)bpf_get_current_task();
  our_level = BPF_CORE_READ(reader, thread_pid, level);
}

// The number that /proc shows in the reader's pid namespace. The iterator gives only tasks that
// have one there.
static __always_inline __u32 number_of(struct task_struct* leader) {
  if (our_level == 0) return leader->tgid;
  const char* number = (const char*)leader->thread_pid;
  number += bpf_core_field_offset(struct pid, numbers);
  number += our_level * bpf_core_type_size(struct upid);
  int nr = 0;
  bpf_probe_read_kernel(&nr, sizeof nr, number + bpf_core_field_offset(struct upid, nr));
  return nr;
}

static __always_inline bool is_tcp(struct file* file) {
  struct socket* socket = file->private_data;
  struct sock* sk = BPF_CORE_READ(socket, sk);
  const __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  if (family != kInternet && family != kInternet6) return false;
  // The subflows of Multipath TCP have the inode of the socket that the program holds.
  const __u16 protocol = BPF_CORE_READ(sk, sk_protocol);
  return protocol == kTcp || protocol == kMultipath;
}

SEC("iter/task_file")
int owners(struct bpf_iter__task_file* ctx) {
  struct task_struct* task = ctx->task;
  struct file* file = ctx->file;
  if (ctx->meta->seq_num == 0) learn_our_level();
  if (task == 0 || file == 0) return 0;
  if (file->f_inode->i_sb->s_magic != kSockfs) return 0;
  // Most threads share their leader's descriptors; newer kernels leave those out themselves.
  struct task_struct* leader = task->group_leader;
  if (task->pid != task->tgid && task->files == leader->files) return 0;
  if (!is_tcp(file)) return 0;
  struct owner_record record = {.inode = file->f_inode->i_ino,
                                .pid = number_of(leader),
                                .fd = (int)ctx->fd,
                                .uid = leader->cred->euid.val};
  bpf_probe_read_kernel(record.comm, sizeof record.comm, leader->comm);
  bpf_seq_write(ctx->meta->seq, &record, sizeof record);
  return 0;
}
