// Runs tests/e2e/mqttjs against a broker.
#include <gtest/gtest.h>

#include "tests/support/chat.h"
#include "tests/support/process.h"

namespace parley::test {
namespace {

TEST(MqttJsTest, Chats) {
  World world;
  Command command;
  command.argv = {PARLEY_NODE, "--test", PARLEY_MQTTJS_FOLDER "/chat.test.js"};
  command.env.emplace_back("PARLEY_PORT", std::to_string(world.broker.port()));
  for (const auto& [user, name] :
       {std::pair("alice", "ALICE"), std::pair("bob", "BOB"), std::pair("mallory", "MALLORY")}) {
    command.env.emplace_back(std::string("PARLEY_TOKEN_") + name, world.broker.token(user));
  }
  const Output output = run(command, 100s);
  EXPECT_EQ(output.status, 0) << output.text;
}

}  // namespace
}  // namespace parley::test
