#include "bridge/api/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "bridge/api/password.h"
#include "bridge/api/seal.h"
#include "tests/support/deadline.h"
#include "tests/support/temp_dir.h"

namespace parley::api {
namespace {

using testing::HasSubstr;

class KeysTest : public testing::Test {
 protected:
  static const SigningKey& key(int n) {
    static const std::vector<SigningKey> kKeys = [] {
      std::vector<SigningKey> keys;
      for (int i = 0; i < 3; ++i) keys.push_back(SigningKey::generate());
      return keys;
    }();
    return kKeys.at(static_cast<std::size_t>(n));
  }
  void put(const std::string& name, const SigningKey& k, int minutes_ago) {
    const auto path = folder_.path() / name;
    test::write_file(path, k.pem());
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::minutes(minutes_ago));
  }
  void publish(const std::vector<int>& numbers) {
    std::vector<std::string> jwks;
    for (const int n : numbers) jwks.push_back(key(n).jwk());
    test::write_file(folder_.path() / "jwks.json", make_jwks(jwks));
  }
  static std::string token(const SigningKey& k) {
    return k.sign(
        {.sub = "al", .dev = "d", .sid = "s", .exp = 2'000'000'000, .iat = 1, .role = TokenRole::user});
  }
  static bool accepts(const KeyRing& ring, const SigningKey& k) {
    return ring.verifier.verify(token(k), 1000).has_value();
  }
  test::TempDir folder_;
};

TEST_F(KeysTest, OneKeyIsAllThatIsNeeded) {
  put("signing.pem", key(0), 1);
  publish({0});
  Keys keys(folder_.path());
  const auto ring = keys.current();
  EXPECT_EQ(ring->signer.kid(), key(0).kid());
  EXPECT_TRUE(accepts(*ring, key(0)));
  EXPECT_FALSE(accepts(*ring, key(1)));
  EXPECT_EQ(KeySet::parse(ring->jwks)->size(), 1u);
}

TEST_F(KeysTest, TheNewestSignsAndAllAreAccepted) {
  put("old.pem", key(0), 60);
  put("new.pem", key(1), 1);
  publish({0, 1, 2});
  Keys keys(folder_.path());
  const auto ring = keys.current();
  EXPECT_EQ(ring->signer.kid(), key(1).kid());
  for (int n = 0; n < 3; ++n)
    EXPECT_TRUE(accepts(*ring, key(n))) << n;  // the third is public here, and retired
  EXPECT_EQ(KeySet::parse(ring->jwks)->size(), 3u);
}

TEST_F(KeysTest, AKeyThatBrokersDoNotKnowYetDoesNotSign) {
  put("signing.pem", key(0), 60);
  put("new.pem", key(1), 1);
  publish({0});
  Keys keys(folder_.path());
  EXPECT_EQ(keys.current()->signer.kid(), key(0).kid());
  EXPECT_TRUE(accepts(*keys.current(), key(1)));
}

TEST_F(KeysTest, RotationLogsNobodyOutAndNeedsNoRestart) {
  put("signing.pem", key(0), 60);
  publish({0});
  Keys keys(folder_.path());
  const std::string before = token(keys.current()->signer);
  put("signing-2.pem", key(1), 0);
  publish({0, 1});
  const test::Deadline deadline = test::kPatience;
  while (keys.current()->signer.kid() != key(1).kid() && !deadline.passed()) {
  }
  EXPECT_EQ(keys.current()->signer.kid(), key(1).kid());
  EXPECT_TRUE(keys.current()->verifier.verify(before, 1000));
  // Retired: file and entry taken away.
  std::filesystem::remove(folder_.path() / "signing.pem");
  publish({1});
  EXPECT_TRUE(keys.reload());
  EXPECT_FALSE(keys.current()->verifier.verify(before, 1000));
}

// What has been verified by one ring is verified again by the next.
TEST_F(KeysTest, AnotherRingHasAnotherNumber) {
  put("signing.pem", key(0), 1);
  publish({0, 1});
  Keys keys(folder_.path());
  const auto first = keys.current()->number;
  publish({0});
  EXPECT_TRUE(keys.reload());
  const auto second = keys.current()->number;
  EXPECT_NE(second, first);
  publish({0, 2});
  EXPECT_TRUE(keys.reload());
  EXPECT_NE(keys.current()->number, second);
}

TEST_F(KeysTest, ABrokenFolderChangesNothing) {
  put("signing.pem", key(0), 1);
  publish({0});
  Keys keys(folder_.path());
  const auto number = keys.current()->number;
  test::write_file(folder_.path() / "half.pem", "-----BEGIN PRIVATE KEY-----\nMIIE");
  EXPECT_FALSE(keys.reload());
  EXPECT_EQ(keys.current()->number, number);
  std::filesystem::remove(folder_.path() / "half.pem");
  test::write_file(folder_.path() / "jwks.json", "{");
  EXPECT_FALSE(keys.reload());
  EXPECT_TRUE(accepts(*keys.current(), key(0)));
}

TEST_F(KeysTest, SaysWhatToDoWhenThereIsNone) {
  const auto fault = [&] {
    try {
      Keys keys(folder_.path());
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("(fine)");
  };
  EXPECT_THAT(fault(), HasSubstr("parleyctl keys init"));
  put("signing.pem", key(0), 1);
  EXPECT_EQ(fault(), "(fine)");
  publish({1});
  EXPECT_THAT(fault(), HasSubstr("jwks.json publishes"));
}

TEST(PasswordsTest, AreArgon2idAndKnowTheirAge) {
  bridge::Metrics metrics;
  const Passwords passwords(1, 1u << 20, metrics);
  const auto typed = [](std::string_view text) { return text::prepare_password(text).value(); };
  const auto matches = [&](std::string_view text, const std::string& hash) {
    return passwords.match(typed(text), hash) != Passwords::Match::no;
  };
  const std::string hash = passwords.hash(typed("correct horse"));
  EXPECT_THAT(hash, HasSubstr("$argon2id$v=19$m=1024,t=1,p=1$"));
  EXPECT_NE(hash, passwords.hash(typed("correct horse")));  // salted
  EXPECT_TRUE(matches("correct horse", hash));
  EXPECT_FALSE(matches("correct horsf", hash));
  EXPECT_FALSE(matches(std::string("correct horse\0", 14), hash));
  EXPECT_FALSE(matches("correct horse", ""));
  EXPECT_FALSE(matches("correct horse", "$argon2id$rubbish"));
  EXPECT_FALSE(passwords.outdated(hash));
  EXPECT_TRUE(Passwords(2, 1u << 20, metrics).outdated(hash));
  EXPECT_TRUE(Passwords(1, 2u << 20, metrics).outdated(hash));
  EXPECT_TRUE(passwords.outdated("rubbish"));
}

TEST(PasswordsTest, AreTheSameHoweverTheyAreTypedAndOldHashesStayGood) {
  bridge::Metrics metrics;
  const Passwords passwords(1, 1u << 20, metrics);
  const auto typed = [](std::string_view text) { return text::prepare_password(text).value(); };
  using Match = Passwords::Match;
  constexpr std::string_view kComposed = "caf\u00e9 cr\u00e8me";
  constexpr std::string_view kApart = "cafe\u0301 cre\u0300me";
  const std::string now = passwords.hash(typed(kApart));
  EXPECT_EQ(passwords.match(typed(kComposed), now), Match::yes);
  EXPECT_EQ(passwords.match(typed(kApart), now), Match::yes);
  EXPECT_EQ(passwords.match(typed("cafe creme"), now), Match::no);
  // As it was before: of the bytes that were sent.
  const std::string before = passwords.hash({.text = std::string(kApart)});
  EXPECT_EQ(passwords.match(typed(kApart), before), Match::earlier_form);
  EXPECT_EQ(passwords.match(typed(kComposed), before), Match::earlier_form);
  EXPECT_EQ(passwords.match(typed("caf\u00e9 creme"), before), Match::no);
  const std::string spaced = passwords.hash({.text = "a\u00a0wide\u3000space"});
  EXPECT_EQ(passwords.match(typed("a\u00a0wide\u3000space"), spaced), Match::earlier_form);
}

TEST(SealTest, OpensForTheSamePurposeAndSecretAlone) {
  const std::string one(32, '1');
  const std::string two(32, '2');
  const std::string sealed = seal(one, "state", "hello");
  EXPECT_EQ(unseal({two, one}, "state", sealed), "hello");
  EXPECT_EQ(unseal({two}, "state", sealed), std::nullopt);
  EXPECT_EQ(unseal({one}, "registration", sealed), std::nullopt);
  EXPECT_NE(seal(one, "state", "hello"), sealed);
  for (std::size_t i = 0; i < sealed.size(); i += 7) {
    std::string bent = sealed;
    bent[i] = bent[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(unseal({one}, "state", bent), std::nullopt) << i;
  }
  for (const char* rubbish : {"", "x", "!!", "AAAA"})
    EXPECT_EQ(unseal({one}, "state", rubbish), std::nullopt);
}

}  // namespace
}  // namespace parley::api
