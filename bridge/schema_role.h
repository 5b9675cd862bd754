// Brings the database's tables to what this program expects, as soon as there is a database. Every process
// does so; they wait for each other.
#ifndef PARLEY_BRIDGE_SCHEMA_ROLE_H_
#define PARLEY_BRIDGE_SCHEMA_ROLE_H_

#include <memory>

#include "bridge/role.h"
#include "storage/metadata.h"

namespace parley::bridge {

// missing() names Postgres until its tables are there.
std::unique_ptr<Role> make_schema_role(const storage::PostgresOptions& options);

}  // namespace parley::bridge

#endif
