#include "clients/parleyctl/rest_client.h"

#include <chrono>
#include <thread>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/listing.h"
#include "schemas/whole_number.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

// Somebody waits at the terminal: longer than this, and it is better to say so.
constexpr std::int64_t kLongestWaitMs = 5'000;
constexpr int kTries = 4;
constexpr int kPage = 200;

std::string text_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// Errors are {"error":{"code","message","field"?,"retry_after_ms"?}}; a proxy in between may answer anything.
void read_error(const json::object& body, RestClient::Answer& answer, std::int64_t& wait_ms) {
  const json::value* error = body.if_contains("error");
  if (error == nullptr || !error->is_object()) {
    answer.code = "unexpected";
    answer.message = "the server answered with status " + std::to_string(answer.status);
    return;
  }
  const json::object& object = error->as_object();
  answer.code = text_of(object, "code");
  if (answer.code.empty()) answer.code = "unexpected";
  answer.message = printable(text_of(object, "message"));
  if (const std::string field = text_of(object, "field"); !field.empty()) {
    answer.message = printable(field) + ": " + answer.message;
  }
  if (const json::value* wait = object.if_contains("retry_after_ms"); wait != nullptr) {
    wait_ms = whole_number<std::int64_t>(*wait).value_or(wait_ms);
  }
}

}  // namespace

RestClient::RestClient(std::string url, std::unique_ptr<client::HttpClient> http, TokenSource token)
    : url_(std::move(url)), http_(std::move(http)), token_(std::move(token)) {}

RestClient::Answer RestClient::once(const std::string& method, const std::string& path, const Body& body,
                                    const std::string& if_match, const std::string& token,
                                    std::int64_t& wait_ms) {
  client::HttpRequest request{
      .method = method, .url = url_ + "/api/v1" + path, .headers = {{"Accept", "application/json"}}};
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
  if (!if_match.empty()) request.headers.emplace_back("If-Match", if_match);
  if (body) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = json::serialize(*body);
  }
  auto response = http_->send(request);
  if (!response) {
    throw Failure("no answer from " + url_ + " (" + response.error() +
                  "): start the server with ./parley up, or say where it is with --url");
  }
  Answer answer{
      .status = response->status, .body = {}, .etag = response->header("etag"), .code = {}, .message = {}};
  boost::system::error_code error;
  json::value value =
      response->body.empty() ? json::value(json::object()) : json::parse(response->body, error);
  const bool readable = !error && value.is_object();
  if (readable) answer.body = std::move(value.as_object());
  if (answer.status < 200 || answer.status > 299) {
    read_error(answer.body, answer, wait_ms);
    answer.body.clear();
  } else if (!readable) {
    throw Failure(url_ + " answered with something that is no JSON object: is it a Parley server?");
  }
  return answer;
}

RestClient::Answer RestClient::ask(const std::string& method, const std::string& path, const Body& body,
                                   const std::string& if_match) {
  std::string token = token_ ? token_("") : "";
  bool renewed = false;
  for (int tries = 1;; ++tries) {
    std::int64_t wait_ms = 0;
    Answer answer = once(method, path, body, if_match, token, wait_ms);
    if (answer.status == 401 && !token.empty() && !renewed) {
      renewed = true;
      if (std::string fresh = token_(token); !fresh.empty() && fresh != token) {
        token = std::move(fresh);
        continue;
      }
    }
    const bool passes = answer.status == 429 && wait_ms > 0 && wait_ms <= kLongestWaitMs;
    if (!passes || tries >= kTries) {
      if (answer.status == 429 && wait_ms > 0) {
        answer.message += "; try again in " + std::to_string((wait_ms + 999) / 1000) + " s";
      }
      return answer;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
  }
}

json::object RestClient::call(const std::string& method, const std::string& path, const Body& body,
                              const std::string& if_match) {
  Answer answer = ask(method, path, body, if_match);
  if (!answer.ok()) fail(answer);
  return std::move(answer.body);
}

void RestClient::each(const std::string& path, const std::function<bool(json::object&&)>& visit) {
  const bool asked = path.find("limit=") != std::string::npos;
  const std::string first =
      asked ? path
            : path + (path.find('?') == std::string::npos ? "?" : "&") + "limit=" + std::to_string(kPage);
  std::string cursor;
  while (true) {
    json::object page = call("GET", cursor.empty() ? first : first + "&cursor=" + part(cursor));
    json::value* items = page.if_contains("items");
    if (items == nullptr || !items->is_array())
      throw Failure(url_ + " answered without a list: is it a Parley server?");
    for (json::value& item : items->as_array()) {
      if (item.is_object() && !visit(std::move(item.as_object()))) return;
    }
    const std::string next = text_of(page, "next");
    if (next.empty()) return;
    if (next == cursor) throw Failure("the server answered the same page twice; the list is incomplete");
    cursor = next;
  }
}

void RestClient::fail(const Answer& answer) {
  std::string line = answer.message.empty() ? answer.code : answer.message + " (" + answer.code + ")";
  if (answer.code == "unauthorized") line += "; log in with 'parleyctl login USER'";
  throw Failure(line);
}

}  // namespace parley::ctl
