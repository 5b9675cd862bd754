#include "schemas/token.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <stdexcept>

#include "schemas/base64url.h"
#include "schemas/flat_json.h"
#include "schemas/ids.h"
#include "schemas/json_text.h"
#include "schemas/rsa.h"

namespace parley {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxTokenBytes = std::size_t{8} * 1024;
constexpr int kMinKeyBits = 2048;
constexpr std::size_t kMaxSid = 64;
constexpr std::string_view kApiTokenPrefix = "pk_";
constexpr std::size_t kApiTokenRandomBytes = 32;
constexpr std::size_t kApiTokenCharacters = 43;

constexpr std::array<std::string_view, 4> kRoles = {"user", "bot", "device", "service"};
constexpr std::array<std::string_view, 7> kErrors = {
    "malformed", "bad_algorithm", "unknown_key", "bad_signature", "bad_claims", "expired", "not_yet"};

struct NamedKey {
  std::string kid;
  RsaKey key;
};

std::optional<std::string_view> string_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

// Whether a member is absent or a certain string.
bool absent_or(const json::object& object, std::string_view name, std::string_view wanted) {
  return !object.contains(name) || string_member(object, name) == wanted;
}

// The signature key in one JWK, or nothing when it is of no use to us.
std::optional<NamedKey> read_jwk(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const json::object& jwk = value.get_object();
  const auto kid = string_member(jwk, "kid");
  const auto n = string_member(jwk, "n");
  const auto e = string_member(jwk, "e");
  if (string_member(jwk, "kty") != "RSA" || !kid || kid->empty() || !n || !e) return std::nullopt;
  if (!absent_or(jwk, "use", "sig") || !absent_or(jwk, "alg", "RS256")) return std::nullopt;
  if (const json::value* ops = jwk.if_contains("key_ops")) {
    if (!ops->is_array()) return std::nullopt;
    const json::array& list = ops->get_array();
    if (std::find(list.begin(), list.end(), json::value("verify")) == list.end()) return std::nullopt;
  }
  const auto modulus = decode_base64url(*n);
  const auto exponent = decode_base64url(*e);
  if (!modulus || !exponent) return std::nullopt;
  auto key = RsaKey::from_public(*modulus, *exponent);
  if (!key || key->bits() < kMinKeyBits) return std::nullopt;
  return NamedKey{std::string(*kid), std::move(*key)};
}

struct TokenParts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_part;  // header.payload
};

std::optional<TokenParts> split(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return std::nullopt;
  return TokenParts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                    token.substr(second + 1), token.substr(0, second)};
}

std::optional<FlatObject> decode_object(std::string_view part) {
  const auto text = decode_base64url(part);
  return text ? read_flat_json(*text) : std::nullopt;
}

const std::string* find_string(const FlatObject& object, std::string_view name) {
  const auto at = object.find(name);
  return at != object.end() && at->second.type == FlatValue::Type::string ? &at->second.text : nullptr;
}

std::optional<std::int64_t> find_integer(const FlatObject& object, std::string_view name) {
  const auto at = object.find(name);
  if (at == object.end() || at->second.type != FlatValue::Type::integer) return std::nullopt;
  return at->second.integer;
}

bool is_sid(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSid &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::optional<TokenClaims> read_claims(const FlatObject& object) {
  const std::string* sub = find_string(object, "sub");
  const std::string* dev = find_string(object, "dev");
  const std::string* sid = find_string(object, "sid");
  const std::string* role_name = find_string(object, "role");
  const auto exp = find_integer(object, "exp");
  const auto iat = find_integer(object, "iat");
  if (sub == nullptr || dev == nullptr || sid == nullptr || role_name == nullptr || !exp || !iat)
    return std::nullopt;
  const auto role = parse_token_role(*role_name);
  if (!role || !is_user_name(*sub) || !is_device_name(*dev) || !is_sid(*sid)) return std::nullopt;
  if (object.contains("nbf") && !find_integer(object, "nbf")) return std::nullopt;
  return TokenClaims{*sub, *dev, *sid, *exp, *iat, *role};
}

void append_member(std::string_view name, std::string_view value, std::string& out) {
  out += out.empty() ? '{' : ',';
  append_json_string(name, out);
  out += ':';
  append_json_string(value, out);
}

void append_member(std::string_view name, std::int64_t value, std::string& out) {
  out += ',';
  append_json_string(name, out);
  out += ':';
  out += std::to_string(value);
}

}  // namespace

