// user, room, member: put, remove, list.
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/facts.h"
#include "clients/parleyctl/listing.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

// The enumerator for one of a few words, or Failure naming them all.
template <class T>
T one_of(const std::string& text, const char* flag,
         std::initializer_list<std::pair<std::string_view, T>> words) {
  std::string all;
  for (const auto& [word, value] : words) {
    if (text == word) return value;
    all += (all.empty() ? "" : ", ") + std::string(word);
  }
  throw Failure("'" + text + "' is no " + flag + ": one of " + all, kExitUsage);
}

// Applies one operation per name; at the broker all of them or none.
template <class MakeOp>
void apply_each(const Context& context, const std::vector<std::string>& names, const char* done,
                const char* noun, MakeOp&& make_op) {
  std::vector<ControlOp> ops;
  ops.reserve(names.size());
  for (const std::string& name : names) ops.push_back(make_op(name));
  const auto version = make_facts(context)->apply(
      ops, [&](const std::string& words, const json::object& object) { tell(context, words, object); });
  if (!version) return;  // told one by one
  tell(context,
       std::string(done) + " " + std::to_string(ops.size()) + " " + noun + (ops.size() == 1 ? "" : "s") +
           " (version " + std::to_string(*version) + ")",
       {{done, ops.size()}, {"version", *version}});
}

void add_list_command(Command parent, Context& context, const std::string& what,
                      std::vector<Column> columns) {
  Command command = parent.subcommand("list", "List the " + what);
  auto room = std::make_shared<std::string>();
  if (what == "members") command.option("room", *room, "Room").required();
  command.run([&context, what, room, columns = std::move(columns)] {
    std::vector<json::object> rows;
    const std::string name = what == "members" ? room_name(*room).str() : "";
    make_facts(context)->list(what, name, [&](json::object&& item) {
      if (context.json) {
        std::printf("%s\n", json::serialize(item).c_str());
      } else {
        rows.push_back(std::move(item));
      }
    });
    if (!context.json) std::fputs(format_table(columns, rows).c_str(), stdout);
  });
}

struct UserOptions {
  std::vector<std::string> names;
  std::string role = "user";
  std::string limits = "default";
  std::string status = "active";
  std::int64_t tokens_after = 0;
};

void put_users(const Context& context, const UserOptions& options) {
  const auto role = parse_token_role(options.role);
  if (!role) throw Failure("'" + options.role + "' is no role: user, bot, device or service", kExitUsage);
  const auto status = one_of<UserStatus>(options.status, "status",
                                         {{"active", UserStatus::active}, {"blocked", UserStatus::blocked}});
  apply_each(context, options.names, "put", "user", [&](const std::string& name) {
    UserPut put;
    put.user = user_name(name).str();
    put.role = *role;
    put.limits = options.limits;
    put.status = status;
    put.tokens_after_s = options.tokens_after;
    return put;
  });
}

void add_user(Command app, Context& context) {
  Command user = app.subcommand("user", "Users that are let in; by REST where there is a bridge");
  user.require_subcommand();
  auto options = std::make_shared<UserOptions>();

  Command put = user.subcommand("put", "Add users, or change them (settings left out become the defaults)");
  put.option("user", options->names, "User names").required();
  put.option("--role", options->role, "user, bot, device or service [user]");
  put.option("--limits", options->limits, "Class of limits; 'unlimited' is built in [default]");
  put.option("--status", options->status, "active or blocked [active]");
  put.option("--tokens-after", options->tokens_after,
             "Refuse tokens issued before this second of the Unix epoch");
  put.run([&context, options] { put_users(context, *options); });

  Command remove = user.subcommand("remove", "Remove users; their connections end");
  remove.option("user", options->names, "User names").required();
  remove.run([&context, options] {
    apply_each(context, options->names, "removed", "user",
               [](const std::string& name) { return UserRemove{user_name(name).str()}; });
  });
  add_list_command(user, context, "users",
                   {{"user", "USER"}, {"role", "ROLE"}, {"limits", "LIMITS"}, {"status", "STATUS"}});
}

struct RoomOptions {
  std::vector<std::string> names;
  std::string kind = "channel";
  std::string limits = "default";
  std::string history = "all";
  std::string status = "active";
  std::string guests = "read";
  std::string pin = "admin";
};

