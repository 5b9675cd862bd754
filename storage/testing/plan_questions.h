// What the plan test fills tables with, and what it asks of them: every statement there is.
#ifndef PARLEY_STORAGE_TESTING_PLAN_QUESTIONS_H_
#define PARLEY_STORAGE_TESTING_PLAN_QUESTIONS_H_

#include <set>
#include <string>

namespace parley::storage {

// For $N = 100,000: a room of 100,000 members, a user in 5,000 rooms, and as many sessions, tokens, changes
// and audit rows. Rows that are there already, of a smaller $N, stay.
inline constexpr char kTables[] = R"sql(
  SET session_replication_role = replica;  -- keys are not checked: it is filled ten times as fast
  INSERT INTO users (name, display_name, created_ms)
    SELECT 'user' || lpad(i::text, 6, '0'), 'Person ' || i, 1 FROM generate_series(0, $N - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO users (name, role, owner, created_ms)
    SELECT 'bot' || lpad(i::text, 6, '0'), 1,
      'user' || lpad((CASE WHEN i % 100 = 0 THEN 2 ELSE i END)::text, 6, '0'), 1
    FROM generate_series(0, $N / 10) i ON CONFLICT DO NOTHING;
  INSERT INTO credentials SELECT name, 'hash', 1 FROM users ON CONFLICT DO NOTHING;
  INSERT INTO identities SELECT 'https://id', name, name, 1 FROM users WHERE owner IS NULL
    ON CONFLICT DO NOTHING;
  INSERT INTO limit_classes SELECT 'class' || i, '{}' FROM generate_series(1, 20) i
    ON CONFLICT DO NOTHING;
  INSERT INTO rooms (room, kind, name, access, pin_role, creator, created_ms, members)
    SELECT 'room' || lpad(i::text, 5, '0'), 0, 'Room ' || i, i % 2, 3, 'user000000', i, 1
    FROM generate_series(0, $N / 5 - 1) i ON CONFLICT DO NOTHING;
  INSERT INTO rooms (room, kind, access, pin_role, creator, created_ms, members, pair_low, pair_high)
    SELECT 'd-' || i, 2, 1, 2, 'user000001', i, 0, 'user000001', 'user' || lpad(i::text, 6, '0')
    FROM generate_series(2, $N / 20) i ON CONFLICT DO NOTHING;
  INSERT INTO rooms (room, kind, access, pin_role, creator, created_ms, members, deleted_ms)
    SELECT 'gone' || i, 0, 1, 2, 'user000001', i, CASE WHEN i < 10 THEN 1 ELSE 0 END, 1
    FROM generate_series(1, $N / 20) i ON CONFLICT DO NOTHING;
  INSERT INTO members (room, user_name, role, joined_ms)
    SELECT 'room00000', name, CASE WHEN name = 'user000000' THEN 4 ELSE 2 END, 1 FROM users
    WHERE owner IS NULL
    ON CONFLICT DO NOTHING;
  INSERT INTO members (room, user_name, role, joined_ms)
    SELECT 'room' || lpad(i::text, 5, '0'), 'user000001', 4, 1 FROM generate_series(1, $N / 20 - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO members (room, user_name, role, joined_ms)
    SELECT room, 'user' || lpad(i::text, 6, '0'), 2, 1 FROM generate_series(2, $N - 1) i
    JOIN rooms ON room = 'room' || lpad(($N / 20 + i % ($N * 3 / 20 + 1))::text, 5, '0')
    ON CONFLICT DO NOTHING;
  INSERT INTO members (room, user_name, role, joined_ms)
    SELECT room, 'user000003', 2, 1 FROM rooms WHERE room LIKE 'gone_' ON CONFLICT DO NOTHING;
  INSERT INTO sessions (sid, user_name, device, created_ms, used_ms, expires_ms, revoked_ms, revoke_until_s)
    SELECT 's' || i, 'user' || lpad((i % $N)::text, 6, '0'), 'd' || i, i, i, 9000000000000,
      CASE WHEN i % 50 = 0 THEN 1 ELSE 0 END, 0
    FROM generate_series(0, 2 * $N - 1) i ON CONFLICT DO NOTHING;
  INSERT INTO refresh_tokens (sha256, sid, created_ms)
    SELECT sha256(('r' || i)::bytea), 's' || i, 1 FROM generate_series(0, 2 * $N - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO api_tokens (sha256, id, user_name, device, role, created_ms)
    SELECT sha256(('t' || i)::bytea), 'id' || i, 'user' || lpad(i::text, 6, '0'), 'd', 1, 1
    FROM generate_series(0, $N / 2 - 1) i ON CONFLICT DO NOTHING;
  INSERT INTO push_devices (user_name, device, platform, token, updated_ms, credential)
    SELECT 'user' || lpad(i::text, 6, '0'), 'd' || i, 'fcm', 'token' || i, 1, 's' || i
    FROM generate_series(1, $N / 2 - 1) i WHERE i % 50 <> 0 ON CONFLICT DO NOTHING;
  INSERT INTO contacts (user_name, other, created_ms)
    SELECT 'user000001', 'user' || lpad(i::text, 6, '0'), 1 FROM generate_series($N / 2 + 1, $N - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO blocks (user_name, blocked, created_ms)
    SELECT 'user000001', 'user' || lpad(i::text, 6, '0'), 1 FROM generate_series($N * 8 / 10 + 1, $N - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO invites (code, room, role, by_user, created_ms)
    SELECT 'code' || i, 'room00000', 2, 'user000000', 1 FROM generate_series(0, $N / 10 - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO bans (room, user_name, by_user, created_ms)
    SELECT 'room00001', 'user' || lpad(i::text, 6, '0'), 'x', 1
    FROM generate_series($N * 9 / 10 + 1, $N - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO removals (room, user_name, removed_ms)
    SELECT 'room00001', 'user' || lpad(i::text, 6, '0'), 1 FROM generate_series($N / 2 + 1, $N - 1) i
    ON CONFLICT DO NOTHING;
  INSERT INTO changes (version, at_ms, ops) SELECT i, 1, '[]' FROM generate_series(1, $N) i
    ON CONFLICT DO NOTHING;
  UPDATE change_head SET version = $N;
  INSERT INTO commits SELECT i, i FROM generate_series(1, $N) i ON CONFLICT DO NOTHING;
  INSERT INTO audit (at_ms, actor, action, target, room)
    SELECT i, 'user' || lpad((i % 1000)::text, 6, '0'), 'a' || i % 7, 'user:u' || i % 500, 'room' || i % 300
    FROM generate_series(1, $N) i;
  INSERT INTO idempotency SELECT 'user000001', 'op', 'k' || i, 'f', '', 1
    FROM generate_series(0, $N / 10 - 1) i
    ON CONFLICT DO NOTHING;
)sql";

inline constexpr int kBig = 100000;
inline constexpr int kSmall = 40;

struct Question {
  const char* statement;
  const char* values;  // of EXECUTE
  int buffers;         // pages it may look at, at most
  int rows = 1100;     // that any part of it may give, at most
};

// A page of 100 costs a few pages for each index, and one or two for each row that is looked up beside it.
// What writes costs a few more for each index, and may have to look for a page with room.
inline constexpr int kWrites = 60;
inline constexpr int kSweeps = 40000;
inline constexpr Question kQuestions[] = {
    // Accounts.
    {"user.get", "'user054321'", 6},
    {"user.active", "'user054321'", 10},
    {"user.lock", "'user054321'", 10},
    {"user.lock_owner", "'bot000777'", 16},
    {"user.lock_to_remove", "'user054321'", 10},
    {"user.lock_bots", "'user000777'", 16},
    {"user.credential", "'user054321'", 10},
    {"user.by_identity", "'https://id', 'user054321'", 12},
    {"user.same_person", "'user000777', 'bot000777'", 12},
    {"user.search_name", "'user054321'", 6},
    {"user.bots", "'user000002'", 240},
    {"user.active_bots", "'user000002'", 240},
    {"users.bots_of", "'user000002'", 240},
    {"users.known", "'{user000001,user090000}', 'user000005'", 60},
    {"users.other_admin", "'user000001'", 6},
    {"users.search", "'', 'user07', 'user08', 101", 130},
    {"users.search", "'', '', '~', 101", 130},
    {"users.search_by_display_name", "'', '', 'Person 77', 'Person 78', 101", 260},
    {"users.search_by_display_name", "'', '', '', '', 101", 260},
    {"users.list", "'', 'user07', 'user08', -1, true, 101", 130},
    {"users.list", "'user06', '', '~', 0, false, 101", 130},
    {"user.insert", "'newcomer', '', 0, '', false, 'default', 1", kWrites},
    {"user.insert", "'newcomer', '', 1, 'user000001', false, 'default', 1", kWrites},
    {"user.profile", "'user054321', 'Another', ''", kWrites},
    {"user.administer", "'user054321', 1, 'default', false, 1", kWrites},
    {"user.tokens_after", "'user054321', 5", kWrites},
    {"user.remove", "'user054321', 5", kWrites},
    {"user.left", "'user054321'", kWrites},
    {"user.next_rooms", "'user000001', 100", 110},
    {"user.limits_exists", "'class7'", 4},
    {"user.forget_credential", "'user054321'", kWrites},
    {"user.forget_identities", "'user054321'", kWrites},
    {"user.forget_tokens", "'user000777'", kWrites},
    {"user.forget_devices", "'user000777'", kWrites},
    {"user.forget_contacts", "'user000777'", kWrites},
    {"user.forget_as_contact", "'user054321'", kWrites},
    {"user.forget_blocks", "'user000777'", kWrites},
    {"user.forget_as_blocked", "'user090000'", kWrites},
    {"credential.insert", "'user054321', 'new', 5", kWrites},
    {"credential.rehash", "'user054321', 'hash', 'new'", kWrites},
    {"identity.insert", "'https://other', 'x', 'user054321', 5", kWrites},
    // Sessions and tokens.
    {"session.lock_by_refresh", "sha256('r777')", 30},
    {"session.by_refresh", "sha256('r777')", 24},
    {"session.get", "'s777', 5", 14},
    {"session.insert", "'new', 'user054321', 'd', '', '', 5, 9000000000000", kWrites},
    {"session.rotate", "'s777', 5, 9000000000001, ''", kWrites},
    {"sessions.list", "'user000777', 5", 12},
    {"sessions.surplus", "'user000777', 5, 1", 12},
    {"sessions.revoke_all", "'user000777', 5, 5, ''", kWrites},
    {"sessions.revoke_device", "'user000777', 5, 5, 'd777'", kWrites},
    {"sessions.revoke_one", "'user000777', 5, 5, 's777'", kWrites},
    {"refresh.insert", "sha256('new'), 's777', 5", kWrites},
    {"refresh.insert_successor", "sha256('new'), 's777', 5, sha256('r777')", kWrites},
    {"refresh.use", "sha256('r777'), 5", kWrites},
    {"refresh.successors", "'s777', sha256('r777')", 10},
    {"refresh.replace", "'s777', sha256('r777'), 5", kWrites},
    {"refresh.forget_used", "'s777', 5", kWrites},
    {"api_token.by_hash", "sha256('t777'), 5", 14},
    {"api_token.by_id", "'id777'", 6},
    {"api_token.insert", "sha256('new'), 'new', 'user000777', 'd', 1, '', 5, 0, ''", kWrites},
    {"api_token.delete", "'user000777', 'id777'", kWrites},
    {"api_tokens.list", "'user000777'", 14},
    {"api_tokens.count", "'user000777', 5", 40},
    {"api_tokens.count", "'user000002', 5", 700},
    {"api_tokens.end", "'user000777'", kWrites},
    // Devices, contacts, blocks.
    {"device.take", "'token777', 'fcm', 'user000001', 'd'", kWrites},
    {"device.put", "'user000777', 'd', 'fcm', 'new', '', '', 5, 's777'", kWrites},
    {"device.put", "'user000777', 'd777', 'fcm', 'new', '', '', 5, 's777'", kWrites},
    {"device.drop", "'user000777', 'd777'", kWrites},
    {"device.drop_with_sessions", "'user000777', '{s777}'", kWrites},
    {"device.drop_with_token", "'user000777', 's777'", kWrites},
    {"device.drop_with_tokens", "'user000777', 's777'", kWrites},
    {"device.hand_over", "'user000777', '{s777}', 's778'", kWrites},
    {"devices.list", "'user000777', 5", 20},
    {"contact.get", "'user000001', 'user060000'", 12},
    {"contact.put", "'user000001', 'user060000', 'Nick', 5", kWrites},
    {"contact.put", "'user000777', 'user060000', 'Nick', 5", kWrites},
    {"contact.drop", "'user000001', 'user060000'", kWrites},
    {"contacts.page", "'user000001', 'user060000', 101", 520},
    {"block.add", "'user000001', 'user000777', 5", kWrites},
    {"block.remove", "'user000001', 'user090000'", kWrites},
    {"blocks.of_a_bot", "'bot000777'", 6},
    {"blocks.page", "'user000001', 'user085000', 101", 130},
    {"blocks.between", "'user000001', 'user090000'", 28},
    // Rooms.
    {"room.get", "'room00000', 'user054321'", 12},
    {"room.lock", "'room00000'", 10},
    {"room.pair", "'user000001', 'user000777'", 8},
    {"room.places", "'room00000', 'user000001', 'user070000'", 16},
    {"room.insert", "'new', 0, 'New', '', 0, 0, false, 3, 'default', 'user000777', 5, '', ''", kWrites},
    {"room.insert",
     "'d-new', 2, '', '', 1, 0, false, 2, 'default', 'user000777', 5, 'user000777', 'user000778'", kWrites},
    {"room.update", "'room00000', 'Other', '', 0, 0, 0, false, 3, 'default'", kWrites},
    {"room.count", "'room00000', 1", kWrites},
    {"room.remove", "'room00000', 5", kWrites},
    {"room.remove_invites", "'room00001'", kWrites},
    {"rooms.mine", "'user000001', '', 101", 520},
    {"rooms.mine", "'user000001', 'room03000', 101", 520},
    {"rooms.mine", "'user000777', '', 101", 20},
    {"rooms.all", "'user000001', '', '', '~', -1, 101", 1100},
    {"rooms.all", "'user000001', 'room03', 'room', 'rooo', 0, 101", 1100},
    {"rooms.directory", "'user000001', '', 'room1', 'room2', -1, 101", 1100},
    {"rooms.directory", "'user000001', 'room00500', '', '~', -1, 101", 1100},
    {"rooms.by_name", "'user000001', '', '', 'Room 77', 'Room 78', -1, false, 101", 1100},
    {"rooms.by_name", "'user000001', '', '', 'Room', 'Roon', -1, true, 101", 1300},
    {"rooms.search_name", "'room00777'", 6},
    {"rooms.created_since", "'user000000', 19990", 60},
    // Members.
    {"member.role", "'room00000', 'user054321'", 12},
    {"member.get", "'room00000', 'user054321'", 14},
    {"member.drop", "'room00000', 'user054321'", kWrites},
    {"member.mute", "'room00000', 'user054321', 5, 1", kWrites},
    {"member.promote", "'room00000', 'user054321'", kWrites},
    {"member.set_role", "'room00000', 'user054321', 3", kWrites},
    {"members.view", "'room00000', 'user054321'", 12},
    {"members.page", "'room00000', '', 101", 520},
    {"members.page", "'room00000', 'user070000', 101", 520},
    {"members.page", "'room05000', '', 101", 90},
    {"members.names", "'room00000', 1001", 1100},
    {"members.insert", "'room05001', '{user000001,user000777}', '{2,2}', 0, 5", kWrites},
    {"members.delete", "'room00000', 'user054321'", kWrites},
    {"members.other_owner", "'room00000', '{user000000}'", 10},
    {"members.owner_beside", "'room00000', 'user000000'", 10},
    {"members.person_inside", "'room00000', 'bot000777'", 12},
    {"members.block_inside", "'room00001', 'user000005'", 30},
    {"members.accounts_of", "'room00000', 'user000001'", 20},
    {"members.accounts_of", "'room00000', 'user000002'", 900},
    // All who are in the room are looked at, to find the one who has been there longest: small ones.
    {"members.heir", "'room05000', 'user000000'", 60},
    {"members.any_heir", "'room05000', 'user000000'", 60},
    {"bans.is_banned", "'room00001', 'user095000'", 26},
    {"bans.page", "'room00001', '', 101", 130},
    {"bans.add", "'room00000', 'user000777', 'user000000', '', 5", kWrites},
    {"bans.remove", "'room00001', 'user095000'", kWrites},
    {"removals.put", "'room00001', 'user000777', 5", kWrites},
    {"removals.put", "'room00001', 'user060000', 5", kWrites},
    {"removals.forget", "'room00001', 'user060000'", kWrites},
    {"removals.of_accounts", "'room00001', 'user060000'", 20},
    {"removals.of_person", "'room00001', 'user060000'", 26},
    // Invites.
    {"invite.get", "'code777'", 8},
    {"invite.lock", "'code777'", 10},
    {"invite.look_up", "'code777', 'user000777', 5", 60},
    {"invite.insert", "'new', 'room00000', 2, 'user000000', 5, 0, 0", kWrites},
    {"invite.use", "'code777'", kWrites},
    {"invite.remove", "'room00000', 'code777', 4", kWrites},
    {"invites.page", "'room00000', 'code5', 101, 5, 4", 130},
    {"invites.view", "'room00000', 'user054321'", 12},
    {"invites.withdraw", "'room00001', 'user000000', 2, 2, 4", kWrites},
    // What is written with every change, and what the feed asks.
    {"once.begin", "'user000001', 'op', 'new', 'f', 5", kWrites},
    {"once.begin", "'user000001', 'op', 'k777', 'f', 5", kWrites},
    {"once.find", "'user000001', 'op', 'k777'", 8},
    {"once.made", "'user000001', 'op', 'k777', 'x'", kWrites},
    {"change.version", "", 20},
    {"change.add", "200000, 5, '[]', 1", kWrites},
    {"change.transaction", "5, 1", kWrites},
    {"transaction.marked", "777, 777", 8},
    {"feed.head", "", 4},
    {"feed.mark", "50000", 6},
    {"feed.changes_after", "50000, 500", 60},
    {"feed.changes_after", "99990, 500", 60},
    // Administration.
    {"counts", "", 20},
    {"limits.list", "", 6},
    {"limits.exists", "'class7'", 4},
    {"limits.in_use", "'class7'", 12},
    {"limits.put", "'class7', '{}'", kWrites},
    {"limits.put", "'new', '{}'", kWrites},
    {"limits.drop", "'class7'", 10},
    {"audit.add", "5, 'a', 'b', 'user:u1', 'room1', '{}', '', ''", 2 * kWrites},
    {"audit.all", "50000, '', '', '', '', 101", 130},
    {"audit.by_action", "9000000000, '', 'a5', '', '', 101", 260},
    {"audit.by_actor", "9000000000, 'user000077', '', '', '', 101", 260},
    {"audit.by_room", "9000000000, '', '', '', 'room77', 101", 260},
    {"audit.by_target", "9000000000, '', '', 'user:u77', '', 101", 260},
    // Sweeps take many rows at a time; each row costs some pages in each index. They may read a table once.
    {"feed.trim", "90000", kSweeps, kBig},
    {"sweep.sessions", "8999999999999", kSweeps, 3 * kBig},
    {"sweep.revoked", "90000000", kSweeps, 3 * kBig},
    {"sweep.api_tokens", "90000000000", kSweeps, kBig},
    {"sweep.push_devices", "5", 10 * kSweeps, 3 * kBig},
    {"sweep.invites", "90000000000", kSweeps, kBig},
    {"sweep.idempotency", "90000000000", kSweeps, kBig},
    {"sweep.commits", "90000000000", kSweeps, kBig},
    {"sweep.members", "", kSweeps, kBig},
    {"sweep.leaving", "", kSweeps, kBig},
};

// That read no table.
inline const std::set<std::string> kUnasked = {"feed.still_leads",
                                               "feed.still_listens",
                                               "feed.try_lead",
                                               "pool.ping",
                                               "probe",
                                               "transaction.begin",
                                               "transaction.commit",
                                               "transaction.fate",
                                               "transaction.rollback",
                                               "users.lock_admins"};

}  // namespace parley::storage

#endif
