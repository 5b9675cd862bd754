// Pages by cursor. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_PAGING_H_
#define PARLEY_STORAGE_POSTGRES_PAGING_H_

#include <algorithm>

#include "storage/metadata_types.h"
#include "storage/postgres/connection.h"

namespace parley::storage::postgres {

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
