#include "bridge/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace parley::http {
namespace {

using Outcome = Router::Outcome;
using testing::ElementsAre;
using testing::IsEmpty;

Router rooms() {
  Router router;
  router.add(Method::get, "/api/v1/rooms", 0);
  router.add(Method::post, "/api/v1/rooms", 1);
  router.add(Method::get, "/api/v1/rooms/{room}", 2);
  router.add(Method::put, "/api/v1/rooms/{room}/members/{user}", 3);
  router.add(Method::get, "/api/v1/users/me", 4);
  router.add(Method::get, "/api/v1/users/{user}", 5);
  router.add(Method::put, "/api/v1/users/{user}/block", 6);
  return router;
}

std::vector<std::string> values(const Router::Match& match) {
  std::vector<std::string> out;
  for (const Parameter& parameter : match.parameters) out.push_back(parameter.name + "=" + parameter.value);
  return out;
}

TEST(Router, FindsByMethodAndPath) {
  const Router router = rooms();
  EXPECT_EQ(router.match(Method::get, "/api/v1/rooms").route, 0u);
  EXPECT_EQ(router.match(Method::post, "/api/v1/rooms").route, 1u);
  const auto member = router.match(Method::put, "/api/v1/rooms/general/members/bob");
  EXPECT_EQ(member.outcome, Outcome::found);
  EXPECT_EQ(member.route, 3u);
  EXPECT_THAT(values(member), ElementsAre("room=general", "user=bob"));
}

TEST(Router, AFixedSegmentIsPreferredToBraces) {
  const Router router = rooms();
  EXPECT_EQ(router.match(Method::get, "/api/v1/users/me").route, 4u);
  EXPECT_EQ(router.match(Method::get, "/api/v1/users/bob").route, 5u);
  // Nothing below the fixed one fits, so the braces get a turn, and no value is left over from the first.
  const auto block = router.match(Method::put, "/api/v1/users/me/block");
  EXPECT_EQ(block.route, 6u);
  EXPECT_THAT(values(block), ElementsAre("user=me"));
}

TEST(Router, DecodesSegmentsAfterSplitting) {
  const Router router = rooms();
  EXPECT_THAT(values(router.match(Method::get, "/api/v1/rooms/a%2Fb")), ElementsAre("room=a/b"));
  EXPECT_THAT(values(router.match(Method::get, "/api/v1/rooms/%F0%9F%91%8D")),
              ElementsAre("room=\xF0\x9F\x91\x8D"));
  EXPECT_EQ(router.match(Method::get, "/api/v1/%72ooms").route, 0u);
  for (const char* path : {"/api/v1/rooms/%", "/api/v1/rooms/%4", "/api/v1/rooms/%zz", "/api/v1/rooms/%00",
                           "/api/v1/rooms/%ff", "/api/v1/rooms/%ed%a0%80", "rooms"}) {
    EXPECT_EQ(router.match(Method::get, path).outcome, Outcome::bad_path) << path;
  }
}

TEST(Router, IsNotGuessing) {
  const Router router = rooms();
  for (const char* path :
       {"/", "//", "/api/v1/rooms/", "/api//v1/rooms", "/api/v1/rooms/a/", "/api/v1/rooms/a/members",
        "/API/v1/rooms", "/api/v1/rooms/../rooms", "/api/v1/rooms//members/bob"}) {
    const auto match = router.match(Method::get, path);
    EXPECT_EQ(match.outcome, Outcome::not_found) << path;
    EXPECT_THAT(match.parameters, IsEmpty()) << path;
  }
}

TEST(Router, SlashesAtTheStartCountAsOne) {
  const Router router = rooms();
  for (const char* path : {"//api/v1/rooms", "///api/v1/rooms", "//////api/v1/rooms"}) {
    EXPECT_EQ(router.match(Method::get, path).outcome, Outcome::found) << path;
    EXPECT_EQ(router.match(Method::get, path).route, 0u) << path;
  }
}

TEST(Router, OptionsOfTheServerKnowsEveryMethod) {
  const Router router = rooms();
  for (const char* path : {"*", "/"}) {
    const auto match = router.match(Method::options, path);
    EXPECT_EQ(match.outcome, Outcome::method_not_allowed) << path;
    EXPECT_EQ(match.allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS") << path;
  }
  EXPECT_EQ(router.match(Method::options, "/nothing").outcome, Outcome::not_found);
  EXPECT_EQ(router.match(Method::get, "*").outcome, Outcome::bad_path);
}

TEST(Router, AnotherMethodIsToldWhatThereIs) {
  const Router router = rooms();
  const auto match = router.match(Method::del, "/api/v1/rooms");
  EXPECT_EQ(match.outcome, Outcome::method_not_allowed);
  EXPECT_EQ(match.allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(router.match(Method::options, "/api/v1/rooms/a/members/b").allow, "PUT, OPTIONS");
  EXPECT_EQ(router.match(Method::head, "/api/v1/rooms").route, 0u);
  EXPECT_EQ(router.match(Method::head, "/api/v1/rooms/a/members/b").outcome, Outcome::method_not_allowed);
}

TEST(Router, RefusesATableThatContradictsItself) {
  Router router = rooms();
  EXPECT_THROW(router.add(Method::get, "/api/v1/rooms", 9), std::invalid_argument);
  EXPECT_THROW(router.add(Method::get, "/api/v1/rooms/{name}", 9), std::invalid_argument);
  EXPECT_THROW(router.add(Method::get, "rooms", 9), std::invalid_argument);
  EXPECT_THROW(router.add(Method::get, "/a{b}", 9), std::invalid_argument);
  EXPECT_THROW(router.add(Method::get, "/{}", 9), std::invalid_argument);
  EXPECT_THROW(router.add(Method::get, "/{a}b", 9), std::invalid_argument);
  EXPECT_THROW(router.add(Method::get, "/a?b", 9), std::invalid_argument);
}

}  // namespace
}  // namespace parley::http
