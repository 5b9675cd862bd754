// Who is logged in where: a file of the user's (0600) with the tokens of each login, the last used first.
//
// Several parleyctl may use it at once: everything that changes it holds a lock beside it, a refresh of
// tokens above all, since a refresh token is good for one use. Everything throws Failure.
#ifndef PARLEY_CLIENTS_PARLEYCTL_LOGIN_STORE_H_
#define PARLEY_CLIENTS_PARLEYCTL_LOGIN_STORE_H_

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace parley::ctl {

struct Login {
  std::string url;  // of the server, as it was given
  std::string user;
  std::string device;
  std::string session;
  std::string access_token;
  std::string refresh_token;
  std::int64_t expires_s = 0;  // of the access token, by this machine's clock
  std::string mqtt;            // where the server said its broker is: mqtt://host:port; empty: it did not
};

// What auth/register, login and refresh answer, as a login at `url`; Failure when something is missing.
Login login_of(const boost::json::object& answer, const std::string& url);

class LoginStore {
 public:
  explicit LoginStore(std::filesystem::path file) : file_(std::move(file)) {}
  // $PARLEY_LOGINS, or parley/logins.json in $XDG_CONFIG_HOME or ~/.config.
  static std::filesystem::path default_file();
  const std::filesystem::path& file() const { return file_; }

  std::vector<Login> all() const;
  // The one of that user (empty: the last used) at that server (empty: any).
  std::optional<Login> find(const std::string& url, const std::string& user) const;
  // Puts it first, in place of an older one of the same user and server.
  void put(const Login& login);
  void remove(const Login& login);

  // A login with other tokens than `stale` has: those that another process has put there meanwhile, or what
  // `refresh` makes of it, which is kept before it is given. Nothing when the login is gone. One process at a
  // time refreshes.
  std::optional<Login> renew(const Login& stale, const std::function<Login(const Login&)>& refresh);

 private:
  void write(const std::vector<Login>& logins) const;
  std::filesystem::path lock_file() const { return file_.string() + ".lock"; }

  std::filesystem::path file_;
};

}  // namespace parley::ctl

#endif
