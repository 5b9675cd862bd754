// The server over real connections, with the bytes that honest clients send and those that others do.
#include "bridge/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "bridge/http/testing/wire.h"
#include "bridge/metrics.h"

namespace parley::http {
namespace {

using namespace std::chrono_literals;
using test::Deadline;
using testing::HasSubstr;
using testing::Not;

// Holds handlers until it is opened.
class Barrier {
 public:
  ~Barrier() { open(); }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  bool wait_inside(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, test::kPatience, [&] { return inside_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    config_.port = 0;
    config_.body_bytes = 1000;
    config_.header_bytes = 1024;
    config_.workers = 2;
    config_.queue = 2;
  }
  void start() {
    server_ = std::make_unique<Server>(config_, 1, 1, metrics_);
    add(Method::get, "/hello", [](const Request& r) { return text("hello " + r.id); });
    add(Method::post, "/echo", [](const Request& r) { return text(r.body); });
    add(Method::get, "/wait", [this](const Request&) {
      barrier_.pass();
      return text("done");
    });
    add(Method::get, "/throw", [](const Request&) -> Response { throw std::runtime_error("secret detail"); });
    add(Method::get, "/who", [](const Request& r) { return text(r.remote); });
    add(Method::get, "/tagged", [](const Request&) { return text("x").etag(5); });
    add(Method::get, "/big", [](const Request&) { return text(std::string(std::size_t{32} << 20, 'x')); });
    add(Method::get, "/split", [](const Request& r) {
      return text("x").header("X-Copy", std::string(r.query("v").value_or("")) + "\r\nX-Evil: 1");
    });
    server_->add({.method = Method::get,
                  .path = "/live",
                  .handler = [](const Request&) { return text("live"); },
                  .lane = Endpoint::Lane::io});
    server_->add({.method = Method::get,
                  .path = "/password",
                  .handler = [](const Request&) { return text("ok"); },
                  .lane = Endpoint::Lane::password});
    server_->start();
  }
  void add(Method method, const std::string& path, std::function<Response(const Request&)> handler) {
    server_->add({.method = method, .path = path, .handler = std::move(handler)});
  }
  WireAnswer ask(const std::string& bytes, bool no_body = false) {
    Wire wire(server_->port());
    wire.send(bytes);
    auto answer = wire.answer(test::kPatience, no_body);
    EXPECT_TRUE(answer) << bytes.substr(0, 200);
    return answer.value_or(WireAnswer{});
  }
  std::string get(const std::string& path, const std::string& more = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
  }
  std::string post(const std::string& body, const std::string& more = "") {
    return "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           more + "\r\n" + body;
  }

  HttpConfig config_;
  bridge::Metrics metrics_;
  Barrier barrier_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersOnOneConnectionAgainAndAgain) {
  start();
  Wire wire(server_->port());
  for (int i = 0; i < 3; ++i) {
    wire.send(post("body " + std::to_string(i)));
    const auto answer = wire.answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200u);
    EXPECT_EQ(answer->body, "body " + std::to_string(i));
    EXPECT_EQ(answer->headers.at("connection"), "keep-alive");
  }
  wire.send(get("/hello", "Connection: close\r\n"));
  EXPECT_EQ(wire.answer()->headers.at("connection"), "close");
  EXPECT_TRUE(wire.ended());
}

TEST_F(ServerTest, EveryAnswerCarriesIdDateAndSecurityHeaders) {
  start();
  for (const std::string& bytes : {get("/hello"), get("/nothing"), std::string("rubbish\r\n\r\n"),
                                   std::string("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    const WireAnswer answer = ask(bytes);
    EXPECT_EQ(answer.headers.count("x-request-id"), 1u) << answer.head;
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
    EXPECT_THAT(answer.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(answer.headers.at("date"), HasSubstr(" GMT"));
    EXPECT_EQ(answer.headers.count("access-control-allow-origin"), 0u);
  }
}

TEST_F(ServerTest, TheRequestIdIsTheClientsWhenItIsASaneOne) {
  start();
  EXPECT_EQ(ask(get("/hello", "X-Request-Id: edge-42.a_b\r\n")).headers.at("x-request-id"), "edge-42.a_b");
  EXPECT_EQ(ask(get("/hello", "X-Request-Id: edge-42\r\n")).body, "hello edge-42");
  for (const std::string& bad : {std::string("a b"), std::string(65, 'a'), std::string("<script>")}) {
    EXPECT_NE(ask(get("/hello", "X-Request-Id: " + bad + "\r\n")).headers.at("x-request-id"), bad);
  }
  EXPECT_NE(ask(get("/hello")).headers.at("x-request-id"), ask(get("/hello")).headers.at("x-request-id"));
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  start();
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += post(std::to_string(i));
  Wire wire(server_->port());
  std::thread sender([&] { wire.send(bytes); });
  for (int i = 0; i < 500; ++i) {
    const auto answer = wire.answer();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->body, std::to_string(i));
  }
  sender.join();
}

TEST_F(ServerTest, HeadAndOptionsAndConditionalGets) {
  start();
  Wire wire(server_->port());
  wire.send("HEAD /tagged HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto head = wire.answer(test::kPatience, true);
  EXPECT_EQ(head->status, 200u);
  EXPECT_EQ(head->headers.at("content-length"), "1");
  wire.send("OPTIONS /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto options = wire.answer();
  EXPECT_EQ(options->status, 204u);
  EXPECT_EQ(options->headers.at("allow"), "POST, OPTIONS");
  wire.send(get("/tagged", "If-None-Match: \"5\"\r\n"));
  EXPECT_EQ(wire.answer()->status, 304u);
  wire.send(get("/tagged", "If-None-Match: \"4\"\r\n"));
  EXPECT_EQ(wire.answer()->body, "x");
}

TEST_F(ServerTest, WhoHasTheAnswerAlreadyIsToldSo) {
  start();
  Wire wire(server_->port());
  const auto status = [&](const std::string& tags) {
    wire.send(get("/tagged", "If-None-Match: " + tags + "\r\n"));
    return wire.answer().value_or(WireAnswer{}).status;
  };
  for (const char* known : {R"("5")", R"(W/"5")", "*", R"("4", "5")", R"("4",W/"5")", R"(W/"4" , W/"5", "6")",
                            R"(nonsense, "5")", R"(,"5",)"})
    EXPECT_EQ(status(known), 304u) << known;
  for (const char* other : {R"("4")", R"(W/"4")", R"("4", "6")", "5", R"("5)", R"(w/"5")", R"("55")", ""})
    EXPECT_EQ(status(other), 200u) << other;
  // Several lines are one list.
  const std::string next = "\r\nif-none-match: ";
  for (const std::string& known : {R"("4")" + next + R"("5")", R"("5")" + next + R"("4")",
                                   R"("4")" + next + "*", R"("3", "4")" + next + next + R"("6", W/"5")"})
    EXPECT_EQ(status(known), 304u) << known;
  EXPECT_EQ(status(R"("4")" + next + R"("6")"), 200u);
}

TEST_F(ServerTest, LoadBalancersAreAnswered) {
  start();
  for (const char* asked :
       {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.0\r\n\r\n", "OPTIONS / HTTP/1.0\r\n\r\n",
        "OPTIONS /live HTTP/1.0\r\n\r\n", "OPTIONS http://x HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    const WireAnswer answer = ask(asked);
    EXPECT_EQ(answer.status, 204u) << asked;
    EXPECT_THAT(answer.headers.at("allow"), HasSubstr("OPTIONS")) << asked;
  }
  EXPECT_EQ(ask("GET * HTTP/1.1\r\nHost: x\r\n\r\n").status, 400u);
  for (const char* target :
       {"/live", "//live", "http://x/live", "HTTP://x/live", "https://x:443/live", "/live?"})
    EXPECT_EQ(ask("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n").body, "live") << target;
  EXPECT_EQ(ask("GET /live HTTP/1.0\r\n\r\n").body, "live");
  EXPECT_EQ(ask("HEAD /live HTTP/1.0\r\n\r\n", true).status, 200u);
  EXPECT_EQ(ask("GET /live HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").headers.at("connection"),
            "keep-alive");
}

TEST_F(ServerTest, HeaderTokensInAnyCase) {
  start();
  for (const char* expect : {"100-continue", "100-Continue", "100-CONTINUE", "x, 100-Continue"}) {
    Wire wire(server_->port());
    wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nEXPECT: " + std::string(expect) +
              "\r\nContent-Length: 2\r\n\r\n");
    const auto interim = wire.answer();
    ASSERT_TRUE(interim) << expect;
    EXPECT_EQ(interim->status, 100u) << expect;
    wire.send("hi");
    EXPECT_EQ(wire.answer().value_or(WireAnswer{}).body, "hi") << expect;
  }
  // What else is expected is none of ours to refuse, and no reason to wait.
  for (const char* other : {"a miracle", "200-ok", "", "100"})
    EXPECT_EQ(ask(post("hi", "Expect: " + std::string(other) + "\r\n")).body, "hi") << other;
  EXPECT_EQ(ask("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi").body, "hi");
  for (const char* coding : {"chunked", "Chunked", "CHUNKED"}) {
    EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + std::string(coding) +
                  "\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
                  .body,
              "hi")
        << coding;
  }
  for (const char* close : {"close", "Close", "CLOSE", "x, Close"})
    EXPECT_EQ(ask(get("/hello", "connection: " + std::string(close) + "\r\n")).headers.at("connection"),
              "close");
}

TEST_F(ServerTest, WhatTheServerAnswersItselfHasAnIdAndAnErrorToo) {
  config_.header_timeout = 200ms;
  config_.body_timeout = 200ms;
  start();
  const auto expect_id = [](const WireAnswer& answer, unsigned status, const std::string& id) {
    EXPECT_EQ(answer.status, status) << answer.head;
    ASSERT_EQ(answer.headers.count("x-request-id"), 1u) << answer.head;
    EXPECT_FALSE(answer.headers.at("x-request-id").empty()) << answer.head;
    if (!id.empty()) {
      EXPECT_EQ(answer.headers.at("x-request-id"), id) << answer.head;
    }
    EXPECT_THAT(answer.body, HasSubstr(R"({"error":{"code":")")) << answer.head;
    EXPECT_THAT(answer.body, HasSubstr(R"("message":")")) << answer.head;
  };
  const std::string id = "X-Request-Id: edge-42\r\n";
  expect_id(ask("GET /hello HTTP/1.1\r\nHost"), 408u, "");
  expect_id(ask("GET /hello HTTP/1.1\r\nHost: x\r\n" + id + "X"), 408u, "edge-42");
  expect_id(ask("POST /echo HTTP/1.1\r\nHost: x\r\n" + id + "Content-Length: 9\r\n\r\nx"), 408u, "edge-42");
  expect_id(ask(post(std::string(1001, 'x'), id)), 413u, "edge-42");
  expect_id(ask(get("/hello", id + "X-Long: " + std::string(2000, 'a') + "\r\n")), 431u, "");
  expect_id(ask("rubbish\r\n\r\n"), 400u, "");
  expect_id(ask("GET /hello HTTP/1.1\r\n" + id + "\r\n"), 400u, "edge-42");
  expect_id(ask("GET /%zz HTTP/1.1\r\nHost: x\r\n" + id + "\r\n"), 400u, "edge-42");
  expect_id(ask("BREW /hello HTTP/1.1\r\nHost: x\r\n" + id + "\r\n"), 501u, "edge-42");
  expect_id(ask("GET /hello HTTP/3.7\r\nHost: x\r\n" + id + "\r\n"), 505u, "");
  expect_id(ask(get("/nothing", id)), 404u, "edge-42");
  expect_id(ask("DELETE /hello HTTP/1.1\r\nHost: x\r\n" + id + "\r\n"), 405u, "edge-42");
  expect_id(ask(get("/throw", id)), 500u, "edge-42");
}

TEST_F(ServerTest, NothingAtThisPathAndNotThisMethod) {
  start();
  const WireAnswer missing = ask(get("/nothing"));
  EXPECT_EQ(missing.status, 404u);
  EXPECT_THAT(missing.body, HasSubstr("\"code\":\"not_found\""));
  const WireAnswer method = ask("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(method.status, 405u);
  EXPECT_EQ(method.headers.at("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(ask(get("/hello/%ff")).status, 400u);
}

TEST_F(ServerTest, AHandlerThatThrowsTellsNothing) {
  start();
  const WireAnswer answer = ask(get("/throw"));
  EXPECT_EQ(answer.status, 500u);
  EXPECT_THAT(answer.body, HasSubstr("\"code\":\"internal\""));
  EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
  EXPECT_EQ(ask(get("/hello")).status, 200u);
}

TEST_F(ServerTest, NoHandlerCanStartAnotherHeader) {
  start();
  const WireAnswer answer = ask(get("/split?v=a%0d%0aX-Evil:%202"));
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.headers.count("x-evil"), 0u) << answer.head;
}

TEST_F(ServerTest, WhatIsTooLargeIsRefusedAndTheConnectionEnded) {
  start();
  // Announced: refused before the body is sent.
  Wire announced(server_->port());
  announced.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(announced.answer()->status, 413u);
  EXPECT_EQ(announced.rest(), "");
  // The answer arrives although the whole body is sent all the same.
  Wire stubborn(server_->port());
  stubborn.send(post(std::string(200'000, 'x')));
  EXPECT_EQ(stubborn.answer()->status, 413u);
  Wire chunked(server_->port());
  chunked.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) chunked.send("40\r\n" + std::string(64, 'x') + "\r\n");
  EXPECT_EQ(chunked.answer()->status, 413u);
  EXPECT_EQ(ask(get("/hello", "X-Long: " + std::string(2000, 'a') + "\r\n")).status, 431u);
  EXPECT_EQ(ask(post(std::string(1000, 'x'))).body.size(), 1000u);
}

TEST_F(ServerTest, ARefusedRequestsBodyIsNotTakenForTheNextRequest) {
  start();
  Wire wire(server_->port());
  const std::string inner = get("/hello");
  wire.send("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(inner.size()) +
            "\r\n\r\n" + inner);
  EXPECT_EQ(wire.answer()->status, 404u);
  EXPECT_EQ(wire.rest(), "");
}

TEST_F(ServerTest, ExpectContinueIsAnsweredBeforeTheBody) {
  start();
  Wire wire(server_->port());
  wire.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(wire.answer()->status, 100u);
  wire.send("hi");
  EXPECT_EQ(wire.answer()->body, "hi");
  wire.send("POST /nothing HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(wire.answer()->status, 404u);
}

TEST_F(ServerTest, ASlowDripIsClosed) {
  config_.header_timeout = 300ms;
  config_.body_timeout = 300ms;
  config_.idle_timeout = 10s;
  start();
  const auto drips = [&](const std::string& start_with, const std::string& drop) {
    Wire wire(server_->port());
    const auto began = std::chrono::steady_clock::now();
    wire.send(start_with);
    std::optional<WireAnswer> answer;
    while (!answer && std::chrono::steady_clock::now() - began < test::kPatience) {
      wire.send(drop);
      answer = wire.answer(50ms);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s) << start_with;
    return answer.value_or(WireAnswer{}).status;
  };
  EXPECT_EQ(drips("GET /hello HTTP/1.1\r\nHost: x\r\n", "X: y\r\n"), 408u);
  EXPECT_EQ(drips("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n", "x"), 408u);
  EXPECT_EQ(drips("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
            408u);
}

TEST_F(ServerTest, QuietConnectionsAreClosedWithoutAWord) {
  config_.idle_timeout = 200ms;
  start();
  Wire fresh(server_->port());
  EXPECT_EQ(fresh.rest(5s), "");
  Wire used(server_->port());
  used.send(get("/hello"));
  ASSERT_TRUE(used.answer());
  EXPECT_TRUE(used.ended(5s));
}

TEST_F(ServerTest, AReaderThatDoesNotReadIsClosed) {
  config_.body_timeout = 300ms;
  start();
  Wire wire(server_->port(), 4096);
  wire.send(get("/big"));
  const Deadline deadline = 10s;
  while (server_->stats().connections > 0 && !deadline.passed()) std::this_thread::yield();
  EXPECT_EQ(server_->stats().connections, 0u);
}

TEST_F(ServerTest, ATruncatedRequestEndsQuietly) {
  start();
  for (const char* bytes : {"", "G", "GET /hello HTTP/1.1\r\nHost",
                            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhal"}) {
    Wire wire(server_->port());
    wire.send(bytes);
    wire.finish_sending();
    EXPECT_EQ(wire.rest(), "") << bytes;
  }
  // A whole one is answered although the client has nothing more to say.
  Wire wire(server_->port());
  wire.send(get("/hello"));
  wire.finish_sending();
  EXPECT_EQ(wire.answer()->status, 200u);
}

TEST_F(ServerTest, AFullQueueIsUnavailableAndHealthStillAnswers) {
  start();
  std::vector<std::unique_ptr<Wire>> waiting;
  const auto wait = [&] {
    waiting.push_back(std::make_unique<Wire>(server_->port()));
    waiting.back()->send(get("/wait"));
  };
  wait();
  wait();
  ASSERT_TRUE(barrier_.wait_inside(2));
  wait();
  wait();
  const Deadline deadline = test::kPatience;
  while (server_->stats().queued < 2 && !deadline.passed()) std::this_thread::yield();
  const WireAnswer refused = ask(get("/hello"));
  EXPECT_EQ(refused.status, 503u);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_FALSE(refused.headers.at("x-request-id").empty());
  EXPECT_THAT(refused.body, HasSubstr("\"code\":\"unavailable\""));
  EXPECT_EQ(ask(get("/live")).body, "live");
  EXPECT_EQ(ask(get("/password")).body, "ok");  // its own lane
  barrier_.open();
  for (const auto& wire : waiting) EXPECT_EQ(wire->answer()->body, "done");
  EXPECT_EQ(ask(get("/hello")).status, 200u);
}

TEST_F(ServerTest, TheQuietestConnectionMakesRoomForANewOne) {
  config_.connections = 3;
  start();
  Wire first(server_->port());
  first.send(get("/hello"));
  ASSERT_TRUE(first.answer());
  Wire half(server_->port());  // still sending its header
  half.send("GET /hel");
  Wire third(server_->port());
  third.send(get("/hello"));
  ASSERT_TRUE(third.answer());
  Wire fourth(server_->port());
  fourth.send(get("/hello"));
  EXPECT_EQ(fourth.answer()->status, 200u);
  EXPECT_TRUE(first.ended());
  half.send("lo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(half.answer()->status, 200u);
}

TEST_F(ServerTest, WhenAllAreBeingServedTheNextIsToldSo) {
  config_.connections = 2;
  start();
  Wire one(server_->port());
  one.send(get("/wait"));
  Wire two(server_->port());
  two.send(get("/wait"));
  ASSERT_TRUE(barrier_.wait_inside(2));
  Wire three(server_->port());
  const auto answer = three.answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503u);
  EXPECT_EQ(answer->headers.at("retry-after"), "1");
  EXPECT_EQ(answer->headers.at("x-request-id").size(), 16u);
  EXPECT_THAT(answer->body, HasSubstr(R"({"error":{"code":"unavailable")"));
  EXPECT_TRUE(three.ended());
  barrier_.open();
  EXPECT_EQ(one.answer()->body, "done");
}

TEST_F(ServerTest, StoppingLetsRequestsFinish) {
  start();
  Wire busy(server_->port());
  busy.send(get("/wait"));
  ASSERT_TRUE(barrier_.wait_inside(1));
  Wire idle(server_->port());
  idle.send(get("/hello"));
  ASSERT_TRUE(idle.answer());
  auto stopping = std::async(std::launch::async, [&] { server_->stop(10s); });
  EXPECT_TRUE(idle.ended());
  EXPECT_EQ(stopping.wait_for(100ms), std::future_status::timeout);
  barrier_.open();
  const auto answer = busy.answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "done");
  EXPECT_EQ(answer->headers.at("connection"), "close");
  stopping.get();
  EXPECT_THROW(Wire(server_->port()), std::runtime_error);
}

TEST_F(ServerTest, StoppingDoesNotWaitForEver) {
  start();
  Wire half(server_->port());
  half.send("GET /hello HTT");
  const Deadline deadline = test::kPatience;
  while (server_->stats().connections < 1 && !deadline.passed()) std::this_thread::yield();
  const auto began = std::chrono::steady_clock::now();
  server_->stop(200ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(half.rest(), "");
}

TEST_F(ServerTest, OnlyListedOriginsMayRead) {
  config_.cors_origins = {"https://chat.example.org"};
  start();
  const WireAnswer known = ask(get("/hello", "Origin: https://chat.example.org\r\n"));
  EXPECT_EQ(known.headers.at("access-control-allow-origin"), "https://chat.example.org");
  EXPECT_EQ(known.headers.at("vary"), "Origin");
  const WireAnswer preflight =
      ask("OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: https://chat.example.org\r\n"
          "Access-Control-Request-Method: POST\r\n\r\n");
  EXPECT_EQ(preflight.status, 204u);
  EXPECT_EQ(preflight.headers.at("access-control-allow-methods"), "POST, OPTIONS");
  EXPECT_THAT(preflight.headers.at("access-control-allow-headers"), HasSubstr("Authorization"));
  for (const char* origin :
       {"https://evil.example", "null", "https://chat.example.org.evil", "http://chat.example.org"}) {
    const WireAnswer answer = ask(get("/hello", "Origin: " + std::string(origin) + "\r\n"));
    EXPECT_EQ(answer.headers.count("access-control-allow-origin"), 0u) << origin;
    EXPECT_EQ(answer.headers.at("vary"), "Origin");
  }
  EXPECT_EQ(known.headers.count("access-control-allow-credentials"), 0u);
}

TEST_F(ServerTest, ForwardedAddressesCountOnlyWhenTrusted) {
  start();
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: 203.0.113.9\r\n")).body, "127.0.0.1");
  server_.reset();
  config_.trust_forwarded_for = true;
  start();
  // What the proxy next to us saw comes last; the rest is hearsay.
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: 198.51.100.1, 203.0.113.9\r\n")).body, "203.0.113.9");
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: 198.51.100.1, nonsense\r\n")).body, "127.0.0.1");
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.9\r\n")).body,
            "203.0.113.9");
  EXPECT_EQ(ask(get("/who")).body, "127.0.0.1");
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: 203.0.113.9:4711\r\n")).body, "203.0.113.9");
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: [2001:db8::1]:4711\r\n")).body, "2001:db8::1");
  EXPECT_EQ(ask(get("/who", "Forwarded: for=\"[2001:DB8::1]:4711\";proto=https\r\n")).body, "2001:db8::1");
  server_.reset();
  config_.trusted_proxies = {"10.0.0.0/8", "192.0.2.7"};
  start();
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: 203.0.113.9\r\n")).body, "127.0.0.1") << "not a trusted proxy";
  server_.reset();
  config_.trusted_proxies.push_back("127.0.0.1");
  start();
  EXPECT_EQ(ask(get("/who", "X-Forwarded-For: 198.51.100.1, 203.0.113.9:1, 10.1.1.1\r\n")).body,
            "203.0.113.9");
  config_.trusted_proxies = {"everybody"};
  EXPECT_THROW(Server(config_, 1, 1, metrics_), std::runtime_error);
}

TEST_F(ServerTest, SaysWhatIsWrongWithItsAddress) {
  start();
  HttpConfig taken = config_;
  taken.port = server_->port();
  Server second(taken, 1, 1, metrics_);
  try {
    second.start();
    FAIL() << "two servers on one port";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("in use"), HasSubstr("http.listen")));
  }
  HttpConfig named = config_;
  named.host = "no-such-host";
  Server third(named, 1, 1, metrics_);
  EXPECT_THROW(third.start(), std::runtime_error);
  HttpConfig tls = config_;
  tls.port = 0;
  tls.tls_certificate = "/nonexistent.pem";
  tls.tls_key = "/nonexistent.pem";
  Server fourth(tls, 1, 1, metrics_);
  EXPECT_THROW(fourth.start(), std::runtime_error);
}

TEST_F(ServerTest, CountsWhatItAnswers) {
  start();
  ask(get("/hello"));
  ask(get("/nothing"));
  EXPECT_THAT(metrics_.text(),
              HasSubstr(R"(parley_bridge_http_requests_total{method="GET",route="/hello",status="2xx"} 1)"));
  EXPECT_THAT(metrics_.text(), HasSubstr(R"(route="",status="4xx"} 1)"));
}

TEST_F(ServerTest, SeveralIoThreadsShareTheConnections) {
  config_.io_threads = 3;
  config_.queue = 100;
  start();
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&] {
      Wire wire(server_->port());
      for (int n = 0; n < 50; ++n) {
        wire.send(post(std::to_string(n)));
        const auto answer = wire.answer();
        if (answer && answer->body == std::to_string(n)) ++good;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 300);
}

}  // namespace
}  // namespace parley::http
