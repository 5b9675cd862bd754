#include "bridge/api/testing/http_call.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include "tests/support/unique_fd.h"

namespace parley::api {
namespace {

namespace beast = boost::beast;
namespace json = boost::json;

using Request = beast::http::request<beast::http::string_body>;
using Response = beast::http::response<beast::http::string_body>;
using Parser = beast::http::response_parser<beast::http::string_body>;

constexpr int kPatienceS = 20;

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

std::string to_text(const Request& request) {
  const auto text = [](auto view) { return std::string(view.data(), view.size()); };
  std::string out = text(request.method_string()) + " " + text(request.target()) + " HTTP/1.1\r\n";
  for (const auto& field : request) out += text(field.name_string()) + ": " + text(field.value()) + "\r\n";
  return out + "\r\n" + request.body();
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

[[noreturn]] void fail(int error) {
  throw std::runtime_error(
      std::generic_category().message(error == EAGAIN || error == EINPROGRESS ? ETIMEDOUT : error));
}

// Plain sockets here: Beast's own streams take four times as long to compile as everything else in this file.
test::UniqueFd connect_to(std::uint16_t port) {
  test::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = kPatienceS, .tv_usec = 0};
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    fail(errno);
  }
  return fd;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return;  // a server that refuses early may answer before it has read everything
    } else if (errno != EINTR) {
      fail(errno);
    }
  }
}

// Appends what comes next; false: the server has closed the connection.
bool receive_some(int fd, std::string& into) {
  std::array<char, 16384> some;
  ssize_t count = 0;
  while ((count = ::recv(fd, some.data(), some.size(), 0)) < 0) {
    if (errno != EINTR) fail(errno);
  }
  into.append(some.data(), static_cast<std::size_t>(count));
  return count > 0;
}

Response receive(int fd) {
  Parser parser;
  parser.body_limit(std::uint64_t{8} << 20);
  parser.eager(true);
  std::string unread;
  while (!parser.is_done()) {
    beast::error_code error;
    if (receive_some(fd, unread)) {
      unread.erase(0, parser.put(boost::asio::buffer(unread), error));
      if (error == beast::http::error::need_more) error = {};
    } else {
      parser.put_eof(error);
      if (!error && !parser.is_done()) error = beast::http::error::end_of_stream;
    }
    if (error) throw std::runtime_error(error.message());
  }
  return parser.release();
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
  try {
    const test::UniqueFd connection = connect_to(port);
    send_all(connection.get(), to_text(make_request(method, path, call)));
    return to_reply(receive(connection.get()));
  } catch (const std::runtime_error& e) {
    Reply reply;
    reply.text = std::string("no answer: ") + e.what();
    return reply;
  }
}

}  // namespace parley::api
