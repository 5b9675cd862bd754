// register, login, logout, whoami, logins: a person's account and the tokens kept for it.
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"
#include "clients/parleyctl/listing.h"
#include "clients/parleyctl/password.h"
#include "clients/parleyctl/person.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

struct SignInOptions {
  std::string user;
  std::string display_name;
  std::string device;
  std::string password_file;
  std::string invite;
};

json::object shown(const Login& login) {
  return {{"user", login.user}, {"device", login.device}, {"url", login.url}, {"session", login.session}};
}

// The device that this login was on before keeps its name: one machine is one device.
std::string device_of(const Context& context, const SignInOptions& options, LoginStore& store) {
  if (!options.device.empty()) return device_name(options.device).str();
  if (const auto before = store.find(rest_url(context), options.user); before && !before->device.empty()) {
    return before->device;
  }
  return "cli-" + random_hex_id().substr(0, 8);
}

void sign_in_person(const Context& context, const SignInOptions& options, bool is_new) {
  const std::string user = user_name(options.user).str();
  LoginStore store(LoginStore::default_file());
  json::object body{{"user", user},
                    {"password", read_password(options.password_file, user, is_new)},
                    {"device", device_of(context, options, store)}};
  if (!options.display_name.empty()) body["display_name"] = options.display_name;
  if (!options.invite.empty()) body["invite"] = options.invite;
  const Login login = sign_in(context, store, is_new ? "/auth/register" : "/auth/login", std::move(body));
  tell(context,
       login.user + (is_new ? " is registered and logged in at " : " is logged in at ") + login.url +
           " (tokens in " + store.file().string() + ")",
       shown(login));
}

struct LogOut {
  bool everywhere = false;
  bool end_tokens = false;
};

// What the server said of API tokens, for people.
std::string about_tokens(const json::object& ended) {
  const auto count = [&](const char* field) {
    const json::value* value = ended.if_contains(field);
    return value != nullptr && value->is_int64() ? value->as_int64() : 0;
  };
  const std::int64_t gone = count("tokens_ended"), left = count("tokens_left");
  if (gone > 0)
    return ", and " + std::to_string(gone) + (gone == 1 ? " API token ended" : " API tokens ended");
  if (left == 0) return "";
  return "; " + std::to_string(left) + (left == 1 ? " API token goes on" : " API tokens go on") +
         " (--end-tokens ends them)";
}

void log_out(const Context& context, const LogOut& wanted) {
  const bool everywhere = wanted.everywhere;
  const auto login = stored_login(context);
  if (!login)
    throw Failure((context.as.empty() ? "nobody" : context.as) + " is logged in at " + rest_url(context));
  LoginStore store(LoginStore::default_file());
  std::string left_over;
  json::object ended;
  try {
    if (everywhere) {
      ended = person_client(context)->call("POST", "/auth/logout-all",
                                           json::object{{"end_tokens", wanted.end_tokens}});
    } else {
      // The refresh token will do: an access token that has expired is not renewed in order to be thrown
      // away.
      nobody_client(context)->call("POST", "/auth/logout",
                                   json::object{{"refresh_token", login->refresh_token}});
    }
  } catch (const Failure& e) {
    if (everywhere) throw;
    left_over = e.what();  // the tokens go from here all the same
  }
  store.remove(*login);
  if (!left_over.empty()) {
    throw Failure("the tokens of " + login->user +
                  " are gone from here, but the server was not told: " + left_over);
  }
  tell(context, login->user + " is logged out" + (everywhere ? " everywhere" : "") + about_tokens(ended),
       shown(*login));
}

void who_am_i(const Context& context) {
  const auto login = stored_login(context);
  if (!login) throw Failure("nobody is logged in at " + rest_url(context) + ": use 'parleyctl login USER'");
  json::object me = person_client(context)->call("GET", "/users/me");
  me["url"] = login->url;
  me["device"] = login->device;
  print_object(context, me);
}

void list_logins(const Context& context) {
  std::vector<json::object> rows;
  for (const Login& login : LoginStore(LoginStore::default_file()).all()) rows.push_back(shown(login));
  print_rows(context, {{"user", "USER"}, {"url", "SERVER"}, {"device", "DEVICE"}}, rows);
}

void add_password_option(Command command, SignInOptions& options) {
  command.option("user", options.user, "Your name").required();
  command.option("--password-file", options.password_file,
                 "File with the password in its first line, - for standard input [asked at the terminal]");
  command.option("--device", options.device, "What to call this device [the one before, or a new one]");
}

}  // namespace

void add_account_commands(Command app, Context& context) {
  auto options = std::make_shared<SignInOptions>();
  Command enrol = app.subcommand("register", "Make an account, and log in");
  add_password_option(enrol, *options);
  enrol.option("--display-name", options->display_name, "What others see beside the name");
  enrol.option("--invite", options->invite, "Code of an invite, where registering takes one");
  enrol.run([&context, options] { sign_in_person(context, *options, true); });

  Command login = app.subcommand("login", "Log in; the tokens are kept, and renewed by themselves");
  add_password_option(login, *options);
  login.run([&context, options] { sign_in_person(context, *options, false); });

  Command logout = app.subcommand("logout", "End this login");
  auto wanted = std::make_shared<LogOut>();
  logout.flag("--everywhere", wanted->everywhere, "Also on all other devices");
  logout.flag("--end-tokens", wanted->end_tokens, "With --everywhere: your API tokens and your bots' too");
  logout.run([&context, wanted] {
    if (wanted->end_tokens && !wanted->everywhere) throw Failure("--end-tokens goes with --everywhere");
    log_out(context, *wanted);
  });

  app.subcommand("whoami", "Your account").run([&context] { who_am_i(context); });
  app.subcommand("logins", "Who is logged in from here, the one in use first").run([&context] {
    list_logins(context);
  });
}

}  // namespace parley::ctl
