#include "bridge/api/testing/http_call.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <charconv>
#include <chrono>

namespace parley::api {
namespace {

namespace beast = boost::beast;
namespace asio = boost::asio;
namespace json = boost::json;

using Request = beast::http::request<beast::http::string_body>;
using Response = beast::http::response<beast::http::string_body>;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

Request make_request(std::string_view method, std::string_view path, const Call& call) {
  Request request;
  request.method_string({method.data(), method.size()});
  request.target({path.data(), path.size()});
  request.version(11);
  request.set(beast::http::field::host, "127.0.0.1");
  request.set(beast::http::field::connection, "close");
  if (!call.token.empty()) request.set(beast::http::field::authorization, "Bearer " + call.token);
  if (!call.body.empty()) request.set(beast::http::field::content_type, "application/json");
  for (const auto& [name, value] : call.headers) request.set(name, value);
  request.body() = call.body;
  request.prepare_payload();
  return request;
}

Reply to_reply(const Response& response) {
  Reply reply;
  reply.status = response.result_int();
  for (const auto& field : response)
    reply.headers[lower({field.name_string().data(), field.name_string().size()})] =
        std::string(field.value().data(), field.value().size());
  reply.text = response.body();
  boost::system::error_code error;
  json::value value = json::parse(reply.text, error);
  if (!error) reply.json = std::move(value);
  return reply;
}

const json::value* child(const json::value& value, std::string_view name) {
  if (const json::object* object = value.if_object()) return object->if_contains(name);
  const json::array* array = value.if_array();
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  return array != nullptr && error == std::errc() && index < array->size() ? &(*array)[index] : nullptr;
}

}  // namespace

std::string Reply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::string Reply::at(std::string_view path) const {
  const json::value* value = &json;
  while (value != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    value = child(*value, path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  if (value == nullptr || value->is_null()) return {};
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

Reply http_call(std::uint16_t port, std::string_view method, std::string_view path, const Call& call) {
  asio::io_context io;
  beast::tcp_stream stream(io);
  beast::error_code error;
  Response response;
  // Asynchronous, because only so does a Beast stream keep a deadline.
  const Request request = make_request(method, path, call);
  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(std::uint64_t{8} << 20);
  stream.expires_after(std::chrono::seconds(20));
  stream.async_connect({asio::ip::address_v4::loopback(), port}, [&](beast::error_code failed) {
    if ((error = failed)) return;
    beast::http::async_write(stream, request, [&](beast::error_code broken, std::size_t) {
      // A server that refuses early may answer before it has read everything.
      if (broken && broken != beast::errc::broken_pipe && broken != beast::errc::connection_reset) {
        error = broken;
        return;
      }
      beast::http::async_read(stream, buffer, parser,
                              [&](beast::error_code ended, std::size_t) { error = ended; });
    });
  });
  io.run();
  if (error) {
    Reply reply;
    reply.text = "no answer: " + error.message();
    return reply;
  }
  return to_reply(parser.release());
}

}  // namespace parley::api
