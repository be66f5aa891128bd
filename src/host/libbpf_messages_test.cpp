#include "host/libbpf_messages.hpp"

#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace tcpdx::host {
namespace {

TEST(LibbpfMessages, KeepsTheFirstLineWithoutLibbpfsName) {
  LibbpfMessages messages;
  EXPECT_EQ(libbpf_reason(-EPERM, messages), "Operation not permitted");
  messages.hear("libbpf: failed to find valid kernel BTF\nmore\n");
  messages.hear("libbpf: Error loading vmlinux BTF: -3\n");
  EXPECT_EQ(messages.first(), "failed to find valid kernel BTF");
  EXPECT_EQ(libbpf_reason(-ESRCH, messages),
            "No such process (libbpf: failed to find valid kernel BTF)");
}

TEST(LibbpfMessages, HearsLibbpfItselfAndNothingReachesTheTerminal) {
  testing::internal::CaptureStderr();
  LibbpfMessages messages;
  {
    const LibbpfMessages inner;
    EXPECT_EQ(bpf_object__open_file("/nowhere/no.bpf.o", nullptr), nullptr);
    EXPECT_TRUE(inner.first().contains("/nowhere/no.bpf.o")) << inner.first();
  }
  EXPECT_TRUE(messages.first().empty()) << "the innermost hears it";
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace tcpdx::host
