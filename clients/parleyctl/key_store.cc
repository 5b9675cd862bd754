#include "clients/parleyctl/key_store.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "clients/parleyctl/context.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

[[noreturn]] void fail(const std::string& doing, const fs::path& path) {
  throw Failure("cannot " + doing + " " + path.string() + ": " + std::strerror(errno));
}

std::optional<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (errno == ENOENT) return std::nullopt;
    fail("read", path);
  }
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A file beside `target` holding `content` on disk, to be renamed or linked into place.
fs::path write_beside(const fs::path& target, const std::string& content, mode_t mode) {
  fs::path temp = target.string() + "." + random_hex_id() + ".tmp";
  const int fd = ::open(temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail("create", temp);
  std::size_t done = 0;
  bool ok = true;
  while (ok && done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += static_cast<std::size_t>(n);
  }
  ok = ok && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  const int saved = errno;
  ::close(fd);
  if (!ok) {
    ::unlink(temp.c_str());
    errno = saved;
    fail("write", target);
  }
  return temp;
}

// True if this call put the file there; false if another process was first. Never replaces a key.
bool create_exclusively(const fs::path& target, const std::string& content, mode_t mode) {
  const fs::path temp = write_beside(target, content, mode);
  const bool linked = ::link(temp.c_str(), target.c_str()) == 0;
  const int saved = errno;
  ::unlink(temp.c_str());
  errno = saved;
  if (!linked && errno != EEXIST) fail("create", target);
  return linked;
}

void replace(const fs::path& target, const std::string& content, mode_t mode) {
  const fs::path temp = write_beside(target, content, mode);
  if (::rename(temp.c_str(), target.c_str()) != 0) {
    const int saved = errno;
    ::unlink(temp.c_str());
    errno = saved;
    fail("write", target);
  }
}

// The JWK objects of a JWKS document.
std::vector<json::object> parse_jwks(const std::string& text, const fs::path& path) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::value* keys =
      !error && document.is_object() ? document.as_object().if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array()) {
    throw Failure(path.string() + " is no JWKS document: move it away and run 'parleyctl keys init' again");
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

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail("create", folder);
}

}  // namespace

KeyStore::Init KeyStore::init() {
  make_folder(folder_);
  bool created = false;
  if (!fs::exists(signing_file())) {
    created = create_exclusively(signing_file(), SigningKey::generate().pem(), 0600);
  }
  const SigningKey key = load();

  std::vector<std::string> jwks{key.jwk()};
  if (const auto text = read_file(jwks_file())) {
    for (const json::object& jwk : parse_jwks(*text, jwks_file())) {
      if (kid_of(jwk) == key.kid()) return created ? Init::created : Init::unchanged;
      jwks.push_back(json::serialize(jwk));
    }
  }
  replace(jwks_file(), make_jwks(jwks) + "\n", 0644);
  return created ? Init::created : Init::completed;
}

SigningKey KeyStore::load() const {
  const auto pem = read_file(signing_file());
  if (!pem) {
    throw Failure("no signing key at " + signing_file().string() +
                  ": run ./parley up or 'parleyctl keys init' first, or point --var at the server's folder");
  }
  auto key = SigningKey::from_pem(*pem);
  if (!key) throw Failure(signing_file().string() + ": " + key.error());
  return std::move(*key);
}

std::vector<std::string> KeyStore::published_kids() const {
  std::vector<std::string> kids;
  if (const auto text = read_file(jwks_file())) {
    for (const json::object& jwk : parse_jwks(*text, jwks_file())) kids.push_back(kid_of(jwk));
  }
  return kids;
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
