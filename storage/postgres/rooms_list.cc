// Lists of rooms: one's own, all, the directory.
#include <iterator>

#include "storage/postgres/paging.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/rooms.h"
#include "storage/postgres/try.h"

namespace parley::storage::postgres {
namespace {

// The caller's place in each of them, one by one: nobody is in so many rooms that it would be all of them.
#define OWN(user)                                                                            \
  "LEFT JOIN LATERAL (SELECT * FROM members m WHERE m.room = r.room AND m.user_name = " user \
  " OFFSET 0) "                                                                              \
  "o ON true"
const Statement kMine{
    "rooms.mine",
    select_view("FROM members o CROSS JOIN LATERAL (SELECT * FROM rooms t WHERE t.room = o.room "
                "AND t.deleted_ms = 0 OFFSET 0) r WHERE " PAGE_OF(
                    "o.user_name", "$1", "o.room", "$2") " ORDER BY o.user_name, o.room LIMIT $3")};
const Statement kAll{
    "rooms.all",
    select_view("FROM rooms r " OWN("$1") " WHERE " PAGE_OF_PREFIX("r.room", "$2", "$3", "$4")
                    ALSO("r.deleted_ms = 0 AND ($5 < 0 OR r.kind = $5)") "ORDER BY r.room LIMIT $6")};
const Statement kDirectory{
    "rooms.directory",
    select_view("FROM rooms r " OWN("$1") " WHERE r.deleted_ms = 0 AND r.access = 0 AND " PAGE_OF_PREFIX(
        "r.room", "$2", "$3", "$4") ALSO("$5 < 0 OR r.kind = $5") "ORDER BY r.room LIMIT $6")};
// `< 1` is how the index says it: see schemas/sql/011_users_by_shown_name.sql.
const Statement kByName{
    "rooms.by_name",
    select_view("FROM rooms r " OWN(
        "$1") " WHERE r.deleted_ms < 1 AND r.search_name <> '' "
              "AND (r.search_name, r.room) > (greatest($2, lower($4 COLLATE \"und-x-icu\") COLLATE \"C\"), "
              "$3) "
              "AND r.search_name < (lower($4 COLLATE \"und-x-icu\") || U&'\\+10FFFF') COLLATE \"C\" " ALSO(
                  "NOT (r.room >= $4 AND r.room < $5) AND ($6 < 0 OR r.kind = $6) AND (NOT $7 OR r.access = "
                  "0)") "ORDER BY r.search_name, r.room LIMIT $8")};
const Statement kSearchName{"rooms.search_name", "SELECT search_name FROM rooms WHERE room = $1"};

}  // namespace

MetadataResult<Page<RoomView>> PostgresRooms::list_mine(std::string_view user, const PageRequest& page) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kMine, Params(user, page.after, page_limit(page) + 1)));
  return make_page<RoomView>(
      rows, page, [&](const Rows& r, int row) { return read_room_view(r, row, user); },
      [](const RoomView& view) { return view.room.room; });
}

MetadataResult<Page<RoomView>> PostgresRooms::list(const RoomFilter& filter, std::string_view caller,
                                                   const PageRequest& page) {
  const int kind = filter.kind ? static_cast<int>(*filter.kind) : -1;
  const std::string end = prefix_end(filter.prefix);
  const auto read = [&](const Rows& r, int row) { return read_room_view(r, row, caller); };
  // First those whose room starts with the prefix, by room; then those whose name does, by name. The cursor
  // of the latter is marked by a character that is in no room's name.
  Page<RoomView> result;
  if (!page.after.starts_with('~')) {
    ASSIGN_OR_RETURN(const Rows rows,
                     store_.read(filter.public_only ? kDirectory : kAll,
                                 Params(caller, page.after, filter.prefix, end, kind, page_limit(page) + 1)));
    result = make_page<RoomView>(rows, page, read, [](const RoomView& view) { return view.room.room; });
    if (!result.next.empty() || filter.prefix.empty()) return result;
  }
  PageRequest rest{"", page_limit(page) - static_cast<std::uint32_t>(result.items.size())};
  if (rest.limit == 0) {
    result.next = "~";
    return result;
  }
  std::string after_name;
  std::string after_room;
  if (page.after.size() > 1 && page.after.starts_with('~')) {
    after_room = page.after.substr(1);
    ASSIGN_OR_RETURN(const Rows place, store_.read(kSearchName, Params(after_room)));
    if (place.empty()) return MetadataFault{MetadataError::invalid, "no cursor of this list", "cursor"};
    after_name = place.string(0, 0);
  }
  ASSIGN_OR_RETURN(const Rows rows,
                   store_.read(kByName, Params(caller, after_name, after_room, filter.prefix, end, kind,
                                               filter.public_only, rest.limit + 1)));
  Page<RoomView> named =
      make_page<RoomView>(rows, rest, read, [](const RoomView& view) { return "~" + view.room.room; });
  std::move(named.items.begin(), named.items.end(), std::back_inserter(result.items));
  result.next = named.next;
  return result;
}

}  // namespace parley::storage::postgres
