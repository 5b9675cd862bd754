// Messages by REST: through the broker, in the caller's name.
#include "bridge/api/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "bridge/api/testing/api_world.h"

namespace parley::api {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class MessagesApi : public testing::Test {
 protected:
  MessagesApi() {
    world_.add_room("general", "alice");
    world_.add_user("bob");
  }
  boost::json::object last_payload() {
    return boost::json::parse(world_.broker().sent().back().payload).as_object();
  }

  ApiWorld world_;
  const std::string path_ = "/api/v1/rooms/general/messages";
};

TEST_F(MessagesApi, AreSentAsTheCaller) {
  const Reply sent = world_.post(path_, "alice", R"({"cid":"m-1","body":"hello","mentions":["bob"]})");
  ASSERT_EQ(sent.status, 201u) << sent.text;
  EXPECT_EQ(sent.at("room"), "general");
  EXPECT_EQ(sent.at("cid"), "m-1");
  EXPECT_EQ(sent.at("seq"), "1");
  EXPECT_EQ(sent.at("id"), "1001");
  const auto message = world_.broker().sent().back();
  EXPECT_EQ(message.who.user, "alice");
  EXPECT_EQ(message.who.device, world_.claims("alice").dev);
  EXPECT_EQ(message.who.role, TokenRole::user);
  EXPECT_EQ(message.payload, R"({"cid":"m-1","body":"hello","mentions":["bob"]})");
}

TEST_F(MessagesApi, TravelInTheClientsSpelling) {
  const auto travelled = [&](const std::string& body) {
    const Reply sent = world_.post(path_, "alice", body);
    EXPECT_EQ(sent.status, 201u) << body << sent.text;
    return world_.broker().sent().back().payload;
  };
  for (const std::string meta :
       {R"({"t":1673382441.141209})", R"({"a":1.10,"b":12345678901234567890123,"c":0.1e-5,"d":-0,"e":1e400})",
        R"({"a":"\u2028\/\ud83d\ude00","\u0062":{},"a":[]})"}) {
    const std::string body =
        R"({"cid":"c-)" + std::to_string(meta.size()) + R"(","body":"x","meta":)" + meta + "}";
    EXPECT_EQ(travelled(body), body);
  }
  EXPECT_EQ(travelled("\xef\xbb\xbf { \"cid\" : \"s p\" ,\n \"body\" : \" x \" }\n"),
            R"({"cid":"s p","body":" x "})");
  for (const std::string without : {R"({"body":"x","expires_in":60.0})", R"({"body":"x","cid":null})",
                                    R"({"cid":"","body":"x"})", R"({"cid":"a","body":"x","cid":null})"}) {
    const std::string payload = travelled(without);
    EXPECT_EQ(payload.substr(0, without.size() - 1), without.substr(0, without.size() - 1));
    EXPECT_EQ(boost::json::parse(payload).at("cid").as_string().size(), 32u) << payload;
  }
  EXPECT_EQ(world_.post(path_, "alice", "").code(), "bad_payload");
  std::string deep = "{}";
  for (int i = 0; i < 30; ++i) deep = R"({"a":)" + deep + "}";
  EXPECT_THAT(travelled(R"({"body":"x","meta":)" + deep + "}"), HasSubstr(deep));
}

TEST_F(MessagesApi, NobodySpeaksForSomebodyElse) {
  ASSERT_EQ(world_.post(path_, "alice", R"({"body":"x","from":"bob","user":"bob","device":"x"})").status,
            201u);
  EXPECT_EQ(world_.broker().sent().back().who.user, "alice");
}

TEST_F(MessagesApi, ASecondSendIsADuplicate) {
  ASSERT_EQ(world_.post(path_, "alice", R"({"cid":"m-1","body":"hello"})").status, 201u);
  const Reply again = world_.post(path_, "alice", R"({"cid":"m-1","body":"hello"})");
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(again.json.at("duplicate").as_bool(), true);
  EXPECT_EQ(world_.broker().sent().size(), 1u);
}

TEST_F(MessagesApi, AKeyStandsForTheCidAndEveryOtherMessageGetsItsOwn) {
  const Call call{world_.token("alice"), R"({"body":"hello"})", {{"Idempotency-Key", "key-1"}}};
  EXPECT_EQ(world_.call("POST", path_, call).at("cid"), "key-1");
  EXPECT_EQ(world_.call("POST", path_, call).status, 200u);
  std::set<std::string> cids;
  for (int i = 0; i < 20; ++i) cids.insert(world_.post(path_, "alice", R"({"body":"same"})").at("cid"));
  EXPECT_EQ(cids.size(), 20u);
}

TEST_F(MessagesApi, WhatTheBrokerWouldRefuseIsRefusedInItsWords) {
  const auto code = [&](const std::string& body) {
    const Reply reply = world_.post(path_, "alice", body);
    EXPECT_THAT(reply.status, testing::AnyOf(413u, 422u, 400u)) << body.substr(0, 80) << reply.text;
    return reply.code();
  };
  EXPECT_EQ(code("{}"), "bad_payload");
  EXPECT_EQ(code(R"({"body":""})"), "bad_payload");
  EXPECT_EQ(code(R"({"kind":"join"})"), "bad_payload");
  EXPECT_EQ(code(R"({"kind":"image"})"), "bad_payload");
  EXPECT_EQ(code(R"({"body":7})"), "bad_payload");
  EXPECT_EQ(code(R"({"body":"x","cid":"a\u0000b"})"), "bad_payload");
  EXPECT_EQ(code(R"({"body":")" + std::string(100'001, 'x') + "\"}"), "too_large");
  EXPECT_EQ(code(R"({"kind":"delete","target":"5"})"), "invalid");
  EXPECT_EQ(code(R"(["body"])"), "bad_request");
  EXPECT_EQ(code("hello"), "bad_request");
  EXPECT_TRUE(world_.broker().sent().empty());
}

