#include "bridge/http/answer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <random>

#include "bridge/http/header_text.h"

namespace parley::http {
namespace {

// No handler's answer may be framed, sniffed, cached by others, or run as a page of ours, unless it says
// otherwise.
struct Header {
  std::string_view name;
  std::string_view value;
};
constexpr Header kCsp{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"};
constexpr Header kCache{"Cache-Control", "no-store"};

std::string_view strong_part(std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; }

bool sets(const Response& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const Parameter& header) { return same_token(header.name, name); });
}

void append(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  const std::size_t start = out.size();
  out.append(value);
  for (std::size_t i = start; i < out.size(); ++i) {
    if (static_cast<unsigned char>(out[i]) < 0x20 && out[i] != '\t') out[i] = ' ';
  }
  out.append("\r\n");
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace

std::string_view reason_of(unsigned status) {
  struct Reason {
    unsigned status;
    std::string_view text;
  };
  static constexpr Reason kReasons[] = {{200, "OK"},
                                        {201, "Created"},
                                        {202, "Accepted"},
                                        {204, "No Content"},
                                        {302, "Found"},
                                        {303, "See Other"},
                                        {304, "Not Modified"},
                                        {400, "Bad Request"},
                                        {401, "Unauthorized"},
                                        {403, "Forbidden"},
                                        {404, "Not Found"},
                                        {405, "Method Not Allowed"},
                                        {408, "Request Timeout"},
                                        {409, "Conflict"},
                                        {412, "Precondition Failed"},
                                        {413, "Content Too Large"},
                                        {415, "Unsupported Media Type"},
                                        {417, "Expectation Failed"},
                                        {422, "Unprocessable Content"},
                                        {429, "Too Many Requests"},
                                        {431, "Request Header Fields Too Large"},
                                        {500, "Internal Server Error"},
                                        {501, "Not Implemented"},
                                        {502, "Bad Gateway"},
                                        {503, "Service Unavailable"},
                                        {505, "HTTP Version Not Supported"}};
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.text;
  }
  return "Status";
}

std::string_view http_date_now() {
  thread_local std::time_t made_for = -1;
  thread_local std::array<char, 40> text{};
  thread_local std::size_t length = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_for) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    // RFC 9110, section 5.6.7; the process runs in the C locale.
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_for = now;
  }
  return {text.data(), length};
}

std::string request_id_for(const Request& request) {
  if (const auto given = request.header("X-Request-Id"); given && is_request_id(*given))
    return std::string(*given);
  // Unique is all it needs to be: a random start for each process, then counted.
  static const std::uint64_t kStart = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  static std::atomic<std::uint64_t> counter{0};
  static constexpr char kDigits[] = "0123456789abcdef";
  std::uint64_t number = kStart + counter.fetch_add(1, std::memory_order_relaxed);
  std::string out(16, '0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, number >>= 4) *at = kDigits[number & 0xf];
  return out;
}

AnswerWriter::AnswerWriter(const HttpConfig& config) : config_(config) {
  append(security_headers_, "X-Content-Type-Options", "nosniff");
  append(security_headers_, "X-Frame-Options", "DENY");
  append(security_headers_, "Referrer-Policy", "no-referrer");
  append(security_headers_, "Cross-Origin-Resource-Policy", "same-origin");
  if (!config.tls_certificate.empty()) {
    append(security_headers_, "Strict-Transport-Security", "max-age=31536000");
  }
}

std::string_view AnswerWriter::allowed_origin(const Request& request) const {
  if (config_.cors_origins.empty()) return {};
  const auto origin = request.header("Origin");
  if (!origin) return {};
  const auto& list = config_.cors_origins;
  return std::find(list.begin(), list.end(), *origin) != list.end() ? *origin : std::string_view();
}

std::string AnswerWriter::head(const Request& request, const Response& response, bool close) const {
  std::string out;
  out.reserve(640);
  out.append("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(reason_of(response.status));
  out.append("\r\n");
  append(out, "Date", http_date_now());
  append(out, "Connection", close ? "close" : "keep-alive");
  if (has_body(response)) {
    append(out, "Content-Type", response.content_type);
    append(out, "Content-Length", std::to_string(response.body.size()));
  }
  append(out, "X-Request-Id", request.id);
  out += security_headers_;
  for (const Header& header : {kCsp, kCache}) {
    if (!sets(response, header.name)) append(out, header.name, header.value);
  }
  for (const Parameter& header : response.headers) append(out, header.name, header.value);
  if (!config_.cors_origins.empty()) append(out, "Vary", "Origin");
  if (const std::string_view origin = allowed_origin(request); !origin.empty()) {
    append(out, "Access-Control-Allow-Origin", origin);
    append(out, "Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id");
  }
  out.append("\r\n");
  return out;
}

Response AnswerWriter::options(const Request& request, std::string_view allow) const {
  Response response = no_content();
  response.header("Allow", allow);
  // Fetch standard, "CORS protocol": the preflight's answer.
  if (!allowed_origin(request).empty() && request.header("Access-Control-Request-Method")) {
    response.header("Access-Control-Allow-Methods", allow);
    response.header("Access-Control-Allow-Headers",
                    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id");
    response.header("Access-Control-Max-Age", "600");
  }
  return response;
}

void AnswerWriter::shorten_if_known(const Request& request, Response& response) {
  if (!response.same_by_etag || response.status != 200 ||
      (request.method != Method::get && request.method != Method::head))
    return;
  EntityTags known;
  for (const Parameter& header : request.headers) {  // several lines are one list (RFC 9110, section 5.3)
    if (!same_token(header.name, "If-None-Match")) continue;
    EntityTags more = parse_entity_tags(header.value);
    known.any = known.any || more.any;
    known.tags.insert(known.tags.end(), more.tags.begin(), more.tags.end());
  }
  for (const Parameter& each : response.headers) {
    if (each.name != "ETag") continue;
    // Weak comparison (RFC 9110, section 8.8.3.2): a proxy that compressed the answer made its tag weak.
    const auto same = [&](const EntityTag& tag) { return tag.opaque == strong_part(each.value); };
    if (!known.any && std::none_of(known.tags.begin(), known.tags.end(), same)) continue;
    response.status = 304;
    response.body.clear();
    return;
  }
}

}  // namespace parley::http
