#include "clients/parleyctl/login_store.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/private_file.h"
#include "schemas/whole_number.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

constexpr std::int64_t kYear_s = 366 * 24 * 3600;

std::string text_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::int64_t number_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value == nullptr ? 0 : whole_number<std::int64_t>(*value).value_or(0);
}

json::object to_object(const Login& login) {
  return {{"url", login.url},
          {"user", login.user},
          {"device", login.device},
          {"session", login.session},
          {"access_token", login.access_token},
          {"refresh_token", login.refresh_token},
          {"expires_s", login.expires_s},
          {"mqtt", login.mqtt}};
}

Login from_object(const json::object& object) {
  return {.url = text_of(object, "url"),
          .user = text_of(object, "user"),
          .device = text_of(object, "device"),
          .session = text_of(object, "session"),
          .access_token = text_of(object, "access_token"),
          .refresh_token = text_of(object, "refresh_token"),
          .expires_s = number_of(object, "expires_s"),
          .mqtt = text_of(object, "mqtt")};
}

bool same(const Login& a, const Login& b) { return a.url == b.url && a.user == b.user; }

}  // namespace

Login login_of(const json::object& answer, const std::string& url) {
  Login login = from_object(answer);
  login.url = url;
  login.expires_s =
      std::time(nullptr) + std::clamp<std::int64_t>(number_of(answer, "expires_in"), 0, kYear_s);
  if (login.user.empty() || login.access_token.empty() || login.refresh_token.empty()) {
    throw Failure("the server at " + url + " answered without tokens: is it a Parley server?");
  }
  return login;
}

std::filesystem::path LoginStore::default_file() {
  const auto from = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
  };
  if (auto file = from("PARLEY_LOGINS"); !file.empty()) return file;
  if (const auto config = from("XDG_CONFIG_HOME"); !config.empty()) return config / "parley" / "logins.json";
  if (const auto home = from("HOME"); !home.empty()) return home / ".config" / "parley" / "logins.json";
  throw Failure("there is no HOME to keep logins in: set PARLEY_LOGINS to a file");
}

std::vector<Login> LoginStore::all() const {
  const auto text = read_file_if_there(file_);
  if (!text) return {};
  boost::system::error_code error;
  const json::value document = json::parse(*text, error);
  const json::value* logins =
      !error && document.is_object() ? document.as_object().if_contains("logins") : nullptr;
  if (logins == nullptr || !logins->is_array()) {
    throw Failure(file_.string() + " holds no logins of parleyctl: move it away, and log in again");
  }
  std::vector<Login> out;
  for (const json::value& login : logins->as_array()) {
    if (login.is_object()) out.push_back(from_object(login.as_object()));
  }
  return out;
}

std::optional<Login> LoginStore::find(const std::string& url, const std::string& user) const {
  for (Login& login : all()) {
    if ((url.empty() || login.url == url) && (user.empty() || login.user == user)) return std::move(login);
  }
  return std::nullopt;
}

void LoginStore::put(const Login& login) {
  make_private_folder(file_.parent_path());
  const FileLock lock(lock_file());
  std::vector<Login> logins = all();
  std::erase_if(logins, [&](const Login& other) { return same(other, login); });
  logins.insert(logins.begin(), login);
  write(logins);
}

void LoginStore::remove(const Login& login) {
  const FileLock lock(lock_file());
  std::vector<Login> logins = all();
  if (std::erase_if(logins, [&](const Login& other) { return same(other, login); }) > 0) write(logins);
}

std::optional<Login> LoginStore::renew(const Login& stale,
                                       const std::function<Login(const Login&)>& refresh) {
  const FileLock lock(lock_file());
  std::vector<Login> logins = all();
  const auto mine =
      std::find_if(logins.begin(), logins.end(), [&](const Login& other) { return same(other, stale); });
  if (mine == logins.end()) return std::nullopt;
  if (mine->access_token != stale.access_token) return *mine;
  Login fresh = refresh(*mine);
  fresh.mqtt = mine->mqtt;
  *mine = fresh;
  write(logins);
  return fresh;
}

void LoginStore::write(const std::vector<Login>& logins) const {
  json::array array;
  for (const Login& login : logins) array.push_back(to_object(login));
  replace_file(file_, json::serialize(json::object{{"logins", std::move(array)}}) + "\n", 0600);
}

}  // namespace parley::ctl
