#include "clients/parleyctl/context.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "clients/parleyctl/key_store.h"
#include "clients/parleyctl/listing.h"
#include "tests/support/temp_dir.h"

namespace parley::ctl {
namespace {

TEST(Context, Durations) {
  EXPECT_EQ(parse_duration_s("90"), 90);
  EXPECT_EQ(parse_duration_s("90s"), 90);
  EXPECT_EQ(parse_duration_s("15m"), 900);
  EXPECT_EQ(parse_duration_s("12h"), 43'200);
  EXPECT_EQ(parse_duration_s("7d"), 604'800);
  for (const char* text : {"", "0", "-1", "m", "1w", "1.5h", "99999999999999999999", "9999999d", "5 m"}) {
    EXPECT_THROW(parse_duration_s(text), Failure) << text;
  }
}

TEST(Context, NamesAreChecked) {
  EXPECT_EQ(user_name("alice").str(), "alice");
  EXPECT_THROW(user_name("Alice"), Failure);
  EXPECT_THROW(room_name("a/b"), Failure);
  EXPECT_THROW(device_name(""), Failure);
}

TEST(Listing, TablesAlign) {
  const std::vector<boost::json::object> rows = {{{"user", "al"}, {"n", 5}}, {{"user", "a\nb"}, {"n", 500}}};
  EXPECT_EQ(format_table({{"user", "USER"}, {"n", "N"}}, rows), "USER    N\nal      5\na?b   500\n");
  EXPECT_EQ(format_table({{"user", "USER"}, {"n", "N"}}, {}), "USER  N\n");
  EXPECT_EQ(format_table({{"x", "X"}}, {{{"y", 1}}}), "X\n-\n");
}

class KeyStoreTest : public testing::Test {
 protected:
  static mode_t mode(const std::filesystem::path& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }
  test::TempDir var;
  KeyStore store{var.path()};
};

TEST_F(KeyStoreTest, MakesKeysOnceAndForTheOwnerOnly) {
  EXPECT_EQ(store.init(), KeyStore::Init::created);
  EXPECT_EQ(mode(store.signing_file()), 0600u);
  EXPECT_EQ(mode(store.jwks_file()), 0644u);
  EXPECT_EQ(mode(store.signing_file().parent_path()), 0700u);
  const std::string kid = store.load().kid();
  EXPECT_EQ(store.init(), KeyStore::Init::unchanged);
  EXPECT_EQ(store.load().kid(), kid);
}

TEST_F(KeyStoreTest, TokensItSignsAreAccepted) {
  store.init();
  const auto keys = KeySet::parse(test::read_file(store.jwks_file()));
  ASSERT_TRUE(keys.has_value());
  const std::string token =
      sign_token(store.load(), "alice", "phone", TokenRole::bot, std::chrono::minutes(15));
  const auto claims = keys->verify(token, std::time(nullptr));
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->sub, "alice");
  EXPECT_EQ(claims->dev, "phone");
  EXPECT_EQ(claims->role, TokenRole::bot);
  EXPECT_EQ(claims->exp - claims->iat, 900);
}

TEST_F(KeyStoreTest, KeepsOtherPublishedKeys) {
  store.init();
  const std::string old_kid = store.load().kid();
  std::filesystem::remove(store.signing_file());
  EXPECT_EQ(store.init(), KeyStore::Init::created);
  const auto kids = store.published_kids();
  EXPECT_EQ(kids.size(), 2u);
  EXPECT_NE(std::find(kids.begin(), kids.end(), old_kid), kids.end()) << "tokens of the old key stay valid";
}

TEST_F(KeyStoreTest, ManyAtOnceAgreeOnOneKey) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { KeyStore(var.path()).init(); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string kid = store.load().kid();
  const auto kids = store.published_kids();
  EXPECT_NE(std::find(kids.begin(), kids.end(), kid), kids.end());
  EXPECT_EQ(store.init(), KeyStore::Init::unchanged);
}

TEST_F(KeyStoreTest, SaysWhatToDoWithoutAKeyOrWithABrokenOne) {
  try {
    (void)store.load();
    FAIL();
  } catch (const Failure& e) {
    EXPECT_NE(std::string(e.what()).find("./parley up"), std::string::npos);
  }
  store.init();
  test::write_file(store.jwks_file(), "not json");
  EXPECT_THROW(store.init(), Failure);
  EXPECT_EQ(test::read_file(store.jwks_file()), "not json") << "what is not understood is not overwritten";
}

}  // namespace
}  // namespace parley::ctl
