// Pages by cursor. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_PAGING_H_
#define PARLEY_STORAGE_POSTGRES_PAGING_H_

#include <algorithm>

#include "storage/metadata_types.h"
#include "storage/postgres/connection.h"

namespace parley::storage::postgres {

// How statements ask for pages, so that PostgreSQL walks along the index from the cursor on until it has
// enough, whatever it knows of the table: with statistics, without them just after an import, and with those
// of when it was small. Without them it takes `scope = $1` for a few rows, which it would rather collect and
// sort - and then it is a room of 100,000. A comparison of rows it takes for a third of the table, which is
// worth walking.
//
// The rows of one scope after a cursor, by an index on (scope, key): ORDER BY scope, key.
#define PAGE_OF(scope, value, key, after) \
  "(" scope ", " key ") > (" value ", " after ") AND " scope " <= " value
// Those between a prefix and its end, after a cursor, by an index on the key.
#define PAGE_OF_PREFIX(key, after, prefix, end)                     \
  "(" key ", 0) > (greatest(" after "::text COLLATE \"C\", " prefix \
  "::text COLLATE \"C\"), "                                         \
  "CASE WHEN " after "::text COLLATE \"C\" < " prefix               \
  "::text COLLATE \"C\" THEN -1 ELSE 0 END) AND "                   \
  "(" key ", 0) < (" end ", 0)"
// What else the rows must be. PostgreSQL takes it for half of them; without statistics, it would take
// `status = 0` for hardly any, and read them all at once.
#define ALSO(condition) " AND coalesce((" condition "), false) "

inline std::uint32_t page_limit(const PageRequest& page) { return std::clamp(page.limit, 1u, kPageLimit); }

// `rows` were asked for with one more than the limit: whether it came tells if there is a next page.
template <class T, class Read, class Key>
Page<T> make_page(const Rows& rows, const PageRequest& request, const Read& read, const Key& key) {
  Page<T> page;
  const int limit = static_cast<int>(page_limit(request));
  const int count = std::min(rows.size(), limit);
  page.items.reserve(static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) page.items.push_back(read(rows, row));
  if (rows.size() > limit) page.next = key(page.items.back());
  return page;
}

// The end of the names that start with `prefix` (which is not empty): all of them are below it. U+10FFFF is
// the highest character there is.
inline std::string prefix_end(std::string_view prefix) { return std::string(prefix) + "\xf4\x8f\xbf\xbf"; }

}  // namespace parley::storage::postgres

#endif
