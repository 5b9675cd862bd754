#include "storage/postgres/accounts.h"
#include "storage/postgres/paging.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

const Statement kTakeDevice{"device.take",
                            "DELETE FROM push_devices WHERE token = $1 AND platform = $2 "
                            "AND NOT (user_name = $3 AND device = $4)"};
const Statement kPutDevice{
    "device.put",
    "INSERT INTO push_devices (user_name, device, platform, token, app, keys, updated_ms, credential) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (user_name, device) DO UPDATE SET "
    "platform = excluded.platform, token = excluded.token, app = excluded.app, keys = excluded.keys, "
    "updated_ms = excluded.updated_ms, credential = excluded.credential"};
// Without those whose session or token has run out, and which the next sweep takes. Looked up one by one: of
// EXISTS the planner may make a table of all sessions there are.
const Statement kDevices{
    "devices.list",
    "SELECT p.user_name, p.device, p.platform, p.token, p.app, p.keys, p.updated_ms, p.credential "
    "FROM push_devices p WHERE p.user_name = $1 AND (p.credential = '' OR (SELECT s.revoked_ms = 0 AND "
    "s.expires_ms > $2::bigint FROM sessions s WHERE s.sid = p.credential) OR (SELECT t.until_s = 0 OR "
    "t.until_s > $2::bigint / 1000 FROM api_tokens t WHERE t.id = p.credential)) "
    "ORDER BY p.device LIMIT 1000"};
const Statement kDropDevice{"device.drop", "DELETE FROM push_devices WHERE user_name = $1 AND device = $2"};
const Statement kGetContact{"contact.get",
                            "SELECT c.other, c.nick, u.display_name, c.created_ms FROM contacts c "
                            "JOIN users u ON u.name = c.other WHERE c.user_name = $1 AND c.other = $2"};
const Statement kPutContact{
    "contact.put",
    "INSERT INTO contacts (user_name, other, nick, created_ms) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (user_name, other) DO UPDATE SET nick = excluded.nick"};
const Statement kDropContact{"contact.drop", "DELETE FROM contacts WHERE user_name = $1 AND other = $2"};
const Statement kContacts{
    "contacts.page",
    "SELECT c.other, c.nick, (SELECT u.display_name FROM users u WHERE u.name = c.other), c.created_ms FROM "
    "contacts c WHERE " PAGE_OF("c.user_name", "$1", "c.other",
                                "$2") " ORDER BY c.user_name, c.other LIMIT $3"};
const Statement kBlock{"block.add",
                       "INSERT INTO blocks (user_name, blocked, created_ms) VALUES ($1, $2, $3) "
                       "ON CONFLICT DO NOTHING"};
const Statement kUnblock{"block.remove", "DELETE FROM blocks WHERE user_name = $1 AND blocked = " OWNER_OF(
                                             "$2") " RETURNING user_name, blocked"};
const Statement kBlocks{"blocks.page",
                        "SELECT blocked, created_ms FROM blocks WHERE " PAGE_OF(
                            "user_name", "$1", "blocked", "$2") " ORDER BY user_name, blocked LIMIT $3"};
const Statement kOfABot{"blocks.of_a_bot", "SELECT FROM users WHERE name = $1 AND owner IS NOT NULL"};
const Statement kBetween{
    "blocks.between",
    "SELECT EXISTS (SELECT FROM blocks WHERE user_name = " OWNER_OF("$1") " AND blocked = " OWNER_OF("$2")
    ") OR EXISTS (SELECT FROM blocks WHERE user_name = " OWNER_OF("$2") " AND blocked = " OWNER_OF("$1") ")"};

Contact read_contact(const Rows& rows, int row) {
  return {rows.string(row, 0), rows.string(row, 1), rows.string(row, 2), rows.integer(row, 3)};
}

struct Both {
  std::string mine;    // the person behind the actor
  std::string theirs;  // and behind the other one
  bool blocked = false;
};

// A bot blocks for its owner, but its token, which lies on some machine, neither lifts nor shows the blocks
// of the person.
MetadataFault owner_only() {
  return {MetadataError::forbidden, "blocks are the bot's owner's: only the owner sees and lifts them", ""};
}

// The other one has to be there, and somebody else.
MetadataResult<Both> check_other(Change& change, std::string_view other) {
  const std::string& actor = change.actor().user;
  if (other == actor) return MetadataFault{MetadataError::invalid, "this is you", "user"};
  ASSIGN_OR_RETURN(const std::vector<Known> known, known_users(change, {std::string(other), actor}, actor));
  Both both{actor, {}, false};
  for (const Known& user : known) {
    if (user.user == actor) both.mine = user.owner;
    if (user.user == other) both.theirs = user.owner;
    both.blocked = both.blocked || user.blocked;
  }
  if (both.theirs.empty()) return no_user();
  return both;
}