TEST_F(MessagesApi, OperationsAreRoutes) {
  const std::string one = path_ + "/382345579306418176";
  EXPECT_EQ(world_.patch(one, "alice", R"({"body":"better","cid":"e-1"})").at("cid"), "e-1");
  EXPECT_EQ(last_payload().at("kind"), "edit");
  EXPECT_EQ(last_payload().at("target"), "382345579306418176");
  EXPECT_EQ(last_payload().at("body"), "better");
  EXPECT_EQ(world_.del(one, "alice").status, 200u);
  EXPECT_EQ(last_payload().at("kind"), "delete");
  EXPECT_EQ(world_.put(one + "/reactions/%F0%9F%91%8D", "alice").status, 200u);
  EXPECT_EQ(last_payload().at("kind"), "react");
  EXPECT_EQ(last_payload().at("emoji"), "\xF0\x9F\x91\x8D");
  EXPECT_EQ(world_.del(one + "/reactions/%F0%9F%91%8D", "alice").status, 200u);
  EXPECT_EQ(last_payload().at("kind"), "unreact");
  EXPECT_EQ(world_.put(one + "/pin", "alice").status, 200u);
  EXPECT_EQ(last_payload().at("kind"), "pin");
  EXPECT_EQ(world_.del(one + "/pin", "alice").status, 200u);
  EXPECT_EQ(last_payload().at("kind"), "unpin");
  for (const char* id : {"0", "-1", "1x", "99999999999999999999", "%27%20OR%201"}) {
    EXPECT_EQ(world_.del(path_ + "/" + id, "alice").code(), "target_not_found") << id;
  }
  EXPECT_EQ(world_.put(one + "/reactions/" + std::string(65, 'x'), "alice").status, 413u);
}

TEST_F(MessagesApi, RefusalsOfTheBrokerKeepTheirCodes) {
  const std::pair<const char*, unsigned> cases[] = {
      {"forbidden", 403},        {"blocked", 403},      {"read_only", 403},
      {"target_not_found", 404}, {"rate_limited", 429}, {"unavailable", 503},
  };
  for (const auto& [code, status] : cases) {
    world_.broker().refuse_with(code);
    const Reply reply = world_.post(path_, "alice", R"({"body":"x"})");
    EXPECT_EQ(reply.status, status) << code;
    EXPECT_EQ(reply.code(), code);
    EXPECT_EQ(reply.header("retry-after").empty(), status < 429u) << code;
  }
}

TEST_F(MessagesApi, ABrokerThatIsAMomentBehindIsAskedAgain) {
  world_.broker().refuse_next(2, "not_member");
  EXPECT_EQ(world_.post(path_, "alice", R"({"body":"first"})").status, 201u);
  world_.broker().refuse_next(1, "room_not_found");
  EXPECT_EQ(world_.post(path_, "alice", R"({"body":"second"})").status, 201u);
  world_.broker().refuse_with("not_member");  // as long as nobody feeds it
  EXPECT_EQ(world_.post(path_, "alice", R"({"body":"third"})").code(), "unavailable");
}

TEST_F(MessagesApi, StrangersLearnNothingOfPrivateRooms) {
  world_.add_room("secret", "alice", R"("access":"private")");
  world_.broker().refuse_with("not_member");
  EXPECT_EQ(world_.post(path_, "bob", R"({"body":"x"})").code(), "not_member");
  const Reply there = world_.post("/api/v1/rooms/secret/messages", "bob", R"({"body":"x"})");
  world_.broker().refuse_with("room_not_found");
  const Reply nowhere = world_.post("/api/v1/rooms/nowhere/messages", "bob", R"({"body":"x"})");
  EXPECT_EQ(there.status, 404u);
  EXPECT_EQ(there.text, nowhere.text);
}

TEST(MessagesApiWithoutDatabase, ChatGoesOn) {
  ApiWorld world(ApiWorld::Database::absent);
  const Reply sent = world.post("/api/v1/rooms/general/messages", "alice", R"({"body":"still here"})");
  // Sessions are checked against the database where they can be; what the token says is enough to chat.
  EXPECT_THAT(sent.status, testing::AnyOf(201u, 503u)) << sent.text;
}

TEST_F(MessagesApi, ABrokerThatHangsHoldsUpNobodyElse) {
  world_.token("alice");
  world_.token("bob");
  world_.broker().hang();
  std::vector<std::future<Reply>> sends;
  for (std::size_t i = 0; i < 2 * world_.config().http.workers; ++i)
    sends.push_back(std::async(
        std::launch::async, [&] { return world_.post(path_, "alice", R"({"body":"is anybody there?"})"); }));
  EXPECT_EQ(world_.get("/api/v1/users/me", "bob").status, 200u);
  EXPECT_TRUE(std::any_of(sends.begin(), sends.end(), [](const std::future<Reply>& send) {
    return send.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
  })) << "some still wait";
  world_.broker().release();
  for (auto& send : sends) EXPECT_THAT(send.get().status, AnyOf(503u, 201u));
}

}  // namespace
}  // namespace parley::api