void put_rooms(const Context& context, const RoomOptions& options) {
  RoomPut put;
  put.kind = one_of<RoomKind>(
      options.kind, "kind",
      {{"channel", RoomKind::channel}, {"group", RoomKind::group}, {"direct", RoomKind::direct}});
  put.history = one_of<RoomHistory>(options.history, "history setting",
                                    {{"all", RoomHistory::all}, {"joined", RoomHistory::joined}});
  put.status = one_of<RoomStatus>(options.status, "status",
                                  {{"active", RoomStatus::active},
                                   {"read_only", RoomStatus::read_only},
                                   {"archived", RoomStatus::archived}});
  put.guests_post = one_of<bool>(options.guests, "guests setting", {{"read", false}, {"post", true}});
  put.pin_role = one_of<MemberRole>(
      options.pin, "role for pinning",
      {{"member", MemberRole::member}, {"admin", MemberRole::admin}, {"owner", MemberRole::owner}});
  put.limits = options.limits;
  apply_each(context, options.names, "put", "room", [&](const std::string& name) {
    put.room = room_name(name).str();
    return put;
  });
}

void add_room(Command app, Context& context) {
  Command room = app.subcommand("room", "Rooms, put by an administrator");
  room.require_subcommand();
  auto options = std::make_shared<RoomOptions>();

  Command put = room.subcommand("put", "Add rooms, or change them (settings left out become the defaults)");
  put.option("room", options->names, "Room names").required();
  put.option("--kind", options->kind, "channel, group or direct [channel]");
  put.option("--limits", options->limits, "Class of limits; 'unlimited' is built in [default]");
  put.option("--history", options->history, "What a new member sees: all, or from joining (joined) [all]");
  put.option("--status", options->status, "active, read_only or archived [active]");
  put.option("--guests", options->guests, "What guests may do: read or post [read]");
  put.option("--pin", options->pin, "Lowest role that may pin: member, admin or owner [admin]");
  put.run([&context, options] { put_rooms(context, *options); });

  Command remove = room.subcommand("remove", "Remove rooms");
  remove.option("room", options->names, "Room names").required();
  remove.run([&context, options] {
    apply_each(context, options->names, "removed", "room",
               [](const std::string& name) { return RoomRemove{room_name(name).str()}; });
  });
  add_list_command(room, context, "rooms",
                   {{"room", "ROOM"},
                    {"kind", "KIND"},
                    {"limits", "LIMITS"},
                    {"history", "HISTORY"},
                    {"status", "STATUS"}});
}

struct MemberOptions {
  std::string room;
  std::vector<std::string> users;
  std::string role = "member";
  std::uint64_t since = 0;
};

void put_members(const Context& context, const MemberOptions& options) {
  MemberPut put;
  put.room = room_name(options.room).str();
  put.role = one_of<MemberRole>(options.role, "role in a room",
                                {{"owner", MemberRole::owner},
                                 {"admin", MemberRole::admin},
                                 {"member", MemberRole::member},
                                 {"guest", MemberRole::guest}});
  if (options.since >= kSeqLimit) throw Failure("--since takes a seq, below 2^53", kExitUsage);
  put.since = Seq{options.since};
  apply_each(context, options.users, "put", "member", [&](const std::string& name) {
    put.user = user_name(name).str();
    return put;
  });
}

void add_member(Command app, Context& context) {
  Command member = app.subcommand("member", "Who is in a room, put by an administrator");
  member.require_subcommand();
  auto options = std::make_shared<MemberOptions>();

  Command put = member.subcommand("put", "Add members to a room, or change their role");
  put.option("room", options->room, "Room").required();
  put.option("user", options->users, "Users").required();
  put.option("--role", options->role, "owner, admin, member or guest [member]");
  put.option("--since", options->since, "They see what comes after this seq [0: everything]");
  put.run([&context, options] { put_members(context, *options); });

  Command remove = member.subcommand("remove", "Remove members; they read nothing more from then on");
  remove.option("room", options->room, "Room").required();
  remove.option("user", options->users, "Users").required();
  remove.run([&context, options] {
    const RoomName room = room_name(options->room);
    apply_each(context, options->users, "removed", "member", [&](const std::string& name) {
      return MemberRemove{room.str(), user_name(name).str()};
    });
  });
  add_list_command(member, context, "members", {{"user", "USER"}, {"role", "ROLE"}, {"since", "SINCE"}});
}

}  // namespace

void add_fact_commands(Command app, Context& context) {
  add_user(app, context);
  add_room(app, context);
  add_member(app, context);
}

}  // namespace parley::ctl