MetadataResult<PushDevice> put_device_in(Change& change, const PushDevice& wanted) {
  RETURN_IF_FAULT(allow_self(change.actor(), wanted.user));
  if (!is_device_name(wanted.device))
    return MetadataFault{MetadataError::invalid, "1 to 64 of A-Z, a-z, 0-9, _ and -", "device"};
  if (wanted.platform != "apns" && wanted.platform != "fcm" && wanted.platform != "webpush")
    return MetadataFault{MetadataError::invalid, "apns, fcm or webpush", "platform"};
  if (wanted.token.empty() || wanted.token.size() > 2000)
    return MetadataFault{MetadataError::invalid, "1 to 2000 bytes", "token"};
  PushDevice device = wanted;
  device.updated_ms = change.now_ms();
  RETURN_IF_FAULT(lock_user(change, wanted.user));
  RETURN_IF_FAULT(change.run(kTakeDevice, Params(device.token, device.platform, device.user, device.device)));
  RETURN_IF_FAULT(
      change.run(kPutDevice, Params(device.user, device.device, device.platform, device.token, device.app,
                                    device.keys, device.updated_ms, device.credential)));
  return device;
}

}  // namespace

MetadataResult<PushDevice> PostgresPeople::put_device(const Actor& actor, const PushDevice& device) {
  return store_.change(actor, [&](Change& change) { return put_device_in(change, device); });
}

MetadataResult<std::vector<PushDevice>> PostgresPeople::devices(std::string_view user) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kDevices, Params(user, store_.now_ms())));
  std::vector<PushDevice> devices;
  devices.reserve(rows.count());
  for (int row = 0; row < rows.size(); ++row) {
    devices.push_back({rows.string(row, 0), rows.string(row, 1), rows.string(row, 2), rows.string(row, 3),
                       rows.string(row, 4), rows.string(row, 5), rows.integer(row, 6), rows.string(row, 7)});
  }
  return devices;
}

MetadataResult<void> PostgresPeople::remove_device(const Actor& actor, std::string_view user,
                                                   std::string_view device) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    RETURN_IF_FAULT(allow_self(actor, user));
    ASSIGN_OR_RETURN(const Rows gone, change.run(kDropDevice, Params(user, device)));
    if (gone.affected() == 0)
      return MetadataFault{MetadataError::not_found, "there is no such device", "device"};
    return {};
  });
}

MetadataResult<Created<Contact>> PostgresPeople::put_contact(const Actor& actor, std::string_view other,
                                                             std::string_view nick) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<Created<Contact>> {
    ASSIGN_OR_RETURN(const Both both, check_other(change, other));
    ASSIGN_OR_RETURN(const Rows before, change.run(kGetContact, Params(actor.user, other)));
    if (both.blocked && before.empty())
      return MetadataFault{MetadataError::blocked, "one of you has blocked the other", "user"};
    RETURN_IF_FAULT(change.run(kPutContact, Params(actor.user, other, nick, change.now_ms())));
    ASSIGN_OR_RETURN(const Rows after, change.run(kGetContact, Params(actor.user, other)));
    if (after.empty()) return no_user();
    return Created<Contact>{read_contact(after, 0), false, !before.empty()};
  });
}

MetadataResult<void> PostgresPeople::remove_contact(const Actor& actor, std::string_view other) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    ASSIGN_OR_RETURN(const Rows gone, change.run(kDropContact, Params(actor.user, other)));
    if (gone.affected() == 0)
      return MetadataFault{MetadataError::not_found, "this user is no contact", "user"};
    return {};
  });
}

MetadataResult<Page<Contact>> PostgresPeople::contacts(std::string_view user, const PageRequest& page) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kContacts, Params(user, page.after, page_limit(page) + 1)));
  return make_page<Contact>(rows, page, read_contact, [](const Contact& contact) { return contact.user; });
}

MetadataResult<void> PostgresPeople::block(const Actor& actor, std::string_view other) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    ASSIGN_OR_RETURN(const Both both, check_other(change, other));
    if (both.mine == both.theirs)
      return MetadataFault{MetadataError::invalid, "this is one of your own accounts", "user"};
    ASSIGN_OR_RETURN(const Rows added, change.run(kBlock, Params(both.mine, both.theirs, change.now_ms())));
    if (added.affected() == 0) return {};
    change.fact(BlockPut{.user = both.mine, .blocked = both.theirs});
    change.audit("user.block", user_target(other));
    return {};
  });
}

MetadataResult<void> PostgresPeople::unblock(const Actor& actor, std::string_view other) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    ASSIGN_OR_RETURN(const Rows bot, change.run(kOfABot, Params(actor.user)));
    if (!bot.empty()) return owner_only();
    ASSIGN_OR_RETURN(const Rows gone, change.run(kUnblock, Params(actor.user, other)));
    if (gone.empty())
      return MetadataFault{MetadataError::not_found, "you have not blocked this user", "user"};
    change.fact(BlockRemove{.user = gone.string(0, 0), .blocked = gone.string(0, 1)});
    change.audit("user.unblock", user_target(other));
    return {};
  });
}

MetadataResult<Page<Block>> PostgresPeople::blocks(std::string_view user, const PageRequest& page) {
  const Params of(user);
  const Params blocks(user, page.after, page_limit(page) + 1);
  const Connection::Query queries[] = {{kOfABot, of}, {kBlocks, blocks}};
  ASSIGN_OR_RETURN(const std::vector<Rows> rows, store_.read_together(queries));
  if (!rows[0].empty()) return owner_only();
  return make_page<Block>(
      rows[1], page,
      [](const Rows& r, int row) {
        return Block{r.string(row, 0), r.integer(row, 1)};
      },
      [](const Block& block) { return block.user; });
}

MetadataResult<bool> PostgresPeople::blocked_between(std::string_view a, std::string_view b) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kBetween, Params(a, b)));
  return rows.boolean(0, 0);
}

}  // namespace parley::storage::postgres
