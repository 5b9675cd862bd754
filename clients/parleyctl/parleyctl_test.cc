// parleyctl as its users see it: the program itself against a real broker with the plugin.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <sstream>

#include "clients/parleyctl/testing/pty.h"
#include "schemas/topic.h"
#include "tests/support/broker.h"
#include "tests/support/chat.h"
#include "tests/support/process.h"
#include "tests/support/raw_client.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kLeave = "\x1b[?1049l";  // back from the alternate screen

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class ParleyctlTest : public testing::Test {
 protected:
  ParleyctlTest() {
    std::filesystem::create_directories(var.path() / "keys");
    test::write_file(var.path() / "keys" / "signing.pem", broker.mint().key().pem());
  }
  std::vector<std::pair<std::string, std::string>> env() const {
    return {{"PARLEY_VAR", var.path().string()},
            {"PARLEY_MQTT_PORT", std::to_string(broker.port())},
            {"TERM", "xterm-256color"},
            {"TZ", "UTC"}};
  }
  // Runs to the end. `input` becomes standard input.
  test::Output ctl(const std::vector<std::string>& args, const std::string& input = "") {
    const auto file = var.path() / "input";
    test::write_file(file, input);
    std::string line = "exec \"$0\" \"$@\" <" + file.string();
    test::Command command{.argv = {"sh", "-c", line, PARLEYCTL_PATH}, .env = env()};
    command.argv.insert(command.argv.end(), args.begin(), args.end());
    return test::run(std::move(command));
  }
  void put_people() {
    ASSERT_EQ(ctl({"user", "put", "alice", "bob", "carol"}).status, 0);
    ASSERT_EQ(ctl({"room", "put", "general"}).status, 0);
    ASSERT_EQ(ctl({"member", "put", "general", "alice", "bob"}).status, 0);
  }
  Pty chat(const std::string& user) {
    return Pty({PARLEYCTL_PATH, "chat", "general", "--as", user, "--device", "tty"}, env());
  }

  // One who hears of connections; and the client id of the next one of `user`'s that comes up.
  test::RawClient watcher() {
    auto watch = test::RawClient::connected(
        broker.port(), {.client_id = "probe:watch", .password = broker.service_token("watch")});
    EXPECT_LT(watch.subscribe(kSessionsTopic), 0x80);
    return watch;
  }
  static std::string client_of(test::RawClient& watch, const std::string& user) {
    const auto up = watch.expect_message(
        [&](const test::Received& m) {
          return m.payload.find(R"("session.up")") != std::string::npos &&
                 m.payload.find('"' + user + '"') != std::string::npos;
        },
        "a connection of " + user);
    return test::text(test::parse_object(up.payload), "client");
  }

  test::TempDir var;
  test::Broker broker;
};

TEST_F(ParleyctlTest, FactsArePutListedAndRemoved) {
  put_people();
  EXPECT_THAT(ctl({"user", "list"}).text, AllOf(HasSubstr("alice"), HasSubstr("bob"), HasSubstr("USER")));
  EXPECT_THAT(ctl({"member", "list", "general", "--json"}).text, HasSubstr(R"("role":"member")"));
  EXPECT_EQ(ctl({"member", "put", "general", "carol", "--role", "guest"}).status, 0);
  EXPECT_THAT(ctl({"member", "list", "general"}).text, ContainsRegex("carol +guest"));
  EXPECT_EQ(ctl({"member", "remove", "general", "bob"}).status, 0);
  EXPECT_THAT(ctl({"member", "list", "general"}).text, Not(HasSubstr("bob")));
  EXPECT_EQ(ctl({"room", "remove", "general"}).status, 0);
  const test::Output gone = ctl({"member", "list", "general"});
  EXPECT_EQ(gone.status, 1);
  EXPECT_THAT(gone.text, HasSubstr("room_not_found"));
}

TEST_F(ParleyctlTest, ListsLongerThanAPageAreWhole) {
  std::string ops;
  for (int i = 0; i < 1234; ++i) ops += R"({"op":"user.put","user":"u)" + std::to_string(10000 + i) + "\"}\n";
  EXPECT_THAT(ctl({"apply", "-"}, ops).text, HasSubstr("applied 1234 operations"));
  EXPECT_THAT(lines_of(ctl({"user", "list", "--json"}).text), SizeIs(1234));
}

