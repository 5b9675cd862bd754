// rooms, join, leave, invite: a person's rooms, by REST.
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

std::string room_path(const std::string& room) { return "/rooms/" + part(room_name(room).str()); }

// The room's settings as flags; only those that were given are sent.
struct RoomSettings {
  std::string name, topic, access, history, status, guests, pin;

  void add_options(Command command, bool with_status) {
    command.option("--name", name, "What to show");
    command.option("--topic", topic, "What it is about");
    command.option("--access", access, "Channels: public (anybody may join) or private");
    command.option("--history", history, "What a new member sees: all, or from joining (joined)");
    if (with_status) command.option("--status", status, "active, read_only or archived");
    command.option("--guests", guests, "What guests may do: read or post");
    command.option("--pin", pin, "Lowest role that may pin: member, admin or owner");
  }
  json::object body() const {
    json::object out;
    for (const auto& [field, value] : {std::pair{"name", &name},
                                       {"topic", &topic},
                                       {"access", &access},
                                       {"history", &history},
                                       {"status", &status},
                                       {"guests", &guests},
                                       {"pin", &pin}}) {
      if (!value->empty()) out[field] = *value;
    }
    return out;
  }
};

std::string role_words(const json::object& room) {
  const json::value* role = room.if_contains("role");
  return role != nullptr && role->is_string() ? " as " + std::string(role->as_string()) : "";
}
std::string name_in(const json::object& room) {
  const json::value* name = room.if_contains("room");
  return name != nullptr && name->is_string() ? printable(name->as_string()) : "?";
}

struct CreateOptions {
  std::string room;
  std::string kind = "channel";
  std::string with;
  std::vector<std::string> members;
  RoomSettings settings;
};

void create(const Context& context, const CreateOptions& options) {
  json::object body = options.settings.body();
  if (!options.with.empty()) {
    if (!options.room.empty())
      throw Failure("a direct room has no name of its own: leave it out", kExitUsage);
    body["kind"] = "direct";
    body["user"] = user_name(options.with).str();
  } else {
    body["kind"] = options.kind;
    if (options.kind == "channel") {
      if (options.room.empty()) throw Failure("name the channel: parleyctl rooms create general", kExitUsage);
      body["room"] = room_name(options.room).str();
    } else if (!options.room.empty()) {
      throw Failure("only channels have a name that one picks; give a group one to show with --name",
                    kExitUsage);
    }
  }
  if (!options.members.empty()) {
    json::array members;
    for (const std::string& member : options.members) members.emplace_back(user_name(member).str());
    body["members"] = std::move(members);
  }
  const json::object room = person_client(context)->call("POST", "/rooms", std::move(body));
  tell(context, "created " + name_in(room), room);
}

void add_rooms(Command app, Context& context) {
  Command rooms = app.subcommand("rooms", "Your rooms");
  rooms.require_subcommand();

  Command list = rooms.subcommand("list", "The rooms you are in, or the public ones");
  auto all = std::make_shared<bool>(false);
  auto prefix = std::make_shared<std::string>();
  list.flag("--public", *all, "Channels that anybody may join");
  list.option("--prefix", *prefix, "With --public: those whose name begins so");
  list.run([&context, all, prefix] {
    std::string path = *all ? "/rooms?public=true" : "/rooms";
    if (!prefix->empty()) path += (*all ? "&prefix=" : "?prefix=") + part(*prefix);
    print_list(
        context, *person_client(context), path,
        {{"room", "ROOM"}, {"kind", "KIND"}, {"role", "ROLE"}, {"members", "MEMBERS"}, {"name", "NAME"}});
  });

  Command make = rooms.subcommand("create", "Make a room; you are its owner");
  auto options = std::make_shared<CreateOptions>();
  make.option("room", options->room, "Name of a channel");
  make.option("--kind", options->kind, "channel or group [channel]").one_of({"channel", "group"});
  make.option("--with", options->with, "A direct room with this user");
  make.option("--member", options->members, "Who is in it from the start; may be given several times");
  options->settings.add_options(make, false);
  make.run([&context, options] { create(context, *options); });

  auto room = std::make_shared<std::string>();
  Command show = rooms.subcommand("show", "One room");
  show.option("room", *room, "Room").required();
  show.run(
      [&context, room] { print_object(context, person_client(context)->call("GET", room_path(*room))); });

  Command update = rooms.subcommand("update", "Change a room's settings");
  auto settings = std::make_shared<RoomSettings>();
  update.option("room", *room, "Room").required();
  settings->add_options(update, true);
  update.run([&context, room, settings] {
    json::object body = settings->body();
    if (body.empty())
      throw Failure("say what to change: --topic, say (see parleyctl rooms update --help)", kExitUsage);
    const json::object now = person_client(context)->call("PATCH", room_path(*room), std::move(body));
    tell(context, "changed " + name_in(now), now);
  });

  Command remove = rooms.subcommand("delete", "Delete a room, for everybody and for good");
  remove.option("room", *room, "Room").required();
  remove.run([&context, room] {
    person_client(context)->call("DELETE", room_path(*room));
    tell(context, "deleted " + *room, {{"deleted", *room}});
  });
}

