// What an error of PostgreSQL means for whoever asked. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_SQLSTATE_H_
#define PARLEY_STORAGE_POSTGRES_SQLSTATE_H_

#include <cstdint>
#include <string_view>

namespace parley::storage::postgres {

enum class DbErrorKind : std::uint8_t {
  lost,        // the connection; whether the statement took effect is not known
  timeout,     // the deadline passed, or the server's statement_timeout; the former closes the connection
  retry,       // serialization failure or deadlock: the transaction may be tried again
  constraint,  // a unique, foreign key or check constraint: `constraint` names it
  bad_text,    // a parameter that is no valid text (invalid UTF-8, a zero byte), out of range or too long
  resources,   // the server cannot: its disk is full or fails, it has no memory left, ... Nothing took effect
  other,       // a statement that it should not have refused
};

// `state`: five letters (PostgreSQL's documentation, appendix A). `function`: of the server's source, where
// the error arose; a file that cannot be opened or written has the code of a privilege that is lacking, and
// only this tells them apart.
DbErrorKind kind_of(std::string_view state, std::string_view function = {});

// Whether an attempt to connect failed because of what the connection string says (who, which database, with
// TLS or without), so that waiting does not mend it. `state` is empty where no server gave one.
bool is_refusal(std::string_view state, std::string_view message);

}  // namespace parley::storage::postgres

#endif