std::string_view to_string(TokenRole role) {
  const auto index = static_cast<std::size_t>(role);
  return index < kRoles.size() ? kRoles[index] : std::string_view();
}

std::optional<TokenRole> parse_token_role(std::string_view text) {
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (kRoles[i] == text) return static_cast<TokenRole>(i);
  }
  return std::nullopt;
}

std::string_view to_string(TokenError error) {
  const auto index = static_cast<std::size_t>(error);
  return index < kErrors.size() ? kErrors[index] : std::string_view("malformed");
}

void throw_exception_from_error(TokenError error, const boost::source_location&) {
  throw std::runtime_error("token refused: " + std::string(to_string(error)));
}

// --- KeySet

struct KeySet::Impl {
  std::vector<NamedKey> keys;

  const RsaKey* find(std::string_view kid) const {
    for (const NamedKey& entry : keys) {
      if (entry.kid == kid) return &entry.key;
    }
    return nullptr;
  }
};

KeySet::KeySet() : impl_(std::make_unique<Impl>()) {}
KeySet::~KeySet() = default;
KeySet::KeySet(KeySet&&) noexcept = default;
KeySet& KeySet::operator=(KeySet&&) noexcept = default;

boost::system::result<KeySet, std::string> KeySet::parse(std::string_view jwks) {
  json::error_code error;
  const json::value document = json::parse(jwks, error);
  if (error) return "the JWKS is not valid JSON: " + error.message();
  const json::object* object = document.if_object();
  const json::value* keys = object != nullptr ? object->if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array())
    return std::string("the JWKS must be an object with an array \"keys\"");
  KeySet set;
  for (const json::value& jwk : keys->get_array()) {
    auto key = read_jwk(jwk);
    // Of two keys with one kid the first counts.
    if (key && set.impl_->find(key->kid) == nullptr) set.impl_->keys.push_back(std::move(*key));
  }
  if (set.size() == 0) {
    return std::string(
        "the JWKS has no usable key; at least one RSA signing key of 2048 bits or more, with a kid, is "
        "needed");
  }
  return set;
}

std::size_t KeySet::size() const { return impl_ ? impl_->keys.size() : 0; }

boost::system::result<std::string, TokenError> KeySet::verify_signature(std::string_view token) const {
  const auto parts = split(token);
  if (!parts) return TokenError::malformed;
  const auto header = decode_object(parts->header);
  const auto signature = decode_base64url(parts->signature);
  if (!header || !signature) return TokenError::malformed;
  const std::string* alg = find_string(*header, "alg");
  if (alg == nullptr || *alg != "RS256") return TokenError::bad_algorithm;
  // RFC 7515, 4.1.11: extensions we do not know must not be ignored, and we know none.
  if (header->contains("crit")) return TokenError::malformed;
  const std::string* kid = find_string(*header, "kid");
  const RsaKey* key = kid != nullptr && impl_ ? impl_->find(*kid) : nullptr;
  if (key == nullptr) return TokenError::unknown_key;
  // Nothing of the payload is looked at before the signature holds.
  if (!key->verify(parts->signed_part, *signature)) return TokenError::bad_signature;
  auto payload = decode_base64url(parts->payload);
  if (!payload) return TokenError::malformed;
  return *std::move(payload);
}

