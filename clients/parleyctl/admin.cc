// admin: users, rooms, sessions, limits, stats, kick, audit; and init, which makes the first administrator.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/listing.h"
#include "clients/parleyctl/password.h"
#include "clients/parleyctl/person.h"
#include "clients/parleyctl/private_file.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

std::string user_path(const std::string& user) { return "/admin/users/" + part(user_name(user).str()); }
std::string room_path(const std::string& room) { return "/admin/rooms/" + part(room_name(room).str()); }

// The account `admin` with a password of its own, kept in var/keys for this machine's administrator alone.
// The password is written first: whatever breaks in between, the next try goes on from there. An account of
// that name whose password is not ours belongs to somebody else, and is made no administrator.
void init(const Context& context) {
  const auto file = admin_password_file(context);
  const bool made = create_exclusively(file, random_password() + "\n", 0600);
  const std::string line = read_file_if_there(file).value_or("");
  const json::object credentials{{"user", kAdminUser},
                                 {"password", line.substr(0, line.find_first_of("\r\n"))},
                                 {"device", "parleyctl"}};
  LoginStore store = admin_logins(context);
  const auto service = service_client(context);
  const auto answer = service->ask("POST", "/auth/register", credentials);
  if (answer.ok()) {
    store.put(login_of(answer.body, service->url()));
  } else if (answer.status == 409) {
    try {
      (void)sign_in(context, store, "/auth/login", credentials);
    } catch (const Failure& e) {
      throw Failure("there is an account '" + std::string(kAdminUser) + "' that " + file.string() +
                    " does not open (" + e.what() +
                    "): name another administrator with 'parleyctl admin users set NAME " +
                    "--admin yes --as-server'");
    }
  } else {
    if (made) std::filesystem::remove(file);
    RestClient::fail(answer);
  }
  service->call("PATCH", user_path(kAdminUser), json::object{{"admin", true}});
  tell(context, "the administrator is '" + std::string(kAdminUser) + "'; the password is in " + file.string(),
       {{"user", kAdminUser}, {"password_file", file.string()}});
}

struct UserOptions {
  std::string user;
  std::string prefix;
  std::string status;
  std::string limits;
  std::string admin;
  std::string session;
  bool as_server = false;
};

void set_user(const Context& context, const UserOptions& options) {
  json::object body;
  if (!options.status.empty()) body["status"] = options.status;
  if (!options.limits.empty()) body["limits"] = options.limits;
  if (!options.admin.empty()) body["admin"] = options.admin == "yes";
  if (body.empty()) throw Failure("say what to change: --status, --limits or --admin", kExitUsage);
  const auto client = options.as_server ? service_client(context) : admin_client(context);
  const json::object now = client->call("PATCH", user_path(options.user), std::move(body));
  tell(context, "changed " + options.user, now);
}

void add_users(Command admin, Context& context) {
  Command users = admin.subcommand("users", "Accounts");
  users.require_subcommand();
  auto options = std::make_shared<UserOptions>();

  Command list = users.subcommand("list", "All accounts");
  list.option("--prefix", options->prefix, "Those whose name begins so");
  list.option("--status", options->status, "active, blocked or deleted");
  list.run([&context, options] {
    std::string query;
    if (!options->prefix.empty()) query = "?prefix=" + part(options->prefix);
    if (!options->status.empty()) query += (query.empty() ? "?status=" : "&status=") + part(options->status);
    print_list(context, *admin_client(context), "/admin/users" + query,
               {{"user", "USER"},
                {"role", "ROLE"},
                {"status", "STATUS"},
                {"admin", "ADMIN"},
                {"limits", "LIMITS"},
                {"created_at", "SINCE", true}});
  });
  Command show = users.subcommand("show", "One account");
  show.option("user", options->user, "User").required();
  show.run([&context, options] {
    print_object(context, admin_client(context)->call("GET", user_path(options->user)));
  });
  Command set = users.subcommand("set", "Block an account, limit it, or make it an administrator's");
  set.option("user", options->user, "User").required();
  set.option("--status", options->status, "active, or blocked: disconnected everywhere, and kept out");
  set.option("--limits", options->limits, "Class of limits; 'unlimited' is built in");
  set.option("--admin", options->admin, "yes or no").one_of({"yes", "no"});
  set.flag("--as-server", options->as_server, "By the server's own key: when no administrator is left");
  set.run([&context, options] { set_user(context, *options); });
}

