// Paths as systemd and the container runtimes write them.
#include "host/cgroup_name.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace tcpdx::host {
namespace {

#define TCPDX_ID "1f2e3d4c5b6a79880123456789abcdef1f2e3d4c5b6a79880123456789abcdef"

struct Case {
  const char* path;
  const char* unit;
  const char* container;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.path; }

class CgroupNameTest : public testing::TestWithParam<Case> {};

TEST_P(CgroupNameTest, NamesUnitAndContainer) {
  const CgroupName name = cgroup_name(GetParam().path);
  EXPECT_EQ(name.unit, GetParam().unit);
  EXPECT_EQ(name.container, GetParam().container);
}

constexpr const char* kId = "1f2e3d4c5b6a";

INSTANTIATE_TEST_SUITE_P(
    Paths, CgroupNameTest,
    testing::Values(
        Case{"/", "", ""}, Case{"", "", ""}, Case{"/init.scope", "", ""},
        // systemd
        Case{"/system.slice/nginx.service", "nginx.service", ""},
        Case{"/system.slice/system-postgresql.slice/postgresql@15-main.service",
             "postgresql@15-main.service", ""},
        Case{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope", ""},
        Case{"/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service", ""},
        Case{"/user.slice/user-1000.slice/user@1000.service/app.slice/api.service", "api.service",
             ""},
        Case{"/system.slice/nginx.service/workers", "nginx.service", ""},
        // docker
        Case{"/docker/" TCPDX_ID, "", kId},
        Case{"/system.slice/docker-" TCPDX_ID ".scope", "", kId},
        Case{"/system.slice/docker.service", "docker.service", ""},
        Case{"/docker/" TCPDX_ID "/system.slice/nginx.service", "nginx.service", kId},
        Case{"/system.slice/docker-" TCPDX_ID ".scope/init.scope", "", kId},
        // kubernetes
        Case{"/kubepods/burstable/pod6f1c2b1e-3c6c-4b0a-9a51-0d9b6e1f0001/" TCPDX_ID, "", kId},
        Case{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod6f1c.slice/"
             "cri-containerd-" TCPDX_ID ".scope",
             "", kId},
        Case{"/kubepods.slice/kubepods-pod6f1c.slice/crio-" TCPDX_ID ".scope", "", kId},
        Case{"/kubepods.slice/kubepods-pod6f1c.slice/crio-" TCPDX_ID ".scope/container", "", kId},
        Case{"/system.slice/containerd.service/"
             "kubepods-besteffort-pod6f1c.slice:cri-containerd:" TCPDX_ID,
             "", kId},
        Case{"/k8s.io/" TCPDX_ID, "", kId}, Case{"/default/" TCPDX_ID, "", kId},
        // podman
        Case{"/machine.slice/libpod-" TCPDX_ID ".scope/container", "", kId},
        Case{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" TCPDX_ID ".scope",
             "", kId},
        Case{"/machine.slice/libpod-conmon-" TCPDX_ID ".scope", "libpod-conmon-" TCPDX_ID ".scope",
             ""},
        Case{"/system.slice/web.service/libpod-payload-" TCPDX_ID, "web.service", kId},
        Case{"/libpod_parent/libpod-" TCPDX_ID, "", kId},
        // lxc, lxd, systemd-nspawn
        Case{"/lxc/web01", "", "web01"}, Case{"/lxc.payload.web01", "", "web01"},
        Case{"/lxc.payload/web01/system.slice/ssh.service", "ssh.service", "web01"},
        Case{"/lxc.monitor.web01", "", ""},
        Case{"/machine.slice/machine-debian\\x2d12.scope", "", "debian-12"},
        Case{"/machine.slice/systemd-nspawn@bookworm.service/payload", "", "bookworm"},
        Case{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "machine-qemu\\x2d1\\x2dvm.scope",
             ""},
        // no ids: too short, upper case
        Case{"/docker/1f2e3d4c5b6a", "", ""}, Case{"/docker-.scope", "docker-.scope", ""}));

TEST(CgroupPath, PrefersTheUnifiedTree) {
  EXPECT_EQ(cgroup_path("0::/system.slice/nginx.service\n"), "/system.slice/nginx.service");
  EXPECT_EQ(cgroup_path("9:name=systemd:/a\n4:memory:/m\n0::/b\n"), "/b");
}

TEST(CgroupPath, TakesSystemdsTreeWhereTheUnifiedOneSaysNothing) {
  EXPECT_EQ(cgroup_path("9:name=systemd:/docker/x\n4:memory:/m\n0::/\n"), "/docker/x");
  EXPECT_EQ(cgroup_path("9:name=systemd:/docker/x:y\n4:memory:/m\n"), "/docker/x:y");
  EXPECT_EQ(cgroup_path("9:name=systemd:/\n0::/\n"), "/");
}

TEST(CgroupPath, OfDamagedTextIsEmpty) {
  EXPECT_EQ(cgroup_path(""), "");
  EXPECT_EQ(cgroup_path("0:"), "");
  EXPECT_EQ(cgroup_path("\n\n:\n"), "");
}

}  // namespace
}  // namespace tcpdx::host
