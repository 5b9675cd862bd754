#include "tests/support/postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace parley::test {
namespace {

namespace fs = std::filesystem;

struct Owner {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
};

// Who the server runs as: initdb and postgres refuse root.
Owner owner() {
  if (::geteuid() != 0) return {};
  const passwd* entry = ::getpwnam("postgres");
  if (entry == nullptr) entry = ::getpwnam("nobody");
  if (entry == nullptr) throw std::runtime_error("neither a user postgres nor nobody to run PostgreSQL as");
  return {entry->pw_uid, entry->pw_gid};
}

// Debian keeps the server's programs out of PATH, in a folder for each version: the newest one.
fs::path program(const std::string& name) {
  const fs::path root = "/usr/lib/postgresql";
  fs::path best;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    const fs::path candidate = entry.path() / "bin" / name;
    if (fs::exists(candidate) && (best.empty() || std::stoi(entry.path().filename()) >
                                                      std::stoi(best.parent_path().parent_path().filename())))
      best = candidate;
  }
  return best.empty() ? fs::path(name) : best;
}

Command as_owner(std::vector<std::string> argv) {
  const Owner who = owner();
  Command command;
  command.argv = std::move(argv);
  command.uid = who.uid;
  command.gid = who.gid;
  return command;
}

void give_away(const fs::path& path) {
  const Owner who = owner();
  if (who.uid == static_cast<uid_t>(-1)) return;
  if (::lchown(path.c_str(), who.uid, who.gid) != 0)
    throw std::runtime_error("cannot give away " + path.string());
}

void must(const Command& command, const std::string& what) {
  const Output output = run(command, 120s);
  if (output.status != 0) throw std::runtime_error(what + ": " + output.text);
}

