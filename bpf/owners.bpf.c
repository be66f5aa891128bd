// Which descriptor of which process refers to which TCP socket: one pass of the kernel's iterator
// over all open files, of every network namespace. Each TCP socket gives one struct owner_record.
#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "records.h"

char LICENSE[] SEC("license") = "GPL";

enum { kInternet = 2, kInternet6 = 10, kTcp = 6 };  // AF_INET, AF_INET6, IPPROTO_TCP

SEC("iter/task_file")
int owners(struct bpf_iter__task_file *ctx) {
  struct task_struct *task = ctx->task;
  struct file *file = ctx->file;
  if (task == 0 || file == 0) return 0;
  if (task->pid != task->tgid) return 0;  // threads share their leader's descriptors
  struct socket *socket = bpf_sock_from_file(file);
  if (socket == 0) return 0;
  struct sock *sk = socket->sk;
  if (sk == 0) return 0;
  const __u16 family = sk->__sk_common.skc_family;
  if (family != kInternet && family != kInternet6) return 0;
  if (sk->sk_protocol != kTcp) return 0;
  struct owner_record record = {
      .inode = BPF_CORE_READ(file, f_inode, i_ino), .pid = task->tgid, .fd = (int)ctx->fd};
  bpf_seq_write(ctx->meta->seq, &record, sizeof record);
  return 0;
}
