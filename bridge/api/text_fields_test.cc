// Everything that people name and write beside their messages, by every route that takes it: what is refused,
// and what is kept of what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/api/testing/api_world.h"
#include "bridge/http/target.h"

namespace parley::api {
namespace {

using testing::HasSubstr;

// A JSON string of it.
std::string json_text(std::string_view text) { return boost::json::serialize(boost::json::value(text)); }

// One field of one route.
struct Door {
  const char* what;
  const char* field;
  bool longer;  // takes line breaks
  std::function<Reply(const std::string& text)> send;
};

constexpr std::string_view kNowhere[] = {
    "   ",         "\u200b",
    "\u00a0",      "\u3000",
    "\u2800",      "\u3164",
    "\u115f",      "\u200d",
    "\ufeff",      "\u00ad",
    "\u0301",      "\ufe0f",
    "\U000E0041",  "\u202emallory",
    "a\u202db",    "a\u2066b\u2069",
    "a\u2067b",    "a\u2068b",
    "ad\u200bmin", "ad\u00admin",
    "ad\u2060min", "a\u0085b",
    "a\u2028b",    "a\u2029b",
    "a\x07z",      "a\x1b[31mz",
    "a\x7fz",      "a\u009bz",
    "a\ue000",     "a\U000F0000",
    "a\ufdd0",     "a\uffff",
    "a\u0378",     "Z\u0321\u0327\u0328\u0334\u0335",
    "a\vb",        "a\fb",
    "admin\ufe0f", "ad\u3164min",
};
constexpr std::string_view kOneLineOnly[] = {"Bob\nalice: I quit", "a\r\nb", "a\rb", "a\tb"};
constexpr std::string_view kEverywhere[] = {
    "Bob",
    "O'Neill & Söhne",
    "Дмитрий",
    "דוד בן־גוריון",
    "محمد",
    "می‌خواهم",
    "श्री क्‍ष",
    "山田　太郎",
    "ไทย นี้",
    "👩‍💻 dev",
    "👨‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇩🇪",
    "#️⃣1️⃣",
    "👍🏽",
    "❤️",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "Nguyễn",
};

class TextFields : public testing::Test {
 protected:
  TextFields() {
    world_.add_room("general", "alice");
    world_.add_room("den", "alice");
    for (const char* user : {"bob", "carol"}) world_.add_user(user);
  }

  std::vector<Door> doors() {
    const auto body = [](const char* field, const std::string& text, const std::string& more = "") {
      return "{" + json_text(field) + ":" + json_text(text) + more + "}";
    };
    // A new name each time, because some texts pass.
    const auto fresh = [this](const std::string& prefix) { return prefix + std::to_string(++made_); };
    return {
        {"own profile", "display_name", false,
         [=, this](const std::string& t) {
           return world_.patch("/api/v1/users/me", "alice", body("display_name", t));
         }},
        {"own profile", "about", true,
         [=, this](const std::string& t) {
           return world_.patch("/api/v1/users/me", "alice", body("about", t));
         }},
        {"registration", "display_name", false,
         [=, this](const std::string& t) {
           return world_.post(
               "/api/v1/auth/register", "admin",
               body("display_name", t, R"(,"password":"correct horse","user":")" + fresh("r") + "n\""));
         }},
        {"contact", "nick", false,
         [=, this](const std::string& t) {
           return world_.put("/api/v1/users/me/contacts/bob", "alice", body("nick", t));
         }},
        {"bot", "display_name", false,
         [=, this](const std::string& t) {
           return world_.post("/api/v1/users/me/bots", "admin",
                              body("display_name", t, R"(,"user":")" + fresh("b") + "t\""));
         }},
        {"API token", "label", false,
         [=, this](const std::string& t) {
           Reply reply =
               world_.post("/api/v1/users/me/tokens", "carol", body("label", t, R"(,"device":"d")"));
           if (reply.status == 201) world_.del("/api/v1/users/me/tokens/" + reply.at("id"), "carol");
           return reply;
         }},
        {"new room", "name", false,
         [=, this](const std::string& t) {
           return world_.post("/api/v1/rooms", "admin",
                              body("name", t, R"(,"kind":"channel","room":")" + fresh("n") + "m\""));
         }},
        {"new room", "topic", false,
         [=, this](const std::string& t) {
           return world_.post("/api/v1/rooms", "admin",
                              body("topic", t, R"(,"kind":"channel","room":")" + fresh("t") + "c\""));
         }},
        {"new group", "name", false,
         [=, this](const std::string& t) {
           return world_.post("/api/v1/rooms", "admin", body("name", t, R"(,"kind":"group")"));
         }},
        {"room", "name", false,
         [=, this](const std::string& t) {
           return world_.patch("/api/v1/rooms/general", "alice", body("name", t));
         }},
        {"room", "topic", false,
         [=, this](const std::string& t) {
           return world_.patch("/api/v1/rooms/general", "alice", body("topic", t));
         }},
        {"ban", "reason", true,
         [=, this](const std::string& t) {
           world_.del("/api/v1/rooms/den/bans/bob", "alice");
           Reply reply = world_.del(
               "/api/v1/rooms/den/members/bob?ban=true&reason=" + http::percent_encode(t), "alice");
           if (reply.status != 204) return reply;
           Reply bans = world_.get("/api/v1/rooms/den/bans", "alice");
           boost::json::object& first = bans.json.as_object().at("items").as_array().at(0).as_object();
           bans.json = boost::json::object(first);
           return bans;
         }},
    };
  }

  ApiWorld world_;
  int made_ = 0;
};

