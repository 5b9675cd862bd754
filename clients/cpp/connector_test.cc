#include "clients/cpp/connector.h"

#include <gmock/gmock.h>

#include "clients/cpp/access_token.h"
#include "clients/cpp/testing/fake_environment.h"
#include "schemas/base64url.h"

namespace parley::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConnectorTest : public testing::Test, public Connector::Actions {
 protected:
  void fetch_token(std::uint64_t request) override { requests.push_back(request); }
  void open(const std::string& token) override { opened.push_back(token); }
  void renew(const std::string& token) override { renewed.push_back(token); }
  void abandon() override { ++abandoned; }
  void status(const Status& status) override { last = status; }

  std::string token(std::int64_t ttl_s) const {
    return "h." + encode_base64url(R"({"exp":)" + std::to_string(time.unix_s + ttl_s) + "}") + ".s";
  }
  void give(const std::string& text) {
    connector.token(requests.back(), text, text.empty() ? "logged out" : "");
  }
  void advance(Millis by) {
    time.advance(by);
    connector.on_time(time.now);
  }
  void go_online(const std::string& text) {
    connector.start();
    give(text);
    connector.connected({});
  }

  FakeTime time;
  Environment environment = time.environment();
  std::vector<std::uint64_t> requests;
  std::vector<std::string> opened;
  std::vector<std::string> renewed;
  int abandoned = 0;
  Status last;
  Connector connector{*this, environment, {Millis(1000), Millis(8000)}};
};

TEST_F(ConnectorTest, FetchesATokenThenConnects) {
  connector.start();
  EXPECT_EQ(last.state, State::connecting);
  EXPECT_THAT(opened, IsEmpty());
  give("pk_x");
  EXPECT_THAT(opened, ElementsAre("pk_x"));
  connector.connected({});
  EXPECT_EQ(last.state, State::online);
  EXPECT_FALSE(connector.next_deadline()) << "an API token has no end";
}

TEST_F(ConnectorTest, ComesBackWithGrowingWaitsAndAFreshTokenEachTime) {
  connector.start();
  for (const int wait : {500, 1000, 2000, 4000, 4000}) {
    give("token");
    connector.connected({kNoReason, "refused"});
    EXPECT_EQ(last.state, State::waiting);
    EXPECT_EQ(last.retry_in, Millis(wait));
    advance(Millis(wait - 1));
    EXPECT_EQ(last.state, State::waiting);
    advance(Millis(1));
    EXPECT_EQ(last.state, State::connecting);
  }
  EXPECT_EQ(requests.size(), 6u);
}

