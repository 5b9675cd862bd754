// The bytes of a request, whole, in pieces, and wrong.
#include "bridge/http/request_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace parley::http {
namespace {

using State = RequestReader::State;
using testing::HasSubstr;

constexpr std::size_t kHeader = 512;
constexpr std::size_t kBody = 64;

// Feeds as a connection does: what was not taken is offered again with more behind it.
State feed(RequestReader& reader, std::string_view bytes, std::size_t step) {
  std::string pending;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::string_view piece = bytes.substr(at, step);
    pending += piece;
    at += piece.size();
    for (;;) {
      const State before = reader.state();
      pending.erase(0, reader.feed(pending));
      if (reader.state() == State::head) reader.read_body();
      if (reader.state() == before) break;
    }
  }
  return reader.state();
}

unsigned fault_of(std::string_view bytes) {
  RequestReader reader(kHeader, kBody);
  return feed(reader, bytes, bytes.size()) == State::failed ? reader.fault().status : 0;
}

TEST(RequestReader, ReadsARequestInPiecesOfAnySize) {
  const std::string bytes =
      "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
      "7\r\n\r\n{\"a\":1}";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    RequestReader reader(kHeader, kBody);
    ASSERT_EQ(feed(reader, bytes, step), State::done) << step;
    const Request& request = reader.request();
    EXPECT_EQ(request.method, Method::post);
    EXPECT_EQ(request.path, "/a/b");
    EXPECT_EQ(request.query("c"), "d");
    EXPECT_EQ(request.header("content-TYPE"), "application/json");
    EXPECT_EQ(request.body, "{\"a\":1}");
    EXPECT_TRUE(reader.keep_alive());
  }
}

TEST(RequestReader, ReadsChunks) {
  const std::string bytes =
      "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\n"
      "Host: evil\r\n\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    RequestReader reader(kHeader, kBody);
    ASSERT_EQ(feed(reader, bytes, step), State::done) << step;
    EXPECT_EQ(reader.request().body, "abcde");
    EXPECT_EQ(reader.request().header("Host"), "x");  // trailers change nothing
  }
}

TEST(RequestReader, LeavesTheNextRequestAlone) {
  RequestReader reader(kHeader, kBody);
  const std::string first = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
  const std::string both = first + "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
  std::size_t used = reader.feed(both);
  ASSERT_EQ(reader.state(), State::head);
  reader.read_body();
  used += reader.feed(std::string_view(both).substr(used));
  ASSERT_EQ(reader.state(), State::done);
  EXPECT_EQ(used, first.size());
  reader.next();
  reader.feed(std::string_view(both).substr(used));
  ASSERT_EQ(reader.state(), State::head);
  EXPECT_EQ(reader.request().path, "/next");
}

TEST(RequestReader, BoundsHeaderAndBody) {
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(kHeader, 'a') + "\r\n\r\n"), 431u);
  EXPECT_EQ(fault_of("GET /" + std::string(kHeader, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 431u);
  EXPECT_EQ(fault_of(std::string(kHeader + 1, 'a')), 431u);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65\r\n\r\n"), 413u);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400u);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n"), 413u);
  // A chunk's extension that never ends, and trailers that never end.
  RequestReader reader(kHeader, kBody);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(feed(reader, head + "1;" + std::string(2 * kHeader, 'x'), 100), State::failed);
  RequestReader other(kHeader, kBody);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 200; ++i) trailers += "x: y\r\n";
  EXPECT_EQ(feed(other, head + trailers, 100), State::failed);
}

TEST(RequestReader, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string& bytes : std::vector<std::string>{
           "GET / HTTP/1.1\r\n\r\n",                                          // no Host
           get + "Host: y\r\n\r\n",                                           // two
           get + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",            //
           get + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",   // smuggling
           get + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",   //
           get + "Content-Length: +1\r\n\r\n",                                //
           get + "Content-Length: 1, 1\r\n\r\n",                              //
           get + "X : y\r\n\r\n",                                             // a space before the colon
           get + "X: a\x01" + "b\r\n\r\n",                                    //
           get + std::string("X: a\0b\r\n\r\n", 10),                          //
           get + "X: a\nY: b\r\n\r\n",                                        // a bare line feed
           get + "no colon\r\n\r\n",                                          //
           std::string("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"),                 //
           std::string("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"),                 //
           std::string("GET /\r\nHost: x\r\n\r\n"),                           //
           std::string("GET / HTTP/1.1\nHost: x\n\n\r\n\r\n"),                //
           std::string("\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n", 13),   // TLS
           std::string("CONNECT example.org:1 HTTP/1.1\r\nHost: x\r\n\r\n"),  //
           std::string("GET /%zz?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n"),         //
       }) {
    const unsigned status = fault_of(bytes);
    EXPECT_TRUE(status == 400 || status == 501 || status == 505) << status << ": " << bytes;
  }
}

TEST(RequestReader, KnowsItsVersionsMethodsAndExpectations) {
  EXPECT_EQ(fault_of("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505u);
  EXPECT_EQ(fault_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501u);
  EXPECT_EQ(fault_of("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), 501u);
  EXPECT_EQ(fault_of("GET / HTTP/1.0\r\n\r\n"), 0u);

  RequestReader old(kHeader, kBody);
  feed(old, "GET / HTTP/1.0\r\n\r\n", 100);
  EXPECT_FALSE(old.keep_alive());
  RequestReader closing(kHeader, kBody);
  feed(closing, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 100);
  EXPECT_FALSE(closing.keep_alive());
  RequestReader waiting(kHeader, kBody);
  waiting.feed("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_TRUE(waiting.expects_continue());
  EXPECT_TRUE(waiting.has_body());
}

}  // namespace
}  // namespace parley::http
