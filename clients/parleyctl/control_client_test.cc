#include "clients/parleyctl/control_client.h"

#include <gmock/gmock.h>

#include "clients/parleyctl/testing/fake_control.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

std::string failure(const std::function<void()>& call) {
  try {
    call();
  } catch (const Failure& e) {
    return e.what();
  }
  return "no failure";
}

json::object error(const std::string& code, const std::string& message) {
  return {{"error", {{"code", code}, {"message", message}}}};
}

TEST(ControlClient, AsksAndGetsTheAnswerOfItsOwnRequest) {
  FakeControl fake([](const json::object&) { return json::object{{"ok", true}, {"version", 7}}; });
  ControlClient control(fake.options());
  EXPECT_EQ(control.version(), 7u);
  EXPECT_EQ(fake.requests[0].at("cmd"), "version");
}

TEST(ControlClient, AppliesOnTopOfTheVersionAndRetriesWhenItMoved) {
  std::uint64_t version = 3;
  int applied = 0;
  FakeControl fake([&](const json::object& request) -> FakeControl::Answer {
    if (request.at("cmd") == "version") return json::object{{"ok", true}, {"version", version}};
    if (applied++ == 0) version = 9;  // somebody else was faster
    if (request.at("from").to_number<std::uint64_t>() != version) {
      json::object refused = error("version_mismatch", "moved");
      refused["version"] = version;
      return refused;
    }
    version = request.at("to").to_number<std::uint64_t>();
    return json::object{{"ok", true}, {"version", version}};
  });
  ControlClient control(fake.options());
  EXPECT_EQ(control.apply(UserPut{.user = "alice"}), 10u);
  EXPECT_EQ(fake.requests.back().at("ops").as_array().at(0).at("user"), "alice");
  EXPECT_EQ(fake.requests.size(), 3u) << "the mismatch told the version: no need to ask again";
}

TEST(ControlClient, GivesUpOnAVersionThatNeverHoldsStill) {
  std::uint64_t version = 1;
  FakeControl fake([&](const json::object& request) -> FakeControl::Answer {
    if (request.at("cmd") == "version") return json::object{{"version", ++version}};
    json::object refused = error("version_mismatch", "moved");
    refused["version"] = ++version;
    return refused;
  });
  ControlClient control(fake.options());
  EXPECT_THAT(failure([&] { control.apply(UserPut{.user = "alice"}); }), HasSubstr("nothing was applied"));
}

TEST(ControlClient, FailuresSayWhatToDo) {
  {
    FakeControl fake([](const json::object&) { return std::nullopt; });
    fake.connect_outcome = {client::kNoReason, "refused"};
    EXPECT_THAT(failure([&] { ControlClient control(fake.options()); }),
                HasSubstr("start it with ./parley up"));
  }
  {
    FakeControl fake([](const json::object&) { return std::nullopt; });
    fake.connect_outcome = {client::kReasonNotAuthorized, "not authorized"};
    EXPECT_THAT(failure([&] { ControlClient control(fake.options()); }), HasSubstr("--var"));
  }
  {
    FakeControl fake([](const json::object&) { return std::nullopt; });
    fake.subscribe_outcome = {client::kReasonNotAuthorized, "not authorized"};
    EXPECT_THAT(failure([&] { ControlClient control(fake.options()); }), HasSubstr("plugin"));
  }
  {
    FakeControl fake([](const json::object&) { return std::nullopt; });
    ControlClient control(fake.options());
    EXPECT_THAT(failure([&] { control.version(); }), HasSubstr("did not answer 'version'"));
  }
  {
    FakeControl fake([](const json::object&) { return error("bad_payload", "no such thing"); });
    ControlClient control(fake.options());
    EXPECT_EQ(failure([&] { control.call("stats"); }), "stats: bad_payload: no such thing");
  }
}

TEST(ControlClient, ALostConnectionEndsTheWait) {
  FakeControl* self = nullptr;
  FakeControl fake([&](const json::object&) -> FakeControl::Answer {
    self->cut();
    return std::nullopt;
  });
  self = &fake;
  ControlClient control(fake.options());
  EXPECT_THAT(failure([&] { control.version(); }), HasSubstr("closed the connection"));
}

TEST(ControlClient, GarbageOnTheResponseTopicIsIgnored) {
  FakeControl* self = nullptr;
  FakeControl fake([&](const json::object&) {
    for (const char* text : {"", "{", "[]", "7", R"({"req":5})"}) {
      self->deliver(std::string(kControlResponseTopic), text);
    }
    return json::object{{"version", 1}};
  });
  self = &fake;
  ControlClient control(fake.options());
  EXPECT_EQ(control.version(), 1u);
}

}  // namespace
}  // namespace parley::ctl
