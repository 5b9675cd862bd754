#include "config/broker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace parley {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

boost::system::result<BrokerConfig, ConfigErrors> parse(std::string_view text) {
  return parse_broker_config(text, "/srv/chat/parley.toml");
}

std::string errors(std::string_view text) {
  const auto result = parse(text);
  return result.has_error() ? result.error() : "(accepted)";
}

void expect_same(const BrokerConfig& a, const BrokerConfig& b) {
  EXPECT_EQ(a.node.id, b.node.id);
  EXPECT_EQ(a.node.data_dir.filename(), b.node.data_dir.filename());
  EXPECT_EQ(a.auth.jwks_file.filename(), b.auth.jwks_file.filename());
  EXPECT_EQ(a.auth.connections_grace, b.auth.connections_grace);
  EXPECT_EQ(a.auth.anonymous, b.auth.anonymous);
  EXPECT_EQ(a.doorbell.socket.filename(), b.doorbell.socket.filename());
  EXPECT_EQ(a.doorbell.host, b.doorbell.host);
  EXPECT_EQ(a.doorbell.port, b.doorbell.port);
  EXPECT_EQ(a.delivery.max_pace, b.delivery.max_pace);
  EXPECT_EQ(a.delivery.frame_bytes, b.delivery.frame_bytes);
  EXPECT_EQ(a.delivery.frame_events, b.delivery.frame_events);
  EXPECT_EQ(a.limits.name, b.limits.name);
  EXPECT_DOUBLE_EQ(a.limits.messages_per_s, b.limits.messages_per_s);
  EXPECT_DOUBLE_EQ(a.limits.burst, b.limits.burst);
  EXPECT_EQ(a.limits.connections, b.limits.connections);
  EXPECT_DOUBLE_EQ(a.limits.requests_per_s, b.limits.requests_per_s);
  EXPECT_DOUBLE_EQ(a.limits.typing_per_s, b.limits.typing_per_s);
  EXPECT_NEAR(a.limits.room_messages_per_s, b.limits.room_messages_per_s, 0.01);
  EXPECT_DOUBLE_EQ(a.limits.room_bot_messages_per_s, b.limits.room_bot_messages_per_s);
  EXPECT_EQ(a.queues.uncommitted_bytes, b.queues.uncommitted_bytes);
  EXPECT_EQ(a.queues.undelivered_bytes, b.queues.undelivered_bytes);
  EXPECT_EQ(a.queues.shed_typing_lag, b.queues.shed_typing_lag);
  EXPECT_EQ(a.queues.refuse_lag, b.queues.refuse_lag);
  EXPECT_EQ(a.queues.retry_after, b.queues.retry_after);
  EXPECT_EQ(a.log.memory_bytes, b.log.memory_bytes);
  EXPECT_EQ(a.log.reserve_bytes, b.log.reserve_bytes);
  EXPECT_EQ(a.log.retention, b.log.retention);
  EXPECT_EQ(a.log.trim_interval, b.log.trim_interval);
  EXPECT_EQ(a.replica.memory_bytes, b.replica.memory_bytes);
  EXPECT_EQ(a.metrics.listen, b.metrics.listen);
  ASSERT_EQ(a.pass_through.size(), b.pass_through.size());
  for (std::size_t i = 0; i < a.pass_through.size(); ++i) {
    EXPECT_EQ(a.pass_through[i].pattern, b.pass_through[i].pattern);
    EXPECT_EQ(a.pass_through[i].access, b.pass_through[i].access);
    EXPECT_EQ(a.pass_through[i].anonymous, b.pass_through[i].anonymous);
  }
  EXPECT_EQ(a.retained.messages, b.retained.messages);
  EXPECT_EQ(a.retained.bytes, b.retained.bytes);
  EXPECT_EQ(a.messages.payload_bytes, b.messages.payload_bytes);
  EXPECT_EQ(a.messages.body_characters, b.messages.body_characters);
  EXPECT_EQ(a.messages.attachments, b.messages.attachments);
  EXPECT_EQ(a.messages.mentions, b.messages.mentions);
}

TEST(BrokerConfig, AnEmptyFileGivesTheDefaultsWithPathsBesideIt) {
  const auto config = parse("");
  ASSERT_TRUE(config.has_value()) << config.error();
  expect_same(*config, BrokerConfig{});
  EXPECT_EQ(config->node.data_dir, "/srv/chat/data");
  EXPECT_EQ(config->auth.jwks_file, "/srv/chat/keys/jwks.json");
  EXPECT_EQ(config->doorbell.socket, "/srv/chat/run/doorbell.sock");
  EXPECT_TRUE(config->doorbell.uses_socket());
}

