// members, contacts, blocks: the people of a room and one's own, by REST.
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/listing.h"
#include "clients/parleyctl/person.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

struct MemberOptions {
  std::string room;
  std::vector<std::string> users;
  std::string user;
  std::string role;
  std::string reason;
  bool ban = false;
};

std::string members_path(const std::string& room) {
  return "/rooms/" + part(room_name(room).str()) + "/members";
}
std::string bans_path(const std::string& room) { return "/rooms/" + part(room_name(room).str()) + "/bans"; }
std::string member_path(const std::string& room, const std::string& user) {
  return members_path(room) + "/" + part(user_name(user).str());
}

void add_members(const Context& context, const MemberOptions& options) {
  auto client = person_client(context);
  for (const std::string& user : options.users) {
    json::object body{{"user", user_name(user).str()}};
    if (!options.role.empty()) body["role"] = options.role;
    const auto answer = client->ask("POST", members_path(options.room), std::move(body));
    if (!answer.ok()) throw Failure(user + ": " + answer.message + " (" + answer.code + ")");
    tell(context, user + (answer.status == 201 ? " is in " : " was in ") + options.room, answer.body);
  }
}

void remove_members(const Context& context, const MemberOptions& options) {
  auto client = person_client(context);
  std::string query;
  if (options.ban) query = "?ban=true";
  if (!options.reason.empty()) query += (query.empty() ? "?reason=" : "&reason=") + part(options.reason);
  for (const std::string& user : options.users) {
    const auto answer = client->ask("DELETE", member_path(options.room, user) + query);
    if (!answer.ok()) throw Failure(user + ": " + answer.message + " (" + answer.code + ")");
    tell(context, user + (options.ban ? " is banned from " : " is no longer in ") + options.room,
         {{"room", options.room}, {"user", user}, {"banned", options.ban}});
  }
}

void add_members_group(CLI::App& app, Context& context) {
  CLI::App* members = app.add_subcommand("members", "The members of a room");
  members->require_subcommand(1);
  auto options = std::make_shared<MemberOptions>();
  const auto add_room = [options](CLI::App* command) {
    command->add_option("room", options->room, "Room")->required();
  };

  CLI::App* list = members->add_subcommand("list", "Who is in a room, and as what");
  add_room(list);
  list->callback([&context, options] {
    print_list(context, *person_client(context), members_path(options->room),
               {{"user", "USER"}, {"role", "ROLE"}, {"joined_at", "SINCE", true}, {"display_name", "NAME"}});
  });

  CLI::App* add = members->add_subcommand("add", "Add people to a room");
  add_room(add);
  add->add_option("user", options->users, "Users")->required();
  add->add_option("--role", options->role, "owner, admin, member or guest [member]");
  add->callback([&context, options] { add_members(context, *options); });

  CLI::App* role = members->add_subcommand("role", "Change somebody's role in a room");
  add_room(role);
  role->add_option("user", options->user, "User")->required();
  role->add_option("role", options->role, "owner, admin, member or guest")->required();
  role->callback([&context, options] {
    const json::object now = person_client(context)->call("PATCH", member_path(options->room, options->user),
                                                          json::object{{"role", options->role}});
    tell(context, options->user + " is " + options->role + " of " + options->room, now);
  });

  CLI::App* remove = members->add_subcommand("remove", "Remove people from a room");
  add_room(remove);
  remove->add_option("user", options->users, "Users")->required();
  remove->add_flag("--ban", options->ban, "They cannot come back until the ban is lifted");
  remove->add_option("--reason", options->reason, "Why, for the list of bans");
  remove->callback([&context, options] { remove_members(context, *options); });

  CLI::App* bans = members->add_subcommand("bans", "Who is banned from a room");
  add_room(bans);
  bans->callback([&context, options] {
    print_list(context, *person_client(context), bans_path(options->room),
               {{"user", "USER"}, {"by", "BY"}, {"created_at", "SINCE", true}, {"reason", "REASON"}});
  });
  CLI::App* unban = members->add_subcommand("unban", "Lift a ban");
  add_room(unban);
  unban->add_option("user", options->user, "User")->required();
  unban->callback([&context, options] {
    person_client(context)->call("DELETE",
                                 bans_path(options->room) + "/" + part(user_name(options->user).str()));
    tell(context, options->user + " may come back to " + options->room, {{"unbanned", options->user}});
  });
}

void add_contacts(CLI::App& app, Context& context) {
  CLI::App* contacts = app.add_subcommand("contacts", "People you know");
  contacts->require_subcommand(1);
  auto user = std::make_shared<std::string>();
  auto nick = std::make_shared<std::string>();
  const auto path = [](const std::string& name) {
    return "/users/me/contacts/" + part(user_name(name).str());
  };
  contacts->add_subcommand("list", "Your contacts")->callback([&context] {
    print_list(context, *person_client(context), "/users/me/contacts",
               {{"user", "USER"}, {"nick", "NICK"}, {"display_name", "NAME"}});
  });
  CLI::App* add = contacts->add_subcommand("add", "Add or rename a contact");
  add->add_option("user", *user, "User")->required();
  add->add_option("--nick", *nick, "What you call them");
  add->callback([&context, user, nick, path] {
    json::object body;
    if (!nick->empty()) body["nick"] = *nick;
    const json::object now = person_client(context)->call("PUT", path(*user), std::move(body));
    tell(context, *user + " is a contact of yours", now);
  });
  CLI::App* remove = contacts->add_subcommand("remove", "Remove a contact");
  remove->add_option("user", *user, "User")->required();
  remove->callback([&context, user, path] {
    person_client(context)->call("DELETE", path(*user));
    tell(context, *user + " is no longer a contact of yours", {{"removed", *user}});
  });
}

void add_blocks(CLI::App& app, Context& context) {
  CLI::App* blocks = app.add_subcommand("blocks", "People who cannot reach you");
  blocks->require_subcommand(1);
  auto user = std::make_shared<std::string>();
  const auto path = [](const std::string& name) {
    return "/users/" + part(user_name(name).str()) + "/block";
  };
  blocks->add_subcommand("list", "Whom you block")->callback([&context] {
    print_list(context, *person_client(context), "/users/me/blocks",
               {{"user", "USER"}, {"created_at", "SINCE", true}});
  });
  CLI::App* add = blocks->add_subcommand("add", "Block somebody; they are not told");
  add->add_option("user", *user, "User")->required();
  add->callback([&context, user, path] {
    person_client(context)->call("PUT", path(*user));
    tell(context, "you block " + *user, {{"blocked", *user}});
  });
  CLI::App* remove = blocks->add_subcommand("remove", "Unblock somebody");
  remove->add_option("user", *user, "User")->required();
  remove->callback([&context, user, path] {
    person_client(context)->call("DELETE", path(*user));
    tell(context, "you no longer block " + *user, {{"unblocked", *user}});
  });
}

}  // namespace

void add_people_commands(CLI::App& app, Context& context) {
  add_members_group(app, context);
  add_contacts(app, context);
  add_blocks(app, context);
}

}  // namespace parley::ctl