void add_sessions(Command admin, Context& context) {
  Command sessions = admin.subcommand("sessions", "Where somebody is logged in");
  sessions.require_subcommand();
  auto options = std::make_shared<UserOptions>();
  Command list = sessions.subcommand("list", "The sessions of an account");
  list.option("user", options->user, "User").required();
  list.run([&context, options] {
    print_list(context, *admin_client(context), user_path(options->user) + "/sessions",
               {{"sid", "SESSION"},
                {"device", "DEVICE"},
                {"last_used_at", "LAST USED", true},
                {"address", "ADDRESS"},
                {"agent", "AGENT"}});
  });
  Command end = sessions.subcommand("end", "End one session of an account, or all");
  end.option("user", options->user, "User").required();
  end.option("session", options->session, "Which one [all]");
  end.run([&context, options] {
    std::string path = user_path(options->user) + "/sessions";
    if (!options->session.empty()) path += "/" + part(options->session);
    admin_client(context)->call("DELETE", path);
    tell(context,
         std::string("ended ") + (options->session.empty() ? "all sessions" : "the session") + " of " +
             options->user,
         {{"ended", options->user}});
  });
}

void add_rooms(Command admin, Context& context) {
  Command rooms = admin.subcommand("rooms", "All rooms");
  rooms.require_subcommand();
  auto room = std::make_shared<std::string>();
  auto prefix = std::make_shared<std::string>();
  auto status = std::make_shared<std::string>();
  auto limits = std::make_shared<std::string>();
  Command list = rooms.subcommand("list", "All rooms");
  list.option("--prefix", *prefix, "Those whose name begins so");
  list.run([&context, prefix] {
    print_list(context, *admin_client(context),
               "/admin/rooms" + (prefix->empty() ? "" : "?prefix=" + part(*prefix)),
               {{"room", "ROOM"},
                {"kind", "KIND"},
                {"status", "STATUS"},
                {"members", "MEMBERS"},
                {"limits", "LIMITS"},
                {"creator", "CREATOR"},
                {"created_at", "SINCE", true}});
  });
  Command set = rooms.subcommand("set", "Change a room, whoever owns it");
  set.option("room", *room, "Room").required();
  set.option("--status", *status, "active, read_only or archived");
  set.option("--limits", *limits, "Class of limits; 'unlimited' is built in");
  set.run([&context, room, status, limits] {
    json::object body;
    if (!status->empty()) body["status"] = *status;
    if (!limits->empty()) body["limits"] = *limits;
    if (body.empty()) throw Failure("say what to change: --status or --limits", kExitUsage);
    tell(context, "changed " + *room,
         admin_client(context)->call("PATCH", room_path(*room), std::move(body)));
  });
  Command remove = rooms.subcommand("delete", "Delete a room, for everybody and for good");
  remove.option("room", *room, "Room").required();
  remove.run([&context, room] {
    admin_client(context)->call("DELETE", room_path(*room));
    tell(context, "deleted " + *room, {{"deleted", *room}});
  });
}

