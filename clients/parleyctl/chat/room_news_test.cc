#include "clients/parleyctl/chat/room_news.h"

#include <gtest/gtest.h>

namespace parley::chat {
namespace {

std::string news(Kind kind, std::string_view meta, std::string_view body = "") {
  Event event;
  event.stamp.room = "general";
  event.stamp.from = "bob";
  event.send.kind = kind;
  event.send.meta = meta;
  event.send.body = body;
  return room_news(event);
}

struct Case {
  std::string_view meta, line;
};

TEST(RoomNews, Joining) {
  constexpr Case kCases[] = {
      {R"({"by":"bob","role":"member"})", "bob joined"},
      {R"({"by":"bob","role":"guest"})", "bob joined as a guest"},
      {R"({"by":"bob","role":"admin"})", "bob joined as an admin"},
      {R"({"by":"alice","role":"member"})", "alice added bob"},
      {R"({"by":"alice","role":"guest"})", "alice added bob as a guest"},
      {R"({"by":"alice","role":"admin"})", "alice added bob as an admin"},
      {R"({"by":"alice","role":"owner"})", "alice added bob as an owner"},
      {R"({"by":"alice","role":"captain"})", "alice added bob"},
      {R"({"by":"bob","role":"owner"})", ""},  // it has been said that bob created the room
      {"", "bob joined"},
      {"{}", "bob joined"},
      {"not JSON", "bob joined"},
      {R"({"by":7,"role":[]})", "bob joined"},
      {R"({"by":"ali\nce"})", "ali ce added bob"},
  };
  for (const Case& c : kCases) EXPECT_EQ(news(Kind::join, c.meta), c.line) << c.meta;
}

TEST(RoomNews, Leaving) {
  constexpr Case kCases[] = {
      {R"({"by":"bob","reason":"left"})", "bob left"},
      {R"({"by":"alice","reason":"removed"})", "alice removed bob"},
      {R"({"by":"alice","reason":"banned"})", "alice banned bob"},
      {R"({"by":"alice","reason":"left"})", "bob left"},
      {R"({"by":"alice"})", "alice removed bob"},
      {R"({"reason":"removed"})", "bob was removed"},
      {R"({"reason":"banned"})", "bob was banned"},
      {R"({"by":"bob","reason":"removed"})", "bob was removed"},
      {R"({"reason":"moved to Mars"})", "bob left"},
      {"", "bob left"},
  };
  for (const Case& c : kCases) EXPECT_EQ(news(Kind::leave, c.meta), c.line) << c.meta;
}

TEST(RoomNews, Roles) {
  constexpr Case kCases[] = {
      {R"({"by":"alice","role":"owner"})", "alice made bob an owner"},
      {R"({"by":"alice","role":"admin"})", "alice made bob an admin"},
      {R"({"by":"alice","role":"member"})", "alice made bob a member"},
      {R"({"by":"alice","role":"guest"})", "alice made bob a guest"},
      {R"({"by":"bob","role":"member"})", "bob is a member now"},
      {R"({"role":"owner"})", "bob is an owner now"},
      {R"({"by":"alice","role":"captain"})", "alice changed the role of bob"},
      {R"({"by":"alice"})", "alice changed the role of bob"},
      {"", "bob has another role now"},
  };
  for (const Case& c : kCases) EXPECT_EQ(news(Kind::role, c.meta), c.line) << c.meta;
}

TEST(RoomNews, Beginnings) {
  constexpr Case kCases[] = {
      // as servers sent it until now: all fields, set or not
      {R"({"created":true,"kind":"channel","name":"","topic":"","by":"bob"})", "bob created the room"},
      {R"({"created":true,"kind":"channel","name":"Lunch","topic":"","by":"bob"})",
       "bob created the room \"Lunch\""},
      {R"({"created":true,"kind":"channel","by":"bob"})", "bob created the room"},
      {R"({"created":true,"kind":"channel","topic":"Soup","by":"bob"})",
       "bob created the room with the topic \"Soup\""},
      {R"({"created":true,"kind":"channel","name":"Lunch","topic":"Soup","by":"bob"})",
       "bob created the room \"Lunch\" with the topic \"Soup\""},
      {R"({"created":true,"kind":"group","by":"bob"})", "bob created the group"},
      {R"({"created":true,"kind":"group","name":"Us","by":"bob"})", "bob created the group \"Us\""},
      {R"({"created":true,"kind":"direct","name":"","topic":"","by":"bob"})",
       "bob started this conversation"},
      {R"({"created":true,"kind":"castle","by":"bob"})", "bob created the room"},
      {R"({"created":true})", "bob created the room"},
      {R"({"deleted":true,"by":"alice"})", "alice deleted the room"},
      {R"({"deleted":true})", "bob deleted the room"},
  };
  for (const Case& c : kCases) EXPECT_EQ(news(Kind::room, c.meta), c.line) << c.meta;
}

TEST(RoomNews, Changes) {
  constexpr Case kCases[] = {
      {R"({"name":"Lunch"})", "renamed the room to \"Lunch\""},
      {R"({"name":""})", "took the room's name away"},
      {R"({"topic":"Soup"})", "changed the topic to \"Soup\""},
      {R"({"topic":""})", "took the topic away"},
      {R"({"access":"public"})", "opened the room to everybody"},
      {R"({"access":"private"})", "made the room private"},
      {R"({"history":"all"})", "let new members read what was said before them"},
      {R"({"history":"joined"})", "hid what was said before from new members"},
      {R"({"guests":"post"})", "let guests write"},
      {R"({"guests":"read"})", "let guests only read"},
      {R"({"pin":"member"})", "let every member pin messages"},
      {R"({"pin":"admin"})", "left pinning messages to admins and owners"},
      {R"({"pin":"owner"})", "left pinning messages to owners"},
      {R"({"status":"active"})", "opened the room for writing again"},
      {R"({"status":"read_only"})", "made the room read-only"},
      {R"({"status":"archived"})", "archived the room"},
      {R"({"limits":"default"})", "gave the room the usual limits"},
      {R"({"limits":"unlimited"})", "lifted the room's limits"},
      {R"({"limits":"big"})", "gave the room the limits \"big\""},
      // several
      {R"({"name":"Lunch","topic":"Soup"})",
       "renamed the room to \"Lunch\" and changed the topic to \"Soup\""},
      {R"({"name":"Lunch","topic":"","by":"bob"})", "renamed the room to \"Lunch\" and took the topic away"},
      {R"({"name":"Lunch","topic":"Soup","access":"private","guests":"read"})",
       "renamed the room to \"Lunch\", changed the topic to \"Soup\", made the room private and let guests "
       "only "
       "read"},
      {R"({"topic":"Soup","colour":"red"})", "changed the topic to \"Soup\" and changed other settings"},
      // of a later version, or nonsense
      {R"({"colour":"red"})", "changed the room's settings"},
      {R"({"access":"secret"})", "changed the room's settings"},
      {R"({"topic":7})", "changed the room's settings"},
      {R"({"created":false,"deleted":false,"topic":"x"})", "changed the topic to \"x\""},
      {"", "changed the room's settings"},
      // nobody speaks in somebody else's name
      {R"({"topic":"tea\u001b[2J"})", "changed the topic to \"tea[2J\""},
      {R"({"topic":"hi\n12:00 alice: I quit"})", "changed the topic to \"hi 12:00 alice: I quit\""},
      {R"({"name":"\u202egnp.exe"})", "renamed the room to \"gnp.exe\""},
  };
  for (const Case& c : kCases) EXPECT_EQ(news(Kind::room, c.meta), "bob " + std::string(c.line)) << c.meta;
  EXPECT_EQ(news(Kind::room, R"({"topic":"x","by":"alice"})"), "alice changed the topic to \"x\"");
}

TEST(RoomNews, System) {
  EXPECT_EQ(news(Kind::system, "", "The server restarts at noon"), "The server restarts at noon");
  EXPECT_EQ(news(Kind::system, "", "\x1b[31mNow\nor never"), "[31mNow\nor never");
  EXPECT_EQ(news(Kind::system, "", ""), "");
  EXPECT_EQ(news(kUnknownKind, R"({"topic":""})"), "");
}

}  // namespace
}  // namespace parley::chat
