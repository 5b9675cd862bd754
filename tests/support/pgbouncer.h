// A PgBouncer of a test's own, in front of a PostgresCluster.
#ifndef PARLEY_TESTS_SUPPORT_PGBOUNCER_H_
#define PARLEY_TESTS_SUPPORT_PGBOUNCER_H_

#include <memory>
#include <string>

#include "tests/support/postgres.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace parley::test {

// In a temporary folder, reached only by a Unix socket; whoever comes is let in. It has the options of
// Debian's package but for these, the mode, and what a test adds, so that it refuses what that one refuses.
// Started by root it runs as the cluster does, because it refuses root. It ends with the test.
//
// One thread at a time. Everything throws std::runtime_error, with its log.
class PgBouncer {
 public:
  static bool installed();

  // `more`: lines of its section [pgbouncer]; of two values the later counts.
  PgBouncer(const PostgresCluster& cluster, const std::string& mode, const std::string& more = {});
  ~PgBouncer();
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;

  // The same database as this connection string of the cluster names, by way of here.
  std::string url(const std::string& direct, const std::string& user = "postgres") const;
  const std::filesystem::path& folder() const { return folder_.path(); }
  void configure(const std::string& mode, const std::string& more = {});  // counts from the next start on
  void write(const std::string& name, const std::string& text);           // a file it may read
  std::string admin(const std::string& command);                          // PAUSE, KILL, SHOW ..., RELOAD
  void start();
  void kill();  // -9: all connections are cut
  void freeze() { process_->signal(SIGSTOP); }
  void thaw() { process_->signal(SIGCONT); }
  std::string log() const;

 private:
  const std::filesystem::path server_;
  TempDir folder_;
  std::unique_ptr<Process> process_;
};

}  // namespace parley::test

#endif