TEST_F(ConnectorTest, AStableConnectionStartsWithAShortWaitAgain) {
  connector.start();
  for (int i = 0; i < 3; ++i) {
    give("token");
    connector.connected({kNoReason, "refused"});
    advance(last.retry_in);
  }
  give("token");
  connector.connected({});
  advance(Millis(60'000));
  connector.lost({kNoReason, "cable"});
  EXPECT_EQ(last.retry_in, Millis(500));
  EXPECT_EQ(last.reason, "cable");
}

TEST_F(ConnectorTest, RenewsInBandAtFourFifthsOfTheTokensLife) {
  go_online(token(900));
  advance(Millis(719'000));
  EXPECT_EQ(requests.size(), 1u);
  advance(Millis(1'000));
  ASSERT_EQ(requests.size(), 2u);
  const std::string fresh = token(900);
  give(fresh);
  EXPECT_THAT(renewed, ElementsAre(fresh));
  EXPECT_EQ(opened.size(), 1u) << "the connection stays";
  advance(Millis(720'000));
  EXPECT_EQ(requests.size(), 3u);
}

TEST_F(ConnectorTest, AsksAgainWhenARenewalFails) {
  go_online(token(900));
  advance(Millis(720'000));
  give("");
  advance(Millis(10'000));
  EXPECT_EQ(requests.size(), 3u);
  give(token(900));
  connector.renewed({kReasonNotAuthorized, "no"});
  advance(Millis(10'000));
  EXPECT_EQ(requests.size(), 4u);
}

TEST_F(ConnectorTest, WithoutATokenSaysWhyAndTriesLater) {
  connector.start();
  give("");
  EXPECT_EQ(last.state, State::waiting);
  EXPECT_THAT(last.reason, HasSubstr("logged out"));
  advance(last.retry_in);
  EXPECT_EQ(requests.size(), 2u);
}

TEST_F(ConnectorTest, AnOldAnswerOfTheProviderIsIgnored) {
  connector.start();
  advance(Millis(30'000));  // the provider never answered: given up
  EXPECT_EQ(last.state, State::waiting);
  advance(last.retry_in);
  connector.token(requests.front(), "late", "");
  EXPECT_THAT(opened, IsEmpty());
}

TEST_F(ConnectorTest, ABrokerThatSaysNothingIsGivenUp) {
  connector.start();
  give("token");
  advance(Millis(30'000));
  EXPECT_EQ(abandoned, 1);
  EXPECT_EQ(last.state, State::waiting);
}

TEST_F(ConnectorTest, DoesNotFightOverItsClientId) {
  go_online("token");
  connector.lost({kReasonSessionTakenOver, "taken over"});
  EXPECT_EQ(last.state, State::replaced);
  EXPECT_FALSE(connector.next_deadline());
  connector.start();  // the user insists
  EXPECT_EQ(last.state, State::connecting);
}

TEST_F(ConnectorTest, StaysAwayWhenToldThatItIsReplaced) {
  go_online(token(900));
  connector.replaced();
  EXPECT_EQ(last.state, State::replaced);
  EXPECT_THAT(last.reason, HasSubstr("another program"));
  EXPECT_EQ(abandoned, 1);
  connector.lost({kNoReason, "closed"});  // by the server, a moment later
  advance(Millis(3'600'000));
  EXPECT_EQ(last.state, State::replaced);
  EXPECT_EQ(requests.size(), 1u);
}

TEST_F(ConnectorTest, IsNotReplacedWhileItHasNoConnection) {
  go_online("token");
  connector.lost({kNoReason, "cable"});
  connector.replaced();
  EXPECT_EQ(last.state, State::waiting);
}

TEST_F(ConnectorTest, StopsFightingAfterSomeShortConnectionsRunning) {
  go_online("token");
  for (int i = 1; i < 5; ++i) {
    advance(Millis(9'000));
    connector.lost({kNoReason, "closed"});
    ASSERT_EQ(last.state, State::waiting) << i;
    advance(last.retry_in);
    give("token");
    connector.connected({});
  }
  connector.lost({kNoReason, "closed"});
  EXPECT_EQ(last.state, State::replaced);
  EXPECT_THAT(last.reason, HasSubstr("5 times running"));
  EXPECT_THAT(last.reason, HasSubstr("same client id"));
  EXPECT_FALSE(connector.next_deadline());
  connector.start();  // the user insists: with as much patience as at first
  for (int i = 1; i < 5; ++i) {
    give("token");
    connector.connected({});
    connector.lost({kNoReason, "closed"});
    ASSERT_EQ(last.state, State::waiting) << i;
    advance(last.retry_in);
  }
}

// A line that is bad, or a server that is: not a fight, where both are let in every time and soon lose it.
TEST_F(ConnectorTest, ABadLineIsNoFight) {
  go_online("token");
  for (int i = 0; i < 30; ++i) {
    advance(Millis(i % 3 == 2 ? 10'000 : 1'000));
    connector.lost({kNoReason, "cable"});
    ASSERT_EQ(last.state, State::waiting) << i;
    advance(last.retry_in);
    give("token");
    connector.connected({});
  }
  for (int i = 0; i < 30; ++i) {
    connector.lost({kNoReason, "closed"});
    ASSERT_EQ(last.state, State::waiting) << i;
    advance(last.retry_in);
    if (i % 3 == 2) {
      give("token");
      connector.connected({kNoReason, "refused"});
      advance(last.retry_in);
    }
    give("token");
    connector.connected({});
  }
}

TEST_F(ConnectorTest, StopEndsEverything) {
  go_online(token(900));
  connector.stop();
  EXPECT_EQ(last.state, State::offline);
  EXPECT_EQ(abandoned, 1);
  connector.lost({});
  EXPECT_EQ(last.state, State::offline);
  EXPECT_FALSE(connector.next_deadline());
}

TEST(TokenExpiry, ReadsExpAndNothingElse) {
  EXPECT_EQ(token_expiry("h." + encode_base64url(R"({"exp":1234})") + ".s"), 1234);
  EXPECT_EQ(token_expiry("pk_abc"), std::nullopt);
  EXPECT_EQ(token_expiry(""), std::nullopt);
  EXPECT_EQ(token_expiry("a.b"), std::nullopt);
  EXPECT_EQ(token_expiry("a.!!.c"), std::nullopt);
  EXPECT_EQ(token_expiry("h." + encode_base64url("[1]") + ".s"), std::nullopt);
  EXPECT_EQ(token_expiry("h." + encode_base64url(R"({"exp":"soon"})") + ".s"), std::nullopt);
}

}  // namespace
}  // namespace parley::client
