#include "clients/http/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/http/testing/scripted_server.h"
#include "tests/support/port.h"

namespace parley::client {
namespace {

using testing::HasSubstr;

TEST(HttpClient, SendsWhatItIsGivenAndGivesWhatComes) {
  ScriptedServer server([](const ScriptedServer::Request& request) {
    return ScriptedServer::Answer{
        .status = 201, .body = request.method + " " + request.body, .headers = {{"ETag", "\"7\""}}};
  });
  const auto client = make_http_client();
  const auto answer = client->send({.method = "POST",
                                    .url = server.url() + "/a?b=c",
                                    .headers = {{"Authorization", "Bearer x"}},
                                    .body = std::string("zero\0byte", 9)});
  ASSERT_TRUE(answer.has_value()) << answer.error();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, std::string("POST zero\0byte", 14));
  EXPECT_EQ(answer->header("etag"), "\"7\"");
  EXPECT_EQ(answer->header("absent"), "");
  const auto asked = server.requests();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].target, "/a?b=c");
  EXPECT_EQ(asked[0].header("authorization"), "Bearer x");
  EXPECT_EQ(asked[0].header("expect"), "") << "a body is not held back";
}

TEST(HttpClient, EveryMethodArrivesAsItself) {
  ScriptedServer server([](const auto& request) {
    return ScriptedServer::Answer{.status = request.method == "DELETE" ? 204 : 200, .body = request.method};
  });
  const auto client = make_http_client();
  for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    const auto answer = client->send({.method = method, .url = server.url() + "/"});
    ASSERT_TRUE(answer.has_value()) << method << ": " << answer.error();
    EXPECT_EQ(answer->body, method == "DELETE" ? "" : method);
  }
  for (const auto& request : server.requests()) {
    const bool has_length = request.headers.contains("content-length");
    EXPECT_EQ(has_length, request.method == "POST" || request.method == "PUT" || request.method == "PATCH")
        << request.method;
  }
}

TEST(HttpClient, RedirectsAreAnAnswerAndNotFollowed) {
  ScriptedServer server([](const auto&) {
    return ScriptedServer::Answer{.status = 302, .headers = {{"Location", "http://127.0.0.1:1/elsewhere"}}};
  });
  const auto answer = make_http_client()->send({.url = server.url() + "/"});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(answer->header("location"), "http://127.0.0.1:1/elsewhere");
}

TEST(HttpClient, WhatGoesWrongOnTheWayIsSaid) {
  const test::PortLease nobody;
  const auto refused =
      make_http_client()->send({.url = "http://127.0.0.1:" + std::to_string(nobody.number()) + "/"});
  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error(), HasSubstr("127.0.0.1"));

  ScriptedServer broken([](const auto&) {
    return ScriptedServer::Answer{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"};
  });
  EXPECT_TRUE(make_http_client()->send({.url = broken.url() + "/"}).has_error())
      << "an answer that is cut short is none";

  ScriptedServer long_winded(
      [](const auto&) { return ScriptedServer::Answer{.body = std::string(2000, 'x')}; });
  const auto too_long = make_http_client({.max_body_bytes = 1000})->send({.url = long_winded.url() + "/"});
  ASSERT_TRUE(too_long.has_error());
  EXPECT_THAT(too_long.error(), HasSubstr("longer than 1000 bytes"));

  EXPECT_TRUE(make_http_client()->send({.url = "file:///etc/passwd"}).has_error()) << "no other scheme";
  EXPECT_TRUE(make_http_client()->send({.url = broken.url(), .headers = {{"X", "a\r\nY: b"}}}).has_error());
}

TEST(HttpClient, ASilentServerIsGivenUp) {
  std::atomic<bool> over = false;
  ScriptedServer server([&](const auto&) {
    while (!over) std::this_thread::yield();
    return ScriptedServer::Answer{};
  });
  const auto answer =
      make_http_client({.timeout = std::chrono::milliseconds(100)})->send({.url = server.url()});
  over = true;
  ASSERT_TRUE(answer.has_error());
  EXPECT_THAT(answer.error(), HasSubstr("timed out"));
}

TEST(PercentEncode, KeepsOnlyWhatStandsForItself) {
  EXPECT_EQ(percent_encode("aZ0-._~"), "aZ0-._~");
  EXPECT_EQ(percent_encode("a b/c?\xc3\xa9"), "a%20b%2Fc%3F%C3%A9");
  EXPECT_EQ(percent_encode(""), "");
}

}  // namespace
}  // namespace parley::client
