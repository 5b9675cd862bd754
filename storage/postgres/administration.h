// Limits and audit on PostgreSQL. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_ADMINISTRATION_H_
#define PARLEY_STORAGE_POSTGRES_ADMINISTRATION_H_

#include "storage/metadata.h"
#include "storage/postgres/store.h"

namespace parley::storage::postgres {

class PostgresAdministration : public Administration {
 public:
  explicit PostgresAdministration(Store& store) : store_(store) {}
  MetadataResult<LimitsPut> put_limits(const Actor& actor, const LimitsPut& limits) override;
  MetadataResult<std::vector<LimitsPut>> limits() override;
  MetadataResult<void> remove_limits(const Actor& actor, std::string_view name) override;
  MetadataResult<void> audit(const Actor& actor, std::string_view action, std::string_view target,
                             std::string_view detail_json) override;
  MetadataResult<Page<AuditEntry>> audit_log(const AuditFilter& filter, const PageRequest& page) override;
  MetadataResult<Counts> counts() override;

 private:
  Store& store_;
};

}  // namespace parley::storage::postgres

#endif
