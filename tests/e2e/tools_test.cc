// Two strangers chat with mosquitto_pub and mosquitto_sub: what the README's first minute promises.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/chat.h"
#include "tests/support/process.h"

namespace parley::test {
namespace {

class ToolsTest : public testing::Test {
 protected:
  Command tool(const char* name, std::string_view user, std::vector<std::string> arguments) {
    Command command;
    command.argv = {name,
                    "-h",
                    "127.0.0.1",
                    "-p",
                    std::to_string(world_.broker.port()),
                    "-u",
                    std::string(user),
                    "-P",
                    world_.broker.token(user)};
    for (auto& argument : arguments) command.argv.push_back(std::move(argument));
    return command;
  }
  // Runs until it has subscribed, which the broker's log tells (mosquitto_sub itself says nothing).
  std::unique_ptr<Process> subscriber(std::string_view user, const std::string& topic,
                                      const std::string& count) {
    auto command = tool("mosquitto_sub", user, {"-d", "-t", topic, "-C", count});
    command.output = world_.broker.folder() / (std::string(user) + ".out");
    auto process = std::make_unique<Process>(command);
    const Deadline deadline(kPatience);
    while (output_of(user).find("Subscribed") == std::string::npos && !deadline.passed()) process->wait(5ms);
    return process;
  }
  std::string output_of(std::string_view user) {
    const auto file = world_.broker.folder() / (std::string(user) + ".out");
    return std::filesystem::exists(file) ? read_file(file) : std::string();
  }
  World world_;
};

TEST_F(ToolsTest, StrangersChat) {
  auto bob = subscriber("bob", "rooms/general/messages/json", "3");
  for (const char* text : {"hello bob", "how are you?", "grüße aus köln"}) {
    const auto sent =
        run(tool("mosquitto_pub", "alice", {"-q", "1", "-t", "rooms/general/send", "-m", text}));
    ASSERT_EQ(sent.status, 0) << sent.text;
  }
  ASSERT_EQ(bob->wait(kPatience), 0);
  const std::string seen = output_of("bob");
  const auto first = seen.find(R"("body":"hello bob")");
  const auto second = seen.find(R"("body":"how are you?")");
  const auto third = seen.find(R"("body":"grüße aus köln")");
  EXPECT_NE(first, std::string::npos) << seen;
  EXPECT_LT(first, second) << seen;
  EXPECT_LT(second, third) << seen;
  EXPECT_NE(seen.find(R"("from":"alice")"), std::string::npos) << seen;
}

TEST_F(ToolsTest, WrongPasswordIsRefused) {
  auto command = tool("mosquitto_pub", "alice", {"-t", "rooms/general/send", "-m", "hi"});
  *(std::find(command.argv.begin(), command.argv.end(), "-P") + 1) = "secret";
  const auto sent = run(command);
  EXPECT_NE(sent.status, 0);
  EXPECT_NE(sent.text.find("not authorised"), std::string::npos) << sent.text;
}

TEST_F(ToolsTest, OutsiderIsDenied) {
  // mosquitto_sub ends by itself when every subscription is refused.
  const auto heard = run(tool("mosquitto_sub", "mallory", {"-t", "rooms/general/messages/json", "-W", "20"}));
  EXPECT_NE(heard.text.find("denied"), std::string::npos) << heard.text;
  const auto sent = run(tool("mosquitto_pub", "mallory",
                             {"-V", "5", "-q", "1", "-t", "rooms/general/send", "-m", "let me in"}));
  EXPECT_NE(sent.text.find("Not authorized"), std::string::npos) << sent.text;
  EXPECT_TRUE(world_.admin.read_log("general").empty());
}

}  // namespace
}  // namespace parley::test
