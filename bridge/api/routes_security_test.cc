// What must hold on every route of the table, whichever it is: who is let in, and that hostile input is
// answered, not obeyed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "bridge/api/routes.h"
#include "bridge/api/testing/api_world.h"
#include "bridge/http/target.h"

namespace parley::api {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

// The route's path with `value` in every brace.
std::string fill(std::string_view path, std::string_view value) {
  std::string out;
  while (true) {
    const std::size_t open = path.find('{');
    out += path.substr(0, open);
    if (open == std::string_view::npos) return out;
    out += value;
    path.remove_prefix(path.find('}') + 1);
  }
}

bool takes_body(const Route& route) {
  return route.method == http::Method::post || route.method == http::Method::put ||
         route.method == http::Method::patch;
}

std::string name(const Route& route) {
  return std::string(http::to_string(route.method)) + " " + std::string(route.path);
}

class EveryRoute : public testing::Test {
 protected:
  // The body is one that most routes refuse late, and none obeys.
  Reply call(const Route& route, const std::string& token, std::string_view value = "zz",
             std::string body = "") {
    Call call{token, std::move(body), {}};
    return world_.call(http::to_string(route.method), fill(route.path, value), call);
  }
  void refused_everywhere(const std::string& token, const std::string& why) {
    for (const Route& route : routes()) {
      if (route.access == Access::open) continue;
      const Reply reply = call(route, token);
      EXPECT_EQ(reply.status, 401u) << name(route) << " with " << why << ": " << reply.text;
      EXPECT_EQ(reply.code(), "unauthorized") << name(route);
      EXPECT_THAT(reply.header("www-authenticate"), HasSubstr("Bearer")) << name(route);
    }
  }