void initialise(const fs::path& data) {
  must(as_owner({program("initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
                 "--locale=C.UTF-8", "--no-sync", "--no-instructions"}),
       "initdb");
}

void configure(const fs::path& data) {
  std::ofstream(data / "postgresql.conf", std::ios::app)
      // synchronous_commit stays on: what was committed outlives a kill -9, though not a power failure.
      << "listen_addresses = ''\nfsync = off\nfull_page_writes = off\n"
         "shared_buffers = 32MB\nmax_connections = 100\nwal_level = minimal\nmax_wal_senders = 0\n"
         "autovacuum = off\nlog_min_messages = warning\nlog_statement = 'none'\n";
}

// initdb takes seconds, copying what it made does not: one is kept in the build folder.
void copy_template(const fs::path& data) {
  const fs::path kept = PARLEY_POSTGRES_TEMPLATE;
  fs::create_directories(kept.parent_path());
  const UniqueFd lock(::open((kept.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.get() < 0 || ::flock(lock.get(), LOCK_EX) != 0)
    throw std::runtime_error("cannot lock " + kept.string());
  if (!fs::exists(kept / "PG_VERSION")) {
    initialise(data);
    const fs::path unfinished = kept.string() + ".new";
    fs::remove_all(unfinished);
    fs::copy(data, unfinished, fs::copy_options::recursive);
    fs::rename(unfinished, kept);
    return;
  }
  fs::copy(kept, data, fs::copy_options::recursive);
  fs::permissions(data, fs::perms::owner_all);
  give_away(data);
  for (const auto& entry : fs::recursive_directory_iterator(data)) give_away(entry.path());
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string line;
    std::getline(stat, line);
    const auto after_name = line.rfind(") ");  // the state and the parent follow
    if (after_name == std::string::npos || line.size() < after_name + 5) continue;
    if (std::stoi(line.substr(after_name + 4)) == parent) children.push_back(std::stoi(name));
  }
  return children;
}

// Gone, or only waiting for somebody to ask how it ended.
bool has_ended(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  const auto after_name = line.rfind(") ");
  return after_name == std::string::npos || line[after_name + 2] == 'Z';
}

}  // namespace

PostgresCluster& PostgresCluster::shared() {
  static PostgresCluster cluster;
  return cluster;
}

PostgresCluster::PostgresCluster() : PostgresCluster(nullptr) {}

PostgresCluster::PostgresCluster(const PostgresCluster* primary) : data_(folder_.path() / "data") {
  give_away(folder_.path());
  if (primary != nullptr) {
    must(as_owner({program("pg_basebackup"), "-h", primary->socket_folder(), "-U", "postgres", "-D", data_,
                   "--write-recovery-conf", "--checkpoint=fast", "--no-sync"}),
         "pg_basebackup");
  } else {
    copy_template(data_);
    configure(data_);
  }
  start();
}

std::unique_ptr<PostgresCluster> PostgresCluster::add_standby() {
  std::ofstream(data_ / "postgresql.conf", std::ios::app) << "wal_level = replica\nmax_wal_senders = 4\n";
  stop();
  start();
  std::unique_ptr<PostgresCluster> standby(new PostgresCluster(this));
  const std::string here = url("postgres", socket_folder());
  sql(here, "ALTER SYSTEM SET synchronous_standby_names = '*'");
  sql(here, "SELECT pg_reload_conf()");
  const Deadline deadline = kPatience;
  while (sql(here, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1\n") {
    if (deadline.passed()) throw std::runtime_error("the standby does not follow");
  }
  return standby;
}

void PostgresCluster::promote() { sql(url("postgres", socket_folder()), "SELECT pg_promote()"); }

PostgresCluster::~PostgresCluster() {
  if (!server_) return;
  signal_all(SIGCONT);
  server_->stop(SIGQUIT, 10s);
}

std::string PostgresCluster::url(std::string_view database, const fs::path& socket_folder) {
  return "postgresql:///" + std::string(database) + "?host=" + socket_folder.string() + "&user=postgres";
}

std::string PostgresCluster::url(std::string_view database, const PostgresCluster& one,
                                 const PostgresCluster& other) {
  return url(database, one.socket_folder().string() + "," + other.socket_folder().string()) +
         "&target_session_attrs=read-write";
}

std::string PostgresCluster::sql(const std::string& url, const std::string& text) {
  Command command;
  command.argv = {program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", text};
  const Output output = run(command, 120s);
  if (output.status != 0) throw std::runtime_error("psql: " + output.text);
  return output.text;
}

std::string PostgresCluster::create_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  sql(url("postgres", socket_folder()), "CREATE DATABASE " + name);
  return url(name, socket_folder());
}

void PostgresCluster::start() {
  // What a killed server left behind: its processes see the postmaster's end within moments.
  Command command = as_owner({program("postgres"), "-D", data_, "-k", folder_.path(), "-p", "5432"});
  command.output = folder_.path() / "log";
  const Deadline deadline = kPatience;
  for (;;) {
    const bool last = deadline.passed();
    if (!server_ || !server_->running()) server_ = std::make_unique<Process>(command);
    Command ask;
    ask.argv = {program("pg_isready"), "-q", "-h", folder_.path(), "-p", "5432"};
    if (run(ask, 5s).status == 0 && server_->running()) return;
    if (last) throw std::runtime_error("PostgreSQL does not start: " + read_file(command.output));
  }
}

void PostgresCluster::stop() {
  server_->stop(SIGINT, kPatience);
  server_.reset();
}

std::vector<pid_t> PostgresCluster::processes() const {
  std::vector<pid_t> all = children_of(server_->pid());
  all.insert(all.begin(), server_->pid());
  return all;
}

void PostgresCluster::signal_all(int number) {
  for (const pid_t pid : processes()) ::kill(pid, number);
}

void PostgresCluster::kill() {
  server_->signal(SIGSTOP);  // no more children
  const std::vector<pid_t> all = processes();
  for (const pid_t pid : all) ::kill(pid, SIGKILL);
  server_->wait(kPatience);
  const Deadline deadline = kPatience;
  while (!std::all_of(all.begin(), all.end(), has_ended) && !deadline.passed()) {
  }
  server_.reset();
}

void PostgresCluster::pause() { signal_all(SIGSTOP); }
void PostgresCluster::resume() { signal_all(SIGCONT); }

}  // namespace parley::test
