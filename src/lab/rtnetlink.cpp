#include "lab/rtnetlink.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace tcpdx::lab {
namespace {

constexpr size_t kRequestSize = 1024;  // the largest of ours, a cable, takes less than 200 octets
constexpr uint8_t kRouteTypes[] = {RTN_UNICAST, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT};

uint8_t family_of(const IpAddress& address) {
  return address.family == Family::v4 ? AF_INET : AF_INET6;
}

size_t size_of(const IpAddress& address) { return address.family == Family::v4 ? 4 : 16; }

}  // namespace

struct RtNetlink::Request {
  Request(uint16_t type, uint16_t flags) : header(mnl_nlmsg_put_header(bytes.data())) {
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  }
  template <class Fixed>
  void put(const Fixed& fixed) {
    std::memcpy(mnl_nlmsg_put_extra_header(header, sizeof fixed), &fixed, sizeof fixed);
  }
  void put(uint16_t attribute, const IpAddress& address) {
    mnl_attr_put(header, attribute, size_of(address), address.bytes.data());
  }

  alignas(nlmsghdr) std::array<std::byte, kRequestSize> bytes{};
  nlmsghdr* header;
};

void RtNetlink::Close::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Result<RtNetlink> RtNetlink::open() {
  RtNetlink made;
  made.socket_.reset(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!made.socket_ || mnl_socket_bind(made.socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return fail("cannot open a netlink socket: {}", errno_text(errno));
  }
  int on = 1;
  mnl_socket_setsockopt(made.socket_.get(), NETLINK_EXT_ACK, &on, sizeof on);
  return made;
}

// One request at a time, whose only answer is its acknowledgment: an errno and perhaps a sentence.
Result<void> RtNetlink::ask(Request& request, const std::string& what) {
  request.header->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request.header, request.header->nlmsg_len) < 0) {
    return fail("{}: cannot send to the kernel: {}", what, errno_text(errno));
  }
  std::array<char, 8192> answer{};
  const ssize_t size = mnl_socket_recvfrom(socket_.get(), answer.data(), answer.size());
  if (size < 0) return fail("{}: no answer of the kernel: {}", what, errno_text(errno));
  nlmsghdr header{};
  nlmsgerr error{};
  if (static_cast<size_t>(size) < sizeof header + sizeof error) {
    return fail("{}: the kernel's answer is cut short", what);
  }
  std::memcpy(&header, answer.data(), sizeof header);
  std::memcpy(&error, &answer[sizeof header], sizeof error);
  if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_seq != sequence_) {
    return fail("{}: the kernel answers something else", what);
  }
  if (error.error == 0) return {};
  std::string reason = errno_text(-error.error);
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    // Behind the header of our request, and its body unless that is left out.
    size_t at = sizeof header + sizeof error;
    if ((header.nlmsg_flags & NLM_F_CAPPED) == 0) at += error.msg.nlmsg_len - sizeof header;
    nlattr attribute{};
    if (at + sizeof attribute < static_cast<size_t>(size)) {
      std::memcpy(&attribute, &answer[at], sizeof attribute);
      if (attribute.nla_type == NLMSGERR_ATTR_MSG) {
        reason += fmt::format(" ({})", &answer[at + sizeof attribute]);
      }
    }
  }
  return fail("{}: {}", what, reason);
}

Result<void> RtNetlink::add_cable(const std::string& device, const std::string& peer,
                                  int peer_space) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.put(ifinfomsg{});
  mnl_attr_put_strz(request.header, IFLA_IFNAME, device.c_str());
  nlattr* info = mnl_attr_nest_start(request.header, IFLA_LINKINFO);
  mnl_attr_put_strz(request.header, IFLA_INFO_KIND, "veth");
  nlattr* data = mnl_attr_nest_start(request.header, IFLA_INFO_DATA);
  nlattr* other = mnl_attr_nest_start(request.header, VETH_INFO_PEER);
  request.put(ifinfomsg{});
  mnl_attr_put_strz(request.header, IFLA_IFNAME, peer.c_str());
  mnl_attr_put_u32(request.header, IFLA_NET_NS_FD, static_cast<uint32_t>(peer_space));
  mnl_attr_nest_end(request.header, other);
  mnl_attr_nest_end(request.header, data);
  mnl_attr_nest_end(request.header, info);
  return ask(request, fmt::format("cannot make the cable from {} to {}", device, peer));
}

Result<void> RtNetlink::take_up(const std::string& device, unsigned mtu) {
  Request request(RTM_NEWLINK, 0);
  request.put(ifinfomsg{.ifi_family = AF_UNSPEC,
                        .__ifi_pad = 0,
                        .ifi_type = 0,
                        .ifi_index = 0,
                        .ifi_flags = IFF_UP,
                        .ifi_change = IFF_UP});
  mnl_attr_put_strz(request.header, IFLA_IFNAME, device.c_str());
  if (mtu != 0) mnl_attr_put_u32(request.header, IFLA_MTU, mtu);
  return ask(request, fmt::format("cannot take {} up", device));
}

Result<void> RtNetlink::add_address(const std::string& device, const Prefix& address) {
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  const bool v6 = address.address.family == Family::v6;
  request.put(ifaddrmsg{.ifa_family = family_of(address.address),
                        .ifa_prefixlen = address.length,
                        .ifa_flags = v6 ? uint8_t{IFA_F_NODAD} : uint8_t{0},
                        .ifa_scope = RT_SCOPE_UNIVERSE,
                        .ifa_index = ::if_nametoindex(device.c_str())});
  request.put(IFA_LOCAL, address.address);
  request.put(IFA_ADDRESS, address.address);
  return ask(request, fmt::format("cannot give {} the address {}", device, to_string(address)));
}

Result<void> RtNetlink::add_route(const Route& route) {
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  const bool on_link = route.kind == RouteKind::unicast && !route.via;
  request.put(rtmsg{.rtm_family = family_of(route.to.address),
                    .rtm_dst_len = route.to.length,
                    .rtm_src_len = 0,
                    .rtm_tos = 0,
                    .rtm_table = RT_TABLE_MAIN,
                    .rtm_protocol = RTPROT_STATIC,
                    .rtm_scope = on_link ? uint8_t{RT_SCOPE_LINK} : uint8_t{RT_SCOPE_UNIVERSE},
                    .rtm_type = kRouteTypes[static_cast<size_t>(route.kind)],
                    .rtm_flags = 0});
  if (route.to.length > 0) request.put(RTA_DST, route.to.address);
  if (route.via) request.put(RTA_GATEWAY, *route.via);
  if (!route.device.empty()) {
    mnl_attr_put_u32(request.header, RTA_OIF, ::if_nametoindex(route.device.c_str()));
  }
  if (route.mtu != 0) {
    nlattr* metrics = mnl_attr_nest_start(request.header, RTA_METRICS);
    mnl_attr_put_u32(request.header, RTAX_MTU, route.mtu);
    mnl_attr_nest_end(request.header, metrics);
  }
  return ask(request, fmt::format("cannot add the route to {}", to_string(route.to)));
}

}  // namespace tcpdx::lab
