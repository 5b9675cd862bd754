// members, contacts, blocks: the people of a room and one's own, by REST.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/parleyctl/command_line.h"
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

void add_members_group(Command app, Context& context) {
  Command members = app.subcommand("members", "The members of a room");
  members.require_subcommand();
  auto options = std::make_shared<MemberOptions>();
  const auto add_room = [options](Command command) {
    command.option("room", options->room, "Room").required();
  };

  Command list = members.subcommand("list", "Who is in a room, and as what");
  add_room(list);
  list.run([&context, options] {
    print_list(context, *person_client(context), members_path(options->room),
               {{"user", "USER"}, {"role", "ROLE"}, {"joined_at", "SINCE", true}, {"display_name", "NAME"}});
  });

  Command add = members.subcommand("add", "Add people to a room");
  add_room(add);
  add.option("user", options->users, "Users").required();
  add.option("--role", options->role, "owner, admin, member or guest [member]");
  add.run([&context, options] { add_members(context, *options); });

  Command role = members.subcommand("role", "Change somebody's role in a room");
  add_room(role);
  role.option("user", options->user, "User").required();
  role.option("role", options->role, "owner, admin, member or guest").required();
  role.run([&context, options] {
    const json::object now = person_client(context)->call("PATCH", member_path(options->room, options->user),
                                                          json::object{{"role", options->role}});
    tell(context, options->user + " is " + options->role + " of " + options->room, now);
  });

  Command remove = members.subcommand("remove", "Remove people from a room");
  add_room(remove);
  remove.option("user", options->users, "Users").required();
  remove.flag("--ban", options->ban, "They cannot come back until the ban is lifted");
  remove.option("--reason", options->reason, "Why, for the list of bans");
  remove.run([&context, options] { remove_members(context, *options); });

  Command bans = members.subcommand("bans", "Who is banned from a room");
  add_room(bans);
  bans.run([&context, options] {
    print_list(context, *person_client(context), bans_path(options->room),
               {{"user", "USER"}, {"by", "BY"}, {"created_at", "SINCE", true}, {"reason", "REASON"}});
  });
  Command unban = members.subcommand("unban", "Lift a ban");
  add_room(unban);
  unban.option("user", options->user, "User").required();
  unban.run([&context, options] {
    person_client(context)->call("DELETE",
                                 bans_path(options->room) + "/" + part(user_name(options->user).str()));
    tell(context, options->user + " may come back to " + options->room, {{"unbanned", options->user}});
  });
}

void add_contacts(Command app, Context& context) {
  Command contacts = app.subcommand("contacts", "People you know");
  contacts.require_subcommand();
  auto user = std::make_shared<std::string>();
  auto nick = std::make_shared<std::string>();
  const auto path = [](const std::string& name) {
    return "/users/me/contacts/" + part(user_name(name).str());
  };
  contacts.subcommand("list", "Your contacts").run([&context] {
    print_list(context, *person_client(context), "/users/me/contacts",
               {{"user", "USER"}, {"nick", "NICK"}, {"display_name", "NAME"}});
  });
  Command add = contacts.subcommand("add", "Add or rename a contact");
  add.option("user", *user, "User").required();
  add.option("--nick", *nick, "What you call them");
  add.run([&context, user, nick, path] {
    json::object body;
    if (!nick->empty()) body["nick"] = *nick;
    const json::object now = person_client(context)->call("PUT", path(*user), std::move(body));
    tell(context, *user + " is a contact of yours", now);
  });
  Command remove = contacts.subcommand("remove", "Remove a contact");
  remove.option("user", *user, "User").required();
  remove.run([&context, user, path] {
    person_client(context)->call("DELETE", path(*user));
    tell(context, *user + " is no longer a contact of yours", {{"removed", *user}});
  });
}

void add_blocks(Command app, Context& context) {
  Command blocks = app.subcommand("blocks", "People who cannot reach you");
  blocks.require_subcommand();
  auto user = std::make_shared<std::string>();
  const auto path = [](const std::string& name) {
    return "/users/" + part(user_name(name).str()) + "/block";
  };
  blocks.subcommand("list", "Whom you block").run([&context] {
    print_list(context, *person_client(context), "/users/me/blocks",
               {{"user", "USER"}, {"created_at", "SINCE", true}});
  });
  Command add = blocks.subcommand("add", "Block somebody; they are not told");
  add.option("user", *user, "User").required();
  add.run([&context, user, path] {
    person_client(context)->call("PUT", path(*user));
    tell(context, "you block " + *user, {{"blocked", *user}});
  });
  Command remove = blocks.subcommand("remove", "Unblock somebody");
  remove.option("user", *user, "User").required();
  remove.run([&context, user, path] {
    person_client(context)->call("DELETE", path(*user));
    tell(context, "you no longer block " + *user, {{"unblocked", *user}});
  });
}

}  // namespace

void add_people_commands(Command app, Context& context) {
  add_members_group(app, context);
  add_contacts(app, context);
  add_blocks(app, context);
}

}  // namespace parley::ctl