TEST_F(ParleyctlTest, ApplyTellsTheBadLineAndWhatTookEffect) {
  const std::string ops = R"({"op":"user.put","user":"one"}

{"op":"user.put","user":"two"}
{"op":"user.put","user":"NOT A NAME"}
{"op":"user.put","user":"four"}
)";
  const test::Output result = ctl({"apply", "-", "--batch", "2"}, ops);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.text, AllOf(HasSubstr("line 4"), HasSubstr("lines 1 to 3 were applied")));
  EXPECT_THAT(ctl({"user", "list"}).text, AllOf(HasSubstr("one"), HasSubstr("two"), Not(HasSubstr("four"))));
  EXPECT_THAT(ctl({"apply", "-"}, "nonsense\n").text, HasSubstr("nothing was applied"));
  EXPECT_EQ(ctl({"apply", "/no/such/file"}).status, 1);
}

TEST_F(ParleyctlTest, TokensLetPeopleIn) {
  put_people();
  const test::Output printed = ctl({"token", "alice", "bob", "--device", "phone", "--ttl", "90s"});
  const auto tokens = lines_of(printed.text);
  ASSERT_THAT(tokens, SizeIs(2));
  test::RawClient::connected(broker.port(),
                             {.client_id = "alice:phone", .username = "alice", .password = tokens[0]});
  const auto created = lines_of(ctl({"apitoken", "create", "bob", "--device", "bot1"}).text);
  ASSERT_THAT(created, SizeIs(1));
  test::RawClient::connected(broker.port(),
                             {.client_id = "bob:bot1", .username = "bob", .password = created[0]});
  EXPECT_EQ(ctl({"apitoken", "remove", created[0]}).status, 0);
  EXPECT_THROW(test::RawClient::connected(
                   broker.port(), {.client_id = "bob:bot1", .username = "bob", .password = created[0]}),
               std::runtime_error);
}

TEST_F(ParleyctlTest, KicksAndStats) {
  put_people();
  auto alice = test::RawClient::connected(
      broker.port(), {.client_id = "alice:phone", .username = "alice", .password = broker.token("alice")});
  EXPECT_EQ(ctl({"kick", "alice:phone"}).status, 0);
  EXPECT_TRUE(alice.closed());
  EXPECT_EQ(ctl({"kick", "nobody:here"}).status, 1);
  EXPECT_TRUE(json::parse(ctl({"stats", "--json"}).text).is_object());
  EXPECT_THAT(ctl({"stats"}).text, ContainsRegex("users +3"));
}

TEST_F(ParleyctlTest, WrongUsageIsTwoFailureIsOneAndOneLineSaysWhy) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{},
                                             {"bogus"},
                                             {"user", "put"},
                                             {"user", "put", "Bad Name"},
                                             {"token", "alice", "--ttl", "soon"},
                                             {"room", "put", "general", "--kind", "party"},
                                             {"--port", "0", "stats"},
                                             {"chat", "A B"},
                                             {"log", "read", "--after", "yesterday"},
                                             {"member", "put", "general"}}) {
    const test::Output result = ctl(args);
    EXPECT_EQ(result.status, 2) << result.text;
    EXPECT_THAT(lines_of(result.text), SizeIs(1)) << result.text;
  }
  const test::Output down = ctl({"--port", "1", "stats"});
  EXPECT_EQ(down.status, 1);
  EXPECT_THAT(down.text, HasSubstr("no broker at 127.0.0.1:1: start it with ./parley up"));
  EXPECT_THAT(ctl({"--var", "/no/such", "stats"}).text, HasSubstr("parleyctl keys init"));
}

TEST_F(ParleyctlTest, LinesInLinesOutAndAllOfItInTheLog) {
  put_people();
  std::string input;
  for (int i = 1; i <= 40; ++i) input += "message " + std::to_string(i) + "\n";  // more than the burst of 30
  input += "/me waves at @bob";                                                  // no line end
  const test::Output said = ctl({"chat", "general", "--as", "alice"}, input);
  EXPECT_EQ(said.status, 0) << said.text;
  EXPECT_THAT(said.text, AllOf(HasSubstr("alice: message 40\n"), HasSubstr("* alice waves at @bob\n")));

  const auto read = lines_of(ctl({"log", "read", "--room", "general"}).text);
  ASSERT_THAT(read, SizeIs(41));
  for (std::size_t i = 0; i < 40; ++i) {
    const json::object event = json::parse(read[i]).as_object();
    EXPECT_EQ(event.at("body").as_string(), "message " + std::to_string(i + 1))
        << "in the order they were written";
  }
  const json::object third = json::parse(read[2]).as_object();
  EXPECT_THAT(lines_of(ctl({"log", "read", "--room", "general", "--after",
                            std::string(third.at("offset").as_string()), "--limit", "2"})
                           .text),
              ElementsAre(read[3], read[4]));
}