// What a user reads in the documented file is what the code does.
TEST(BrokerConfig, TheDefaultFileSaysTheDefaults) {
  const auto config = load_broker_config(PARLEY_DEFAULT_CONFIG);
  ASSERT_TRUE(config.has_value()) << config.error();
  expect_same(*config, BrokerConfig{});
}

TEST(BrokerConfig, ReadsEveryOption) {
  const auto config = parse(R"(
[node]
id = 1023
data_dir = "/var/lib/parley"
[auth]
jwks_file = "../jwks.json"
connections_grace_s = 0
anonymous = true
[doorbell]
socket = "/run/p/d.sock"
host = "127.0.0.2"
port = 1884
[delivery]
max_pace_ms = 5
frame_bytes = 4096
frame_events = 2
[limits]
messages_per_s = 2.5
burst = 7
connections = 3
requests_per_s = 4
typing_per_s = 0
room_messages_per_s = 8
room_bot_messages_per_s = 9
[queues]
uncommitted_bytes = 1048576
undelivered_bytes = 2097152
shed_typing_lag_ms = 10
refuse_lag_ms = 20
retry_after_ms = 30
[log]
memory_mb = 64
reserve_mb = 1
retention_days = 0
trim_interval_s = 5
[replica]
memory_mb = 8
[metrics]
listen = ""
[pass_through]
patterns = [{pattern = "devices/%u/%d/#", access = "write"}, {pattern = "sensors/+/state", access = "read", anonymous = true}]
retained_messages = 5
retained_mb = 2
[messages]
payload_bytes = 1000
body_characters = 500
attachments = 0
mentions = 1
)");
  ASSERT_TRUE(config.has_value()) << config.error();
  BrokerConfig want;
  want.node = {1023, "/var/lib/parley"};
  want.auth = {"/srv/jwks.json", 0s, true};
  want.doorbell = {"/run/p/d.sock", "127.0.0.2", 1884};
  want.delivery = {5ms, 4096, 2};
  want.limits = {"default", 2.5, 7, 3, 4, 0, 8, 9};
  want.queues = {1u << 20, 2u << 20, 10ms, 20ms, 30ms};
  want.log = {64u << 20, 1u << 20, 0h, 5s};
  want.replica = {8u << 20};
  want.metrics = {""};
  want.pass_through = {{"devices/%u/%d/#", PassThroughAccess::write, false},
                       {"sensors/+/state", PassThroughAccess::read, true}};
  want.retained = {5, 2u << 20};
  want.messages = {1000, 500, 0, 1};
  expect_same(*config, want);
  EXPECT_EQ(config->auth.jwks_file, want.auth.jwks_file);
  EXPECT_EQ(config->node.data_dir, want.node.data_dir);
  EXPECT_FALSE(config->doorbell.uses_socket());
}

TEST(BrokerConfig, AnErrorNamesFileLineAndKeyAndShowsTheLine) {
  EXPECT_EQ(errors("[node]\n\nid = 1024\n"),
            "/srv/chat/parley.toml:3:6: node.id: expected a whole number from 0 to 1023, found 1024\n"
            "  3 | id = 1024\n"
            "    |      ^");
  EXPECT_EQ(errors("[auth]\r\n\tanonymous = \"yes\"\r\n"),
            "/srv/chat/parley.toml:2:14: auth.anonymous: expected true or false, found a string\n"
            "  2 | \tanonymous = \"yes\"\n"
            "    | \t            ^");
  EXPECT_EQ(errors("node = 3\n"),
            "/srv/chat/parley.toml:1:8: node: expected a section, found an integer; write [node]\n"
            "  1 | node = 3\n"
            "    |        ^");
  EXPECT_THAT(
      errors("[node]\nid = 5.5\n"),
      HasSubstr("/srv/chat/parley.toml:2:6: node.id: expected a whole number from 0 to 1023, found 5.5\n"));
  for (const char* none : {"nan", "inf", "-inf", "1e400", "1024.0", "-1.0", "\"5\"", "true"})
    EXPECT_THAT(errors("[node]\nid = " + std::string(none) + "\n"), HasSubstr("parley.toml:2")) << none;
  for (const char* five : {"5", "5.0", "5e0", "0.5e1", "+5.0"})
    EXPECT_EQ(errors("[node]\nid = " + std::string(five) + "\n"), "(accepted)") << five;
  EXPECT_THAT(errors("[node\nid = 1\n"), AllOf(HasSubstr("/srv/chat/parley.toml:1:"),
                                               HasSubstr(": not valid TOML"), HasSubstr("\n  1 | [node")));
  EXPECT_THAT(errors("[node]\n[[[\n"),
              AllOf(HasSubstr("/srv/chat/parley.toml:2:"), HasSubstr("not valid TOML")));
}

