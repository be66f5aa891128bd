/* What the BPF programs hand to src/host: plain C, fixed sizes, no padding that is not named. */
#ifndef TCPDX_BPF_RECORDS_H
#define TCPDX_BPF_RECORDS_H

#ifdef __cplusplus
#include <linux/types.h>
#endif

/* A descriptor that refers to a TCP socket, and its process, which may be hidden from /proc. */
struct owner_record {
  __u32 inode; /* of the socket's file; 0 never */
  __u32 pid;   /* in the pid namespace of the reader */
  __s32 fd;
  __u32 uid; /* effective */
  char comm[16];
};

/* What an event_record tells of; the order of tcpdx::EventKind. */
enum event_kind {
  kEventState,
  kEventConnect,
  kEventRetransmit,
  kEventResetSent,
  kEventResetReceived,
  kEventDrop,
  kEventZeroWindow,
  kEventAcceptDrop,
  kEventBindFailed,
  kEventKindCount
};
/* The order of tcpdx::RetransmitKind. */
enum event_retransmit {
  kRetransmitNone,
  kRetransmitSyn,
  kRetransmitSynAck,
  kRetransmitFast,
  kRetransmitTimeout,
  kRetransmitTailLossProbe
};

/* One event. IPv4 addresses fill the first four bytes; ports are in host order. States are the
 * kernel's numbers (include/net/tcp_states.h). */
struct event_record {
  __u64 at_ns;  /* CLOCK_MONOTONIC */
  __u64 cookie; /* 0: no socket */
  __u8 local[16];
  __u8 remote[16];
  __u32 netns;       /* inode number; 0: not known */
  __u32 pid;         /* of the process that uses the socket; 0: the event came with a packet */
  __s32 error;       /* errno: state, connect, bind_failed */
  __u32 duration_us; /* connect: since the SYN */
  __u16 family;      /* AF_INET, AF_INET6; 0: the event only names the socket's process */
  __u16 local_port;
  __u16 remote_port;
  __u16 reason; /* reset_sent, drop: the kernel's number */
  __u8 kind;
  __u8 from;
  __u8 to;
  __u8 retransmit;
  char comm[16];      /* of the process, not of its thread */
  __u32 uid;          /* of the socket; kUidUnknown */
  __u32 dsack_dups;   /* retransmit: segments that the peer had twice, so far */
  __u8 fin_received;  /* state */
  __u8 carried_known;
  __u8 unused[2];
  __u64 carried; /* reset_sent: octets of text that the connection carried, both ways */
};
enum { kUidUnknown = 0xffffffffU };

/* What a socket did in its life; sent with its last change of state when it is asked for. */
struct life_record {
  struct event_record event;
  __u64 bytes_sent;     /* without repeats */
  __u64 bytes_received; /* a FIN counts as one */
  __u32 retransmits;
  __u32 srtt_us; /* eighths of a microsecond, as the kernel keeps it */
  __u32 segments_out;
  __u32 segments_in;
};

/* How the active opens of one process towards one destination ended. */
struct connect_key {
  __u8 remote[16]; /* IPv4 fills the first four */
  __u32 netns;     /* inode number */
  __u32 pid;
  __u16 family; /* AF_INET, AF_INET6 */
  __u16 remote_port;
};
struct connect_tally {
  __u64 succeeded;
  __u64 repeated; /* of those: after a repeated SYN */
  __u64 failed;
  char comm[16];
};

/* What the programs are told before they are loaded (a constant to them). */
struct event_settings {
  __u32 kinds;            /* bit 1 << event_kind: make a record; all kinds are counted */
  __u32 pid_namespace;    /* inode number, where it is not the initial one: pids are those in it */
  __u32 most;             /* records of each kind and CPU; then they are only counted */
  __u32 ports_known;      /* entries of `ports` */
  __u16 ports[8];         /* one of them at either end */
  __u32 nets_known;       /* entries of `nets` */
  __u8 nets[4][16];       /* one of them holds an address of either end */
  __u8 masks[4][16];
  __u8 rare_states;       /* of state only SYN-SENT to SYN-RECEIVED */
  __u8 lives;             /* life_record with the last change of state */
  __u8 accepts;           /* tell who uses an accepted socket */
  __u8 chosen_namespaces; /* only those of the map `namespaces` */
  __u8 tallies;           /* count the ends of active opens */
  __u8 unused[7];
  __u64 reasons[4];       /* drop: bit of each reason that is worth a record */
};

#endif