// More than may be on its way at once, and more than the SDK keeps.
TEST_F(ParleyctlTest, ALongFileGoesThroughWhole) {
  ASSERT_EQ(ctl({"user", "put", "alice", "--limits", "unlimited"}).status, 0);
  ASSERT_EQ(ctl({"room", "put", "general", "--limits", "unlimited"}).status, 0);
  ASSERT_EQ(ctl({"member", "put", "general", "alice"}).status, 0);
  std::string input;
  for (int i = 1; i <= 2'000; ++i) input += std::to_string(i) + "\n";
  const test::Output said = ctl({"chat", "general", "--as", "alice"}, input);
  EXPECT_EQ(said.status, 0) << said.text.substr(0, 1000);
  EXPECT_THAT(lines_of(ctl({"log", "read", "--room", "general"}).text), SizeIs(2'000));
}

TEST_F(ParleyctlTest, ChatForProgramsPrintsEvents) {
  put_people();
  const test::Output said = ctl({"--json", "chat", "general", "--as", "alice"}, "hello\nagain\n");
  EXPECT_EQ(said.status, 0) << said.text;
  const auto lines = lines_of(said.text);
  ASSERT_THAT(lines, SizeIs(2)) << said.text;
  EXPECT_EQ(json::parse(lines[0]).at("body"), "hello");
  EXPECT_EQ(json::parse(lines[0]).at("seq"), 1);
  EXPECT_EQ(json::parse(lines[1]).at("body"), "again");
  EXPECT_EQ(json::parse(lines[1]).at("prev"), 1);
}

TEST_F(ParleyctlTest, WhatCannotBeWrittenIsAnError) {
  const test::Output full =
      test::run({.argv = {"sh", "-c", "exec \"$0\" completion bash >/dev/full", PARLEYCTL_PATH}});
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.text, HasSubstr("cannot write to standard output"));
}

TEST_F(ParleyctlTest, ChatForStrangersFailsAndSaysWhatToDo) {
  put_people();
  const test::Output outside = ctl({"chat", "general", "--as", "carol"}, "hello\n");
  EXPECT_EQ(outside.status, 1);
  EXPECT_THAT(outside.text, HasSubstr("parleyctl member put general carol"));
  const test::Output unknown = ctl({"chat", "general", "--as", "nobody", "--patience", "2s"}, "hello\n");
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.text, HasSubstr("parleyctl user put nobody"));
}

TEST_F(ParleyctlTest, TailFollowsAcrossARestart) {
  put_people();
  const auto out = var.path() / "tail";
  test::Process tail({.argv = {PARLEYCTL_PATH, "log", "tail", "--after", "0"}, .env = env(), .output = out});
  const auto tailed = [&](std::string_view text) {
    const test::Deadline deadline = test::kPatience;
    while (!deadline.passed()) {
      if (test::read_file(out).find(text) != std::string::npos) return true;
      test::run({.argv = {"sleep", "0.05"}});
    }
    return false;
  };
  ctl({"chat", "general", "--as", "alice"}, "before\n");
  ASSERT_TRUE(tailed("before"));
  broker.kill9();
  broker.start();
  ctl({"chat", "general", "--as", "alice"}, "after\n");
  ASSERT_TRUE(tailed("\"after\""));
  const std::string text = test::read_file(out);
  EXPECT_EQ(text.find("before"), text.rfind("before")) << "each once";
}

TEST_F(ParleyctlTest, TheWindowSendsShowsAndGivesTheTerminalBack) {
  put_people();
  Pty alice = chat("alice");
  ASSERT_TRUE(alice.shows("online")) << alice.output();
  ASSERT_TRUE(alice.shows("this is #general"));
  EXPECT_FALSE(alice.cooked());
  alice.type("hello w\xc3\xb6rld\r");
  ASSERT_TRUE(alice.shows("✓")) << alice.output();
  ctl({"chat", "general", "--as", "bob"}, "hi @alice\n");
  EXPECT_TRUE(alice.shows("hi @alice"));
  alice.forget();
  alice.resize(40, 12);
  EXPECT_TRUE(alice.shows("#general")) << "drawn anew for the new size";
  alice.type("/quit\r");
  EXPECT_EQ(alice.wait(), 0);
  EXPECT_THAT(alice.output(), HasSubstr(std::string(kLeave)));
  EXPECT_TRUE(alice.cooked());
}

TEST_F(ParleyctlTest, AnyEndGivesTheTerminalBack) {
  put_people();
  for (const int number : {SIGTERM, SIGSEGV, SIGHUP}) {
    Pty alice = chat("alice");
    ASSERT_TRUE(alice.shows("online"));
    ::kill(alice.pid(), number);
    EXPECT_EQ(alice.wait(), 128 + number);
    EXPECT_THAT(alice.output(), HasSubstr(std::string(kLeave)));
    EXPECT_TRUE(alice.cooked());
  }
  Pty alice = chat("alice");
  ASSERT_TRUE(alice.shows("online"));
  alice.type("\x03");
  EXPECT_EQ(alice.wait(), 0);
}

TEST_F(ParleyctlTest, WhatIsWrittenOfflineIsSentOnceWhenTheBrokerIsBack) {
  put_people();
  Pty alice = chat("alice");
  ASSERT_TRUE(alice.shows("online"));
  broker.kill9();
  ASSERT_TRUE(alice.shows("offline"));
  alice.type("written in the dark\r");
  ASSERT_TRUE(alice.shows("1 waiting"));
  alice.forget();
  broker.start();
  ASSERT_TRUE(alice.shows("✓"));
  alice.type("\x03");
  EXPECT_EQ(alice.wait(), 0);
  EXPECT_THAT(lines_of(ctl({"log", "read", "--room", "general"}).text), SizeIs(1));
}

TEST_F(ParleyctlTest, TheWindowBeginsWithWhatWasSaidAndFetchesWhatItMissed) {
  put_people();
  ctl({"chat", "general", "--as", "bob"}, "said before\n");
  auto watch = watcher();
  Pty alice = chat("alice");
  const std::string client = client_of(watch, "alice");
  ASSERT_TRUE(alice.shows("said before")) << alice.output();
  ASSERT_TRUE(alice.shows("online"));
  // Stopped, it loses its connection without noticing; what is said meanwhile never reaches it.
  ::kill(alice.pid(), SIGSTOP);
  EXPECT_EQ(ctl({"kick", client}).status, 0);
  ctl({"chat", "general", "--as", "bob"}, "said meanwhile\n");
  ::kill(alice.pid(), SIGCONT);
  EXPECT_TRUE(alice.shows("said meanwhile")) << alice.output();
  EXPECT_THAT(alice.output(), Not(HasSubstr("missed")));
}

TEST_F(ParleyctlTest, ChatsOfOneLoginDoNotThrowEachOtherOut) {
  put_people();
  auto watch = watcher();
  Pty one = chat("alice");
  const std::string first = client_of(watch, "alice");
  ASSERT_TRUE(one.shows("online"));
  Pty two = chat("alice");
  const std::string second = client_of(watch, "alice");
  ASSERT_TRUE(two.shows("online"));
  EXPECT_NE(first, second);
  for (Pty* chat : {&one, &two}) chat->forget();  // each begins offline
  const test::Output third = ctl({"chat", "general", "--as", "alice", "--device", "tty"}, "from a script\n");
  EXPECT_EQ(third.status, 0) << third.text;
  for (Pty* chat : {&one, &two}) EXPECT_TRUE(chat->shows("from a script")) << chat->output();
  one.type("from one\r");
  EXPECT_TRUE(two.shows("from one")) << two.output();
  two.type("from two\r");
  EXPECT_TRUE(one.shows("from two")) << one.output();
  for (Pty* chat : {&one, &two}) EXPECT_THAT(chat->output(), Not(HasSubstr("offline")));
  EXPECT_THAT(lines_of(ctl({"log", "read", "--room", "general"}).text),
              testing::Each(HasSubstr(R"("device":"tty")")));
}

TEST_F(ParleyctlTest, AChatThatIsReplacedStaysAwayAndSaysWhy) {
  put_people();
  auto watch = watcher();
  Pty window = chat("alice");
  const std::string client = client_of(watch, "alice");
  // It is online before it has subscribed, and only what it subscribes to tells it of its replacement.
  const auto wait_until_it_reads = [&](Pty& chat) {
    for (int i = 0; i < 20 && !chat.shows("is it there yet?", std::chrono::seconds(1)); ++i)
      ctl({"chat", "general", "--as", "bob"}, "is it there yet?\n");
  };
  wait_until_it_reads(window);
  const auto take_over = [&](const std::string& id) {
    auto taker =
        test::RawClient::connected(broker.port(), {.client_id = id, .password = broker.token("alice")});
    EXPECT_EQ(client_of(watch, "alice"), id);
    return taker;
  };
  auto taker = take_over(client);
  EXPECT_TRUE(window.shows("same client id")) << window.output();
  EXPECT_TRUE(window.shows("connected elsewhere")) << window.output();
  taker.ping();
  window.type("\x03");
  EXPECT_EQ(window.wait(), 0);
  // For scripts: it ends, and fails.
  Pty lines({PARLEYCTL_PATH, "--json", "chat", "general", "--as", "alice"}, env());
  const std::string second = client_of(watch, "alice");
  wait_until_it_reads(lines);
  auto other = take_over(second);
  EXPECT_EQ(lines.wait(), 1);
  EXPECT_THAT(lines.output(), HasSubstr("same client id"));
}

// A login may be at any server; what this node's log holds belongs to a chat here alone.
TEST_F(ParleyctlTest, AChatAtAnotherServerBeginsWithoutThisNodesLog) {
  put_people();
  ctl({"chat", "general", "--as", "bob"}, "said before\n");
  const std::string url = "http://127.0.0.1:1";
  const json::object login{{"url", url},
                           {"user", "alice"},
                           {"device", "tty"},
                           {"session", "s"},
                           {"access_token", broker.token("alice", {.device = "tty"})},
                           {"refresh_token", "rt_x"},
                           {"expires_s", 4'102'444'800},
                           {"mqtt", "mqtt://127.0.0.1:" + std::to_string(broker.port())}};
  const auto file = var.path() / "logins.json";
  test::write_file(file, json::serialize(json::object{{"logins", json::array{login}}}));
  auto with_login = env();
  with_login.emplace_back("PARLEY_LOGINS", file.string());
  const auto chat_by_login = [&] { return Pty({PARLEYCTL_PATH, "chat", "general"}, with_login); };
  {
    Pty elsewhere = chat_by_login();
    ASSERT_TRUE(elsewhere.shows("online")) << elsewhere.output();
    ctl({"chat", "general", "--as", "bob"}, "said now\n");
    ASSERT_TRUE(elsewhere.shows("said now")) << elsewhere.output();
    EXPECT_THAT(elsewhere.output(), Not(HasSubstr("said before")));
  }
  test::write_file(var.path() / "url", url + "\n");
  Pty here = chat_by_login();
  EXPECT_TRUE(here.shows("said before")) << here.output();
}

TEST_F(ParleyctlTest, WhoJoinedLaterSeesNothingFromBefore) {
  put_people();
  ctl({"chat", "general", "--as", "bob"}, "one\ntwo\n");
  ASSERT_EQ(ctl({"member", "put", "general", "carol", "--since", "1"}).status, 0);
  Pty carol = chat("carol");
  ASSERT_TRUE(carol.shows("two")) << carol.output();
  EXPECT_THAT(carol.output(), Not(HasSubstr("one")));
}

// The cursor stands after a `p`: of the commands below `user`, one begins so. Flags and their values do not
// confuse it.
TEST_F(ParleyctlTest, CompletionKnowsTheCommandsInBash) {
  const auto script = var.path() / "completion.bash";
  test::write_file(script, ctl({"completion", "bash"}).text);
  const test::Output completed =
      test::run({.argv = {"bash", "-c",
                          "source " + script.string() +
                              "; COMP_WORDS=(parleyctl --port 5 user --json p); COMP_CWORD=5; _parleyctl; "
                              "echo \"${COMPREPLY[@]}\""}});
  EXPECT_EQ(completed.text, "put\n");
}

TEST_F(ParleyctlTest, CompletionKnowsTheCommandsInZsh) {
  const auto script = var.path() / "completion.zsh";
  test::write_file(script, ctl({"completion", "zsh"}).text);
  const test::Output completed = test::run(
      {.argv = {
           "zsh", "-fc",
           "compdef() { : }; compadd() { shift; print -r -- $@ }; source " + script.string() +
               "; words=(parleyctl --port 5 rooms create general --with bob ''); CURRENT=9; _parleyctl"}});
  EXPECT_THAT(completed.text, AllOf(HasSubstr("--topic"), HasSubstr("--member"), Not(HasSubstr("list"))));
}

}  // namespace
}  // namespace parley::ctl