void add_limits(Command admin, Context& context) {
  Command limits = admin.subcommand("limits", "Classes of limits, named by users and rooms");
  limits.require_subcommand();
  limits.subcommand("list", "All classes").run([&context] {
    print_list(context, *admin_client(context), "/admin/limits",
               {{"name", "NAME"},
                {"messages_per_s", "MSG/S"},
                {"burst", "BURST"},
                {"connections", "CONN"},
                {"requests_per_s", "REQ/S"},
                {"typing_per_s", "TYPING/S"},
                {"room_messages_per_s", "ROOM/S"},
                {"room_bot_messages_per_s", "BOTS/S"}});
  });
  auto name = std::make_shared<std::string>();
  auto values = std::make_shared<std::map<std::string, double>>();
  Command put = limits.subcommand("put", "Make or change a class");
  put.option("name", *name, "Name of the class").required();
  for (const auto& [field, words] :
       {std::pair<const char*, const char*>{"messages_per_s", "Messages of a user a second"},
        {"burst", "Messages at once"},
        {"connections", "Connections of a user at a time"},
        {"requests_per_s", "Requests of a user a second"},
        {"typing_per_s", "Typing notices of a user a second"},
        {"room_messages_per_s", "Messages of people in a room a second"},
        {"room_bot_messages_per_s", "Messages of bots and devices in a room a second"}}) {
    std::string flag = std::string("--") + field;
    for (char& c : flag) {
      if (c == '_') c = '-';
    }
    put.option(
           flag, [values, field = std::string(field)](double value) { (*values)[field] = value; }, words)
        .in_range(0.001, 1e9);
  }
  put.run([&context, name, values] {
    json::object body;
    for (const auto& [field, value] : *values) {
      if (field == "connections") {
        body[field] = static_cast<std::int64_t>(value);
      } else {
        body[field] = value;
      }
    }
    tell(context, "put limits " + *name,
         admin_client(context)->call("PUT", "/admin/limits/" + part(*name), std::move(body)));
  });
  Command remove = limits.subcommand("remove", "Remove a class that nobody has");
  remove.option("name", *name, "Name of the class").required();
  remove.run([&context, name] {
    admin_client(context)->call("DELETE", "/admin/limits/" + part(*name));
    tell(context, "removed limits " + *name, {{"removed", *name}});
  });
}

void add_audit(Command admin, Context& context) {
  Command audit = admin.subcommand("audit", "Who changed what; newest first");
  auto filters = std::make_shared<std::map<std::string, std::string>>();
  auto count = std::make_shared<std::size_t>(50);
  for (const char* field : {"actor", "action", "target", "room"}) {
    audit.option(
        std::string("--") + field, [filters, field](const std::string& value) { (*filters)[field] = value; },
        std::string("Only of this ") + field);
  }
  audit.option("--limit", *count, "How many [50]").in_range(1, 1'000'000);
  audit.run([&context, filters, count] {
    std::string query = "?limit=" + std::to_string(std::min<std::size_t>(*count, 200));
    for (const auto& [field, value] : *filters) query += "&" + field + "=" + part(value);
    print_some(context, *admin_client(context), "/admin/audit" + query, *count,
               {{"id", "ID"},
                {"at", "AT", true},
                {"actor", "WHO"},
                {"action", "ACTION"},
                {"room", "ROOM"},
                {"target", "TARGET"},
                {"address", "FROM"}});
  });
}

}  // namespace

void add_admin_commands(Command app, Context& context) {
  Command admin = app.subcommand("admin", "The whole server: accounts, rooms, limits, audit");
  admin.require_subcommand();
  admin.subcommand("init", "Make the account of the first administrator (./parley up does)").run([&context] {
    init(context);
  });
  add_users(admin, context);
  add_sessions(admin, context);
  add_rooms(admin, context);
  add_limits(admin, context);
  admin.subcommand("stats", "The broker nodes and their figures").run([&context] {
    print_object(context, admin_client(context)->call("GET", "/admin/broker"));
  });
  Command kick =
      admin.subcommand("kick", "Close a client's connection, on whichever node (it may come back)");
  auto client = std::make_shared<std::string>();
  kick.option("client", *client, "MQTT client id, user:device").required();
  kick.run([&context, client] {
    tell(context, "kicked " + *client,
         admin_client(context)->call("POST", "/admin/broker/kick", json::object{{"client", *client}}));
  });
  add_audit(admin, context);
}

}  // namespace parley::ctl
