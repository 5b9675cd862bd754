#include "config/option_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

namespace parley {
namespace {

std::string get(std::string_view text, std::string_view name) {
  const auto value = option_in(text, "f.toml", name);
  if (!value) return "ERROR " + value.error().text;
  return *value ? **value : "(not set)";
}
std::string set(std::string_view text, std::string_view name, std::string_view value) {
  const auto changed = with_option(text, "f.toml", name, value);
  return changed ? *changed : "ERROR " + changed.error().text;
}

// What TOML 1.0 lets one write for http.listen = "127.0.0.1:9000".
const char* const kSpellings[] = {
    "[http]\nlisten = \"127.0.0.1:9000\"\n",
    "[http]\nlisten = '127.0.0.1:9000'\n",
    "[ http ]\n  listen='127.0.0.1:9000'# ours\n",
    "[http] # ours\n\tlisten\t=\t\"127.0.0.1:9000\" # ours\n",
    "[\"http\"]\n\"listen\" = '127.0.0.1:9000'\n",
    "['http']\n'listen' = \"127.0.0.1:9000\"\n",
    "[ \"ht\\u0074p\" ]\nlisten = \"127.0.0.1\\u003a9000\"\n",
    "[http]\nlisten = \"\"\"127.0.0.1:9000\"\"\"\n",
    "[http]\nlisten = '''127.0.0.1:9000'''\n",
    "[http]\nlisten = \"\"\"\n127.0.0.1:\\\n   9000\"\"\"\nworkers = 4\n",
    "http.listen = \"127.0.0.1:9000\"\n",
    "http . 'listen' = '127.0.0.1:9000'\nhttp.workers = 4\n[auth]\nargon2_ops = 2\n",
    "http = {listen = \"127.0.0.1:9000\"}\n",
    "http = { workers = 4, 'listen' = '127.0.0.1:9000' } # ours\n[auth]\n",
    // In brackets, because clang suspects a forgotten comma.
    ("# [http]\n# listen = \"0.0.0.0:1\"\n[database]\nurl = '''\n[http]\nlisten = "
     "\"0.0.0.0:1\"\n'''\n[http]\n"
     "listen = \"127.0.0.1:9000\"\n"),
    "[auth] # \xc3\xa4\xe2\x82\xac\n[http]\r\nlisten = \"127.0.0.1:9000\" # \xc3\xa4\r\nworkers = 4\r\n",
    "[http]\nlisten = \"127.0.0.1:9000\"",
    "[http]\npublic_url = \"\xc3\xa4\xf0\x9f\x98\x80\"\nlisten = '127.0.0.1:9000'",
    "\xEF\xBB\xBF[http]\nlisten = \"127.0.0.1:9000\"\n",
    "\xEF\xBB\xBFhttp.listen = \"127.0.0.1:9000\" # ours\n",
    "\xEF\xBB\xBFhttp = {listen = '127.0.0.1:9000', workers = 4}\n",
};

TEST(OptionFile, ReadsEverySpelling) {
  for (const char* text : kSpellings) EXPECT_EQ(get(text, "http.listen"), "127.0.0.1:9000") << text;
}

TEST(OptionFile, SetsInItsPlaceWhateverTheSpelling) {
  for (const std::string text : kSpellings) {
    EXPECT_EQ(set(text, "http.listen", "\"127.0.0.1:9000\""), text) << "the same value";
    const std::string changed = set(text, "http.listen", "\"[::]:80\"");
    EXPECT_EQ(get(changed, "http.listen"), "[::]:80") << changed;
    EXPECT_EQ(changed.find("9000"), std::string::npos) << changed;
    EXPECT_EQ(get(changed, "http.workers"), get(text, "http.workers")) << changed;
    // What stands before it and behind it stays.
    std::size_t same = 0;
    while (same < text.size() && same < changed.size() && text[same] == changed[same]) ++same;
    EXPECT_EQ(changed.substr(0, same), text.substr(0, same));
    for (const char* kept : {"# ours", "\xc3\xa4", "argon2_ops = 2"})
      EXPECT_EQ(changed.find(kept) != std::string::npos, text.find(kept) != std::string::npos) << changed;
    EXPECT_EQ(
        set(changed, "http.listen", "\"127.0.0.1:9000\"").size(),
        changed.size() + std::string_view("127.0.0.1:9000").size() - std::string_view("[::]:80").size());
  }
}

TEST(OptionFile, AddsWhatIsNotSet) {
  struct {
    const char *text, *name, *value, *want;
  } const rows[] = {
      {"", "http.listen", "1", "\n[http]\nlisten = 1\n"},
      {"[auth]", "http.listen", "1", "[auth]\n\n[http]\nlisten = 1\n"},
      {"[ http ] # ours\nworkers = 4\n", "http.listen", "1", "[ http ] # ours\nlisten = 1\nworkers = 4\n"},
      {"[http]", "http.listen", "1", "[http]\nlisten = 1\n"},
      {"[http]\r\n", "http.listen", "1", "[http]\r\nlisten = 1\r\n"},
      {"# us\nhttp.workers = 4\n", "http.listen", "1", "http.listen = 1\n# us\nhttp.workers = 4\n"},
      {"http = {workers = 4}\n", "http.listen", "1", "http = {listen = 1, workers = 4}\n"},
      {"http = { }\n", "http.listen", "1", "http = {listen = 1 }\n"},
      {"[broker]\nnodes = [{host = 'a'}]\n", "broker.nodes[0].port", "1",
       "[broker]\nnodes = [{port = 1, host = 'a'}]\n"},
      {"[[broker.nodes]]\nhost = 'a'\n", "broker.nodes[0].port", "1",
       "[[broker.nodes]]\nport = 1\nhost = 'a'\n"},
      {"[[broker.nodes]]\nhost = 'a'\nport = 2 # b\n", "broker.nodes[0].port", "1",
       "[[broker.nodes]]\nhost = 'a'\nport = 1 # b\n"},
      {"[broker]\nnodes = [\n  {host = 'a', port = 2}, # b\n]\n", "broker.nodes", "[{port = 1}]",
       "[broker]\nnodes = [{port = 1}]\n"},
  };
  for (const auto& row : rows) EXPECT_EQ(set(row.text, row.name, row.value), row.want) << row.text;
}

TEST(OptionFile, GivesOtherValuesAndWhatIsNotSet) {
  EXPECT_EQ(get("[a]\nb = 0x10\n", "a.b"), "0x10");
  EXPECT_EQ(get("[a]\nb = true\n", "a.b"), "true");
  EXPECT_EQ(get("[a]\nb = \"\"\n", "a.b"), "");
  EXPECT_EQ(get("[a]\nb = \"x\\\"\\\\\"\n", "a.b"), "x\"\\");
  EXPECT_EQ(get("[a]\n", "a.b"), "(not set)");
  EXPECT_EQ(get("", "a.b"), "(not set)");
  EXPECT_EQ(get("a = 1\n", "a.b"), "(not set)");
  EXPECT_EQ(get("a.n = [{h = 1}]\n", "a.n[0].h"), "1");
  EXPECT_EQ(get("a.n = [{h = 1}]\n", "a.n[1].h"), "(not set)");
}

TEST(OptionFile, RefusesWithWords) {
  EXPECT_NE(get("[a\n", "a.b").find("f.toml:1:3: not valid TOML"), std::string::npos) << get("[a\n", "a.b");
  EXPECT_NE(set("[a\n", "a.b", "1").find("not valid TOML"), std::string::npos);
  for (const char* value : {"", "x y", "1\nc = 2", "\"a", "\"\x01\"", "\"\xff\""})
    EXPECT_NE(set("[a]\n", "a.b", value).find("a.b: what it is to be set to is no value in TOML"),
              std::string::npos)
        << value;
  const std::string said = set("\nhttp = 4\n", "http.listen", "1");
  EXPECT_NE(said.find("f.toml:2:8: http.listen: cannot be set"), std::string::npos) << said;
  EXPECT_NE(said.find("write [http] and, below it, listen = ..."), std::string::npos) << said;
}

// The launcher sets these in the files that it copies.
TEST(OptionFile, KnowsTheDefaultFiles) {
  for (const char* file : {PARLEY_DEFAULT_CONFIG, PARLEY_DEFAULT_BRIDGE_CONFIG}) {
    const auto text = load_option_file(file);
    ASSERT_TRUE(text) << text.error().text;
    for (const char* name : {"metrics.listen", "doorbell.socket", "database.url", "http.listen",
                             "endpoints.mqtt", "broker.nodes[0].host"}) {
      if (get(*text, name) == "(not set)") continue;
      const std::string changed = set(*text, name, "'other'");
      EXPECT_EQ(get(changed, name), "other");
      EXPECT_EQ(std::count(changed.begin(), changed.end(), '\n'),
                std::count(text->begin(), text->end(), '\n'));
      EXPECT_EQ(std::count(changed.begin(), changed.end(), '#'), std::count(text->begin(), text->end(), '#'));
    }
  }
}

TEST(OptionFile, TellsWhereAnOptionIsSet) {
  const std::string file = testing::TempDir() + "/option_file_test." + std::to_string(::getpid()) + ".toml";
  std::ofstream(file) << "[database]\n  url = 'postgresql://a:hidden@b/c'\n";
  EXPECT_EQ(tell_at_option(file, "database.url: no: such"),
            file + ":2:9: database.url: no: such\n  2 |   url = 'postgresql://a:***@b/c'");
  for (const char* fault :
       {"http.listen: taken", "/a/b.pem: gone", "no colon", "", ": x", "a b: c", "[database]: x"})
    EXPECT_EQ(tell_at_option(file, fault), file + ": " + fault);
  std::remove(file.c_str());
  EXPECT_EQ(tell_at_option(file, "database.url: x"), file + ": database.url: x");
}

}  // namespace
}  // namespace parley
