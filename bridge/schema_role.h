// Brings the database's tables to what this program expects, as soon as there is a database. Every process
// does so; they wait for each other. From then on it asks the database each second how it is.
#ifndef PARLEY_BRIDGE_SCHEMA_ROLE_H_
#define PARLEY_BRIDGE_SCHEMA_ROLE_H_

#include <memory>

#include "bridge/role.h"
#include "storage/metadata.h"

namespace parley::bridge {

// missing() names Postgres until its tables are there, and while it does not answer or takes no changes.
// `metadata` outlives the role.
std::unique_ptr<Role> make_schema_role(const storage::PostgresOptions& options, storage::Metadata& metadata);

}  // namespace parley::bridge

#endif