// Whatever is no TOML is refused with the place of it, and never ends the program.
TEST(BrokerConfig, EveryKindOfSyntaxErrorHasItsLine) {
  for (const char* wrong : {"id",
                            "id =",
                            "id = 1 2",
                            "= 3",
                            "id = 'a",
                            "id = \"a\\q\"",
                            "id = [1, ",
                            "id = {a = 1",
                            "id = 01",
                            "id = 1__0",
                            "id = 1\nid = 2",
                            "[node]",
                            "id = \xff",
                            "id = 1979-13-01",
                            "id = +-1",
                            "\"\"\"",
                            "id = 0x",
                            "id = tru",
                            "a.b = 1\na.b.c = 2",
                            "id : 3",
                            "id = yes"}) {
    const std::string text = errors("[node]\n" + std::string(wrong) + "\n");
    EXPECT_THAT(text, HasSubstr("/srv/chat/parley.toml:")) << wrong;
    EXPECT_THAT(text, AnyOf(HasSubstr(":1:"), HasSubstr(":2:"), HasSubstr(":3:"), HasSubstr(":4:"))) << wrong;
    EXPECT_THAT(text, HasSubstr("not valid TOML")) << wrong;
  }
}

TEST(BrokerConfig, UnknownNamesAreRefusedWithASuggestion) {
  const auto first_line = [](const std::string& text) {
    return errors(text).substr(0, errors(text).find('\n'));
  };
  EXPECT_EQ(
      first_line("[delivery]\nmax_pace = 5\n"),
      "/srv/chat/parley.toml:2:1: delivery.max_pace: there is no such option; did you mean max_pace_ms?");
  EXPECT_EQ(first_line("[limit]\nburst = 5\n"),
            "/srv/chat/parley.toml:1:2: limit: there is no such section; did you mean [limits]?");
  // What is allowed instead, where nothing is near; and where it would be right.
  EXPECT_EQ(
      first_line("[log]\nxyzzyxyzzy = 5\n"),
      "/srv/chat/parley.toml:2:1: log.xyzzyxyzzy: there is no such option; there are memory_mb, reserve_mb, "
      "retention_days, trim_interval_s");
  EXPECT_THAT(errors("[node]\nmax_pace_ms = 5\n"), HasSubstr("no such option; it belongs below [delivery]"));
  EXPECT_THAT(errors("jwks_file = \"a\"\n"), HasSubstr("no such option; it belongs below [auth]"));
  EXPECT_THAT(errors("[xyzzyxyzzy]\n"), HasSubstr("no such section; there are [node], [auth], "));
  EXPECT_THAT(errors("[[xyzzyxyzzy]]\n"), HasSubstr("no such section; there are [node], [auth], "));
  EXPECT_THAT(errors("[pass_through]\npatterns = [{patern = \"a\", pattern = \"a/b\"}]"),
              HasSubstr("did you mean pattern?"));
}

TEST(BrokerConfig, TellsAllProblemsAtOnceInTheOrderOfTheirLines) {
  const std::string text = errors("[node]\nid = -1\n[log]\nmemory_mb = 1\nretention = 3\n[typo]\n");
  EXPECT_THAT(text, AllOf(HasSubstr("node.id"), HasSubstr("log.memory_mb"), HasSubstr("log.retention"),
                          HasSubstr("typo: there is no such section")));
  EXPECT_LT(text.find("node.id"), text.find("log.memory_mb"));
  EXPECT_LT(text.find("log.memory_mb"), text.find("log.retention"));
  EXPECT_LT(text.find("log.retention"), text.find("typo:"));
}

TEST(BrokerConfig, WhatContradictsItselfIsShownWhereItIsSet) {
  EXPECT_THAT(errors("[queues]\nrefuse_lag_ms = 5"),
              HasSubstr("/srv/chat/parley.toml:2:17: queues.shed_typing_lag_ms"));
  EXPECT_THAT(errors("[queues]\nshed_typing_lag_ms = 60000"),
              HasSubstr("/srv/chat/parley.toml:2:22: queues."));
}

