/* What the BPF programs hand to src/host: plain C, fixed sizes, no padding that is not named. */
#ifndef TCPDX_BPF_RECORDS_H
#define TCPDX_BPF_RECORDS_H

#ifdef __cplusplus
#include <linux/types.h>
#endif

/* A descriptor that refers to a TCP socket. */
struct owner_record {
  __u64 inode; /* of the socket's file; 0 never */
  __u32 pid;
  __s32 fd;
};

#endif
