#include "schemas/jws.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "schemas/base64url.h"
#include "schemas/jws_key.h"

namespace parley {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxToken = std::size_t{64} * 1024;  // with the groups of somebody who is in many
constexpr std::size_t kMaxKeys = 1000;                     // each may be tried for a token without a kid
constexpr std::size_t kMaxNote = 300;
constexpr std::size_t kMaxWord = 40;  // of what is told of a token

std::string string_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

struct Parts {
  json::object header;
  std::string payload;
  std::string signature;
  std::string_view signed_text;
};

// The compact serialization (RFC 7515, section 7.1): base64url without padding, and nothing else.
std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  const auto head = decode_base64url(token.substr(0, first));
  auto payload = decode_base64url(token.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(token.substr(second + 1));
  if (!head || !payload || !signature) return std::nullopt;
  json::error_code error;
  json::value header = json::parse(*head, error);
  // RFC 7515, 4.1.11: extensions we do not know must not be ignored, and we know none.
  if (error || !header.is_object() || header.get_object().contains("crit")) return std::nullopt;
  return Parts{std::move(header.get_object()), *std::move(payload), *std::move(signature),
               token.substr(0, second)};
}

}  // namespace

std::string to_string(const JwsError& error) {
  const std::string named = error.algorithm + (error.kid.empty() ? "" : ", kid " + error.kid);
  switch (error.kind) {
    case JwsError::Kind::malformed:
      return "it is no signed token";
    case JwsError::Kind::encrypted:
      return "it is encrypted";
    case JwsError::Kind::algorithm:
      return "its algorithm is " + (error.algorithm.empty() ? "not named" : error.algorithm);
    case JwsError::Kind::unknown_key:
      return "none of the published keys is for what it is signed with (" + named + ")";
    case JwsError::Kind::signature:
      return "its signature (" + named + ") is wrong";
  }
  return "unknown";
}

void throw_exception_from_error(const JwsError& error, const boost::source_location&) {
  throw std::runtime_error("token refused: " + to_string(error));
}

bool is_public_key_algorithm(std::string_view name) {
  const JwsAlgorithm* found = find_jws_algorithm(name);
  return found != nullptr && found->family != JwsFamily::hmac;
}

bool is_jws_algorithm(std::string_view name, std::string_view wanted) {
  if (name == wanted) return true;
  const JwsAlgorithm* one = find_jws_algorithm(name);
  const JwsAlgorithm* other = find_jws_algorithm(wanted);
  return one != nullptr && other != nullptr && one->family == JwsFamily::ed &&
         other->family == JwsFamily::ed && (one->curve.empty() || other->curve.empty());
}

std::size_t hmac_secret_bytes(std::string_view name) {
  if (name == "HS256") return 32;
  if (name == "HS384") return 48;
  if (name == "HS512") return 64;
  return 0;
}

boost::system::result<JwsKeys, std::string> JwsKeys::parse(std::string_view jwks) {
  if (jwks.starts_with("\xef\xbb\xbf")) jwks.remove_prefix(3);  // a byte order mark
  json::error_code error;
  const json::value document = json::parse(jwks, error);
  if (error) return "it is not valid JSON: " + error.message();
  const json::object* object = document.if_object();
  const json::value* keys = object != nullptr ? object->if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array()) return std::string("it is no object with an array \"keys\"");
  JwsKeys out;
  std::size_t index = 0;
  const auto leave_out = [&](const std::string& which, const std::string& why) {
    if (out.left_out_.size() >= kMaxNote) return;
    out.left_out_ += (out.left_out_.empty() ? "" : "; ") + which + ": " + why;
  };
  for (const json::value& each : keys->get_array()) {
    if (index++ == kMaxKeys) {
      leave_out("the keys after the first " + std::to_string(kMaxKeys), "too many");
      break;
    }
    auto key = JwsKey::from_jwk(each);
    if (key) {
      out.keys_.push_back(*std::move(key));
    } else {
      leave_out("key " + std::to_string(index), key.error());
    }
  }
  return out;
}

JwsKeys JwsKeys::from_secret(std::string_view algorithm, std::string_view secret) {
  JwsKeys out;
  out.keys_.push_back(JwsKey::from_secret(algorithm, secret));
  return out;
}

boost::system::result<std::string, JwsError> JwsKeys::verify(std::string_view token,
                                                             std::string_view only) const {
  JwsError error;
  if (token.size() > kMaxToken) return error;
  const auto dots = std::ranges::count(token, '.');
  error.kind = dots == 4 ? JwsError::Kind::encrypted : JwsError::Kind::malformed;
  if (dots != 2) return error;
  auto parts = split(token);
  if (!parts) return error;
  const std::string alg = string_of(parts->header, "alg");
  const std::string kid = string_of(parts->header, "kid");
  error.algorithm = alg.substr(0, kMaxWord);
  error.kid = kid.substr(0, kMaxWord);
  const JwsAlgorithm* algorithm = find_jws_algorithm(alg);
  error.kind = JwsError::Kind::algorithm;
  if (algorithm == nullptr || (!only.empty() && !is_jws_algorithm(alg, only))) return error;

  std::vector<const JwsKey*> fit;
  for (const auto& key : keys_)
    if (key->fits(*algorithm)) fit.push_back(key.get());
  const bool by_secret = algorithm->family == JwsFamily::hmac;
  // An HMAC is asked for by configuration alone: without a secret it is as good as unknown.
  if (fit.empty() && by_secret) return error;
  if (!kid.empty() && !by_secret) {
    const bool named = std::ranges::any_of(fit, [&](const JwsKey* key) { return key->kid() == kid; });
    // Where none has the name, those without one may be it.
    std::erase_if(fit, [&](const JwsKey* key) { return named ? key->kid() != kid : !key->kid().empty(); });
  }
  error.kind = JwsError::Kind::unknown_key;
  if (fit.empty()) return error;
  error.kind = JwsError::Kind::signature;
  for (const JwsKey* key : fit)
    if (key->verifies(*algorithm, parts->signed_text, parts->signature)) return std::move(parts->payload);
  return error;
}

}  // namespace parley
