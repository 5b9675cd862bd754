// A PostgreSQL of a test's own.
#ifndef PARLEY_TESTS_SUPPORT_POSTGRES_H_
#define PARLEY_TESTS_SUPPORT_POSTGRES_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace parley::test {

// In a temporary folder, reached only by a Unix socket, without waiting for the disk. Started by root it runs
// as user postgres, which is who everybody is there. It ends with the test, whatever happens to that.
//
// One thread at a time; databases may be used from any. Everything throws std::runtime_error with what the
// server said.
class PostgresCluster {
 public:
  // Started when first asked for, one for all tests of a program.
  static PostgresCluster& shared();

  PostgresCluster();
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  // An empty database; gives its connection string.
  std::string create_database();
  // Where the socket is, and a connection string to a database through a socket in any folder.
  const std::filesystem::path& socket_folder() const { return folder_.path(); }
  std::filesystem::path socket_path() const { return folder_.path() / ".s.PGSQL.5432"; }
  static std::string url(std::string_view database, const std::filesystem::path& socket_folder);
  // A second server that follows this one and, from now on, has everything before it is committed here. To be
  // called once; restarts this one.
  std::unique_ptr<PostgresCluster> add_standby();
  // The same database there, or on whichever of both takes changes.
  static std::string url(std::string_view database, const PostgresCluster& one, const PostgresCluster& other);
  void promote();  // a standby: takes changes from now on, whatever its primary does

  // Runs SQL by psql; gives the rows as lines, columns parted by '|'.
  std::string sql(const std::string& url, const std::string& text);

  void stop();   // orderly, but at once: clients are told
  void kill();   // -9, all of its processes
  void start();  // after stop() or kill(); returns when it takes connections
  // All of its processes stand still, connections stay open: a server that hangs.
  void pause();
  void resume();

 private:
  explicit PostgresCluster(const PostgresCluster* primary);
  std::vector<pid_t> processes() const;
  void signal_all(int number);

  TempDir folder_;
  std::filesystem::path data_;
  std::unique_ptr<Process> server_;
  int databases_ = 0;
};

}  // namespace parley::test

#endif
