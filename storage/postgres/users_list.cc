// Lists of users: search, all, the bots of one.
#include <iterator>

#include "storage/postgres/accounts.h"
#include "storage/postgres/paging.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

#define SELECT_USER std::string("SELECT ") + kUserColumns

const Statement kSearch{"users.search",
                        SELECT_USER + " FROM users u WHERE " PAGE_OF_PREFIX("u.name", "$1", "$2", "$3")
                                          ALSO("u.status = 0 AND u.role <= 1") "ORDER BY u.name LIMIT $4"};
// `< 1` is how the index says it: see schemas/sql/011_users_by_shown_name.sql.
const Statement kSearchByName{
    "users.search_by_display_name",
    SELECT_USER +
        " FROM users u WHERE u.status < 1 AND u.search_name <> '' "
        "AND (u.search_name, u.name) > (greatest($1, lower($3 COLLATE \"und-x-icu\") COLLATE \"C\"), $2) "
        "AND u.search_name < (lower($3 COLLATE \"und-x-icu\") || U&'\\+10FFFF') COLLATE \"C\" " ALSO(
            "u.role <= 1 AND NOT (u.name >= $3 AND u.name < $4)") "ORDER BY u.search_name, u.name LIMIT $5"};
const Statement kSearchName{"user.search_name", "SELECT search_name FROM users WHERE name = $1"};
const Statement kList{
    "users.list",
    SELECT_USER + " FROM users u WHERE " PAGE_OF_PREFIX("u.name", "$1", "$2", "$3")
                      ALSO("($4 < 0 OR u.status = $4) AND ($5 OR u.status <> 2)") "ORDER BY u.name LIMIT $6"};
const Statement kBotsOf{"users.bots_of",
                        SELECT_USER + " FROM users u WHERE u.owner = $1 AND u.status <> 2 ORDER BY u.name"};

}  // namespace

MetadataResult<Page<User>> PostgresUsers::search(std::string_view prefix, const PageRequest& page) {
  const auto read = [](const Rows& r, int row) { return read_user(r, row); };
  const std::string end = prefix_end(prefix);
  // First those whose name starts with the prefix, by name; then those whose display name does, by that. The
  // cursor of the latter is marked by a character that is in no user's name.
  Page<User> result;
  if (!page.after.starts_with('~')) {
    ASSIGN_OR_RETURN(const Rows rows,
                     store_.read(kSearch, Params(page.after, prefix, end, page_limit(page) + 1)));
    result = make_page<User>(rows, page, read, [](const User& user) { return user.name; });
    if (!result.next.empty() || prefix.empty()) return result;
  }
  const PageRequest rest{"", page_limit(page) - static_cast<std::uint32_t>(result.items.size())};
  if (rest.limit == 0) {
    result.next = "~";
    return result;
  }
  std::string after_display;
  std::string after_user;
  if (page.after.size() > 1 && page.after.starts_with('~')) {
    after_user = page.after.substr(1);
    ASSIGN_OR_RETURN(const Rows place, store_.read(kSearchName, Params(after_user)));
    if (place.empty()) return MetadataFault{MetadataError::invalid, "no cursor of this list", "cursor"};
    after_display = place.string(0, 0);
  }
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kSearchByName, Params(after_display, after_user, prefix, end,
                                                                      rest.limit + 1)));
  Page<User> named = make_page<User>(rows, rest, read, [](const User& user) { return "~" + user.name; });
  std::move(named.items.begin(), named.items.end(), std::back_inserter(result.items));
  result.next = named.next;
  return result;
}

MetadataResult<Page<User>> PostgresUsers::list(const UserFilter& filter, const PageRequest& page) {
  const int status = filter.status ? static_cast<int>(*filter.status) : -1;
  const bool deleted = filter.with_deleted || filter.status == AccountStatus::deleted;
  ASSIGN_OR_RETURN(const Rows rows,
                   store_.read(kList, Params(page.after, filter.prefix, prefix_end(filter.prefix), status,
                                             deleted, page_limit(page) + 1)));
  return make_page<User>(
      rows, page, [](const Rows& r, int row) { return read_user(r, row); },
      [](const User& user) { return user.name; });
}

MetadataResult<std::vector<User>> PostgresUsers::bots_of(std::string_view owner) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kBotsOf, Params(owner)));
  std::vector<User> bots;
  bots.reserve(rows.count());
  for (int row = 0; row < rows.size(); ++row) bots.push_back(read_user(rows, row));
  return bots;
}

}  // namespace parley::storage::postgres
