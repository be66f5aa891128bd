#include "host/sources.hpp"

#include <gtest/gtest.h>

namespace tcpdx::host {
namespace {

TEST(Sources, EachWordChoosesOneThing) {
  EXPECT_EQ(parse_sources("auto")->owners, OwnerSource::automatic);
  EXPECT_EQ(parse_sources("auto")->tables, TableSource::automatic);
  EXPECT_EQ(parse_sources("bpf")->owners, OwnerSource::bpf);
  EXPECT_EQ(parse_sources("bpf")->tables, TableSource::automatic);
  EXPECT_EQ(parse_sources("sock_diag")->tables, TableSource::sock_diag);
  const auto both = parse_sources("proc, proc-net");
  EXPECT_EQ(both->owners, OwnerSource::proc);
  EXPECT_EQ(both->tables, TableSource::proc_net);
}

TEST(Sources, RefusesUnknownWordsAndTwoForOneThing) {
  EXPECT_TRUE(parse_sources("bpf,proc").error().sentence.contains("two sources"));
  EXPECT_TRUE(parse_sources("proc-net,sock_diag").error().sentence.contains("two sources"));
  EXPECT_TRUE(parse_sources("bpf,bpf").has_value());
  for (const char* words : {"", "ebpf", "bpf,", "BPF\n"}) {
    EXPECT_TRUE(parse_sources(words).error().sentence.contains("there is no source")) << words;
  }
}

}  // namespace
}  // namespace tcpdx::host
