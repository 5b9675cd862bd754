// The harness itself, against a bare mosquitto.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tests/support/broker.h"
#include "tests/support/process.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"

namespace parley::test {
namespace {

TEST(RunTest, GivesStatusAndOutput) {
  const Output output = run({.argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}});
  EXPECT_EQ(output.status, 3);
  EXPECT_EQ(output.text, "out\nerr\n");
}

TEST(RunTest, KillsAtTheDeadline) { EXPECT_EQ(run({.argv = {"sleep", "60"}}, 50ms).status, 124); }

TEST(RunTest, NoSuchProgram) { EXPECT_EQ(run({.argv = {"/no/such/program"}}).status, 127); }

TEST(ProcessTest, PassesEnvironment) {
  const Output output =
      run({.argv = {"sh", "-c", "echo $PARLEY_TEST_WORD"}, .env = {{"PARLEY_TEST_WORD", "hello"}}});
  EXPECT_EQ(output.text, "hello\n");
}

// A test that is killed -9 takes its children with it.
TEST(ProcessTest, DiesWithTheTest) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t test = fork();
  if (test == 0) {
    Process child({.argv = {"sleep", "600"}});
    const pid_t pid = child.pid();
    if (write(pipe_ends[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    kill(getpid(), SIGKILL);
  }
  pid_t grandchild = 0;
  ASSERT_EQ(read(pipe_ends[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
  waitpid(test, nullptr, 0);
  // The write end of the pipe is the grandchild's too: end of file means that it is gone, as far as it was
  // given one. Its own process entry is what counts, though: it vanishes, or is a zombie of whoever reaps
  // orphans here.
  const Deadline deadline(kPatience);
  bool gone = false;
  while (!gone && !deadline.passed()) {
    gone = kill(grandchild, 0) != 0 ||
           read_file("/proc/" + std::to_string(grandchild) + "/stat").find(") Z ") != std::string::npos;
  }
  EXPECT_TRUE(gone);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

class BareBrokerTest : public testing::TestWithParam<Version> {
 protected:
  ConnectOptions as(std::string_view id) const {
    return {.client_id = std::string(id), .version = GetParam()};
  }
  Broker broker_{{.bare = true}};
};

TEST_P(BareBrokerTest, AllQualitiesOfService) {
  auto reader = RawClient::connected(broker_.port(), as("reader"));
  auto writer = RawClient::connected(broker_.port(), as("writer"));
  EXPECT_EQ(reader.subscribe("a/#", 2), 2);
  for (std::uint8_t qos = 0; qos <= 2; ++qos) {
    const std::string text = "text " + std::to_string(qos);
    EXPECT_EQ(writer.publish("a/b", text, {.qos = qos}), 0);
    const auto got = reader.expect_on("a/b");
    EXPECT_EQ(got.payload, text);
    EXPECT_EQ(got.qos, qos);
  }
  EXPECT_TRUE(reader.silent());
  reader.unsubscribe("a/#");
  writer.publish("a/b", "unheard");
  EXPECT_TRUE(reader.silent());
}

TEST_P(BareBrokerTest, WillAndRestart) {
  auto reader = RawClient::connected(broker_.port(), as("reader"));
  reader.subscribe("gone");
  auto dying = as("dying");
  dying.will = WillOptions{.topic = "gone", .payload = "bye"};
  RawClient::connected(broker_.port(), dying).abort();
  EXPECT_EQ(reader.expect_on("gone").payload, "bye");

  broker_.kill9();
  EXPECT_TRUE(reader.closed());
  broker_.start();
  auto again = RawClient::connected(broker_.port(), as("reader"));
  again.ping();
  EXPECT_EQ(broker_.terminate(), 0);
}

TEST_P(BareBrokerTest, WaitingForWhatDoesNotComeSaysSo) {
  auto client = RawClient::connected(broker_.port(), as("client"));
  EXPECT_THROW(client.expect_on("never", 20ms), std::runtime_error);
  EXPECT_FALSE(client.closed(20ms));
}

INSTANTIATE_TEST_SUITE_P(Versions, BareBrokerTest, testing::Values(Version::v311, Version::v5),
                         [](const auto& version) { return version.param == Version::v5 ? "v5" : "v311"; });

TEST(BrokerTest, SaysWhyItDidNotStart) {
  try {
    Broker broker({.bare = true, .conf = {"no_such_option true"}});
    FAIL() << "started with a bad configuration";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("no_such_option"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace parley::test
