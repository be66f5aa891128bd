// Counters and settings of one network namespace, by the kernel's own names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpdx {

// "TcpExt.ListenOverflows" -> value; from /proc/net/{snmp,netstat,snmp6,sockstat,sockstat6} and
// netfilter's /proc/net/stat/nf_conntrack and nf_conntrack_{count,max}. Names: "Tcp.ActiveOpens"
// (snmp, netstat), "Ip6OutNoRoutes" (snmp6), "sockstat.TCP.tw", "sockstat6.TCP6.inuse",
// "nf_conntrack.count", "nf_conntrack.insert_failed". A counter that this kernel or namespace does
// not have is absent, never 0.
class Counters {
 public:
  void set(std::string name, uint64_t value);
  void sort();  // once, after the last set() and before the first get()
  std::optional<uint64_t> get(std::string_view name) const;
  const std::vector<std::pair<std::string, uint64_t>>& all() const { return values_; }

 private:
  std::vector<std::pair<std::string, uint64_t>> values_;
};

// "net.ipv4.tcp_fin_timeout" -> "60", as in sysctl(8); several numbers stay one text.
class Sysctls {
 public:
  void set(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }
  std::optional<std::string_view> text(std::string_view name) const;
  // The number'th blank-separated number of the value.
  std::optional<uint64_t> number(std::string_view name, size_t number = 0) const;
  const std::map<std::string, std::string, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace tcpdx
