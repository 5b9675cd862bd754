#include "schemas/ids.h"

#include <gtest/gtest.h>

#include "schemas/errors.h"
#include "schemas/message.h"
#include "schemas/token.h"

namespace parley {
namespace {

TEST(UserName, TakesTheFormOfTheProtocol) {
  for (const char* good : {"ab", "alice", "0x", "a.b_c-d", "a--", "abcdefghijklmnopqrstuvwxyz012345"}) {
    EXPECT_TRUE(is_user_name(good)) << good;
  }
  for (const char* bad : {"", "a", "Alice", ".ab", "_ab", "-ab", "a b", "a/b", "a:b", "a+", "a#", "älice",
                          "abcdefghijklmnopqrstuvwxyz0123456"}) {
    EXPECT_FALSE(is_user_name(bad)) << bad;
  }
  EXPECT_FALSE(is_user_name(std::string_view("ab\0", 3)));
}

TEST(DeviceName, TakesTheFormOfTheProtocol) {
  for (const char* good : {"a", "Phone", "_", "-", "9", "iPhone-12_pro"})
    EXPECT_TRUE(is_device_name(good)) << good;
  for (const char* bad : {"", "a.b", "a b", "a:b", "a/b", "é"}) EXPECT_FALSE(is_device_name(bad)) << bad;
  EXPECT_TRUE(is_device_name(std::string(64, 'x')));
  EXPECT_FALSE(is_device_name(std::string(65, 'x')));
}

TEST(RoomName, TakesTheFormOfTheProtocol) {
  for (const char* good : {"ab", "general", "g-1234", "d-a_b", "00"}) EXPECT_TRUE(is_room_name(good)) << good;
  for (const char* bad : {"", "a", "General", "-ab", "_ab", "a.b", "a b", "a/b", "a+", "#"}) {
    EXPECT_FALSE(is_room_name(bad)) << bad;
  }
  EXPECT_TRUE(is_room_name(std::string(64, 'x')));
  EXPECT_FALSE(is_room_name(std::string(65, 'x')));
}

TEST(Cid, CountsCharactersAndRefusesControls) {
  EXPECT_TRUE(is_cid("5f0c2b9e-8d6b-4a52-9f83-51a2f4f0c111"));
  EXPECT_TRUE(is_cid(std::string(64, 'x')));
  EXPECT_FALSE(is_cid(std::string(65, 'x')));
  std::string emoji;
  for (int i = 0; i < 64; ++i) emoji += "\xf0\x9f\x98\x80";
  EXPECT_TRUE(is_cid(emoji));
  EXPECT_FALSE(is_cid(emoji + "x"));
  EXPECT_FALSE(is_cid(""));
  EXPECT_FALSE(is_cid("a\nb"));
  EXPECT_FALSE(is_cid("a\x7f"));
  EXPECT_FALSE(is_cid("a\xc2\x85"));  // U+0085, a control of the second block
  EXPECT_FALSE(is_cid("\xff"));
  EXPECT_FALSE(is_cid(std::string_view("\0", 1)));
}

TEST(MessageIdText, IsDecimalWithoutOrnament) {
  EXPECT_EQ(parse_message_id("0"), MessageId{0});
  EXPECT_EQ(parse_message_id("71828182845904523"), MessageId{71828182845904523});
  EXPECT_EQ(parse_message_id("18446744073709551615"), MessageId{18446744073709551615u});
  for (const char* bad : {"", "18446744073709551616", "99999999999999999999", "184467440737095516150", "-1",
                          "+1", " 1", "1 ", "01", "00", "1.0", "1e3", "0x1", "one"}) {
    EXPECT_FALSE(parse_message_id(bad)) << bad;
  }
}

TEST(ClientIdText, IsUserAndDevice) {
  const auto id = parse_client_id("alice:phone");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->user, "alice");
  EXPECT_EQ(id->device, "phone");
  for (const char* bad :
       {"", ":", "alice", "alice:", ":phone", "Alice:phone", "alice:pho.ne", "alice:phone:x", "mosq-XyZ"}) {
    EXPECT_FALSE(parse_client_id(bad)) << bad;
  }
}

TEST(Names, CompareByText) {
  EXPECT_EQ(UserName::parse("bob"), UserName::parse("bob"));
  EXPECT_LT(*RoomName::parse("aa"), *RoomName::parse("ab"));
  EXPECT_FALSE(DeviceName::parse("a b"));
  EXPECT_EQ(UserName::parse("bob")->view(), "bob");
}

// Every enumerator has a spelling of its own, and the spelling leads back to it.
TEST(Spellings, OfKindsAndRolesLeadBack) {
  int kinds = 0;
  for (int value = 0; value < 256; ++value) {
    const auto kind = static_cast<Kind>(value);
    if (to_string(kind) == "unknown") continue;
    EXPECT_EQ(parse_kind(to_string(kind)), kind);
    ++kinds;
  }
  EXPECT_EQ(kinds, 19);
  EXPECT_EQ(to_string(Kind::del), "delete");
  EXPECT_FALSE(parse_kind("unknown"));
  EXPECT_FALSE(parse_kind("Text"));
  for (int value = 1; value < 5; ++value) {
    const auto role = static_cast<MemberRole>(value);
    EXPECT_EQ(parse_member_role(to_string(role)), role);
  }
  EXPECT_EQ(to_string(MemberRole::none), "");
  EXPECT_EQ(to_string(static_cast<MemberRole>(9)), "");
  EXPECT_FALSE(parse_member_role(""));
  for (int value = 0; value < 4; ++value) {
    const auto role = static_cast<TokenRole>(value);
    EXPECT_EQ(parse_token_role(to_string(role)), role);
  }
  EXPECT_FALSE(parse_token_role("root"));
}

TEST(Spellings, OfCodesAreThoseOfTheProtocol) {
  const std::vector<std::string_view> expected = {
      "not_member",     "forbidden", "rate_limited", "too_large",        "bad_payload",
      "room_not_found", "blocked",   "read_only",    "target_not_found", "unavailable"};
  ASSERT_EQ(expected.size(), kCodeCount);
  for (std::size_t i = 0; i < kCodeCount; ++i) EXPECT_EQ(to_string(static_cast<Code>(i)), expected[i]);
}

TEST(Refusals, ThrowWithTheirReasonWhenNobodyAsksFirst) {
  const Result<int> refused = Refusal{Code::read_only, "only admins write here"};
  ASSERT_FALSE(refused);
  try {
    (void)refused.value();
    FAIL() << "no exception";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "read_only: only admins write here");
  }
}

}  // namespace
}  // namespace parley
