// The kernel's counter files, by the names that Counters documents. Damaged lines are left out.
#pragma once

#include <string>
#include <string_view>

#include "model/counters.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

// /proc/net/snmp and /proc/net/netstat: a line of names, then a line of values ("Tcp.InSegs").
void parse_snmp(std::string_view text, Counters& into);

// /proc/net/snmp6: a name and a value per line ("Ip6OutNoRoutes").
void parse_snmp6(std::string_view text, Counters& into);

// /proc/net/sockstat and sockstat6: "TCP: inuse 4 orphan 0 ..." becomes "sockstat.TCP.inuse".
// orphan, alloc and mem of TCP are sums over the whole machine in every namespace
// (net/ipv4/proc.c, sockstat_seq_show); they are kept only with `whole_machine`.
void parse_sockstat(std::string_view text, std::string_view file, bool whole_machine,
                    Counters& into);

// sockstat and sockstat6 of the namespace the calling thread is in.
void read_sockstat(const std::string& proc, bool whole_machine, Counters& into);

// /proc/net/stat/nf_conntrack: a line of names, then one line of hexadecimal columns per CPU, whose
// sums become "nf_conntrack.insert_failed" ... `entries` repeats nf_conntrack_count on every line
// and is left out.
void parse_conntrack_stat(std::string_view text, Counters& into);

// All of the above, and nf_conntrack_{count,max}, of the namespace the calling thread is in,
// sorted.
Counters read_counters(const std::string& proc, bool whole_machine);

// /proc/net/softnet_stat: one line of hexadecimal columns per CPU; the sum.
Softnet parse_softnet(std::string_view text);

}  // namespace tcpdx::host
