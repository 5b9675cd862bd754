#include "storage/postgres/accounts.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

#define TOKEN_COLUMNS "t.id, t.user_name, t.device, t.role, t.label, t.created_ms, t.until_s, t.scopes"
constexpr int kTokenColumnCount = 8;

const Statement kInsert{
    "api_token.insert",
    "INSERT INTO api_tokens (sha256, id, user_name, device, role, label, created_ms, until_s, scopes) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"};
const Statement kById{"api_token.by_id", "SELECT " TOKEN_COLUMNS " FROM api_tokens t WHERE t.id = $1"};
const Statement kByHash{"api_token.by_hash", std::string("SELECT " TOKEN_COLUMNS ", ") + kUserColumns +
                                                 " FROM api_tokens t JOIN users u ON u.name = t.user_name "
                                                 "WHERE t.sha256 = $1 AND (t.until_s = 0 OR t.until_s > $2) "
                                                 "AND u.status = 0"};
const Statement kList{"api_tokens.list", std::string("SELECT ") + kUserColumns +
                                             ", " TOKEN_COLUMNS
                                             " FROM users u LEFT JOIN api_tokens t "
                                             "ON t.user_name = u.name WHERE u.name = $1 AND u.status <> 2 "
                                             "ORDER BY t.created_ms LIMIT 1000"};
const Statement kDelete{
    "api_token.delete",
    "DELETE FROM api_tokens WHERE user_name = $1 AND id = $2 RETURNING encode(sha256, 'hex')"};

const Statement kDropPush{"device.drop_with_token",
                          "DELETE FROM push_devices WHERE user_name = $1 AND credential = $2"};

ApiToken read_token(const Rows& rows, int row, int first = 0) {
  ApiToken token;
  token.id = rows.string(row, first);
  token.user = rows.string(row, first + 1);
  token.device = rows.string(row, first + 2);
  token.role = rows.as<TokenRole>(row, first + 3);
  token.label = rows.string(row, first + 4);
  token.created_ms = rows.integer(row, first + 5);
  token.until_s = rows.integer(row, first + 6);
  token.scopes = rows.string(row, first + 7);
  return token;
}

MetadataResult<Created<ApiToken>> create_in(Change& change, const NewApiToken& wanted) {
  ASSIGN_OR_RETURN(const auto earlier, change.made_before("api_token.create"));
  if (earlier) {
    ASSIGN_OR_RETURN(const Rows rows, change.run(kById, Params(*earlier)));
    if (rows.empty()) return MetadataFault{MetadataError::not_found, "this token is gone", "token"};
    return Created<ApiToken>{read_token(rows, 0), true, false};
  }
  if (wanted.role != TokenRole::bot && wanted.role != TokenRole::device)
    return MetadataFault{MetadataError::invalid, "an API token's role is bot or device", "role"};
  if (!is_device_name(wanted.device))
    return MetadataFault{MetadataError::invalid, "1 to 64 of A-Z, a-z, 0-9, _ and -", "device"};
  if (wanted.until_s != 0 && wanted.until_s <= change.now_s())
    return MetadataFault{MetadataError::invalid, "the token would have ended already", "until"};
  ASSIGN_OR_RETURN(const User user, lock_user(change, wanted.user));
  RETURN_IF_FAULT(allow_owner(change.actor(), user));
  RETURN_IF_FAULT(check_active(user));
  const ApiToken token{random_name(16), wanted.user,     wanted.device,  wanted.role,
                       wanted.label,    change.now_ms(), wanted.until_s, wanted.scopes};
  ASSIGN_OR_RETURN(const Rows inserted,
                   change.run(kInsert, Params(wanted.sha256, token.id, token.user, token.device, token.role,
                                              token.label, token.created_ms, token.until_s, token.scopes)));
  if (inserted.affected() == 0)
    return MetadataFault{MetadataError::conflict, "this token is there already", "token"};
  change.fact(TokenPut{.sha256 = wanted.sha256,
                       .user = token.user,
                       .device = token.device,
                       .role = token.role,
                       .until_s = token.until_s});
  change.audit("api_token.create", user_target(token.user), {},
               {{"id", token.id}, {"label", token.label}, {"scopes", token.scopes}});
  RETURN_IF_FAULT(change.made(token.id));
  return Created<ApiToken>{token, false, false};
}

MetadataResult<void> remove_in(Change& change, std::string_view name, std::string_view id) {
  ASSIGN_OR_RETURN(const User user, lock_user(change, name));
  RETURN_IF_FAULT(allow_owner(change.actor(), user));
  ASSIGN_OR_RETURN(const Rows gone, change.run(kDelete, Params(name, id)));
  if (gone.empty()) return MetadataFault{MetadataError::not_found, "there is no such token", "token"};
  change.fact(TokenRemove{.sha256 = parse_sha256_hex(gone.text(0, 0)).value_or(Sha256{})});
  RETURN_IF_FAULT(change.run(kDropPush, Params(name, id)));
  change.audit("api_token.remove", user_target(name), {}, {{"id", id}});
  return {};
}

}  // namespace

MetadataResult<Created<ApiToken>> PostgresApiTokens::create(const Actor& actor, const NewApiToken& token) {
  return store_.change(actor, [&](Change& change) { return create_in(change, token); });
}

MetadataResult<TokenOwner> PostgresApiTokens::by_hash(const Sha256& sha256) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kByHash, Params(sha256, store_.now_ms() / 1000)));
  if (rows.empty()) return MetadataFault{MetadataError::unauthorized, "this token is not valid", "token"};
  return TokenOwner{read_token(rows, 0), read_user(rows, 0, kTokenColumnCount)};
}

MetadataResult<std::vector<ApiToken>> PostgresApiTokens::list(const Actor& actor, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kList, Params(user)));
  if (rows.empty()) return no_user();
  RETURN_IF_FAULT(allow_owner(actor, read_user(rows, 0)));
  std::vector<ApiToken> tokens;
  for (int row = 0; row < rows.size(); ++row) {
    if (!rows.null(row, kUserColumnCount)) tokens.push_back(read_token(rows, row, kUserColumnCount));
  }
  return tokens;
}

MetadataResult<void> PostgresApiTokens::remove(const Actor& actor, std::string_view user,
                                               std::string_view id) {
  return store_.change(actor, [&](Change& change) { return remove_in(change, user, id); });
}

}  // namespace parley::storage::postgres
