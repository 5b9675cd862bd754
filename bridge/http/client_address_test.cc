// The forms in which proxies name an address, and whose word counts.
#include "bridge/http/client_address.h"

#include <gtest/gtest.h>

namespace parley::http {
namespace {

std::string read(std::string_view text) {
  const auto address = ClientAddress::parse(text);
  return address ? address->to_string() : "-";
}

Request with(const std::vector<Parameter>& headers) {
  Request request;
  request.headers = headers;
  return request;
}

ClientAddress address(std::string_view text) { return ClientAddress::parse(text).value(); }

std::string seen(const std::vector<Parameter>& headers, std::string_view peer = "10.0.0.1",
                 const std::vector<std::string>& trusted = {}) {
  std::vector<AddressRange> ranges;
  for (const std::string& range : trusted) ranges.push_back(AddressRange::parse(range).value());
  return client_address(with(headers), address(peer), ranges).to_string();
}

TEST(ClientAddress, EveryFormThatProxiesWrite) {
  const std::vector<std::pair<std::string, std::string>> kForms = {
      {"203.0.113.9", "203.0.113.9"},
      {"203.0.113.9:4711", "203.0.113.9"},
      {"203.0.113.9:0", "203.0.113.9"},
      {"203.0.113.9:", "203.0.113.9"},
      {"203.0.113.9:_http", "203.0.113.9"},
      {" 203.0.113.9\t", "203.0.113.9"},
      {"\"203.0.113.9\"", "203.0.113.9"},
      {"\"203.0.113.9:4711\"", "203.0.113.9"},
      {"[203.0.113.9]:80", "203.0.113.9"},
      {"2001:db8::1", "2001:db8::1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"2001:db8::1:4711", "2001:db8::1:4711"},  // no port: an address without brackets has none
      {"[2001:db8::1]", "2001:db8::1"},
      {"[2001:db8::1]:4711", "2001:db8::1"},
      {"\"[2001:db8::1]:4711\"", "2001:db8::1"},
      {"\"[2001:db8::1]\"", "2001:db8::1"},
      {"::1", "::1"},
      {"[::1]:443", "::1"},
      {"fe80::1%eth0", "fe80::1"},
      {"fe80::1%25eth0", "fe80::1"},
      {"[fe80::1%eth0]:443", "fe80::1"},
      {"::ffff:203.0.113.9", "203.0.113.9"},
      {"[::ffff:203.0.113.9]:4711", "203.0.113.9"},
      {"::ffff:cb00:7109", "203.0.113.9"},
  };
  for (const auto& [text, want] : kForms) EXPECT_EQ(read(text), want) << text;
}

TEST(ClientAddress, WhatNamesNoAddressIsNone) {
  const std::vector<std::string> kOthers = {"",
                                            "unknown",
                                            "Unknown",
                                            "_hidden",
                                            "_SEVKISEK",
                                            "localhost",
                                            "example.org",
                                            "example.org:80",
                                            "203.0.113",
                                            "203.0.113.256",
                                            "010.0.0.1",
                                            "0x7f.0.0.1",
                                            "203.0.113.9:x",
                                            "203.0.113.9:99999999",
                                            "203.0.113.9 x",
                                            "[2001:db8::1",
                                            "2001:db8::1]",
                                            "[2001:db8::1]x",
                                            "[2001:db8::1]:x",
                                            "[]",
                                            "[]:80",
                                            ":80",
                                            "::g",
                                            "1:2:3:4:5:6:7:8:9",
                                            "\"",
                                            "\"\"",
                                            "203.0.113.9/24",
                                            "-",
                                            "null",
                                            std::string(1000, '1'),
                                            std::string("203.0.113.9\0", 12)};
  for (const std::string& text : kOthers) EXPECT_EQ(read(text), "-") << text;
}

TEST(ClientAddress, NetworksOfCustomers) {
  EXPECT_EQ(address("203.0.113.9").network(), "203.0.113.9");
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").network(), "2001:db8:1:2::/64");
  EXPECT_EQ(address("::ffff:203.0.113.9").network(), "203.0.113.9");
}

TEST(ClientAddress, RangesHoldTheirAddresses) {
  const auto in = [](std::string_view range, std::string_view text) {
    return AddressRange::parse(range).value().contains(address(text));
  };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.3.4"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(in("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(in("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(in("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(in("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(in("::ffff:10.0.0.0/104", "10.255.3.4"));
  EXPECT_FALSE(in("::ffff:10.0.0.0/104", "11.0.0.1"));
  EXPECT_TRUE(in("::ffff:10.0.0.7/128", "::ffff:10.0.0.7"));
  EXPECT_FALSE(in("::ffff:10.0.0.7/128", "10.0.0.6"));
  EXPECT_TRUE(in("::ffff:a00:0/104", "10.1.2.3"));
  EXPECT_TRUE(in("::ffff:0:0/96", "203.0.113.9"));
  EXPECT_TRUE(in("::ffff:10.0.0.7", "10.0.0.7"));
  for (const char* bad : {"", "::ffff:10.0.0.0/8", "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/129", "10.0.0.0/33",
                          "10.0.0.0/x", "10.0.0.0/", "/8", "2001:db8::/129", "host/8"})
    EXPECT_FALSE(AddressRange::parse(bad)) << bad;
}

TEST(ClientAddress, TheProxyNextToUsIsBelieved) {
  const auto xff = [](const std::string& value) { return seen({{"X-Forwarded-For", value}}); };
  EXPECT_EQ(xff("203.0.113.9:4711"), "203.0.113.9");
  EXPECT_EQ(xff("198.51.100.1, 203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(xff("198.51.100.1,203.0.113.9:1,"), "203.0.113.9");
  EXPECT_EQ(xff("198.51.100.1, , 203.0.113.9 , "), "203.0.113.9");
  EXPECT_EQ(xff("\"[2001:db8::1]:4711\""), "2001:db8::1");
  EXPECT_EQ(seen({{"x-forwarded-for", "198.51.100.1"}, {"X-FORWARDED-FOR", "203.0.113.9"}}), "203.0.113.9");
  // What names no address leaves the proxy's own, whatever the client put before it.
  for (const char* none :
       {"unknown", "_x", "198.51.100.1, unknown", "198.51.100.1, nonsense", "", " , ", ","})
    EXPECT_EQ(xff(none), "10.0.0.1") << none;
  // Open quotes, brackets, commas of the client's: they end where the proxy's entry begins.
  for (const char* forged : {"\"198.51.100.1", "[198.51.100.1", "\"198.51.100.1, \\", "for=\"198.51.100.1"})
    EXPECT_EQ(xff(std::string(forged) + ", 203.0.113.9"), "203.0.113.9") << forged;
}

TEST(ClientAddress, ForwardedIsReadWhereNothingElseIs) {
  const auto forwarded = [](const std::string& value) { return seen({{"Forwarded", value}}); };
  EXPECT_EQ(forwarded("for=203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(forwarded("For=\"[2001:db8::1]:4711\";proto=https"), "2001:db8::1");
  EXPECT_EQ(forwarded("proto=http; FOR = 203.0.113.9 ;by=203.0.113.43"), "203.0.113.9");
  EXPECT_EQ(forwarded("for=198.51.100.1, for=203.0.113.9;host=x"), "203.0.113.9");
  EXPECT_EQ(forwarded("for=\"198.51.100.1, for=203.0.113.9"), "203.0.113.9");
  for (const char* none :
       {"for=unknown", "for=_gazonk", "for=\"_gazonk\"", "proto=https", "for", "for=", ";;"})
    EXPECT_EQ(forwarded(none), "10.0.0.1") << none;
  // Of both, the one that proxies set.
  EXPECT_EQ(seen({{"Forwarded", "for=198.51.100.1"}, {"X-Forwarded-For", "203.0.113.9"}}), "203.0.113.9");
  EXPECT_EQ(seen({{"Forwarded", "for=198.51.100.1"}, {"X-Forwarded-For", "unknown"}}), "10.0.0.1");
  EXPECT_EQ(seen({{"X-Real-IP", "198.51.100.1"}}), "10.0.0.1");
}

TEST(ClientAddress, AChainOfTrustedProxiesIsFollowed) {
  const std::vector<std::string> ours = {"10.0.0.0/8", "2001:db8:1::/48"};
  const auto chain = [&](const std::string& value, std::string_view peer = "10.0.0.1") {
    return seen({{"X-Forwarded-For", value}}, peer, ours);
  };
  EXPECT_EQ(chain("203.0.113.9, 10.1.1.1, [2001:db8:1::7]:80"), "203.0.113.9");
  EXPECT_EQ(chain("198.51.100.1, 203.0.113.9, 10.1.1.1"), "203.0.113.9");
  EXPECT_EQ(chain("198.51.100.1, unknown, 10.1.1.1"), "10.1.1.1");
  EXPECT_EQ(chain("10.9.9.9, 10.1.1.1"), "10.9.9.9");  // from inside
  EXPECT_EQ(chain("203.0.113.9", "192.0.2.1"), "192.0.2.1") << "a stranger's word";
  EXPECT_EQ(chain("203.0.113.9", "::ffff:10.0.0.1"), "203.0.113.9");
  EXPECT_EQ(seen({{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-For", "10.1.1.1"}}, "10.0.0.1", ours),
            "203.0.113.9");
}

}  // namespace
}  // namespace parley::http
