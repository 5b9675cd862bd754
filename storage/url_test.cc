// What a connection string is found to say, and that nothing that is said of it holds a part of a password.
#include "storage/postgres/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace parley::storage::postgres {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(ConnectionString, AFaultNamesAnOptionButNoPartOfAPassword) {
  EXPECT_THAT(fault_in_url("host=db pasword=hidden"),
              AllOf(HasSubstr("\"pasword\""), Not(HasSubstr("hidden"))));
  EXPECT_THAT(fault_in_url("host=db hots=x password=hidden"), HasSubstr("\"hots\""));
  EXPECT_THAT(fault_in_url("postgresql://db/parley?sslmod=x"), HasSubstr("\"sslmod\""));
  for (const char* url : {"password=hid den=x",
                          "host=db password=hid den =x dbname=y",
                          "password = hid den=x",
                          "sslpassword=hid den=x",
                          "password=hid den",
                          "password='hid den",
                          "postgresql://u:h/hi?den=x@db/parley",
                          "postgresql://u:h/i?x=den&den=y@db/parley",
                          "postgresql://u:hid%zzden@db/",
                          "postgresql://u:h@[den",
                          "password=hid\\ den den=4",
                          "password=hid\nden=x",
                          "postgresql://u:h/i?den@db/parley",
                          "postgresql://u:h/i?den=x=y@db/parley",
                          "postgresql://u:h/i?d%65n=x@db/parley",
                          "postgresql://db/parley?user=u&password=hid&den=x",
                          "postgresql://db/parley?user=u&password=hid&den",
                          "postgresql://u:den/hid@db/parley",
                          "postgres://u:1/den@db/parley",
                          "postgresql://u:hid@den@db/parley",
                          "postgresql://u:hid@den@db:5432,other/parley",
                          "postgresql://u:70000/den@db/"})
    EXPECT_THAT(fault_in_url(url), AllOf(Not(HasSubstr("den")), Not(""))) << url;
}

TEST(ConnectionString, WhatOnlyLooksLikeACutPasswordIsTaken) {
  for (const char* url :
       {"postgresql://u:h%40i%2Fd@db/parley", "postgresql://u:p@db:5432,other:5433/parley?sslmode=disable",
        "postgresql://u@db/parley", "postgresql://db/parley", "postgresql:///parley?host=/run/a@b&user=u",
        "postgresql:///parley?host=@socket", "postgresql://%40socket/parley", "postgresql://u:p@[::1]:5432/x",
        "host=db password=p@s/s port=5432,5433", "postgresql://u:p@db:,other:/parley", ""})
    EXPECT_EQ(fault_in_url(url), "") << url;
}

// libpq would take the rest of such a password for a host or a port, and quote it.
TEST(ConnectionString, APasswordThatEndsTooSoonIsNoHostAndNoPort) {
  for (const char* url :
       {"postgresql://u:hid@den@127.0.0.1:1/db", "postgresql://u:hid@den@db", "postgres://u:hid@@den@db/x",
        "postgresql://u:hid/den@db/x", "postgresql://u:den/hid@db:1/x", "postgresql://u:1/den@db/x",
        "postgresql://u:hid@den/hid@db/x", "postgresql://u@den:hid@db/x", "postgresql://u:den?x=1",
        "host=db password=hid port=den", "host=db port=0", "host=db port=65536",
        "postgresql://u:p@db/hid@den", "host=a,b port=1,den"})
    EXPECT_THAT(fault_in_url(url), AllOf(Not(HasSubstr("den")), Not(""))) << url;
  EXPECT_THAT(fault_in_url("postgresql://u:hid@den@db/x"), HasSubstr("%40"));
  for (const char* url :
       {"postgresql:///parley", "postgresql:///a@b", "postgresql://u:hid%40den@db:5432/x",
        "postgresql://u@db/x", "postgresql://u:p@[::1]:5432/x", "postgresql://u:p@a:1,b:2/x",
        "postgresql://u:p@a:1,b/x", "postgresql://u:@db:/x", "postgresql:///x?host=/tmp/a@b&user=u@v",
        "postgresql://%2Ftmp%2Fa%40b/x", "host=/tmp/a@b user=a@b password='a@b:c/d'", "host=a,b port=1,2",
        "host=a,b port='1, 2'", "port="})
    EXPECT_EQ(fault_in_url(url), "") << url;
}

TEST(StartupOptions, SettingsAreTakenApart) {
  const auto text = [](const std::string& options) {
    const auto settings = parse_startup_options(options);
    if (!settings) return std::string("(as it is)");
    std::string all;
    for (const auto& [name, value] : *settings) all += "[" + name + "|" + value + "]";
    return all;
  };
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("  "), "");
  EXPECT_EQ(text("-c a=b"), "[a|b]");
  EXPECT_EQ(text("-ca=b\t--c-d=e"), "[a|b][c_d|e]");
  EXPECT_EQ(text("-c a=x\\ y -c b=\\\\"), "[a|x y][b|\\]");
  EXPECT_EQ(text("-c a="), "[a|]");
  EXPECT_EQ(text("-c a.b='c'"), "[a.b|'c']");
  EXPECT_EQ(text("-c a=b=c"), "[a|b=c]");
  for (const char* other :
       {"-B 100", "-c", "-c a", "-ca", "endpoint=x", "-c a=b -F", "--", "--=x", "a=b", "-c =b"})
    EXPECT_EQ(text(other), "(as it is)") << other;
}

}  // namespace
}  // namespace parley::storage::postgres