TEST(BrokerConfig, RefusesWhatCannotWork) {
  EXPECT_THAT(errors("[limits]\nmessages_per_s = nan"),
              HasSubstr("limits.messages_per_s: expected a number"));
  EXPECT_THAT(errors("[limits]\nburst = 0.5"), HasSubstr("limits.burst: expected a number from 1 to 1e+06"));
  EXPECT_THAT(errors("[queues]\nshed_typing_lag_ms = 100\nrefuse_lag_ms = 50"),
              HasSubstr("must not be above"));
  EXPECT_THAT(errors("[node]\ndata_dir = \"\""), HasSubstr("node.data_dir: expected a path"));
  EXPECT_THAT(errors("[doorbell]\nsocket = \"/" + std::string(107, 'x') + "\""),
              HasSubstr("doorbell.socket"));
  EXPECT_THAT(errors("[doorbell]\nport = 1883\nsocket = \"/" + std::string(107, 'x') + "\""),
              Not(HasSubstr("doorbell.socket")));
  EXPECT_THAT(errors("[doorbell]\nhost = \"localhost\""),
              HasSubstr("doorbell.host: expected an IPv4 address"));
  for (const char* listen : {"9464", ":9464", "localhost:", "localhost:99999", "localhost:x"}) {
    EXPECT_THAT(errors("[metrics]\nlisten = \"" + std::string(listen) + "\""), HasSubstr("metrics.listen"))
        << listen;
  }
  EXPECT_THAT(errors("[messages]\npayload_bytes = 300000"), HasSubstr("messages.payload_bytes"));
}

TEST(BrokerConfig, PassThroughPatternsKeepAwayFromChat) {
  const auto fault = [](const std::string& pattern, const std::string& rest = "") {
    return errors("[auth]\nanonymous = true\n[pass_through]\npatterns = [{pattern = \"" + pattern + "\"" +
                  rest + "}]");
  };
  for (const char* pattern : {"rooms/a/send", "users/#", "$CONTROL/x", "$SYS/#", "#", "+/a", "%u/a"}) {
    EXPECT_THAT(fault(pattern), HasSubstr("first level")) << pattern;
  }
  EXPECT_THAT(fault("a/#/b"), HasSubstr("# may only be the last level"));
  EXPECT_THAT(fault("a/b#"), HasSubstr("must be a whole level"));
  EXPECT_THAT(fault("a/x%u"), HasSubstr("only %u and %d"));
  EXPECT_THAT(fault("a/%c"), HasSubstr("only %u and %d"));
  EXPECT_THAT(fault(""), HasSubstr("needs a pattern"));
  EXPECT_THAT(fault("a/%u", ", anonymous = true"), HasSubstr("mean nothing for an anonymous client"));
  EXPECT_THAT(fault("a/b", ", access = \"all\""), HasSubstr("\"read\", \"write\" or \"readwrite\""));
  EXPECT_EQ(fault("a/b/#", ", anonymous = true"), "(accepted)");
  EXPECT_THAT(errors("[pass_through]\npatterns = [{pattern = \"a\", anonymous = true}]"),
              HasSubstr("set auth.anonymous = true"));
  EXPECT_THAT(errors("[pass_through]\npatterns = [\"a\"]"), HasSubstr("expected tables"));
  const auto none = parse("[pass_through]\npatterns = []");
  ASSERT_TRUE(none.has_value());
  EXPECT_TRUE(none->pass_through.empty());
}

TEST(LoadBrokerConfig, SaysWhatCannotBeRead) {
  EXPECT_THAT(load_broker_config("/nonexistent/parley.toml").error(),
              HasSubstr("/nonexistent/parley.toml: cannot be read: No such file"));
  EXPECT_THAT(load_broker_config("/tmp").error(), HasSubstr("/tmp: cannot be read"));
  EXPECT_THAT(load_broker_config("/dev/zero").error(),
              HasSubstr("/dev/zero: cannot be read: it is no ordinary file"));
}

TEST(LoadBrokerConfig, PathsAreAbsoluteAlsoForARelativeName) {
  const auto dir =
      std::filesystem::temp_directory_path() / ("parley_config_test_" + std::to_string(getpid()));
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "parley.toml") << "[node]\nid = 5\n";
  const auto config = load_broker_config(std::filesystem::relative(dir / "parley.toml"));
  std::filesystem::remove_all(dir);
  ASSERT_TRUE(config.has_value()) << config.error();
  EXPECT_EQ(config->node.id, 5);
  EXPECT_EQ(config->node.data_dir, dir / "data");
}

}  // namespace
}  // namespace parley