void add_join_and_leave(Command app, Context& context) {
  auto room = std::make_shared<std::string>();
  auto code = std::make_shared<std::string>();
  Command join = app.subcommand("join", "Join a public channel, or any room with the code of an invite");
  join.option("room", *room, "Room").required();
  join.option("code", *code, "Code of an invite");
  join.run([&context, room, code] {
    RestClient::Body body;
    if (!code->empty()) body = json::object{{"invite", *code}};
    const json::object now = person_client(context)->call("POST", room_path(*room) + "/join", body);
    tell(context, "you are in " + name_in(now) + role_words(now), now);
  });
  Command leave = app.subcommand("leave", "Leave a room");
  leave.option("room", *room, "Room").required();
  leave.run([&context, room] {
    person_client(context)->call("POST", room_path(*room) + "/leave");
    tell(context, "you have left " + *room, {{"left", *room}});
  });
}

struct InviteOptions {
  std::string room;
  std::string code;
  std::string expires;
  std::string role;
  std::uint32_t uses = 0;
};

void make_invite(const Context& context, const InviteOptions& options) {
  json::object body;
  if (options.expires == "never") {
    body["expires_in"] = 0;
  } else if (!options.expires.empty()) {
    body["expires_in"] = parse_duration_s(options.expires);
  }
  if (options.uses > 0) body["uses"] = options.uses;
  if (!options.role.empty()) body["role"] = options.role;
  const json::object invite =
      person_client(context)->call("POST", room_path(options.room) + "/invites", std::move(body));
  const json::value* code = invite.if_contains("code");
  // Only the code, so that scripts can read it.
  tell(context, code != nullptr && code->is_string() ? printable(code->as_string()) : "?", invite);
}

void add_invite(Command app, Context& context) {
  Command invite = app.subcommand("invite", "Codes that let people into a room");
  invite.require_subcommand();
  auto options = std::make_shared<InviteOptions>();

  Command make = invite.subcommand("create", "Make a code, and print it");
  make.option("room", options->room, "Room").required();
  make.option("--expires", options->expires, "How long it is good: 12h, 7d, or never [7d]");
  make.option("--uses", options->uses, "How many may join with it [any number]");
  make.option("--role", options->role, "What they become: member, guest, admin or owner [member]");
  make.run([&context, options] { make_invite(context, *options); });

  Command list = invite.subcommand("list", "The codes of a room");
  list.option("room", options->room, "Room").required();
  list.run([&context, options] {
    print_list(context, *person_client(context), room_path(options->room) + "/invites",
               {{"code", "CODE"},
                {"role", "ROLE"},
                {"by", "BY"},
                {"uses_left", "USES LEFT"},
                {"expires_at", "UNTIL", true}});
  });

  Command show = invite.subcommand("show", "Where a code leads");
  show.option("code", options->code, "Code").required();
  show.run([&context, options] {
    print_object(context, person_client(context)->call("GET", "/invites/" + part(options->code)));
  });

  Command accept = invite.subcommand("accept", "Join the room of a code");
  accept.option("code", options->code, "Code").required();
  accept.run([&context, options] {
    const json::object room =
        person_client(context)->call("POST", "/invites/" + part(options->code) + "/accept");
    tell(context, "you are in " + name_in(room) + role_words(room), room);
  });

  Command revoke = invite.subcommand("revoke", "Make a code useless");
  revoke.option("room", options->room, "Room").required();
  revoke.option("code", options->code, "Code").required();
  revoke.run([&context, options] {
    person_client(context)->call("DELETE", room_path(options->room) + "/invites/" + part(options->code));
    tell(context, "revoked the invite", {{"revoked", options->code}});
  });
}

}  // namespace

void add_room_commands(Command app, Context& context) {
  add_rooms(app, context);
  add_join_and_leave(app, context);
  add_invite(app, context);
}

}  // namespace parley::ctl