boost::system::result<TokenClaims, TokenError> KeySet::verify(std::string_view token, std::int64_t now_s,
                                                              std::int64_t leeway_s) const {
  const auto text = verify_signature(token);
  if (!text) return text.error();
  const auto payload = read_flat_json(*text);
  if (!payload) return TokenError::malformed;
  const auto claims = read_claims(*payload);
  if (!claims) return TokenError::bad_claims;
  if (claims->exp <= now_s) return TokenError::expired;
  const std::int64_t latest = now_s + leeway_s;
  if (claims->iat > latest || find_integer(*payload, "nbf").value_or(latest) > latest)
    return TokenError::not_yet;
  return *claims;
}

// --- SigningKey

struct SigningKey::Impl {
  RsaKey key;
  std::string n;  // base64url
  std::string e;  // base64url
  std::string kid;

  explicit Impl(RsaKey given)
      : key(std::move(given)), n(encode_base64url(key.modulus())), e(encode_base64url(key.exponent())) {
    // RFC 7638: the required members in alphabetical order, without spaces.
    const Sha256 digest = sha256(R"({"e":")" + e + R"(","kty":"RSA","n":")" + n + R"("})");
    kid = encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
};

SigningKey::SigningKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SigningKey::~SigningKey() = default;
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;

SigningKey SigningKey::generate(int bits) {
  return SigningKey(std::make_unique<Impl>(RsaKey::generate(bits)));
}

boost::system::result<SigningKey, std::string> SigningKey::from_pem(std::string_view pem) {
  auto key = RsaKey::from_pem(pem);
  if (!key) return std::string("the key is no RSA private key in PEM form without a passphrase");
  if (key->bits() < kMinKeyBits)
    return std::string("the RSA key is too short; make one of at least 2048 bits");
  return SigningKey(std::make_unique<Impl>(std::move(*key)));
}

std::string SigningKey::pem() const { return impl_->key.pem(); }
std::string SigningKey::kid() const { return impl_->kid; }

std::string SigningKey::jwk() const {
  std::string out;
  append_member("kty", "RSA", out);
  append_member("use", "sig", out);
  append_member("alg", "RS256", out);
  append_member("kid", impl_->kid, out);
  append_member("n", impl_->n, out);
  append_member("e", impl_->e, out);
  return out + '}';
}

std::string SigningKey::sign(const TokenClaims& claims) const {
  std::string header;
  append_member("alg", "RS256", header);
  append_member("typ", "JWT", header);
  append_member("kid", impl_->kid, header);
  header += '}';
  std::string payload;
  append_member("sub", claims.sub, payload);
  append_member("dev", claims.dev, payload);
  append_member("sid", claims.sid, payload);
  append_member("exp", claims.exp, payload);
  append_member("iat", claims.iat, payload);
  append_member("role", to_string(claims.role), payload);
  payload += '}';
  const std::string signed_part = encode_base64url(header) + '.' + encode_base64url(payload);
  return signed_part + '.' + encode_base64url(impl_->key.sign(signed_part));
}

std::string make_jwks(const std::vector<std::string>& jwks) {
  std::string out = R"({"keys":[)";
  for (std::size_t i = 0; i < jwks.size(); ++i) {
    if (i > 0) out += ',';
    out += jwks[i];
  }
  return out + "]}";
}

// --- API tokens

bool is_api_token(std::string_view text) {
  if (!text.starts_with(kApiTokenPrefix)) return false;
  text.remove_prefix(kApiTokenPrefix.size());
  return text.size() == kApiTokenCharacters && decode_base64url(text).has_value();
}

std::string random_api_token() {
  return std::string(kApiTokenPrefix) + encode_base64url(random_bytes(kApiTokenRandomBytes));
}

Sha256 sha256(std::string_view text) { return sha256_of(text); }

std::string to_hex(const Sha256& digest) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(digest.size() * 2);
  for (const std::uint8_t byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 0xf];
  }
  return out;
}

std::optional<Sha256> parse_sha256_hex(std::string_view hex) {
  Sha256 digest{};
  if (hex.size() != digest.size() * 2) return std::nullopt;
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = value(hex[2 * i]);
    const int low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return digest;
}

}  // namespace parley
