#include "view/capture_end.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

namespace tcpdx::view {
namespace {

Connection connection(std::optional<tcp::State> originator, std::optional<tcp::State> responder,
                      CloseHow how) {
  Connection made;
  made.originator = {ipv4(192, 0, 2, 1), 40000};
  made.responder = {ipv4(192, 0, 2, 2), 80};
  made.side(Party::originator).state = originator;
  made.side(Party::originator).certainty = Certainty::seen;
  made.side(Party::responder).state = responder;
  made.side(Party::responder).certainty = Certainty::inferred;
  made.close.how = how;
  made.observed = 3200ms;
  return made;
}

TEST(CaptureEnd, CountsPairsOfStatesAndListsWhatIsOpen) {
  CaptureEnd end;
  end.add(connection(tcp::State::time_wait, tcp::State::closed, CloseHow::fin));
  end.add(connection(tcp::State::time_wait, tcp::State::closed, CloseHow::fin));
  end.add(connection(tcp::State::syn_sent, std::nullopt, CloseHow::open));
  std::ostringstream out;
  end.write(out, {.colour = false, .width = 0}, {.frames = 24, .segments = 24, .duration = 12s});
  EXPECT_EQ(out.str(),
            "24 packets of 3 connections in 12 s; the kernel dropped none\n"
            "       2  TIME-WAIT / CLOSED\n"
            "       1  SYN-SENT / ?\n"
            "still open, client and server\n"
            "  192.0.2.1:40000 > 192.0.2.2:80  SYN-SENT / ?  for 3.2 s\n");
}

TEST(CaptureEnd, TellsWhatIsMissing) {
  std::ostringstream out;
  CaptureEnd().write(out, {.colour = false, .width = 0},
                     {.frames = 1,
                      .repeats = 2,
                      .duration = 1s,
                      .dropped_half_open = 1,
                      .dropped = 1200,
                      .dropped_by_interface = 3});
  EXPECT_EQ(out.str(),
            "1 packet of 0 connections in 1.0 s; the kernel dropped 1 200 for lack of room: "
            "--buffer gives more, the interface 3\n"
            "2 packets seen again on another interface: not shown, not counted twice\n"
            "1 half-open connection forgotten for lack of memory: --memory gives more\n");
}

TEST(CaptureEnd, ListsTwentyOpenOnesAndCountsTheRest) {
  CaptureEnd end;
  for (int i = 0; i < 25; ++i) {
    end.add(connection(tcp::State::established, tcp::State::established, CloseHow::open));
  }
  std::ostringstream out;
  end.write(out, {.colour = false, .width = 0}, {});
  EXPECT_NE(out.str().find("  and 5 more\n"), std::string::npos);
  std::ostringstream json;
  end.write_json(json, {.frames = 9, .received = 18});
  const auto summary = nlohmann::json::parse(json.str())["summary"];
  EXPECT_EQ(summary["open_connections"], 25);
  EXPECT_EQ(summary["open"].size(), 20);
  EXPECT_EQ(summary["states"][0]["connections"], 25);
  EXPECT_EQ(summary["kernel"]["received"], 18);
}

}  // namespace
}  // namespace tcpdx::view
