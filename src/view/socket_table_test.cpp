// The table of sockets: columns, order, and names that try to break it.
#include "view/socket_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <tuple>

#include "base/text.hpp"
#include "view/test_observation.hpp"

namespace tcpdx::view {
namespace {

using testing::small_observation;

std::string table(const Observation& observation, std::string_view columns,
                  const std::vector<uint32_t>& shown, size_t width = 0) {
  std::ostringstream out;
  write_socket_table(out, {.colour = false, .width = width}, observation,
                     parse_columns(columns).value(), shown);
  return out.str();
}

TEST(SocketTable, AlignsNumbersRightAndTextLeft) {
  Observation observation = small_observation();
  observation.looks[0].sockets[1].recv_q = 12345;
  observation.looks[0].sockets[0].cookie = 1;  // of sock_diag, which knows the limit of the queue
  EXPECT_EQ(table(observation, "state,recv_q,remote", {0, 1}),
            "State       Recv-Q  Remote\n"
            "LISTEN           0  0.0.0.0:*\n"
            "CLOSE-WAIT   12345  198.51.100.7:40001\n");
}

TEST(SocketTable, ShowsOwnersAndWhyThereIsNone) {
  EXPECT_EQ(table(small_observation(), "owner", {0, 1, 2, 3, 4}),
            "Owner\n"
            "billing-api pid 2210 fd 3, worker pid 2211 fd 3\n"
            "billing-api pid 2210 fd 14\n"
            "not accepted by billing-api pid 2210 fd 3, worker pid 2211 fd 3\n"
            "-\n"
            "-\n");
}

TEST(SocketTable, ANameCannotForgeAnotherOwnerOrLine) {
  Observation observation = small_observation();
  observation.processes[0].comm = "x pid 1 fd 3,\n";
  const std::string text = table(observation, "owner", {1});
  EXPECT_EQ(text, "Owner\n\"x pid 1 fd 3,\\x0a\" pid 2210 fd 14\n");
}

TEST(SocketTable, HasRoomForTheLongestAddress) {
  Observation observation = small_observation();
  const auto address =
      parse_address("2001:db8:1111:2222:3333:4444:5555:6666").value_or(IpAddress{});
  observation.looks[0].sockets[1].local = {address, 65535};
  observation.looks[0].sockets[1].remote = {address, 1};
  EXPECT_NE(table(observation, "local,remote", {1})
                .find("[2001:db8:1111:2222:3333:4444:5555:6666]:65535  "
                      "[2001:db8:1111:2222:3333:4444:5555:6666]:1\n"),
            std::string::npos);
}

TEST(SocketTable, KeepsTheOrderOfManyRows) {
  Observation observation = small_observation();
  std::vector<uint32_t> shown;
  for (uint32_t i = 0; i < 10'000; ++i) shown.push_back(i % 5);
  std::istringstream lines(table(observation, "state,remote", shown));
  std::istringstream five(table(observation, "state,remote", {0, 1, 2, 3, 4}));
  std::vector<std::string> pattern;
  for (std::string line; std::getline(five, line);) pattern.push_back(line);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, pattern[0]);
  size_t rows = 0;
  for (; std::getline(lines, line); ++rows) ASSERT_EQ(line, pattern[1 + rows % 5]) << rows;
  EXPECT_EQ(rows, shown.size());
}

TEST(SocketTable, CutsOnlyTheLastColumnAndOnlyOnATerminal) {
  const Observation observation = small_observation();
  const std::string piped = table(observation, "state,owner", {0}, 0);
  EXPECT_NE(piped.find("worker pid 2211 fd 3"), std::string::npos);
  std::istringstream lines(table(observation, "state,owner", {0}, 30));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 30U) << line;
}

TEST(SocketTable, ShowsADashForWhatIsNotKnown) {
  EXPECT_EQ(table(small_observation(), "uid,rtt_us,drops", {4}),
            "Uid  rtt_us  Drops\n"
            "  -       -      -\n");
}

TEST(Columns, AreReadInAnyUsualSpelling) {
  EXPECT_EQ(parse_columns("Recv-Q, send_q,RTT_US").value().size(), 3U);
}

TEST(Columns, AnErrorNamesTheWordAndWhatThereIs) {
  for (const std::string_view bad : {"local,colour", "colour", ",", ""}) {
    const auto columns = parse_columns(bad);
    ASSERT_FALSE(columns.has_value()) << bad;
    EXPECT_NE(columns.error().sentence.find("recv_q"), std::string::npos);
  }
  EXPECT_NE(parse_columns("local,colour").error().sentence.find("'colour'"), std::string::npos);
  EXPECT_FALSE(parse_sort("-colour").has_value());
}

TEST(Columns, EveryFieldOfTcpInfoIsOne) {
  for (const TcpInfoField& field : tcp_info_fields()) {
    EXPECT_TRUE(parse_columns(field.name).has_value()) << field.name;
  }
}

TEST(Columns, OnlySomeNeedTheWalkOverProcesses) {
  EXPECT_FALSE(needs_of(parse_columns("state,local,uid").value()).owners);
  EXPECT_TRUE(needs_of(parse_columns("state,comm").value()).owners);
  EXPECT_TRUE(needs_of(default_columns(false)).owners);
  EXPECT_FALSE(needs_of(default_columns(false)).infos);
  EXPECT_TRUE(needs_of(parse_columns("rtt_us").value()).infos);
}

TEST(Sort, ByNumberNotByText) {
  Observation observation = small_observation();
  observation.looks[0].sockets[1].recv_q = 9;
  observation.looks[0].sockets[2].recv_q = 100;
  std::vector<uint32_t> shown{0, 1, 2};
  sort_sockets(observation, parse_sort("-recv_q").value(), shown);
  EXPECT_EQ(shown, (std::vector<uint32_t>{2, 1, 0}));
  sort_sockets(observation, parse_sort("recv_q").value(), shown);
  EXPECT_EQ(shown, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(Sort, UsuallyByStateInTheOrderOfALife) {
  std::vector<uint32_t> shown{4, 3, 2, 1, 0};
  sort_sockets(small_observation(), {}, shown);
  EXPECT_EQ(shown, (std::vector<uint32_t>{0, 2, 3, 1, 4}));
}

TEST(Sort, EveryColumnCanBeSortedAndShown) {
  const Observation observation = small_observation();
  std::istringstream lines(describe_columns());
  size_t seen = 0;
  for (std::string line; std::getline(lines, line); ++seen) {
    const std::string_view name = words(line).front();
    if (name == "and") break;
    std::vector<uint32_t> shown{0, 1, 2, 3, 4};
    sort_sockets(observation, parse_sort(name).value(), shown);
    EXPECT_EQ(shown.size(), 5U);
    EXPECT_FALSE(table(observation, name, shown).empty());
  }
  EXPECT_GT(seen, 15U);
}

TEST(SocketTable, LinesUpNamesOfMoreThanAscii) {
  Observation observation = small_observation();
  observation.processes[0].comm = "n\u00e9";  // quoted: it is not plain
  EXPECT_EQ(table(observation, "comm,recv_q,pid", {1, 3}),
            "Comm  Recv-Q   Pid\n"
            "\"n\u00e9\"       0  2210\n"
            "-          0     -\n");
}

// The usual order by its packed keys is the order of the members.
TEST(SocketTable, TheUsualOrderIsThatOfTheMembers) {
  Observation observation = small_observation();
  std::vector<Socket>& sockets = observation.looks[0].sockets;
  const Socket one = sockets[1];
  sockets.clear();
  std::minstd_rand random(7);
  const auto end = [&](Family family) {
    SocketAddress made;
    made.addr.family = family;
    const size_t length = family == Family::v4 ? 4 : 16;
    for (size_t i = 0; i < length; ++i) made.addr.bytes[i] = random() % 4 == 0 ? 255 : 1;
    made.port = static_cast<uint16_t>(random() % 3 == 0 ? 65535 : random() % 64);
    return made;
  };
  std::vector<uint32_t> shown;
  for (uint32_t i = 0; i < 3000; ++i) {
    Socket& socket = sockets.emplace_back(one);
    const Family family = random() % 2 == 0 ? Family::v4 : Family::v6;
    socket.netns = random() % 2 == 0 ? 0 : 65535;
    socket.state = tcp::kStates[random() % tcp::kStates.size()];
    socket.local = end(family);
    socket.remote = end(family);
    shown.push_back(i);
  }
  sort_sockets(observation, {}, shown);
  const auto key = [&](uint32_t index) {
    const Socket& s = sockets[index];
    const auto place = std::ranges::find(tcp::kStates, s.state) - tcp::kStates.begin();
    return std::tuple(s.netns, place, s.local.addr.family, s.local, s.remote, index);
  };
  EXPECT_TRUE(std::ranges::is_sorted(shown, {}, key));
}

}  // namespace
}  // namespace tcpdx::view