TEST_F(TextFields, RefuseWhatCannotBeSeenOrLies) {
  for (const Door& door : doors()) {
    const auto expect_refused = [&](std::string_view text) {
      const Reply reply = door.send(std::string(text));
      EXPECT_EQ(reply.status, 422u) << door.what << " " << door.field << ": " << text << "\n" << reply.text;
      EXPECT_EQ(reply.field(), door.field) << door.what << ": " << text;
      EXPECT_EQ(reply.code(), "invalid");
      EXPECT_THAT(reply.text, HasSubstr("must ")) << "says what is wrong";
    };
    for (const std::string_view text : kNowhere) expect_refused(text);
    for (const std::string_view text : kOneLineOnly) {
      if (!door.longer) expect_refused(text);
    }
  }
}

TEST_F(TextFields, KeepWhatPeopleOfTheWorldAreCalled) {
  for (const Door& door : doors()) {
    for (const std::string_view text : kEverywhere) {
      const Reply reply = door.send(std::string(text));
      ASSERT_LT(reply.status, 300u) << door.what << " " << door.field << ": " << text << "\n" << reply.text;
      if (std::string_view(door.what) == "registration") continue;  // answers with tokens
      EXPECT_EQ(reply.at(door.field), text) << door.what;
    }
  }
}

TEST_F(TextFields, AreTrimmedAndComposed) {
  for (const Door& door : doors()) {
    const Reply reply = door.send(" \u200bRene\u0301\u3000\n");
    ASSERT_LT(reply.status, 300u) << door.what << " " << door.field << ": " << reply.text;
    if (std::string_view(door.what) == "registration") continue;
    EXPECT_EQ(reply.at(door.field), "Ren\u00e9") << door.what;
  }
  EXPECT_EQ(world_.patch("/api/v1/users/me", "alice", R"({"about":" one\r\n\ttwo\n"})").at("about"),
            "one\n\ttwo");
  // Found however it is typed.
  ASSERT_EQ(world_.patch("/api/v1/users/me", "bob", R"({"display_name":"Jose\u0301"})").status, 200u);
  for (const char* typed : {"Jos%C3%A9", "Jose%CC%81"})
    EXPECT_THAT(world_.get(std::string("/api/v1/users/search?q=") + typed, "carol").text,
                HasSubstr("\"bob\""))
        << typed;
}

TEST_F(TextFields, AreCountedInCharactersOfWhatIsKept) {
  std::string apart;
  for (int i = 0; i < 100; ++i) apart += "e\u0301";
  const auto name = [&](const std::string& text) {
    return world_.patch("/api/v1/users/me", "alice", R"({"display_name":)" + json_text(text) + "}");
  };
  EXPECT_EQ(name(apart).status, 200u) << "100 characters, composed";
  EXPECT_EQ(name("   " + apart + "   ").status, 200u);
  EXPECT_EQ(name(apart + "x").field(), "display_name");
  EXPECT_EQ(name(std::string(100'000, 'x')).field(), "display_name");
  EXPECT_EQ(name("").field(), "display_name");
}

TEST_F(TextFields, AnEmptyOneTakesAway) {
  EXPECT_EQ(world_.patch("/api/v1/rooms/general", "alice", R"({"topic":"Lunch"})").at("topic"), "Lunch");
  EXPECT_EQ(world_.patch("/api/v1/rooms/general", "alice", R"({"topic":""})").at("topic"), "");
  EXPECT_THAT(world_.patch("/api/v1/rooms/general", "alice", R"({"topic":" "})").text,
              HasSubstr("to have none"));
}

}  // namespace
}  // namespace parley::api
