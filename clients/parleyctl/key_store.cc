#include "clients/parleyctl/key_store.h"

#include <sys/random.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <thread>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/private_file.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// The JWK objects of a JWKS document.
std::vector<json::object> parse_jwks(const std::string& text, const fs::path& path) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::value* keys =
      !error && document.is_object() ? document.as_object().if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array()) {
    throw Failure(
        path.string() +
        " is damaged: it is no JWKS document. Put back a copy, or move it away and run ./parley up (or "
        "'parleyctl keys init'), which makes it anew from signing.pem");
  }
  std::vector<json::object> out;
  for (const json::value& key : keys->as_array()) {
    if (key.is_object()) out.push_back(key.as_object());
  }
  return out;
}

std::string kid_of(const json::object& jwk) {
  const json::value* kid = jwk.if_contains("kid");
  return kid != nullptr && kid->is_string() ? std::string(kid->as_string()) : std::string();
}

// A member of our own in a JWK (RFC 7517, section 4, lets readers ignore it): when a replaced key goes.
constexpr char kUntil[] = "parley_until";

std::int64_t until_of(const json::object& jwk) {
  const json::value* until = jwk.if_contains(kUntil);
  return until != nullptr && until->is_int64() ? until->as_int64() : 0;
}

}  // namespace

KeyStore::Init KeyStore::init() {
  make_private_folder(folder_);
  bool created = false;
  if (!fs::exists(signing_file())) {
    created = create_exclusively(signing_file(), SigningKey::generate().pem(), 0600);
  }
  const SigningKey key = load();
  prune();

  std::vector<std::string> jwks{key.jwk()};
  if (const auto text = read_file_if_there(jwks_file())) {
    for (const json::object& jwk : parse_jwks(*text, jwks_file())) {
      if (kid_of(jwk) == key.kid()) {
        // The name is a digest of the key: with other numbers below it nobody's token would be taken.
        const json::object own = json::parse(key.jwk()).as_object();
        for (const char* number : {"n", "e"}) {
          if (!jwk.contains(number) || jwk.at(number) != own.at(number)) {
            throw Failure(
                jwks_file().string() + " is damaged: it does not hold the public half of " +
                signing_file().string() +
                " under its name. Put back a copy, or move it away and run ./parley up, which makes it anew");
          }
        }
        return created ? Init::created : Init::unchanged;
      }
      jwks.push_back(json::serialize(jwk));
    }
  }
  replace_file(jwks_file(), make_jwks(jwks) + "\n", 0644);
  return created ? Init::created : Init::completed;
}

SigningKey KeyStore::load() const {
  const auto pem = read_file_if_there(signing_file());
  if (!pem) {
    throw Failure("no signing key at " + signing_file().string() +
                  ": run ./parley up or 'parleyctl keys init' first, or point --var at the server's folder");
  }
  auto key = SigningKey::from_pem(*pem);
  if (!key) {
    throw Failure(
        signing_file().string() + " is damaged: " + (pem->empty() ? "it is empty" : key.error()) +
        ". Put back a copy; without one, move it and jwks.json away and run ./parley up, which makes new "
        "ones (all sign in again)");
  }
  return std::move(*key);
}

std::vector<std::string> KeyStore::published_kids() const {
  std::vector<std::string> kids;
  for (Published& key : published()) kids.push_back(std::move(key.kid));
  return kids;
}

std::vector<KeyStore::Published> KeyStore::published() const {
  std::vector<Published> keys;
  if (const auto text = read_file_if_there(jwks_file())) {
    for (const json::object& jwk : parse_jwks(*text, jwks_file()))
      keys.push_back({kid_of(jwk), until_of(jwk)});
  }
  return keys;
}

bool KeyStore::prune() {
  const auto text = read_file_if_there(jwks_file());
  if (!text) return false;
  const FileLock lock(lock_file());
  const std::string signing = load().kid();
  const std::int64_t now = std::time(nullptr);
  std::vector<std::string> kept;
  bool some_ended = false;
  for (const json::object& jwk : parse_jwks(*text, jwks_file())) {
    const bool ended = until_of(jwk) != 0 && until_of(jwk) <= now && kid_of(jwk) != signing;
    some_ended = some_ended || ended;
    if (!ended) kept.push_back(json::serialize(jwk));
  }
  if (some_ended) replace_file(jwks_file(), make_jwks(kept) + "\n", 0644);
  return some_ended;
}

std::string KeyStore::rotate(std::chrono::seconds keep, const std::function<bool(const SigningKey&)>& known,
                             std::chrono::milliseconds patience) {
  const SigningKey old = load();
  const FileLock lock(lock_file());
  const SigningKey next = SigningKey::generate();
  const auto before = read_file_if_there(jwks_file());
  std::vector<std::string> jwks{next.jwk()};
  bool old_is_there = false;
  for (json::object& jwk : before ? parse_jwks(*before, jwks_file()) : std::vector<json::object>()) {
    if (kid_of(jwk) == old.kid()) {
      jwk[kUntil] = std::time(nullptr) + keep.count();
      old_is_there = true;
    }
    jwks.push_back(json::serialize(jwk));
  }
  if (!old_is_there) throw Failure("the signing key is not published: run 'parleyctl keys init' first");
  replace_file(jwks_file(), make_jwks(jwks) + "\n", 0644);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!known(next)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      replace_file(jwks_file(), *before, 0644);
      throw Failure("the server did not take the new key within " + std::to_string(patience.count() / 1000) +
                    " s: the old one stays");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  replace_file(signing_file(), next.pem(), 0600);
  return next.kid();
}

std::string sign_token(const SigningKey& key, const std::string& user, const std::string& device,
                       TokenRole role, std::chrono::seconds ttl) {
  TokenClaims claims;
  claims.sub = user;
  claims.dev = device;
  claims.sid = random_hex_id();
  claims.iat =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  claims.exp = claims.iat + ttl.count();
  claims.role = role;
  return key.sign(claims);
}

std::string random_hex_id() {
  std::array<unsigned char, 16> bytes{};
  // Up to 256 bytes are never interrupted and never short once the kernel's pool is ready (getrandom(2)).
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Failure(std::string("no randomness from the kernel: ") + std::strerror(errno));
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
  }
  return out;
}

}  // namespace parley::ctl
