/* How the active opens of each program towards each destination end, for events.bpf.c: counted where
 * they happen, so that a busy client's reach the reader whole. */
#ifndef TCPDX_BPF_CONNECTS_BPF_H
#define TCPDX_BPF_CONNECTS_BPF_H

/* Who called connect(); kept with the socket until the answer, which comes with a packet. */
struct caller {
  __u32 pid;
  char comm[16];
};
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct caller);
} callers SEC(".maps");

/* What finds no room is not counted. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct connect_key);
  __type(value, struct connect_tally);
} connects SEC(".maps");

/* A program that tries several addresses at once drops the slower ones this soon (RFC 8305, 5). */
enum { kRaceUs = 250000 };

static void remember_caller(const struct sock* sk, const struct event_record* record) {
  if (record->pid == 0) return;
  struct caller* caller =
      bpf_sk_storage_get(&callers, (void*)sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (caller == 0) return;
  caller->pid = record->pid;
  __builtin_memcpy(caller->comm, record->comm, sizeof caller->comm);
}

static struct connect_tally* tally_of(const struct event_record* record,
                                      const struct caller* caller) {
  struct connect_key key = {};
  __builtin_memcpy(key.remote, record->remote, sizeof key.remote);
  key.netns = record->netns;
  key.pid = caller->pid;
  key.family = record->family;
  key.remote_port = record->remote_port;
  struct connect_tally* tally = bpf_map_lookup_elem(&connects, &key);
  if (tally != 0) return tally;
  struct connect_tally none = {};
  __builtin_memcpy(none.comm, caller->comm, sizeof none.comm);
  bpf_map_update_elem(&connects, &key, &none, BPF_NOEXIST);
  return bpf_map_lookup_elem(&connects, &key);
}

/* Which errors are failures: as is_failure() of faults/opens.cpp has it.
 * `record` tells of the end of an active open; it gets its caller, and the caller's tally grows. Of
 * a socket older than the tracer the caller is not known, and nothing is counted. */
static void tally_connect(struct event_record* record, const struct sock* sk) {
  const struct caller* caller = bpf_sk_storage_get(&callers, (void*)sk, 0, 0);
  if (caller == 0) return;
  if (record->pid == 0) {
    record->pid = caller->pid;
    __builtin_memcpy(record->comm, caller->comm, sizeof record->comm);
  }
  struct connect_tally* tally = tally_of(record, caller);
  if (tally == 0) return;
  if (record->error == 0) {
    __sync_fetch_and_add(&tally->succeeded, 1);
    if (BPF_CORE_READ((const struct tcp_sock*)sk, total_retrans) != 0)
      __sync_fetch_and_add(&tally->repeated, 1);
  } else if (record->error != kAddressNotThere && record->error != kAddressInUse &&
             record->error != kInterrupted &&
             (record->error != kCancelled || record->duration_us > kRaceUs)) {
    __sync_fetch_and_add(&tally->failed, 1);
  }
}

#endif
