// Clients written on the Paho C++ library, as it is, without our SDK: MQTT 3.1.1 and 5.
#include <gtest/gtest.h>
#include <mqtt/async_client.h>

#include <future>

#include "tests/support/chat.h"

namespace parley::test {
namespace {

class PahoTest : public testing::TestWithParam<int> {
 protected:
  ::mqtt::connect_options options(std::string_view user) const {
    auto builder = ::mqtt::connect_options_builder();
    builder.mqtt_version(GetParam()).user_name(std::string(user)).password(world_.broker.token(user));
    if (GetParam() == MQTTVERSION_5) {
      builder.clean_start(true);
    } else {
      builder.clean_session(true);
    }
    return builder.finalize();
  }
  std::string uri() const { return "tcp://127.0.0.1:" + std::to_string(world_.broker.port()); }
  static std::string id(std::string_view user) { return std::string(user) + ":phone"; }

  World world_;
};

TEST_P(PahoTest, TwoPeopleChat) {
  ::mqtt::async_client alice(uri(), id("alice"), ::mqtt::create_options(GetParam()));
  ::mqtt::async_client bob(uri(), id("bob"), ::mqtt::create_options(GetParam()));
  alice.start_consuming();
  bob.start_consuming();
  ASSERT_TRUE(alice.connect(options("alice"))->wait_for(kPatience));
  ASSERT_TRUE(bob.connect(options("bob"))->wait_for(kPatience));
  ASSERT_TRUE(bob.subscribe("rooms/general/messages/json", 1)->wait_for(kPatience));
  ASSERT_TRUE(alice.subscribe("users/alice/events", 1)->wait_for(kPatience));
  for (int i = 0; i < 20; ++i) {
    const std::string cid = "paho-" + std::to_string(i);
    ASSERT_TRUE(
        alice.publish("rooms/general/send", message("hello " + cid, cid), 1, false)->wait_for(kPatience));
  }
  for (int i = 0; i < 20; ++i) {
    const std::string cid = "paho-" + std::to_string(i);
    ::mqtt::const_message_ptr heard;
    ASSERT_TRUE(bob.try_consume_message_for(&heard, kPatience));
    EXPECT_EQ(text(parse_object(heard->to_string()), "body"), "hello " + cid);
    ::mqtt::const_message_ptr ack;
    ASSERT_TRUE(alice.try_consume_message_for(&ack, kPatience));
    EXPECT_EQ(text(parse_object(ack->to_string()), "type"), "ack");
    EXPECT_EQ(text(parse_object(ack->to_string()), "cid"), cid);
  }
  alice.disconnect()->wait_for(kPatience);
  bob.disconnect()->wait_for(kPatience);
}

TEST_P(PahoTest, RefusalsAreUnderstood) {
  ::mqtt::async_client stranger(uri(), id("alice"), ::mqtt::create_options(GetParam()));
  auto wrong = options("alice");
  wrong.set_password("secret");
  EXPECT_THROW(stranger.connect(wrong)->wait_for(kPatience), ::mqtt::exception);

  ::mqtt::async_client mallory(uri(), id("mallory"), ::mqtt::create_options(GetParam()));
  mallory.start_consuming();
  ASSERT_TRUE(mallory.connect(options("mallory"))->wait_for(kPatience));
  ASSERT_TRUE(mallory.subscribe("users/mallory/events", 1)->wait_for(kPatience));
  try {  // a v5 publish fails by its reason, a 3.1.1 one by the event alone
    mallory.publish("rooms/general/send", message("hi", "m"), 1, false)->wait_for(kPatience);
  } catch (const ::mqtt::exception&) {
    EXPECT_EQ(GetParam(), MQTTVERSION_5);
  }
  ::mqtt::const_message_ptr error;
  ASSERT_TRUE(mallory.try_consume_message_for(&error, kPatience));
  EXPECT_EQ(text(parse_object(error->to_string()), "code"), "not_member");
  mallory.disconnect()->wait_for(kPatience);
}

TEST_P(PahoTest, ReconnectsByItself) {
  ::mqtt::async_client alice(uri(), id("alice"), ::mqtt::create_options(GetParam()));
  auto steady = options("alice");
  steady.set_automatic_reconnect(1, 2);
  std::promise<void> back;
  int connects = 0;
  alice.set_connected_handler([&](const std::string&) {
    if (++connects == 2) back.set_value();
  });
  ASSERT_TRUE(alice.connect(steady)->wait_for(kPatience));
  world_.broker.kill9();
  world_.broker.start();
  ASSERT_EQ(back.get_future().wait_for(kPatience), std::future_status::ready);
  auto bob = world_.reader("bob", "general");
  ASSERT_TRUE(alice.publish("rooms/general/send", message("back again"), 1, false)->wait_for(kPatience));
  EXPECT_EQ(text(expect_event(bob, "general"), "body"), "back again");
  alice.disconnect()->wait_for(kPatience);
}

INSTANTIATE_TEST_SUITE_P(Versions, PahoTest, testing::Values(MQTTVERSION_3_1_1, MQTTVERSION_5),
                         [](const auto& version) { return version.param == MQTTVERSION_5 ? "v5" : "v311"; });

}  // namespace
}  // namespace parley::test
