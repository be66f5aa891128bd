// A topology written as JSON, for tests in other languages (tests/programs/lab.cpp). All words are
// those of topology.hpp; what is left out has its default there, and an unknown word is an error.
//
//     {"hosts": [{"name": "client"},
//                {"name": "router", "forwards": true, "rules": "table inet f { ... }",
//                 "sysctls": {"net.ipv4.icmp_ratelimit": "0"},
//                 "routes": [{"to": "10.7.0.0/16", "kind": "blackhole"}]},
//                {"name": "server", "servers": [{"port": 80, "service": "reply", "octets": 9000,
//                                                "after_ms": 20}]}],
//      "links": [{"ends": [{"host": "client", "device": "net1", "addresses": ["10.1.0.1/24"],
//                           "mtu": 1500, "sends": {"delay_ms": 5, "loss": 0.1, "seed": 7}},
//                          {"host": "router", "device": "net1", "addresses": ["10.1.0.2/24"]}]},
//                ...]}
//
// "routed": false leaves out the routes that add_routes() finds. A chain needs no hosts and links:
// {"chain": ["client", "router", "server"]}, to which "hosts" and "links" then add, and "sends",
// with the places of a link and of its end, both from 0:
// {"chain": [...], "sends": [{"link": 0, "end": 1, "delay_ms": 5}]}.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "lab/topology.hpp"

namespace tcpdx::lab {

// Not checked yet: check() says whether it can be.
Result<Topology> read_topology(std::string_view json);

// {"delay_ms": 5, "jitter_ms": 1, "held_back_ms": 1, "loss": 0.1, "duplication": 0, "reordering":
// 0, "rate": 125000, "queue": 100000, "queue_length": 10, "mtu": 1400, "tells_mtu": true,
// "seed": 7}; times may have fractions, rate and queue are octets (a second).
Result<Impairment> read_impairment(std::string_view json);

}  // namespace tcpdx::lab
