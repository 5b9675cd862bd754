// The SQL of schemas/sql, part of the program: applied in this order, each once and in a transaction of its
// own (storage/postgres/migrate.cc). A migration that has been released never changes; what is wrong with it
// is put right by the next one.
#ifndef PARLEY_SCHEMAS_MIGRATIONS_H_
#define PARLEY_SCHEMAS_MIGRATIONS_H_

#include <span>
#include <string_view>

namespace parley {

struct Migration {
  int number = 0;         // rising
  std::string_view name;  // "001_accounts"
  std::string_view sql;   // several statements
};

std::span<const Migration> migrations();

}  // namespace parley

#endif
