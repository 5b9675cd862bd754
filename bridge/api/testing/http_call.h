// One HTTP request on a connection of its own, for tests.
#ifndef PARLEY_BRIDGE_API_TESTING_HTTP_CALL_H_
#define PARLEY_BRIDGE_API_TESTING_HTTP_CALL_H_

#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace parley::api {

struct Reply {
  unsigned status = 0;                         // 0: there was none; `text` says why
  std::map<std::string, std::string> headers;  // names in lower case
  std::string text;
  boost::json::value json;  // null when the body is not JSON

  std::string header(const std::string& name) const;
  // "error.code", "room", "items.0.user": a string or number by its path, as text; empty when it is not
  // there.
  std::string at(std::string_view path) const;
  std::string code() const { return at("error.code"); }
  std::string field() const { return at("error.field"); }
};

struct Call {
  std::string token;
  std::string body;  // sent as application/json when not empty
  std::map<std::string, std::string> headers{};
};

// To 127.0.0.1. Any thread; blocks, and gives up when nothing moves for 20 s.
Reply http_call(std::uint16_t port, std::string_view method, std::string_view path, const Call& call);

}  // namespace parley::api

#endif
