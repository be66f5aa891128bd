#include "sim/scenario.hpp"

#include <algorithm>
#include <array>

namespace tcpdx::sim {
namespace {

using enum Do;

// The usual parts of the stories.
constexpr std::array kOpens{Step{connect}, Step{opened}};
constexpr std::array kServes{Step{listen}, Step{accept}};
constexpr std::array kOpensAndCloses{Step{connect}, Step{opened}, Step{close}};
constexpr std::array kServesToTheEnd{Step{listen}, Step{accept}, Step{read_end}, Step{close}};

constexpr std::array kHalfCloses{Step{connect},  Step{opened},   Step{send, 300},
                                 Step{shutdown}, Step{read_end}, Step{close}};
constexpr std::array kAnswersAtTheEnd{Step{listen},   Step{accept},    Step{read_end},
                                      Step{pause, 2}, Step{send, 500}, Step{close}};

constexpr std::array kConnectsBack{Step{connect_back}, Step{opened}};
constexpr std::array kClosesAfterADelay{Step{connect}, Step{opened}, Step{pause, 1}, Step{close}};
constexpr std::array kClosesAtOnce{Step{listen}, Step{accept}, Step{close}};

constexpr std::array kAborts{Step{connect},  Step{opened},     Step{send, 4000},
                             Step{pause, 3}, Step{send, 4000}, Step{abort}};
constexpr std::array kReadsAll{Step{listen}, Step{accept}, Step{read_end}};
constexpr std::array kAsks{Step{connect}, Step{opened}, Step{send, 500}};
constexpr std::array kClosesUnread{Step{listen}, Step{accept}, Step{pause, 2}, Step{close}};

constexpr std::array kOldSyn{Step{pause, 1}, Step{old_syn}};
constexpr std::array kCrashes{Step{connect}, Step{opened},        Step{pause, 3},
                              Step{crash},   Step{connect_again}, Step{opened}};
constexpr std::array kServesTwice{Step{listen}, Step{accept}, Step{over}, Step{accept}};
constexpr std::array kOldData{Step{pause, 20}, Step{old_data}};

constexpr std::array kSendsMuch{Step{connect}, Step{opened}, Step{send, 12000}, Step{close}};
constexpr std::array kReadsLate{Step{listen}, Step{accept}, Step{sleep, 3000}, Step{read_end},
                                Step{close}};
constexpr std::array kSendsFive{Step{connect}, Step{opened}, Step{pause, 3}, Step{send, 7240}};
constexpr std::array kSendsThree{Step{connect}, Step{opened}, Step{pause, 3}, Step{send, 4344}};
constexpr std::array kCuts{Step{pause, 4}, Step{cut}};

constexpr std::array kThreeClients{Step{connect}, Step{pause, 3}, Step{connect}, Step{pause, 3},
                                   Step{connect}};
constexpr std::array kAcceptsLate{Step{listen, 1}, Step{sleep, 500}, Step{accept}, Step{accept},
                                  Step{accept}};
constexpr std::array kFourClients{Step{connect},  Step{pause, 3}, Step{connect},
                                  Step{pause, 3}, Step{connect},  Step{connect}};
constexpr std::array kAcceptsFour{Step{listen, 2}, Step{sleep, 500}, Step{accept},
                                  Step{accept},    Step{accept},     Step{accept}};
constexpr std::array kFloods{Step{spoofed_syn, 4}, Step{sleep, 800}, Step{spoofed_syn, 4}};
constexpr std::array kConnectsLater{Step{pause, 1}, Step{connect}, Step{over}};
constexpr std::array kConnectsLaterAndOpens{Step{pause, 1}, Step{connect}, Step{opened}};
constexpr std::array kListensForFour{Step{listen, 4}, Step{accept}};
constexpr std::array kConnectsTwice{Step{connect}, Step{opened},   Step{read_end},
                                    Step{close},   Step{pause, 4}, Step{connect_again},
                                    Step{opened}};
constexpr std::array kClosesFirst{Step{listen}, Step{accept}, Step{close}, Step{accept}};

// Fates of single segments.
constexpr std::array kFirstLost{ScriptedFate{1, Fate::lost}};
constexpr std::array kSecondLost{ScriptedFate{2, Fate::lost}};
constexpr std::array kThirdLost{ScriptedFate{3, Fate::lost}};
constexpr std::array kFourthLost{ScriptedFate{4, Fate::lost}};
constexpr std::array kFirstHeld{ScriptedFate{1, Fate::reordered}};
constexpr std::array kFourthHeld{ScriptedFate{4, Fate::reordered}};

void small_receive_buffer(Setup& setup) { setup.server.receive_buffer = 6000; }
void a_little_late(Setup& setup) { setup.held_back_percent = 20; }
void keep_alive(Setup& setup) { setup.options.keep_alive = tcp::KeepAlive{}; }
void without_cookies(Setup& setup) {
  setup.server.syn_cookies = tcp::SynCookies::never;
  setup.client.syn_retries = 0;
  setup.server.syn_ack_retries = 2;
}
void with_cookies(Setup& setup) { setup.server.syn_ack_retries = 2; }

// In the order in which they are best read.
constexpr std::array kScenarios{
    Scenario{"handshake", "Three segments open a connection.", kOpens, kServes},
    Scenario{"close", "The client closes first and waits in TIME-WAIT; the server follows.",
             kOpensAndCloses, kServesToTheEnd},
    Scenario{"half-close",
             "The client has sent all it has and says so; the server still answers at length.",
             kHalfCloses, kAnswersAtTheEnd},
    Scenario{"simultaneous-open", "Both ends call each other at the same time: one connection.",
             kOpens, kConnectsBack},
    Scenario{"simultaneous-close", "Both ends close at the same time: both wait in TIME-WAIT.",
             kClosesAfterADelay, kClosesAtOnce},
    Scenario{"syn-lost",
             "The first SYN is lost; the client sends it again after a second.",
             kOpens,
             kServes,
             {},
             kFirstLost},
    Scenario{"synack-lost",
             "The server's SYN,ACK is lost; both ends may send theirs again.",
             kOpens,
             kServes,
             {},
             {},
             kFirstLost},
    Scenario{"ack-lost",
             "The last ACK of the handshake is lost: the client is ESTABLISHED, the server not.",
             kOpens,
             kServes,
             {},
             kSecondLost},
    Scenario{"fin-lost",
             "The client's FIN is lost and sent again after its timeout.",
             kOpensAndCloses,
             kServesToTheEnd,
             {},
             kThirdLost},
    Scenario{"last-ack-lost",
             "The last ACK of the close is lost; TIME-WAIT is there to answer the repeated FIN.",
             kOpensAndCloses,
             kServesToTheEnd,
             {},
             kFourthLost},
    Scenario{"refused", "Nobody listens on the port: the SYN is answered with RST.", kOpens, {}},
    Scenario{"reset-mid-stream", "The client aborts while its data is on the way.", kAborts,
             kReadsAll},
    Scenario{"reset-unread", "The server closes without reading what came: RST instead of FIN.",
             kAsks, kClosesUnread},
    Scenario{"old-duplicate-syn",
             "A SYN of an earlier connection arrives first; the client's RST clears it up.", kOpens,
             kServes, kOldSyn, kFirstHeld},
    Scenario{"half-open-crash",
             "The client forgets everything and calls again; the server still believes in the old "
             "connection.",
             kCrashes, kServesTwice},
    Scenario{"time-wait-assassination",
             "Old data reaches an end in TIME-WAIT; the RST that its ACK provokes ends the wait.",
             kOpensAndCloses, kServesToTheEnd, kOldData},
    Scenario{"zero-window",
             "The server does not read for 3 s; the client may only probe.",
             kSendsMuch,
             kReadsLate,
             {},
             {},
             {},
             small_receive_buffer},
    Scenario{"keepalive-dead-peer",
             "The path dies in silence; after two hours keep-alives find out.",
             kOpens,
             kServes,
             kCuts,
             {},
             {},
             keep_alive},
    Scenario{"retransmission",
             "One of five segments is lost; the others' ACKs tell, and it is sent again.",
             kSendsFive,
             kServesToTheEnd,
             {},
             kFourthLost},
    Scenario{"reordering",
             "One of three segments comes late; nothing is lost.",
             kSendsThree,
             kReadsAll,
             {},
             kFourthHeld,
             {},
             a_little_late},
    Scenario{"backlog-full",
             "The accept queue holds two connections; the SYN of the third is dropped until the "
             "program accepts.",
             kThreeClients, kAcceptsLate},
    Scenario{"accept-queue-full",
             "Two handshakes at once, room for one: the last ACK of the other is ignored until the "
             "program accepts.",
             kFourClients, kAcceptsFour},
    Scenario{"syn-flood",
             "SYNs of nobody fill the half-open queue; without SYN cookies the client cannot get "
             "in.",
             kConnectsLater,
             kListensForFour,
             kFloods,
             {},
             {},
             without_cookies},
    Scenario{"syn-flood-cookies",
             "The same flood; with SYN cookies the server keeps no state and the client gets in.",
             kConnectsLaterAndOpens,
             kListensForFour,
             kFloods,
             {},
             {},
             with_cookies},
    Scenario{"port-reuse",
             "The server waits in TIME-WAIT; the client calls again from the same port and a new "
             "connection begins there.",
             kConnectsTwice, kClosesFirst},
};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

const Scenario* find_scenario(std::string_view name) {
  const auto row = std::ranges::find(kScenarios, name, &Scenario::name);
  return row == kScenarios.end() ? nullptr : &*row;
}

}  // namespace tcpdx::sim
