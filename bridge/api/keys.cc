#include "bridge/api/keys.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>

#include "bridge/log.h"

namespace parley::api {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::chrono::seconds kLookEvery{1};
constexpr std::string_view kDefaultName = "signing.pem";  // what `parleyctl keys init` makes
constexpr std::string_view kJwks = "jwks.json";

std::string read_file(const fs::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    throw std::runtime_error("cannot read " + path.string() + ": " + std::strerror(errno) +
                             "; it must be the bridge's to read, and nobody else's");
  }
  return text.str();
}

// The JWKs of jwks.json by kid.
std::vector<std::pair<std::string, std::string>> read_published(const fs::path& path) {
  boost::system::error_code error;
  const json::value document = json::parse(read_file(path), error);
  const json::value* keys =
      !error && document.is_object() ? document.as_object().if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array()) {
    throw std::runtime_error(path.string() +
                             " is damaged: it is no JWKS document. Put back a copy, or move it away and run "
                             "./parley up, which makes it anew from signing.pem");
  }
  std::vector<std::pair<std::string, std::string>> out;
  for (const json::value& key : keys->as_array()) {
    const json::value* kid = key.is_object() ? key.as_object().if_contains("kid") : nullptr;
    if (kid != nullptr && kid->is_string()) out.emplace_back(kid->as_string(), json::serialize(key));
  }
  return out;
}

std::string sealing_secret(std::string_view pem) {
  const Sha256 digest = sha256("parley seal\n" + std::string(pem));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

Keys::Keys(fs::path folder) : folder_(std::move(folder)) {
  files_ = list();
  ring_ = std::make_shared<const KeyRing>(read(files_));
  rings_ = ring_->number;
  looked_ = std::chrono::steady_clock::now();
}

std::vector<Keys::File> Keys::list() const {
  std::vector<File> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    const fs::path& path = entry.path();
    if (path.extension() != ".pem" && path.filename() != kJwks) continue;
    std::error_code gone;
    File file{path, entry.last_write_time(gone), entry.file_size(gone)};
    if (!gone) files.push_back(std::move(file));
  }
  // The newest first; of equally old ones the one of the usual name.
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) {
    if (a.changed != b.changed) return a.changed > b.changed;
    const bool a_usual = a.path.filename() == kDefaultName;
    const bool b_usual = b.path.filename() == kDefaultName;
    return a_usual != b_usual ? a_usual : a.path < b.path;
  });
  return files;
}

KeyRing Keys::read(const std::vector<File>& files) const {
  std::vector<std::pair<std::string, std::string>> published;
  std::error_code closed;
  const bool has_jwks = fs::exists(folder_ / kJwks, closed);
  if (closed) {
    throw std::runtime_error("cannot look into " + folder_.string() + ": " + closed.message() +
                             "; the bridge must be let in");
  }
  if (has_jwks) published = read_published(folder_ / kJwks);
  const auto is_published = [&](const std::string& kid) {
    return std::any_of(published.begin(), published.end(),
                       [&](const auto& entry) { return entry.first == kid; });
  };

  std::optional<SigningKey> signer;
  std::vector<std::string> jwks;
  std::vector<std::string> secrets;
  std::set<std::string> kids;
  for (const File& file : files) {
    if (file.path.extension() != ".pem") continue;
    const std::string pem = read_file(file.path);
    auto key = SigningKey::from_pem(pem);
    if (!key) {
      throw std::runtime_error(
          file.path.string() + " is damaged: " + (pem.empty() ? "it is empty" : key.error()) +
          ". Put back a copy; without one, move it and jwks.json away and run ./parley up, which "
          "makes new ones (all sign in again)");
    }
    const std::string kid = key->kid();
    if (!kids.insert(kid).second) continue;
    jwks.push_back(key->jwk());
    const bool signs = !signer && (!has_jwks || is_published(kid));
    secrets.insert(signs ? secrets.begin() : secrets.end(), sealing_secret(pem));
    if (signs) signer.emplace(std::move(*key));
  }
  if (!signer) {
    throw std::runtime_error("no signing key in " + folder_.string() +
                             (jwks.empty() ? ": run ./parley up or 'parleyctl keys init' first"
                                           : " that its jwks.json publishes: run 'parleyctl keys init'"));
  }
  for (const auto& [kid, jwk] : published) {
    if (kids.insert(kid).second) jwks.push_back(jwk);
  }
  std::string document = make_jwks(jwks);
  auto verifier = KeySet::parse(document);
  if (!verifier) throw std::runtime_error(folder_.string() + ": " + verifier.error());
  return {.signer = *std::move(signer),
          .verifier = *std::move(verifier),
          .jwks = std::move(document),
          .number = rings_ + 1,
          .secrets = std::move(secrets)};
}

std::shared_ptr<const KeyRing> Keys::current() {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (now - looked_ < kLookEvery) return ring_;
    looked_ = now;
    if (list() == files_) return ring_;
  }
  reload();
  const std::lock_guard lock(mutex_);
  return ring_;
}

bool Keys::reload() {
  const std::lock_guard lock(mutex_);
  try {
    std::vector<File> files = list();
    const bool same = files == files_;
    auto ring = std::make_shared<const KeyRing>(read(files));
    files_ = std::move(files);
    if (same && ring->jwks == ring_->jwks) return true;
    ++rings_;
    ring_ = std::move(ring);
    bridge::log(bridge::LogLevel::info, "keys were read", {{"signs", ring_->signer.kid()}});
    return true;
  } catch (const std::exception& error) {
    // Half of a rotation, perhaps: what was in force stays so, and the next look decides anew.
    bridge::log(bridge::LogLevel::error, "keys stay as they were", {{"error", error.what()}});
    return false;
  }
}

}  // namespace parley::api