  static ApiWorld& world() {
    static ApiWorld world;
    return world;
  }
  ApiWorld& world_ = world();
};

TEST_F(EveryRoute, AsksForAToken) { refused_everywhere("", "no token"); }

TEST_F(EveryRoute, RefusesAnExpiredToken) {
  TokenClaims claims = world_.claims("alice");
  claims.iat -= 3600;
  claims.exp = claims.iat + 900;
  refused_everywhere(world_.sign(claims), "an expired token");
}

TEST_F(EveryRoute, RefusesATokenOfAnotherKey) {
  const SigningKey stranger = SigningKey::generate();
  refused_everywhere(stranger.sign(world_.claims("alice")), "a stranger's signature");
}

TEST_F(EveryRoute, RefusesATokenThatWasTamperedWith) {
  const std::string alice = world_.token("alice");
  const std::string admin = world_.token("admin");
  const auto part = [](const std::string& token, int n) {
    std::size_t at = 0;
    for (int i = 0; i < n; ++i) at = token.find('.', at) + 1;
    return token.substr(at, token.find('.', at) - at);
  };
  refused_everywhere(part(alice, 0) + "." + part(admin, 1) + "." + part(alice, 2), "somebody else's claims");
  refused_everywhere("eyJhbGciOiJub25lIn0." + part(admin, 1) + ".", "alg none");
  refused_everywhere(std::string(9000, 'A'), "rubbish");
}

TEST_F(EveryRoute, RefusesATokenOfASessionThatEnded) {
  const TokenClaims claims = world_.claims("gone");
  const std::string token = world_.token("gone");
  storage::Actor self;
  self.user = "gone";
  ASSERT_TRUE(world_.metadata().sessions().revoke(self, "gone", claims.sid));
  for (const Route& route : routes()) {
    if (route.access != Access::admin) continue;
    EXPECT_THAT(call(route, token).status, AnyOf(401u, 403u)) << name(route);
  }
}

TEST_F(EveryRoute, OfAdminsRefusesEverybodyElse) {
  world_.add_room("owned", "alice");
  for (const char* user : {"alice", "bob"}) {
    for (const Route& route : routes()) {
      if (route.access != Access::admin) continue;
      const Reply reply = call(route, world_.token(user), "owned", takes_body(route) ? "{}" : "");
      EXPECT_EQ(reply.status, 403u) << name(route) << reply.text;
      EXPECT_EQ(reply.code(), "forbidden") << name(route);
    }
  }
  EXPECT_EQ(world_.get("/api/v1/rooms/owned", "alice").status, 200u);
}

// Text that breaks out of SQL, of a header, of a path, of JSON, of a log line.
const std::vector<std::string>& hostile() {
  static const std::vector<std::string> kTexts = {
      "'; DROP TABLE users; --",
      "' OR '1'='1",
      "x\" OR 1=1 --",
      "\\'; SELECT pg_sleep(5); --",
      "$1",
      "%s%s%n",
      "a\r\nSet-Cookie: x=1",
      "a\nX-Injected: 1",
      "../../etc/passwd",
      "..\\..\\x",
      "<script>alert(1)</script>",
      "{\"$ne\":null}",
      "\xE2\x80\xAE"
      "abc",
      std::string(5000, 'A'),
  };
  return kTexts;
}

void expect_harmless(const Reply& reply, const std::string& what) {
  EXPECT_NE(reply.status, 0u) << what;
  EXPECT_LT(reply.status, 500u) << what << reply.text;
  EXPECT_EQ(reply.header("x-injected"), "") << what;
  EXPECT_EQ(reply.header("set-cookie"), "") << what;
  if (reply.status < 400) return;
  EXPECT_THAT(reply.code(), Not(testing::IsEmpty())) << what << reply.text;
  for (const char* leak : {"SELECT", "pg_", "PG::", "libpq", "relation", "column"})
    EXPECT_THAT(reply.at("error.message"), Not(HasSubstr(leak))) << what;
}

TEST_F(EveryRoute, TakesHostileNamesAsNames) {
  const std::string admin = world_.token("admin");
  for (const Route& route : routes()) {
    if (route.path.find('{') == std::string_view::npos) continue;
    for (const std::string& text : hostile()) {
      const Reply reply = call(route, admin, http::percent_encode(text), takes_body(route) ? "{}" : "");
      expect_harmless(reply, name(route) + " " + text.substr(0, 40));
      EXPECT_GE(reply.status, 400u) << name(route) << " " << text.substr(0, 40);
    }
    for (const char* broken : {"%", "%zz", "%00", "%ff%fe", "%c0%80"}) {
      const Reply reply = call(route, admin, broken);
      EXPECT_EQ(reply.status, 400u) << name(route) << " " << broken << reply.text;
    }
  }
  EXPECT_EQ(world_.get("/api/v1/admin/users/admin", "admin").status, 200u);  // all still stands
}

TEST_F(EveryRoute, TakesHostileQueriesAndHeadersAsText) {
  const std::string admin = world_.token("admin");
  for (const Route& route : routes()) {
    if (route.method != http::Method::get || route.access == Access::open) continue;
    for (const std::string& text : hostile()) {
      if (text.size() > 1000) continue;
      const std::string value = http::percent_encode(text);
      for (const char* parameter : {"cursor", "limit", "prefix", "q", "actor", "target"}) {
        const std::string path = fill(route.path, "zz") + "?" + parameter + "=" + value;
        expect_harmless(world_.call("GET", path, {admin, ""}), path);
      }
    }
  }
  for (const char* header : {"If-Match", "Idempotency-Key", "X-Request-Id"}) {
    for (const std::string& text : hostile()) {
      if (text.find_first_of("\r\n") != std::string::npos) continue;  // no client library sends that
      Call call{admin, R"({"kind":"group"})", {{header, text}}};
      expect_harmless(world_.call("POST", "/api/v1/rooms", call), header + text.substr(0, 40));
    }
  }
}

TEST_F(EveryRoute, TakesHostileBodiesAsText) {
  const std::string alice = world_.token("alice");
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  const std::string bodies[] = {"",
                                "{",
                                "null",
                                "[]",
                                "\"x\"",
                                "{}{}",
                                "{\"a\":" + deep + "}",
                                "\xff\xfe",
                                "{\"user\":\"\\ud800\"}",
                                R"({"user":"'; DROP TABLE users; --","room":"' OR 1=1","name":{"$ne":1}})",
                                R"({"kind":"channel","room":"x y","members":"bob"})",
                                "{\"user\":" + std::string(400, '9') + "}"};
  for (const Route& route : routes()) {
    if (!takes_body(route)) continue;
    for (const std::string& body : bodies) {
      const Reply reply = call(route, alice, "zz", body);
      expect_harmless(reply, name(route) + " " + body.substr(0, 60));
      if (body == "{" || body == "{}{}" || body == "\xff\xfe") {
        EXPECT_GE(reply.status, 400u) << name(route) << " " << body;
      }
    }
    Call wrong_type{alice, "", {{"Content-Type", "text/plain"}}};
    wrong_type.body = "{\"user\":\"bob\"}";
    EXPECT_GE(world_.call(http::to_string(route.method), fill(route.path, "zz"), wrong_type).status, 400u)
        << name(route);
  }
}

TEST_F(EveryRoute, AnswersWithTheHeadersThatProtect) {
  for (const Route& route : routes()) {
    const Reply reply = call(route, "");
    EXPECT_EQ(reply.header("x-content-type-options"), "nosniff") << name(route);
    EXPECT_THAT(reply.header("content-security-policy"), HasSubstr("default-src 'none'")) << name(route);
    EXPECT_THAT(reply.header("x-request-id"), Not(testing::IsEmpty())) << name(route);
    EXPECT_THAT(reply.header("cache-control"), Not(testing::IsEmpty())) << name(route);
  }
}

TEST(EveryRouteWithoutDatabase, SaysSoAndWhenToComeAgain) {
  ApiWorld world(ApiWorld::Database::absent);
  const std::string token = world.token("alice");
  for (const Route& route : routes()) {
    if (route.access == Access::open) continue;
    const Reply reply = world.call(http::to_string(route.method), fill(route.path, "zz"),
                                   {token, takes_body(route) ? "{}" : ""});
    EXPECT_NE(reply.status, 500u) << name(route) << reply.text;
    EXPECT_NE(reply.status, 0u) << name(route);
    EXPECT_TRUE(reply.status != 503 || !reply.header("retry-after").empty()) << name(route);
  }
}

}  // namespace
}  // namespace parley::api
