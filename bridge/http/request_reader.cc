#include "bridge/http/request_reader.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "bridge/http/header_text.h"
#include "bridge/http/target.h"

namespace parley::http {
namespace {

namespace beast = boost::beast;
constexpr unsigned kHttp11 = 11;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct RequestReader::Parser {
  // In place anew for every request; Beast's parsers serve one message.
  std::optional<beast::http::request_parser<beast::http::string_body>> beast;
};

RequestReader::RequestReader(std::size_t header_bytes, std::size_t body_bytes)
    : header_bytes_(header_bytes), body_bytes_(body_bytes), parser_(std::make_unique<Parser>()) {
  next();
}
RequestReader::~RequestReader() = default;

void RequestReader::next() {
  parser_->beast.emplace();
  parser_->beast->header_limit(static_cast<std::uint32_t>(header_bytes_));
  parser_->beast->body_limit(body_bytes_);
  parser_->beast->eager(false);  // stop after the header, so that a refusal need not wait for the body
  request_ = Request();
  keep_alive_ = true;
  expects_continue_ = false;
  state_ = State::reading_head;
}

bool RequestReader::has_body() const {
  const auto& parser = *parser_->beast;
  return parser.chunked() || parser.content_length().value_or(0) > 0;
}

void RequestReader::fail(unsigned status, std::string_view code, std::string message) {
  take_headers();
  state_ = State::failed;
  keep_alive_ = false;
  fault_ = {status, code, std::move(message)};
}

std::size_t RequestReader::feed(std::string_view bytes) {
  using beast::http::error;
  std::size_t used = 0;
  while (used < bytes.size() && (state_ == State::reading_head || state_ == State::reading_body)) {
    beast::error_code problem;
    const std::size_t took =
        parser_->beast->put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), problem);
    used += took;
    if (problem && problem != error::need_more) {
      if (problem == error::header_limit) {
        fail(431, "too_large", "the header is longer than " + std::to_string(header_bytes_) + " bytes");
      } else if (problem == error::body_limit) {
        fail(413, "too_large", "the body is longer than " + std::to_string(body_bytes_) + " bytes");
      } else if (problem == error::bad_version) {
        fail(505, "bad_request", "speak HTTP/1.1");
      } else {
        fail(400, "bad_request", "not an HTTP/1.1 request: " + problem.message());
      }
      return used;
    }
    if (state_ == State::reading_head && parser_->beast->is_header_done()) {
      take_head();
      return used;
    }
    if (state_ == State::reading_body && parser_->beast->is_done()) {
      request_.body = std::move(parser_->beast->get().body());
      state_ = State::done;
      return used;
    }
    if (problem == error::need_more || took == 0) {
      // What the parser will not take yet is one line or a trailer; no honest one is longer than a header.
      if (bytes.size() - used > header_bytes_)
        fail(400, "bad_request", "a line of the body's framing is too long");
      return used;
    }
  }
  return used;
}

void RequestReader::take_headers() {
  if (!request_.headers.empty()) return;
  for (const auto& field : parser_->beast->get()) {
    request_.headers.push_back({std::string(view(field.name_string())), std::string(view(field.value()))});
  }
}

void RequestReader::take_head() {
  state_ = State::head;
  const auto& message = parser_->beast->get();
  keep_alive_ = message.keep_alive();
  request_.target = view(message.target());
  take_headers();
  std::size_t hosts = 0;
  bool odd_length = false;
  for (const auto& field : message) {
    if (field.name() == beast::http::field::host) ++hosts;
    if (field.name() == beast::http::field::content_length &&
        view(field.value()).find_first_not_of("0123456789") != std::string_view::npos) {
      odd_length = true;
    }
  }
  if (message.version() != kHttp11 && message.version() != 10) {
    return fail(505, "bad_request", "speak HTTP/1.1");
  }
  // RFC 9112, section 3.2: exactly one Host, or two readers may take the request to mean different servers.
  if (hosts > 1 || (hosts == 0 && message.version() == kHttp11)) {
    return fail(400, "bad_request", "a request has exactly one Host header");
  }
  // RFC 9112, section 6.3: a list of equal lengths may be taken for one, but need not.
  if (odd_length) return fail(400, "bad_request", "Content-Length is one number");
  const auto method = parse_method(view(message.method_string()));
  if (!method) return fail(501, "not_implemented", "this method is not known here");
  request_.method = *method;
  // Asterisk form (RFC 9112, section 3.2.4): OPTIONS of the server itself.
  auto target = request_.target == "*" && request_.method == Method::options
                    ? Target{std::string(kWholeServer), {}}
                    : parse_target(request_.target);
  if (!target) return fail(400, "bad_request", "the path or query is not a valid URL");
  request_.path = std::move(target->path);
  request_.query_parameters = std::move(target->query);
  // What else is expected is passed over (RFC 9110, section 10.1.1, leaves that to the server): the answer
  // will tell. An HTTP/1.0 client would not understand 100.
  const auto expect = request_.header("Expect");
  expects_continue_ = expect && message.version() == kHttp11 && has_token(*expect, "100-continue");
}

void RequestReader::read_body() {
  if (state_ != State::head) return;
  state_ = parser_->beast->is_done() ? State::done : State::reading_body;
}

}  // namespace parley::http
