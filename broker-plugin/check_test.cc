#include "broker-plugin/check.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "schemas/token.h"

namespace parley::plugin {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Check : public testing::Test {
 protected:
  Check() {
    std::string name = (std::filesystem::temp_directory_path() / "parley_check_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(folder_ / "run");
    config_.node.data_dir = folder_ / "data";
    config_.auth.jwks_file = folder_ / "jwks.json";
    config_.doorbell.socket = folder_ / "run" / "doorbell.sock";
    config_.metrics.listen = "";
    write_keys(make_jwks({SigningKey::generate().jwk()}));
  }
  ~Check() override { std::filesystem::remove_all(folder_); }
  void write_keys(const std::string& text) const { std::ofstream(config_.auth.jwks_file) << text; }
  std::vector<std::string> wrong() const { return what_is_wrong(config_, 0); }

  std::filesystem::path folder_;
  BrokerConfig config_;
};

TEST_F(Check, WhatCanRunIsInOrderAndNothingIsMade) {
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "data"));
}

TEST_F(Check, EveryKindOfDamagedKeyFileIsNamed) {
  for (const char* text : {"", "{", "[]", "{}", "{\"keys\":3}", "{\"keys\":[]}",
                           "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\"}]}", "-----BEGIN PRIVATE KEY-----\n"}) {
    write_keys(text);
    EXPECT_THAT(wrong(), ElementsAre(AllOf(HasSubstr("auth.jwks_file: "), HasSubstr("jwks.json")))) << text;
  }
  std::filesystem::remove(config_.auth.jwks_file);
  EXPECT_THAT(wrong(), ElementsAre(HasSubstr("auth.jwks_file: cannot read the keys")));
}

TEST_F(Check, FoldersAndPortsThatCannotBeHadAreNamed) {
  std::ofstream(folder_ / "file") << "x";
  config_.node.data_dir = folder_ / "file";
  config_.doorbell.socket = "/proc/self/doorbell.sock";
  config_.metrics.listen = "192.0.2.1:9464";
  EXPECT_THAT(wrong(), ElementsAre(HasSubstr("node.data_dir: cannot write to"),
                                   HasSubstr("doorbell.socket: cannot write"),
                                   HasSubstr("metrics.listen: cannot listen on 192.0.2.1")));
}

}  // namespace
}  // namespace parley::plugin
